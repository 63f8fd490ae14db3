"""`/` filters every list: images, runs, the log, the fields of the recipe."""

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.makers.drive import run, text, until
from tests.makers.shown import arrive, still, workplace
from tui.app import Workbench
from tui.screens.train.log_dialog import LogLines
from tui.widgets.filter_line import FilterLine, holds
from tui.widgets.form import FieldTable
from tui.widgets.name_list import NameList
from tui.words.settings import Settings


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs and data."""
    return workplace(tmp_path, monkeypatch)


def workbench() -> Workbench:
    return Workbench(Path("runs"), data=Path("sample_data"), settings=Settings(image_protocol="grey"))


async def typed(pilot: Pilot[Any], app: Workbench, word: str) -> None:
    """Open the filter of the list in focus and type a word."""
    await pilot.press("slash")
    await until(pilot, lambda: app.screen.query(FilterLine))
    await still(pilot, app)
    await pilot.press(*word)
    await still(pilot, app)


async def read(pilot: Pilot[Any], app: Workbench) -> None:
    await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)


def test_runs_are_filtered_and_the_one_that_is_left_is_acted_on(here: Path) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(120, 40)) as pilot:
            await read(pilot, app)
            await pilot.press("escape", "4")
            await still(pilot, app)
            await typed(pilot, app, "TRANS")
            assert "1 of 2" in text(app) and "partial-vgg16" not in text(app)
            await pilot.press("enter", "c")
            assert app.clipboard.endswith("transfer-vgg16")
            await pilot.press("slash", "escape")
            await still(pilot, app)
            assert "partial-vgg16" in text(app) and not app.screen.query(FilterLine)

    run(scenario())


def test_images_are_filtered_and_the_picture_follows(here: Path) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(120, 40)) as pilot:
            await read(pilot, app)
            await pilot.press("escape", "i")
            await still(pilot, app)
            await typed(pilot, app, "-17.")
            names = app.screen.query_one(NameList)
            assert list(names.names) == ["COVID-17.png"]
            assert "COVID-17.png" in str(app.screen.query_one("#picture-pane").border_title)
            await pilot.press("escape")
            await still(pilot, app)
            assert len(names.names) == 30 and names.names[names.cursor] == "COVID-17.png"

    run(scenario())


def test_fields_of_the_recipe_are_filtered_and_the_one_at_hand_is_changed(here: Path) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(120, 40)) as pilot:
            await read(pilot, app)
            await arrive(pilot, app, "train")
            await pilot.press("escape", "e")
            await still(pilot, app)
            assert isinstance(app.focused, FieldTable)
            await typed(pilot, app, "backbone")
            assert app.screen.query_one(FieldTable).row_count == 1
            await pilot.press("enter", "right")
            await still(pilot, app)
            assert app.session.config.network.backbone != "vgg16"

    run(scenario())


def test_the_log_is_filtered(here: Path) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(120, 40)) as pilot:
            await read(pilot, app)
            await arrive(pilot, app, "train")
            await pilot.press("n")
            await still(pilot, app)
            assert isinstance(app.focused, LogLines) and "Finished after" in text(app)
            await typed(pilot, app, "planned")
            dialog = text(app)
            assert "training steps are planned" in dialog and "Finished after" not in dialog

    run(scenario())


def test_every_word_must_be_there_in_whatever_case() -> None:
    assert holds("vgg FIN", "partial-vgg16", "finished") and not holds("vgg lost", "partial-vgg16", "finished")
    assert holds("", "anything")
