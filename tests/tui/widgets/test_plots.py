"""Plots by keys and by mouse: read, zoomed, on a logarithmic axis, on the whole screen, and saved over nothing."""

import itertools
import math
import shutil
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from engine.auto.curve import Expected, LearningCurve, Point
from engine.base.context import Context
from engine.base.events import Batch, Epoch
from engine.recipe.config import FitConfig, OutputConfig, TrainConfig
from engine.runs.watch import RunView
from tests.conftest import ROOT
from tests.makers import fake
from tests.makers.drive import DATA, run, shown_by, text, until
from tui.app import Workbench
from tui.screens.results.plots import of_more_images, plots_of
from tui.screens.train.epoch_curves import by_epoch
from tui.state.messages import RunChanged
from tui.widgets.curves import FRAME, Curve, Curves, Plot
from tui.widgets.pick_dialog import AskFile
from tui.widgets.plot_dialog import PlotView
from tui.widgets.plot_file import drawn
from tui.words.glyphs import PLAIN, RICH, Glyphs
from tui.words.plot import log_labels, log_ticks, reading, round_ticks

SIZES = ((60, 15), (80, 24), (120, 40), (160, 50))
EXAMPLE = ROOT / "docs" / "example" / "test.json"


def training(done: int = 8) -> RunView:
    """A training of ten epochs, of which some are done; validation is best after the fifth."""
    view, at = RunView(Path("run")), 0.0
    view.fold(fake.started("run", 10), at)
    for epoch in range(1, done + 1):
        for step in range(1, 21):
            at += 1
            loss = 1.2 * math.exp(-(epoch - 1 + step / 20) / 3) + 0.02 * (step % 3)
            view.fold(Batch(epoch, step, 20, loss, 0.5, 99.0), at)
        val = 0.4 + 0.03 * abs(epoch - 5)
        view.fold(Epoch(epoch, 1.2 * math.exp(-epoch / 3), 0.9 - 0.4 / epoch, val, 0.95 - val / 2, 1e-4, 20.0), at)
    return view


async def shown(app: Workbench, pilot: object, view: RunView) -> None:
    """Put the training on the Train screen."""
    await pilot.press("3")  # type: ignore[attr-defined]
    app.session.shown = view
    app.screen.remove_class("-form")
    app.screen.run_changed(RunChanged(view))  # type: ignore[attr-defined]
    await pilot.pause()  # type: ignore[attr-defined]


def told(plot: Curves) -> str:
    """The values under the plot's cursor, as they stand in its frame."""
    values = plot.values()
    return values.plain if values else ""


def at_epoch(plot: Curves, epoch: int) -> bool:
    """Are those of this epoch told?"""
    return told(plot).startswith(f"epoch {epoch} ")


@pytest.mark.parametrize("glyphs", [PLAIN, RICH])
def test_training_and_validation_are_lines_with_other_signs_and_the_best_epoch_is_marked(glyphs: Glyphs) -> None:
    view = training()
    steps, train, val, best = by_epoch(view, "loss", glyphs)
    assert train.joined and val.joined and not steps.joined
    assert len({train.mark, val.mark, best.mark, steps.marker}) == 4 and train.colour != val.colour
    assert list(train.x) == list(val.x) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert list(best.x) == [5.0] and list(best.y) == [0.4] and view.best and view.best.epoch == 5
    assert len(steps.x) == 160 and steps.colour == "foreground-muted"


@pytest.mark.parametrize("size", SIZES)
def test_without_colours_training_and_validation_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=size) as pilot:
            await shown(app, pilot, training())
            await pilot.press("Z")
            await pilot.pause()
            picture = text(app)
            assert "loss by epoch" in picture and "▄o▀ train" in picture and "▄x▀ val" in picture
            plot = "\n".join(picture.splitlines()[1:-3])
            assert plot.count("o") >= 3 and plot.count("x") >= 3 and "*" in plot

    run(scenario())


