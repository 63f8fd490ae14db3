"""No key hint that does nothing: each key in the last line of a screen or a dialog changes something, or says why not.

Pressed on the made workplace, one after the other, in whatever state the one before has left. Those that leave, or
begin work of minutes, are not pressed: each has tests of its own.
"""

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import ModalScreen

from tests.makers.dialogs import OPENED_BY
from tests.makers.drive import run, until
from tests.makers.shown import arrive, still, workplace
from tui.app import Workbench
from tui.screens.frame import MODES
from tui.widgets.key_line import KeyItem, KeyLine
from tui.words.settings import Settings

LONG = ("quit", "background", "start", "find_rate", "go_on", "suggest", "blind", "effect", "heat", "alike", "folder")
"""The actions that leave, or begin a training, an audit, a sweep, a review, or the loading of TensorFlow."""
SOME_SCREENS, SOME_DIALOGS = ("runs",), ("run",)
"""Tried every day; the others take minutes together."""
PATIENCE = 40
"""Looks, a twentieth of a second apart, after which a key has done nothing."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs and data, and settings of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return workplace(tmp_path, monkeypatch)


def workbench() -> Workbench:
    return Workbench(Path("runs"), data=Path("sample_data"), settings=Settings(image_protocol="grey"))


def seen(app: Workbench) -> object:
    """All that a person could tell apart: the screen, what is in focus, what was said and what was copied."""
    lines = [list(strip) for strip in app.screen._compositor.render_strips()]
    return app.screen, app.focused, lines, [one.message for one in app._notifications], app.clipboard


async def pressed(pilot: Pilot[Any], app: Workbench, item: KeyItem) -> str:
    """Press the key; what is wrong with it, else empty."""
    app.clear_notifications()
    app.copy_to_clipboard("")
    await pilot.pause(0.05)
    before = seen(app)
    await pilot.press(item.key)
    for _ in range(PATIENCE):
        if item.enabled and seen(app) != before:
            return ""
        if not item.enabled and any(str(one.message).endswith(".") for one in app._notifications):
            return ""
        await pilot.pause(0.05)
    return f"{item.name} {item.text}: {'does nothing' if item.enabled else 'does not say why it can not act'}"


async def every_key(pilot: Pilot[Any], app: Workbench) -> list[str]:
    """Press each key of the last line of the screen that is open; what is wrong with them."""
    screen, wrong = app.screen, list[str]()
    actions = [one.action for _, _, one in screen.query_one(KeyLine).places]
    assert actions
    for action in actions:
        if action.removeprefix("screen.").partition("(")[0].removeprefix("app.") in LONG:
            continue
        now = next((one for _, _, one in screen.query_one(KeyLine).places if one.action == action), None)
        if now is None:
            continue  # another key has taken its place
        wrong += filter(None, [await pressed(pilot, app, now)])
        while isinstance(app.screen, ModalScreen) and app.screen is not screen:
            app.pop_screen()
            await pilot.pause()
        if app.screen is not screen:
            return wrong  # it was closed, by the last key, or led elsewhere
        await still(pilot, app, looks=2)
    return wrong


async def opened(pilot: Pilot[Any], app: Workbench) -> None:
    await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)


def some(names: Any, chosen: tuple[str, ...]) -> list[Any]:
    """Each as a parameter, those that are not chosen for every day marked as slow."""
    return [pytest.param(one, marks=[] if one in chosen else [pytest.mark.slow]) for one in names]


@pytest.mark.parametrize("mode", some(MODES, SOME_SCREENS))
@pytest.mark.parametrize("size", [(80, 24), pytest.param((160, 50), marks=pytest.mark.slow)])
def test_every_key_of_a_screen_acts_or_says_why_not(here: Path, mode: str, size: tuple[int, int]) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=size, notifications=True) as pilot:
            await opened(pilot, app)
            await arrive(pilot, app, mode)
            assert await every_key(pilot, app) == []

    run(scenario())


@pytest.mark.parametrize("mode", some(MODES, ("results",)))
def test_on_an_empty_workbench_too(tmp_path: Path, mode: str) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, settings=Settings(image_protocol="grey"))
        async with app.run_test(size=(230, 40), notifications=True) as pilot:
            await pilot.press("escape", str(1 + MODES.index(mode)))
            await still(pilot, app)
            assert await every_key(pilot, app) == []

    run(scenario())


@pytest.mark.parametrize("name", some(OPENED_BY, SOME_DIALOGS))
def test_every_key_of_a_dialog_acts_or_says_why_not(here: Path, name: str) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await opened(pilot, app)
            for key in ("escape", *OPENED_BY[name].split()):
                await pilot.press(key)
                await still(pilot, app, looks=2)
            assert isinstance(app.screen, ModalScreen)
            assert await every_key(pilot, app) == []

    run(scenario())
