"""A terminal that is sent only what changed shows, in every cell and colour, what the whole screen is."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyte
import pytest
from textual._compositor import CompositorUpdate, LayoutUpdate
from textual.pilot import Pilot
from textual.strip import Strip

from tests.makers.drive import run, until
from tests.makers.shown import workplace
from tui.app import Workbench
from tui.screens.frame import MODES
from tui.words.settings import Settings

Cells = list[list[tuple[Any, ...]]]


def emulated(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> pyte.Screen:
    """A terminal to which every workbench's updates go, as they go to a real one."""
    terminal, display = pyte.Screen(*size), Workbench._display
    stream = pyte.Stream(terminal)

    def both(app: Workbench, screen: Any, update: Any) -> None:
        if isinstance(update, CompositorUpdate) and not app._batch_count:
            stream.feed(update.render_segments(app.console))
        display(app, screen, update)

    monkeypatch.setattr(Workbench, "_display", both)
    return terminal


def cells(terminal: pyte.Screen) -> Cells:
    """Each cell: its character, colours and attributes."""
    return [[tuple(terminal.buffer[y][x]) for x in range(terminal.columns)] for y in range(terminal.lines)]


def whole(app: Workbench) -> Cells:
    """What a terminal would show that is sent the whole screen now."""
    terminal = pyte.Screen(*app.size)
    strips: list[Iterable[Strip]] = [[strip] for strip in app.screen._compositor.render_strips()]
    pyte.Stream(terminal).feed(LayoutUpdate(strips, app.screen.region).render_segments(app.console))
    return cells(terminal)


async def same(pilot: Pilot[None], app: Workbench, terminal: pyte.Screen, did: str) -> None:
    """What was sent is the whole, as soon as nothing moves."""
    await until(pilot, lambda: not app.session.jobs)
    for _ in range(20):
        await pilot.pause(0.05)
        if (shown := cells(terminal)) == (wanted := whole(app)):
            return
    stale = [(y, "".join(cell[0] for cell in shown[y])) for y in range(len(shown)) if shown[y] != wanted[y]]
    raise AssertionError((app.current_mode, did, stale))


PRESSED = ("tab", "tab", "down", "tab", "shift+tab", "shift+tab", "slash", "escape", "e", "e", "v", "question_mark",
           "escape", "down", "up", "z", "escape")  # fmt: skip


@pytest.mark.parametrize("size", [pytest.param((80, 24), marks=pytest.mark.slow), (120, 40)])
def test_what_was_sent_bit_by_bit_is_the_whole_screen(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace(tmp_path, monkeypatch)
    terminal = emulated(monkeypatch, size)

    async def scenario() -> None:
        settings = Settings(image_protocol="grey", theme="covid-dark")
        app = Workbench(Path("runs"), data=Path("sample_data"), settings=settings)
        async with app.run_test(size=size, notifications=False) as pilot:
            await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
            for number in (*range(2, len(MODES) + 1), 1):
                await pilot.press("escape", str(number))
                await same(pilot, app, terminal, "visit")
                for key in PRESSED:
                    await pilot.press(key)
                    await same(pilot, app, terminal, key)
                while len(app.screen_stack) > 1:
                    await pilot.press("escape")

    run(scenario())