@pytest.mark.parametrize("size", SIZES)
def test_where_an_epoch_is_over_its_values_are_shown_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=size) as pilot:
            await shown(app, pilot, training(done=1))
            assert "nothing to draw yet" not in text(app)
            plot = app.screen.query_one("#loss", Curves)
            drawn_or_told = str(plot.render())
            assert "0.8598" in text(app), "in the table"
            assert not plot.region or "┌" in drawn_or_told or "train 0.8598  val 0.52" in drawn_or_told

    run(scenario())


@pytest.mark.parametrize("size", [(16, 1), (24, 1), (24, 3), (15, 6), (16, 5), (40, 4)])
def test_a_plot_that_is_too_small_tells_the_last_values(size: tuple[int, int]) -> None:
    class Small(App[None]):
        def compose(self) -> ComposeResult:
            yield Curves("loss")

    async def scenario() -> None:
        async with Small().run_test(size=size) as pilot:
            plot = pilot.app.query_one(Curves)
            plot.styles.min_height = 1
            plot.draw(by_epoch(training(), "loss", PLAIN), (0.0, 10.0))
            await pilot.pause()
            shown = str(plot.render())
            assert "┌" in shown or "train 0.08338" in shown, shown
            assert ("val 0.49" in shown) or "┌" in shown or size == (16, 1)

    run(scenario())


def test_the_values_under_the_mouse_stand_in_the_frame_and_go_with_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(160, 50)) as pilot:
            await shown(app, pilot, training())
            plot = app.screen.query_one("#loss", Curves)
            lines = str(plot.render()).splitlines()
            before, after = lines[0].index("┌"), lines[0].index("┐")
            for epoch in (2, 5, 8):
                column = before + round(epoch / 10 * (after - before - 1))
                await pilot.hover("#loss", offset=(column + 2, 6))
                await until(pilot, partial(at_epoch, plot, epoch))
                one = training().epochs[epoch - 1]
                assert f"train {one.loss:.4g}  val {one.val_loss:.4g}" in told(plot)
                assert told(plot)[:40] in text(app)
            await pilot.hover("#progress")
            await until(pilot, lambda: not told(plot))

    run(scenario())


