"""Every plot and every row of pictures is shown whole by the same key as elsewhere, read, zoomed, moved and saved."""

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from textual.pilot import Pilot

from engine.training.lr_range_test import RangeTest, Sweep
from tests.makers.drive import run, text, until
from tests.makers.shown import arrive, still, workplace
from tui.app import Workbench
from tui.screens.audit.variant_pictures import Views
from tui.screens.dataset.augmentation_dialog import AugmentationDialog
from tui.widgets.charts import Bars, class_curve
from tui.widgets.curves import Curves, Plot
from tui.widgets.pick_dialog import AskFile
from tui.widgets.plot_dialog import PlotView
from tui.widgets.plot_file import drawn
from tui.widgets.viewer import Viewer
from tui.widgets.xray import Xray
from tui.words.settings import Settings

GREY = Settings(image_protocol="grey")


def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """The workbench with runs, a sweep, an audit and a folder."""
    workplace(tmp_path, monkeypatch)
    return Workbench(Path("runs"), data=Path("sample_data"), settings=GREY)


async def opened(app: Workbench, pilot: Pilot[None], key: str = "Z") -> Bars:
    """The plot that the key shows whole."""
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, PlotView) and bool(app.screen.query(Bars)))
    await pilot.pause()
    return app.screen.query_one(Bars)


def same(one: Xray, other: "Xray | np.ndarray") -> bool:
    """Do they show the same pixels?"""
    pixels = other.pixels if isinstance(other, Xray) else other
    return one.pixels is not None and pixels is not None and np.array_equal(one.pixels, pixels)


def require_names(plots: Iterable[Plot]) -> int:
    """How many plots these are, each of which names both its axes, also in its file."""
    every = list(plots)
    for plot in every:
        assert plot.title and plot.x_title, plot
        words = [*ElementTree.fromstring(drawn(plot)).itertext()]
        assert plot.x_title in words and any(plot.title in word for word in words)
    return len(every)


def seen(app: Workbench) -> list[Curves]:
    """The plots of the screen that show something."""
    return [one for one in app.screen.query(Curves) if one.something_drawn and one.region]


@pytest.mark.parametrize("modes", [("runs", "sweep"), pytest.param(("dataset", "train"), marks=pytest.mark.slow)])
def test_every_plot_names_both_axes_and_the_same_key_shows_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modes: tuple[str, ...]
) -> None:
    app = bench(tmp_path, monkeypatch)
    found = dict[str, int]()

    async def scenario() -> None:
        async with app.run_test(size=(160, 50)) as pilot:
            await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
            for mode in modes:
                await arrive(pilot, app, mode)
                for turn in range(3 if mode == "dataset" else 1):
                    await pilot.press(*"c" * bool(turn))
                    await still(pilot, app)
                    found[f"{mode} {turn}"] = require_names(one.plot for one in seen(app))
                    plot = await opened(app, pilot)
                    many = len(app.screen.query(Bars)) and plot.note.count(" of ")
                    for _ in range(4 if many else 1):
                        require_names([plot.plot])
                        assert plot.x_title in str(plot.border_title) and plot.title in str(plot.border_title)
                        await pilot.press("tab")
                    await pilot.press("escape")

    run(scenario())
    wanted = {**{f"dataset {turn}": 1 for turn in range(3)}, "train 0": 2, "runs 0": 4, "sweep 0": 1}
    assert found == {name: number for name, number in wanted.items() if name.partition(" ")[0] in modes}


