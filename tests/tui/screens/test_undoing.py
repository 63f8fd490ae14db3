"""What replaces fields of the next training's recipe can be undone, one thing after the other, with a word on each."""

import dataclasses
from functools import partial
from pathlib import Path

from textual.pilot import Pilot

from engine.recipe import toml
from engine.recipe.config import FitConfig, NetworkConfig, TrainConfig
from engine.training.layer_hints import BlockPull, Guide
from tests.makers import fake
from tests.makers.drive import run, text, until
from tests.makers.recipe_form import go_to
from tui.app import Workbench
from tui.state.recipe_changes import Former, RecipeChanges
from tui.words.settings import Settings

SIZE = (140, 40)


def said(app: Workbench) -> list[str]:
    """The messages in the corner."""
    return [one.message for one in app._notifications]


async def undo(pilot: Pilot[None], app: Workbench, change: str) -> None:
    await pilot.press("z")
    await until(pilot, lambda: any(f"Undone: {change}" in one for one in said(app)))
    app.clear_notifications()


def test_a_loaded_recipe_a_field_typed_and_layers_chosen_are_undone_in_turn(tmp_path: Path) -> None:
    async def scenario() -> None:
        app, file = Workbench(tmp_path / "runs"), tmp_path / "mine.toml"
        toml.save(dataclasses.replace(TrainConfig(), fit=FitConfig(epochs=9, batch=3)), file)
        first = app.session.config
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await pilot.press("3", "z")
            await until(pilot, lambda: any("Nothing to undo" in one for one in said(app)))
            app.clear_notifications()
            await go_to(app, "epochs")
            await pilot.press("enter", *["backspace"] * 2, "7", "enter")
            await until(pilot, lambda: app.session.config.fit.epochs == 7)
            mine = app.session.config
            await pilot.press("o")
            app.screen.query_one("#path").value = str(file)  # type: ignore[attr-defined]
            await pilot.press("enter")
            await until(pilot, lambda: app.session.config.fit.batch == 3)
            loaded = app.session.config
            await pilot.press("escape", "2", "b")
            await pilot.pause()
            chosen = app.session.config
            await pilot.press("down", "space")
            await until(pilot, lambda: app.session.config != chosen)
            await undo(pilot, app, "the layer block1_conv1")
            assert app.session.config == chosen
            await undo(pilot, app, 'the choice "Last block"')
            assert app.session.config == loaded
            await pilot.press("3")
            await undo(pilot, app, "the recipe of ")
            assert app.session.config == mine and " 7" in text(app)
            await undo(pilot, app, "the field epochs")
            assert app.session.config == first
            await pilot.press("z")
            await until(pilot, lambda: any("Nothing to undo" in one for one in said(app)))

    run(scenario())


def test_advice_that_was_taken_is_undone_where_it_is_seen(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        app.session.work = partial(fake.train, seconds=0)
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("3", "r")
            await until(pilot, lambda: app.session.shown is not None and app.session.shown.state == "finished")
            before = app.session.config
            await until(pilot, lambda: "Take advice" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: (app.session.config.fit.batch, app.session.config.fit.epochs) == (8, 84))
            await undo(pilot, app, "advice taken, ")
            assert app.session.config == before and "Recipe of the next training" in text(app)

    run(scenario())


def test_a_suggestion_that_was_taken_is_undone(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("2", "t")
            before = app.session.config
            hints = Guide(tuple(BlockPull(f"block{k}", 0.1 * (k == 3) + 0.01 * k, 1) for k in range(1, 6)), 0.9, 96)
            app.session.start("guide", "guide", lambda context: hints, app.screen._guided)  # type: ignore[attr-defined]
            await until(pilot, lambda: "block3 is pulled at hardest" in text(app).replace("\n", " "))
            await pilot.press("G")
            await until(pilot, lambda: app.session.config.network.unfreeze == "block3")
            await undo(pilot, app, "the suggested block block3")
            assert app.session.config == before

    run(scenario())


def test_the_split_dialog_s_typing_is_one_change_and_the_split_follows(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen, settings=Settings(image_protocol="grey"))
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            before, drawn = app.session.config, app.session.split
            await pilot.press("s", *["backspace"] * 4, *"0.35")
            await until(pilot, lambda: app.session.config.data.val_share == 0.35)
            await pilot.press("escape")
            await undo(pilot, app, "the shares and the seed of the split")
            assert app.session.config == before
            await until(pilot, lambda: app.session.split is not None)
            assert app.session.split.files("validation") == drawn.files("validation")  # type: ignore[union-attr]

    run(scenario())


def test_classes_of_another_folder_are_not_put_back() -> None:
    here, there = Path("/here"), Path("/there")
    picked = TrainConfig(data=dataclasses.replace(TrainConfig().data, classes="A,B"))
    changes = RecipeChanges()
    changes.note(Former(picked, here, "epochs"))
    now = TrainConfig(fit=FitConfig(epochs=3))
    back = changes.take_back(now, there)
    assert back and (back.recipe.fit, back.recipe.data.classes) == (picked.fit, "")
    assert changes.last(now, there) is None


def test_a_change_of_which_nothing_is_left_is_passed_over() -> None:
    changes, first = RecipeChanges(), TrainConfig()
    second = TrainConfig(network=NetworkConfig(mode="finetune"))
    changes.note(Former(first, None, "the mode"))
    changes.note(Former(second, None, "labels that could not be read"))
    assert changes.take_back(second, None) == Former(first, None, "the mode")
    assert changes.take_back(first, None) is None
