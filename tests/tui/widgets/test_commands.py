"""The palette finds a command by its name, spelt roughly, and by words of what it does."""

from pathlib import Path

import pytest

from engine.base.context import Context
from engine.recipe.config import OutputConfig, TrainConfig
from tests.makers import fake
from tests.makers.drive import DATA, run, text, until
from tui.app import Workbench


@pytest.mark.parametrize(
    ("typed", "found"), [("deleted last", "Undelete"), ("clipb", "Copy path"), ("folow", "Follow")]
)
def test_the_palette_finds_by_what_a_command_does(tmp_path: Path, typed: str, found: str) -> None:
    fake.train(DATA, TrainConfig(output=OutputConfig(out=tmp_path, name="run")), Context(), seconds=0)

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: "+ finished" in text(app))
            await pilot.press("ctrl+p", *("space" if sign == " " else sign for sign in typed))
            await until(pilot, lambda: found in text(app) and "Unpick" not in text(app))

    run(scenario())
