"""The Layers screen by keys and mouse: what trains, what it costs, and that it needs no TensorFlow."""

import dataclasses
import subprocess
import sys
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import Static

from engine.network.backbones import BACKBONES, backbone
from engine.network.freezing import plan, recipe, table
from engine.recipe.config import AugmentConfig, MachineConfig, NetworkConfig, TrainConfig
from engine.training.cache_policy import GB, costs
from engine.training.layer_hints import BlockPull, Guide
from tests.conftest import ROOT
from tests.makers.drive import run, text, until
from tui.app import Workbench
from tui.screens.layers.screen import LayersScreen, LayerTable
from tui.screens.layers.text import not_kept, short, whole
from tui.words.glyphs import PLAIN


def test_every_layer_is_a_line_with_shape_parameters_and_state(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("2", "b")
            await pilot.pause()
            lines = text(app).splitlines()
            for row in table(plan(app.session.config.network), 2):
                line = next(line for line in lines if f" {row.name} " in line)
                assert "x".join(map(str, row.shape)) in line and f"{row.parameters:,}" in line
                assert row.index is None or f" {row.index} " in line
                assert row.trains is None or ("[x]" in line) == row.trains
            assert any("block4_pool" in line and "once" in line for line in lines)
            assert any("block5_pool" in line and "again" in line for line in lines)
            assert "Applies to the next training" in text(app)

    run(scenario())


@pytest.mark.parametrize("size", [(80, 24), *(pytest.param(s, marks=pytest.mark.slow) for s in ((120, 40), (200, 50)))])
def test_presets_show_their_totals_and_their_cost(tmp_path: Path, size: tuple[int, int]) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=size) as pilot:
            await pilot.press("2")
            for key, mode, trains, frozen, cost in (
                ("t", "transfer", "263,682", "14,714,688", "0%"),
                ("b", "partial", "7,343,106", "7,635,264", "9%"),
                ("B", "partial", "13,242,882", "1,735,488", ""),
                ("f", "finetune", "14,978,370", "0", "epoch goes"),
            ):
                await pilot.press(key)
                await pilot.pause()
                shown = text(app)
                assert app.session.config.network.mode == mode
                assert trains in shown and frozen in shown and cost in shown, (key, shown)
                assert "next training" in shown

    run(scenario())


def test_a_click_on_what_trains_turns_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("2")
            await pilot.pause()
            await pilot.click("#layer-table", offset=(49, 2))
            await pilot.pause()
            assert app.session.config.network.unfreeze == "block1_conv1"
            await pilot.click("#layer-table", offset=(10, 3))  # elsewhere a click only moves
            await pilot.pause()
            assert app.session.config.network.unfreeze == "block1_conv1"
            await pilot.press("space")
            assert app.session.config.network.unfreeze == "block1"
            await pilot.press("end", "ctrl+end", "space")
            await until(pilot, lambda: "The head always trains." in text(app))

    run(scenario())