def test_the_plots_in_dialogs_are_shown_whole_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates, losses = [1e-5 * 10 ** (k / 5) for k in range(15)], [1 - k / 20 for k in range(15)]
    test = RangeTest(1e-3, tuple(rates), tuple(losses), (Sweep(tuple(losses), 1e-3, 1e-2),))
    monkeypatch.setattr("engine.jobs.probe.find_rate", lambda *_: test)
    app = bench(tmp_path, monkeypatch)

    async def scenario() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            for key, title, told in (
                ("l", "learning rate by epoch", "epoch 1"),
                ("f", "loss by learning rate", "0."),
            ):
                await pilot.press("escape", "3", "escape", key)
                await until(pilot, lambda: bool(seen(app)))
                assert require_names(one.plot for one in seen(app)) == 1
                plot = await opened(app, pilot)
                assert title in str(plot.border_title)
                await pilot.press("left", "left") if key == "f" else await pilot.press("right", "right")
                values = plot.values()
                assert values and told in values.plain, values
                await pilot.press("escape")
                await until(pilot, lambda: not isinstance(app.screen, PlotView))
                assert seen(app), "the dialog is still there"

    run(scenario())


def test_the_recipes_of_a_sweep_are_read_by_the_arrows_zoomed_moved_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = bench(tmp_path, monkeypatch)

    async def scenario() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await arrive(pilot, app, "sweep")
            plot = await opened(app, pilot)
            recipes = {curve.label: curve for curve in plot.curves if curve.label}
            assert len(recipes) == 5 and str(plot.border_title) == "validation accuracy in % by training seconds"
            places = sorted(curve.x[0] for curve in recipes.values())
            for place in places:
                await pilot.press("right")
                values = plot.values()
                assert plot.cursor == place and values
                label = next(name for name, curve in recipes.items() if curve.x[0] == place)
                assert values.plain.startswith(f"training seconds {10**place:.4g}")
                assert f"{label} {recipes[label].y[0]:.4g} (" in values.plain and " to " in values.plain
            whole = plot.x_limits
            await pilot.press("home", "left", "minus", *["plus"] * 1)
            assert whole and plot.x_limits and plot.x_limits[1] - plot.x_limits[0] < whole[1] - whole[0]
            before = plot.x_limits
            await pilot.press("less_than_sign")
            assert plot.x_limits[0] < before[0] and plot.x_limits[1] < before[1]
            await pilot.press("minus", "minus", "s")
            await until(pilot, lambda: isinstance(app.screen, AskFile))
            await pilot.press("enter")
            await until(pilot, lambda: Path("which-validation-accuracy-in.svg").is_file())

    run(scenario())
    words = [*ElementTree.parse(tmp_path / "which-validation-accuracy-in.svg").getroot().itertext()]
    assert {"training seconds", "validation accuracy in %"} <= set(words)
    assert any(words.count(letter) == 2 for letter in "aAbB"), "a letter stands in the plot and in its legend"


def test_bars_are_read_zoomed_and_saved_as_svg_or_png(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = bench(tmp_path, monkeypatch)

    async def scenario() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await arrive(pilot, app, "dataset")
            await pilot.press("c", "c")
            await still(pilot, app)
            assert "images by class" in text(app)
            plot = await opened(app, pilot)
            name, number = plot.bars[1]
            await pilot.press("down", "down")
            values = plot.values()
            assert values and values.plain == f"{name} {number} images" and values.plain in text(app)
            await pilot.press("plus")
            low, high = plot.x_limits or (None, None)
            assert low == 0 and high == max(value for _, value in plot.bars) / 2 and "zoomed" in text(app)
            await pilot.press("minus", "g")
            assert "zoomed" not in text(app) and "log axis" not in text(app)
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, AskFile))
            await pilot.press("end", "backspace", "backspace", "backspace", *"pdf", "enter")
            await until(pilot, lambda: "The name must end in .svg or .png." in text(app))
            await pilot.press("backspace", "backspace", "backspace", *"png", "enter")
            await until(pilot, lambda: Path("dataset-class.png").is_file())
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, AskFile))
            await pilot.press("enter")
            await until(pilot, lambda: Path("dataset-class.svg").is_file())

    run(scenario())
    svg = ElementTree.parse(tmp_path / "dataset-class.svg").getroot()
    assert {"class", "images", "COVID"} <= set(svg.itertext())
    picture = np.asarray(Image.open(io.BytesIO((tmp_path / "dataset-class.png").read_bytes())))
    assert picture.shape == (2 * int(svg.attrib["height"]), 2 * int(svg.attrib["width"]), 3)
    blue = (np.abs(picture.astype(int) - (0x00, 0x72, 0xB2)).max(axis=2) < 8).sum()
    area = sum(float(one.attrib["width"]) * float(one.attrib["height"]) for one in svg if one.tag.endswith("rect"))
    assert 0.8 < blue / (4 * area) < 1.1, "the bars are as large as in the SVG, but for their numbers"


