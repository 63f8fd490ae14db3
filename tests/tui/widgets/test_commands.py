"""The palette finds a command by its name, spelt roughly, and by words of what it does."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.base.context import Context
from engine.recipe.config import OutputConfig, TrainConfig
from tests.makers import fake
from tests.makers.drive import DATA, run, text, until
from tui.app import Workbench
from tui.widgets import commands
from tui.widgets.commands import begins


async def typed_into(app: Workbench, pilot: Pilot[None], words: str) -> None:
    """Type into the palette, on the screen Runs."""
    await pilot.press("4")
    await until(pilot, lambda: "+ finished" in text(app))
    await pilot.press("ctrl+p", *("space" if sign == " " else sign for sign in words))


@pytest.mark.parametrize(
    ("typed", "found"), [("deleted last", "Undelete"), ("clipb", "Copy path"), ("folow", "Follow")]
)
def test_the_palette_finds_by_what_a_command_does(tmp_path: Path, typed: str, found: str) -> None:
    fake.train(DATA, TrainConfig(output=OutputConfig(out=tmp_path, name="run")), Context(), seconds=0)

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(100, 30)) as pilot:
            await typed_into(app, pilot, typed)
            await until(pilot, lambda: found in text(app) and "Unpick" not in text(app))

    run(scenario())


def test_in_another_language_the_palette_finds_by_the_english_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    english = {"Undelete": "Fetch", "Undo": "Fetch"}
    monkeypatch.setattr(commands, "english", lambda text: english.get(text, f"in English: {text}"))
    fake.train(DATA, TrainConfig(output=OutputConfig(out=tmp_path, name="run")), Context(), seconds=0)

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(100, 30)) as pilot:
            await typed_into(app, pilot, "fetch")
            await until(pilot, lambda: "Undelete" in text(app) and "Unpick" not in text(app))

    run(scenario())


def test_a_word_is_found_at_its_beginning_and_a_chinese_one_anywhere() -> None:
    assert begins("thr", " the threshold") and not begins("hold", " the threshold")
    assert begins("閾值", " 調整閾值") and not begins("損失", " 調整閾值")


def test_the_palette_says_that_nothing_is_found(tmp_path: Path) -> None:
    fake.train(DATA, TrainConfig(output=OutputConfig(out=tmp_path, name="run")), Context(), seconds=0)

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(100, 30)) as pilot:
            await typed_into(app, pilot, "qqxzzq")
            await until(pilot, lambda: "No matches found" in text(app))

    run(scenario())