def test_the_loss_has_a_logarithmic_axis_on_a_key(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await shown(app, pilot, training())
            plain = str(app.screen.query_one("#loss", Curves).render())
            await pilot.press("g")
            await pilot.pause()
            assert "loss by epoch, log axis" in text(app)
            assert str(app.screen.query_one("#loss", Curves).render()) != plain
            await pilot.press("g")
            await pilot.pause()
            assert "log axis" not in text(app).replace("Log axis", "")
            assert str(app.screen.query_one("#loss", Curves).render()) == plain

    run(scenario())


def test_on_the_whole_screen_a_plot_is_read_zoomed_and_followed_by_keys(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(100, 30)) as pilot:
            view = training(done=7)
            await shown(app, pilot, view)
            await pilot.press("Z")
            await pilot.pause()
            plot = app.screen.query_one(Curves)
            assert isinstance(app.screen, PlotView) and plot.size.width > 90 and plot.size.height > 20
            await pilot.press("right", "right", "right")
            assert told(plot).startswith("epoch 3 ")
            await pilot.press("left")
            assert told(plot).startswith("epoch 2 ") and f"val {view.epochs[1].val_loss:.4g}" in text(app)
            await pilot.press("plus")
            assert plot.x_limits == (0.0, 5.0) and "zoomed" in str(plot.border_title)
            await pilot.press("minus")
            assert plot.x_limits == (0.0, 10.0) and "zoomed" not in str(plot.border_title)
            view.fold(Epoch(8, 0.1, 0.9, 0.3, 0.9, 1e-4, 20.0), 999.0)
            app.screen_stack[-2].run_changed(RunChanged(view))  # type: ignore[attr-defined]
            await until(pilot, lambda: any(8.0 in curve.x for curve in plot.curves if curve.label == "val"))
            await pilot.press("tab")
            assert "accuracy by epoch" in text(app)
            await pilot.press("escape")
            assert not isinstance(app.screen, PlotView)

    run(scenario())


def test_a_plot_is_saved_as_a_picture_and_never_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run-loss.svg").write_text("mine")

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs")
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await shown(app, pilot, training())
            for number in (2, 3):
                await pilot.press(*"Z" * (number == 2), "s")
                await until(pilot, lambda: isinstance(app.screen, AskFile))
                await pilot.press("enter")
                await until(pilot, partial((tmp_path / f"run-loss-{number}.svg").is_file))

    run(scenario())
    assert (tmp_path / "run-loss.svg").read_text() == "mine"
    saved = (tmp_path / "run-loss-2.svg").read_text()
    assert saved == (tmp_path / "run-loss-3.svg").read_text()
    words = "".join(ElementTree.fromstring(saved).itertext())
    assert all(word in words for word in ("loss", "epoch", "training", "validation"))


def test_a_learning_curve_is_saved_with_images_along_its_axis() -> None:
    law = tuple(Expected(images, 0.9, (0.8, 0.95)) for images in (16, 32, 64))
    plot = of_more_images(LearningCurve(32, 3, (Point(16, 0.85),), law))
    words = [*ElementTree.fromstring(drawn(plot)).itertext()]
    assert {"images", "20", "50", "expected", "measured", "80% band"} <= set(words) and "" not in words


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rename(tmp_path / "away")
    monkeypatch.setattr(Path, "cwd", lambda: tmp_path / "gone")

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs")
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await shown(app, pilot, training())
            await pilot.press("Z", "s")
            await until(pilot, lambda: isinstance(app.screen, AskFile))
            await pilot.press("enter")
            await until(pilot, lambda: "! " in text(app))

    run(scenario())
    assert not [*(tmp_path / "away").iterdir()]


def test_results_show_roc_and_reliability_of_the_test(tmp_path: Path) -> None:
    config = TrainConfig(fit=FitConfig(epochs=2), output=OutputConfig(out=tmp_path, name="tested"))
    fake.train(tmp_path, config, Context(), seconds=0)
    shutil.copy(EXAMPLE, tmp_path / "tested" / "test.json")

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.library.entries())
            await pilot.press("5")
            await until(pilot, lambda: "tested (1 of 1)" in text(app))
            await pilot.press("Z")
            await until(pilot, lambda: "ROC" in text(app))
            await pilot.press("tab")
            await until(pilot, lambda: "reliability" in text(app))

    run(scenario())


def test_each_class_has_a_curve_of_its_own_and_the_axes_are_those_of_the_measures(tmp_path: Path) -> None:
    from engine.runs.directory import Run

    shutil.copy(EXAMPLE, tmp_path / "test.json")
    roc, reliability = plots_of(Run(tmp_path))
    lines = [curve for curve in roc.curves if curve.label]
    assert len(lines) >= 2 and len({curve.colour for curve in lines}) == len(lines)
    assert all((curve.x[0], curve.y[0]) == (0, 0) and (curve.x[-1], curve.y[-1]) == (1, 1) for curve in lines)
    assert all(plot.title and plot.x_title for plot in (roc, reliability))
    assert roc.x_limits == roc.y_limits == reliability.x_limits == (0.0, 1.0)


@given(st.floats(1e-6, 1e6), st.floats(1.01, 1e6), st.integers(2, 9))
def test_ticks_of_a_logarithmic_axis_are_few_and_lie_along_it(low: float, times: float, most: int) -> None:
    found = log_ticks(low, low * times, most)
    assert 1 < len(found) <= max(2, most + 1) and found == sorted(found)
    assert all(0.9 * low <= tick <= 1.1 * low * times for tick in found)


