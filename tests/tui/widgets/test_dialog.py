"""Every dialog has its keys in the last line, help for itself behind `?`, and is closed by escape and by q."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input

from tests.makers.dialogs import OPENED_BY
from tests.makers.drive import run, text, until
from tests.makers.shown import sideways, still, workplace
from tui.app import Workbench
from tui.widgets.dialog import Dialog
from tui.widgets.key_line import KeyLine
from tui.widgets.question_dialog import Help
from tui.words.settings import Settings

SOME = ("folder", "run", "delete")
"""One with a field, one with a list and a question: tried every day, the others are slow."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs and data."""
    return workplace(tmp_path, monkeypatch)


def workbench() -> Workbench:
    return Workbench(Path("runs"), data=Path("sample_data"), settings=Settings(image_protocol="grey"))


async def read(pilot: Pilot[Any], app: Workbench) -> None:
    await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)


async def opened(pilot: Pilot[Any], app: Workbench, name: str) -> None:
    """Open a dialog by its keys."""
    for key in ("escape", *OPENED_BY[name].split()):
        await pilot.press(key)
        await still(pilot, app, looks=2)
    assert isinstance(app.screen, ModalScreen), name


def test_all_modal_screens_are_dialogs() -> None:
    import tui.app

    tui.app.key_ids()  # imports every screen and widget
    kinds = {kind for kind in ModalScreen.__subclasses__() if kind.__module__.startswith("tui.")}
    assert kinds == {Dialog}


async def looked_at(pilot: Pilot[Any], app: Workbench) -> None:
    """Its tables show whole columns; its keys are in sight and act: help for it, and close."""
    assert sideways(app) == []
    dialog, lines = app.screen, app.size.height
    shown = {one.action: (begin, one) for begin, _, one in dialog.query_one(KeyLine).places}
    if not isinstance(dialog, Help):
        assert getattr(dialog, "HELP", None), "it says what it is for"
        begin, key = shown["app.help"]
        assert f"{key.name} Help" in text(app).splitlines()[-1]
        await pilot.click(offset=(begin + 1, lines - 1))
        await until(pilot, lambda: isinstance(app.screen, Help))
        said = " ".join(text(app).replace("│", " ").split())
        assert " ".join((dialog.HELP or "").split()[:3]) in said
        await pilot.press("q")
        await until(pilot, lambda: app.screen is dialog)
    begin, key = shown.get("close_dialog") or shown["quit"]
    assert f"{key.name} {key.text}" in text(app).splitlines()[-1]
    boxes = [one.region for one in dialog.query(".dialog, .whole")]
    assert all(one.bottom < lines and one.y >= 0 and one.right <= app.size.width for one in boxes), "it fits"
    await pilot.click(offset=(begin + 1, lines - 1))
    await until(pilot, lambda: app.screen is not dialog)


@pytest.mark.parametrize(
    ("size", "names"),
    [
        pytest.param((80, 24), SOME, id="some"),
        pytest.param((60, 15), ("sources",), id="columns"),
        pytest.param((80, 24), OPENED_BY, id="all", marks=pytest.mark.slow),
        pytest.param((60, 15), OPENED_BY, id="small", marks=pytest.mark.slow),
    ],
)
def test_help_and_close_are_in_sight_and_act(here: Path, size: tuple[int, int], names: Iterable[str]) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=size) as pilot:
            await read(pilot, app)
            for name in names:
                await opened(pilot, app, name)
                await looked_at(pilot, app)

    run(scenario())


def test_a_letter_that_closes_is_typed_in_a_field_where_escape_closes(here: Path) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(80, 24)) as pilot:
            await read(pilot, app)
            await opened(pilot, app, "save")
            field = app.screen.query_one(Input)
            before = field.value
            await pilot.press("end", "q", "question_mark")
            assert field.value == f"{before}q?" and isinstance(app.screen, Dialog)
            assert "f1 Help" in text(app).splitlines()[-1] and "esc Close" in text(app).splitlines()[-1]
            await pilot.press("f1")
            await until(pilot, lambda: isinstance(app.screen, Help))
            await pilot.press("q")
            await until(pilot, lambda: not isinstance(app.screen, Help))
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, Dialog))

    run(scenario())