@pytest.mark.parametrize("cursor, top", [(None, 0), (30.0, 14)])
def test_of_bars_that_have_no_room_those_at_the_cursor_are_seen(cursor: float | None, top: int) -> None:
    from textual.app import App, ComposeResult

    class Alone(App[None]):
        def compose(self) -> ComposeResult:
            yield Bars(id="bars")

    async def scenario() -> None:
        async with Alone().run_test(size=(60, 20)) as pilot:
            bars = pilot.app.query_one(Bars)
            bars.show([(f"class{number}", 5 + number) for number in range(40)])
            bars.point_at(cursor)
            await pilot.pause()
            assert f"class{top} " in str(bars.render()) and (not top or "class0 " not in str(bars.render()))
            await pilot.hover("#bars", offset=(20, 3))
            values = bars.values()
            assert values and values.plain.startswith("class")

    run(scenario())


def test_points_that_no_line_joins_are_points_in_the_file() -> None:
    cloud = class_curve("COVID", 1, [256, 300], [300, 200], joined=False)
    plot = Plot("height in pixels", "width in pixels", (cloud,))
    signs = [one for one in ElementTree.fromstring(drawn(plot)) if one.text == cloud.marker]
    assert len(signs) == 3 and "<polyline" not in drawn(plot), "two points and the legend"
    assert "<polyline" in drawn(replace(plot, curves=(replace(cloud, joined=True),)))


def test_the_pictures_of_an_audit_are_shown_whole_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = bench(tmp_path, monkeypatch)

    async def scenario() -> None:
        async with app.run_test(size=(160, 50)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await arrive(pilot, app, "audit")
            views = app.screen.query_one(Views)
            await until(pilot, lambda: len(views.shown) == 6)
            app.screen.set_focus(app.screen.query_one("#view-2", Xray))
            await pilot.press("F")
            await until(pilot, lambda: isinstance(app.screen, Viewer) and app.screen.query_one(Xray).pixels is not None)
            for place in (2, 3):
                title, pixels = views.shown[place]
                assert same(app.screen.query_one(Xray), pixels)
                assert title[:8] in str(app.screen.query_one("#whole").border_title)
                await pilot.press("tab")
            await pilot.press("plus", "s")
            await until(pilot, lambda: isinstance(app.screen, AskFile))
            await pilot.press("enter")
            await until(pilot, lambda: len([*tmp_path.glob("*-seen.png")]) == 1)
            part = app.screen.query_one(Xray).pixels
            assert part is not None and part.shape[0] < views.shown[4][1].shape[0]
            saved = next(tmp_path.glob("*-seen.png"))
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(saved.read_bytes()))), part)

    run(scenario())


def test_the_pictures_of_the_augmentation_are_shown_whole_even_from_a_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = bench(tmp_path, monkeypatch)

    async def scenario() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await arrive(pilot, app, "dataset")
            await pilot.press("a")
            await until(pilot, lambda: isinstance(app.screen, AugmentationDialog) and not app.session.jobs)
            dialog = app.screen
            first = dialog.query_one("#version-0", Xray)
            await until(pilot, lambda: first.pixels is not None)
            dialog.set_focus(dialog.query_one("#rotation"))
            await pilot.press("F")
            await until(pilot, lambda: isinstance(app.screen, Viewer) and app.screen.query_one(Xray).pixels is not None)
            assert same(app.screen.query_one(Xray), first)
            await pilot.press("tab")
            assert same(app.screen.query_one(Xray), dialog.query_one("#version-1", Xray))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is dialog)

    run(scenario())