def test_the_head_follows_the_classes_and_the_cost_the_images(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("2", "b")
            await until(pilot, lambda: "for 5 views of 4 images" in text(app))
            assert "2,052" in text(app)  # the last layer of four classes

    run(scenario())


def test_while_the_recipe_chooses_by_itself_its_head_is_shown_and_a_layer_chosen_here_ends_that(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("2")
            await pilot.pause()
            assert " 5120 " in text(app) and " dense " not in text(app)
            assert "finds out by itself" in " ".join(text(app).replace("│", " ").split())
            table = app.screen.query_one(LayerTable)
            await pilot.press(*["down"] * 17, "space")
            assert table.cursor_row == 17 and " dense " in text(app)
            assert (app.session.config.way, app.session.config.network.unfreeze) == ("partial", "block5_conv3")

    run(scenario())


def test_the_guide_is_computed_in_a_worker_and_its_block_can_be_taken(
    tmp_path: Path, dozen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def guide(folder: Path, *rest: object) -> Guide:
        asked.append(folder)
        return Guide(tuple(BlockPull(f"block{k}", 0.1 * (k == 3) + 0.01 * k, 1) for k in range(1, 6)), 0.9, 96)

    monkeypatch.setattr(
        "tui.screens.layers.screen.measure_guide", guide
    )  # the numbers have tests of their own, test_layer_hints.py

    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("2", "G", "g")
            assert app.session.config.network.mode == "transfer"
            await until(
                pilot, lambda: "block3 is pulled at hardest" in text(app).replace("\n", " ") or "1.3e-01" in text(app)
            )
            assert asked == [dozen]
            await pilot.press("G")
            assert app.session.config.network.unfreeze == "block3"
            app.session.configure(data=dataclasses.replace(app.session.config.data, classes="COVID,Normal"))
            await until(pilot, lambda: "1.3e-01" not in text(app))

    run(scenario())


def test_why_nothing_is_kept_is_said() -> None:
    def said(spare: float = 100 * GB, **parts: object) -> str:
        config = dataclasses.replace(TrainConfig(network=NetworkConfig(mode="partial")), **parts)  # type: ignore[arg-type]
        found = costs(plan(config.network), config, 2, 4000, 500, spare)
        text = not_kept(found.caching)
        assert text in short(found, config, 4000).plain
        assert text in whole(found, config, 4000, PLAIN, 20).plain
        return text

    assert said() == ""
    assert "first layer" in said(network=NetworkConfig(mode="finetune"))
    assert "as asked" in said(machine=MachineConfig(feature_cache="off"))
    assert "new views" in said(augment=AugmentConfig(views="epoch"))
    assert "limit of 1 GB" in said(machine=MachineConfig(cache_limit=1.0))
    assert "the disk has room for 3.0 GB" in said(3 * GB) and "room for 0 bytes" in said(-GB)


def test_a_full_disk_is_shown_as_the_training_will_see_it(
    tmp_path: Path, dozen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = types.SimpleNamespace(total=10 * GB, used=9 * GB, free=GB)
    monkeypatch.setattr("shutil.disk_usage", lambda path: full)

    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("2", "t")
            await until(pilot, lambda: "the disk has room for 0 bytes" in " ".join(text(app).replace("│", " ").split()))
            assert "100%" in text(app)

    run(scenario())


def test_the_recipe_names_exactly_the_layers_that_train() -> None:
    vgg = backbone("vgg16")
    for text_, mode in (("", "transfer"), ("block5", "partial"), ("block1_conv2,block3,block5_conv1", "partial")):
        network = NetworkConfig(mode=mode, unfreeze=text_)  # type: ignore[arg-type]
        assert recipe(NetworkConfig(), plan(network).trainable, vgg) == network


@pytest.mark.parametrize(
    "name",
    [
        "mobilenetv2",
        *(pytest.param(name, marks=pytest.mark.slow) for name in BACKBONES if name not in ("vgg16", "mobilenetv2")),
    ],
)
def test_a_network_of_hundreds_of_layers_is_chosen_block_by_block(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("2", "f")
            app.session.configure(network=NetworkConfig(backbone=name, mode="partial"))  # type: ignore[arg-type]
            await pilot.pause()
            layers, chosen = app.screen.query_one(LayerTable), app.session.freeze
            assert layers.row_count == len(table(chosen, 2)) and chosen.backbone.title in text(app)
            first, second, *_ = chosen.backbone.blocks
            last = chosen.backbone.blocks[-1]
            assert app.session.config.network.unfreeze == ""
            await pilot.press("ctrl+home", "right_square_bracket", "right_square_bracket", "x")
            assert app.session.config.network.unfreeze == f"{second},{last}"
            await pilot.press("down", "left_square_bracket", "left_square_bracket", "x")
            assert app.session.config.network.unfreeze == f"{first},{second},{last}"
            await pilot.press("x", "right_square_bracket", "x")
            assert app.session.config.network.unfreeze == last
            await pilot.press("ctrl+home", "x")
            await until(pilot, lambda: "input_layer belongs to no block." in text(app))
            shown = [[str(cell) for cell in layers.get_row_at(row)] for row in range(layers.row_count)]
            for row, cells in zip(table(app.session.freeze, 2), shown, strict=True):
                assert cells[1] == row.name and len(row.name) <= layers.ordered_columns[1].width
                assert ("[x]" in cells[4], "[ ]" in cells[4]) == (row.trains is True, row.trains is False)
            assert [cells[6] for cells in shown].count("once") == app.session.freeze.cut
            await pilot.press("ctrl+end", "x")
            await until(pilot, lambda: "The head always trains." in text(app))

    run(scenario())


def test_a_guide_of_many_blocks_shows_the_hardest_and_goes_with_its_network(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("2")
            app.session.configure(network=NetworkConfig(backbone="mobilenetv2"))
            await pilot.pause()
            screen = app.screen
            assert isinstance(screen, LayersScreen)
            blocks = backbone("mobilenetv2").blocks
            screen._guided(Guide(tuple(BlockPull(b, 1.0 + k, 1) for k, b in enumerate(blocks)), 0.9, 40))
            await pilot.pause()
            shown = text(app)
            assert "The other 11 are pulled at" in shown and "block_10 " in shown
            assert "block_9 " not in str(screen.query_one("#guide", Static).content)
            await pilot.press("G")
            assert app.session.config.network.unfreeze == "top" and screen.query_one("#guide").display
            app.session.configure(network=NetworkConfig(backbone="resnet50v2"))
            await until(pilot, lambda: "A guide from one" not in str(screen.query_one("#guide", Static).content))
            assert screen.check_action("take", ()) is False

    run(scenario())


@pytest.mark.parametrize("name", BACKBONES)
@given(data=st.data())
def test_the_recipe_names_any_choice_of_any_backbone(name: str, data: st.DataObject) -> None:
    chosen = backbone(name)
    learners = [layer.name for layer in chosen.layers if layer.learnable]
    wanted = frozenset(data.draw(st.sets(st.sampled_from(learners))))
    assert plan(recipe(NetworkConfig(backbone=name), wanted, chosen)).trainable == wanted  # type: ignore[arg-type]


def test_it_opens_without_tensorflow() -> None:
    code = """
import asyncio, sys
import pytest
from tests.makers.quick import make_quick
make_quick(pytest.MonkeyPatch())
from engine.recipe.config import NetworkConfig
from engine.network.backbones import BACKBONES
from tui.app import Workbench
async def main():
    async with Workbench().run_test(size=(120, 40)) as pilot:
        await pilot.press("2", "b", "space", "shift+down", "f", "t")
        for name in BACKBONES:
            pilot.app.session.configure(network=NetworkConfig(backbone=name))
            await pilot.press("b")
asyncio.run(main())
sys.exit(bool({"tensorflow", "keras"} & set(sys.modules)))
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