@given(st.floats(1e-8, 1e4), st.floats(1.01, 1e5), st.integers(2, 9))
def test_what_stands_at_a_logarithmic_axis_is_of_one_notation(low: float, times: float, most: int) -> None:
    found = log_ticks(low, low * times, most)
    labels = log_labels(found)
    assert [float(label.replace("k", "e3").replace("M", "e6")) for label in labels] == pytest.approx(found)
    assert len({"e" in label for label in labels}) == 1


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4), st.integers(2, 9))
def test_ticks_of_an_axis_are_round_numbers_at_even_distances(low: float, span: float, most: int) -> None:
    found = round_ticks(low, low + span, most)
    values = [float(text.replace(",", "")) for text in found.values()]
    assert 2 <= len(found) <= 3 * most and all(low - 1e-6 <= tick <= low + span + 1e-6 for tick in found)
    assert values == pytest.approx(list(found), abs=1e-9), "what is written is where it stands"
    steps = {float(f"{after - before:.6g}") for before, after in itertools.pairwise(values)}
    assert len(steps) == 1 and f"{steps.pop():e}"[0] in "125"


def test_the_axis_of_a_sweep_has_round_numbers() -> None:
    assert list(round_ticks(27.9, 100, 4).values()) == ["40", "60", "80", "100"]
    assert list(round_ticks(0, 1, 6).values()) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=9), st.floats(-20, 20))
def test_the_value_told_is_that_of_the_next_point(points: list[tuple[float, float]], at: float) -> None:
    found = reading([x for x, _ in points], [y for _, y in points], at)
    assert found in points and all(abs(found[0] - at) <= abs(x - at) for x, _ in points)


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), max_size=9), st.booleans())
def test_any_plot_becomes_a_picture(points: list[tuple[float, float]], log: bool) -> None:
    curve = Curve("<val>", [x for x, _ in points], [y for _, y in points], mark="x")
    ElementTree.fromstring(drawn(Plot("loss & more", "epoch", (curve,), log=log)))


def test_the_plots_of_the_screens_dataset_and_runs_are_enlarged_by_the_same_key(tmp_path: Path) -> None:
    config = TrainConfig(fit=FitConfig(epochs=3), output=OutputConfig(out=tmp_path, name="one"))
    fake.train(tmp_path, config, Context(), seconds=0)

    async def scenario() -> None:
        app = Workbench(tmp_path, data=DATA)
        async with app.run_test(size=(160, 50), notifications=True) as pilot:
            await until(pilot, lambda: app.session.split is not None and app.session.library.entries())
            for screen, words in (("1", "c: next"), ("4", "training loss")):
                await pilot.press(screen)
                await until(pilot, partial(shown_by, app, words))
                if screen == "1":
                    await pilot.press("c")
                await until(pilot, lambda: any(one.something_drawn for one in app.screen.query(Curves)))
                await pilot.press("Z")
                await until(pilot, lambda: isinstance(app.screen, PlotView))
                assert app.screen.query_one(Curves).size.width > 150
                await pilot.press("escape")

    run(scenario())


@pytest.mark.parametrize("names", [("auto", "last-layer"), ("a", "b"), ("a-run-with-a-long-name", "another-long-name")])
def test_charts_of_runs_name_all_of_them_or_none_and_their_titles_are_whole(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    for name in names:
        recipe = TrainConfig(fit=FitConfig(epochs=3), output=OutputConfig(out=tmp_path, name=name))
        fake.train(DATA, recipe, Context(), seconds=0)

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 38)) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: all(name in text(app) for name in names))
            await pilot.press("ctrl+home", "space", "space")
            await until(pilot, partial(shown_by, app, "Differences in"))
            for chart in app.screen.query(Curves):
                legend = str(chart.border_subtitle)
                assert all(name in legend for name in names) or not legend
                assert len(str(chart.border_title)) <= chart.size.width - FRAME

    run(scenario())
