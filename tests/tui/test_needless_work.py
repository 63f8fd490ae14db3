"""What is not done for nobody: paintings that nobody sees, layouts that change nothing, plans that nothing shows."""

import inspect
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from textual._compositor import Compositor
from textual.app import App, ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tests.makers import made
from tests.makers.drive import DATA, run, text, until
from tui.app import Workbench
from tui.host.private_apis import StaysLaidOut, shown_text
from tui.screens.frame import MODES
from tui.widgets.form import FieldTable
from tui.widgets.question_dialog import Answer, Ask
from tui.words.settings import Settings

GREY = Settings(image_protocol="grey")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often anything is laid out, and how often the whole of a screen is painted."""
    found = Counter[str]()
    reflow, paint = Compositor.reflow, Compositor.render_full_update

    def counted_reflow(compositor: Compositor, *given: Any) -> Any:
        found["reflow"] += 1
        return reflow(compositor, *given)

    def counted_paint(compositor: Compositor, *given: Any, **named: Any) -> Any:
        found["paint"] += 1
        return paint(compositor, *given, **named)

    monkeypatch.setattr(Compositor, "reflow", counted_reflow)
    monkeypatch.setattr(Compositor, "render_full_update", counted_paint)
    return found


async def at_rest(pilot: Pilot[None], app: Workbench) -> None:
    await until(pilot, lambda: not app.session.jobs)
    await pilot.pause(0.5)


def test_a_focus_that_moves_paints_two_widgets_and_not_the_whole_screen(tmp_path: Path, counted: Counter[str]) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            for number in range(1, len(MODES) + 1):
                await pilot.press("escape", str(number))
                await at_rest(pilot, app)
                counted.clear()
                for _ in range(3):
                    await pilot.press("tab")
                    await pilot.pause(0.1)
                assert not counted["paint"], app.current_mode
            app.push_screen(Ask("Which?", (Answer("a", "one", "a"),), Answer("b", "none", "")))
            await at_rest(pilot, app)
            counted.clear()
            app.screen.set_focus(None)
            await pilot.pause(0.1)
            assert not counted["paint"]

    run(scenario())


def test_a_screen_that_may_not_be_shown_yet_is_not_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = list[bool]()
    render = Compositor.render_update

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)

        def count(compositor: Compositor, *given: Any, **named: Any) -> Any:
            drawn.append(bool(app._batch_count))
            return render(compositor, *given, **named)

        async with app.run_test(size=(120, 40)) as pilot:
            await at_rest(pilot, app)
            monkeypatch.setattr(Compositor, "render_update", count)
            for number in range(2, len(MODES) + 1):
                await pilot.press("escape", str(number))
                await at_rest(pilot, app)
            assert drawn and not any(drawn)
            drawn.clear()
            with app.batch_update():
                app.screen.refresh(layout=True)
                await pilot.pause(0.1)
                assert not drawn
            await until(pilot, lambda: drawn)

    run(scenario())


def test_a_help_that_needs_more_lines_is_laid_out_once(tmp_path: Path, counted: Counter[str]) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("8")
            await at_rest(pilot, app)
            fields, helped = app.screen.query_one(FieldTable), app.screen.query_one("#field-help")
            heights = set[int]()
            for _ in range(fields.row_count - 1):
                counted.clear()
                before = helped.outer_size.height
                await pilot.press("down")
                await pilot.pause(0.1)
                heights.add(helped.outer_size.height)
                assert counted["reflow"] == int(helped.outer_size.height != before)
            assert len(heights) > 1

    run(scenario())


class Place(StaysLaidOut, Screen[None]):
    """Two texts as high as they are, one of them in what scrolls."""

    DEFAULT_CSS = "Place VerticalScroll { height: 5; } Place Static { height: auto; } Place Vertical { height: auto; }"

    def compose(self) -> ComposeResult:
        """The texts."""
        with VerticalScroll():
            yield Static(id="scrolls")
        with Vertical():
            yield Static(id="stands")
        yield Static("the end")


@pytest.mark.parametrize("words", [3, 11, 12, 30, 90])
def test_who_is_laid_out_once_looks_as_who_is_laid_out_until_nothing_changes(
    words: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a scroll bar comes and goes as well."""
    found = list[list[str]]()

    async def scenario() -> None:
        app = App[None]()
        seen = list[str]()
        async with app.run_test(size=(30, 24)) as pilot:
            await app.push_screen(Place())
            for number in (words, 0, words, 2 * words):
                for static in app.screen.query("#scrolls, #stands").results(Static):
                    static.update(" ".join(["longer"] * number))
                await pilot.pause(0.1)
                seen.append(shown_text(app.screen))
        found.append(seen)

    for again in (True, False):
        monkeypatch.setattr(Widget._size_updated, "__defaults__", (again,))
        run(scenario())
    assert found[0] == found[1] and len(set(found[0])) == 3


def test_textual_says_by_one_default_whether_a_new_size_asks_for_another_layout() -> None:
    parameters = inspect.signature(Widget._size_updated).parameters
    assert [name for name, one in parameters.items() if one.default is not one.empty] == ["layout"]


@pytest.mark.parametrize("kept", [True, False])
def test_a_first_visit_reads_a_list_once_and_plans_what_it_shows(tmp_path: Path, kept: bool) -> None:
    if kept:
        made.kept_sweep(tmp_path / "which", DATA)

    async def scenario() -> None:
        app = Workbench(tmp_path, data=DATA, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await at_rest(pilot, app)
            begun, start = Counter[str](), app.session.start

            def count(group: str, *given: Any, **named: Any) -> Any:
                begun[group] += 1
                return start(group, *given, **named)

            app.session.start = count  # type: ignore[method-assign]
            await pilot.press("7")
            await at_rest(pilot, app)
            assert begun["audits"] == 1
            begun.clear()
            await pilot.press("8")
            await until(pilot, lambda: "Advice" in text(app) if kept else "A plan: nothing is trained" in text(app))
            await at_rest(pilot, app)
            assert begun == {"sweeps": 1, "sweep-plan": 1}

    run(scenario())
