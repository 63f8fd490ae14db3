"""`/` filters every list: images, runs, files, folders, the log, the fields of the recipe."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Tree

from tests.makers.drive import run, text, until
from tests.makers.shown import arrive, still, workplace
from tui.app import Workbench
from tui.screens.dataset.folder_dialog import FolderTree
from tui.screens.train.log_dialog import LogLines
from tui.widgets.file_tree import FileTree
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
    await still(pilot, app, looks=2)
    await pilot.press(*word)
    await still(pilot, app, looks=2)


async def read(pilot: Pilot[Any], app: Workbench) -> None:
    await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)


def test_runs_are_filtered_and_the_one_that_is_left_is_acted_on(here: Path) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(120, 40)) as pilot:
            await read(pilot, app)
            await pilot.press("escape", "4")
            await still(pilot, app, looks=2)
            await typed(pilot, app, "TRANS")
            assert "1 of 2" in text(app) and "partial-vgg16" not in text(app)
            await pilot.press("enter", "c")
            assert app.clipboard.endswith("transfer-vgg16")
            await pilot.press("slash", "escape")
            await still(pilot, app, looks=2)
            assert "partial-vgg16" in text(app) and not app.screen.query(FilterLine)

    run(scenario())


def test_images_are_filtered_and_the_picture_follows(here: Path) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(120, 40)) as pilot:
            await read(pilot, app)
            await pilot.press("escape", "i")
            await still(pilot, app, looks=2)
            await typed(pilot, app, "-17.")
            names = app.screen.query_one(NameList)
            assert list(names.names) == ["COVID-17.png"]
            assert "COVID-17.png" in str(app.screen.query_one("#picture-pane").border_title)
            await pilot.press("escape")
            await still(pilot, app, looks=2)
            assert len(names.names) == 30 and names.names[names.cursor] == "COVID-17.png"

    run(scenario())


def test_fields_of_the_recipe_are_filtered_and_the_one_at_hand_is_changed(here: Path) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(120, 40)) as pilot:
            await read(pilot, app)
            await arrive(pilot, app, "train")
            await pilot.press("escape", "e")
            await still(pilot, app, looks=2)
            assert isinstance(app.focused, FieldTable)
            await typed(pilot, app, "backbone")
            assert app.screen.query_one(FieldTable).row_count == 1
            await pilot.press("enter", "right")
            await still(pilot, app, looks=2)
            assert app.session.config.network.backbone != "vgg16"

    run(scenario())


def test_the_log_is_filtered(here: Path) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(120, 40)) as pilot:
            await read(pilot, app)
            await arrive(pilot, app, "train")
            await pilot.press("n")
            await still(pilot, app, looks=2)
            assert isinstance(app.focused, LogLines) and "Finished after" in text(app)
            await typed(pilot, app, "planned")
            dialog = text(app)
            assert "training steps are planned" in dialog and "Finished after" not in dialog

    run(scenario())


def test_every_word_must_be_there_in_whatever_case() -> None:
    assert holds("vgg FIN", "partial-vgg16", "finished") and not holds("vgg lost", "partial-vgg16", "finished")
    assert holds("", "anything")


def names(tree: Tree[Any]) -> list[str]:
    """What a tree shows below its root."""
    lines = (tree.get_node_at_line(line) for line in range(1, tree.last_line + 1))
    return [str(node.label) for node in lines if node]


def test_runs_to_choose_from_are_filtered_and_the_one_that_is_left_is_taken(here: Path) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(80, 24)) as pilot:
            await read(pilot, app)
            await pilot.press("escape", "5")
            await still(pilot, app, looks=2)
            await pilot.press("r")
            await typed(pilot, app, "transf")
            assert "1 of 2" in text(app) and "partial-vgg16" not in text(app)
            assert "enter To the list  esc Show all" in text(app).splitlines()[-1]
            await pilot.press("enter", "enter")
            await until(pilot, lambda: app.session.judged == Path("runs/transfer-vgg16"))

    run(scenario())


def test_files_are_filtered_and_open_folders_stay(here: Path) -> None:
    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(120, 40)) as pilot:
            await read(pilot, app)
            await pilot.press("escape", "6")
            await still(pilot, app, looks=2)
            tree = app.screen.query_one(FileTree)
            tree.focus()
            covid = next(node for node in tree.root.children if str(node.label) == "COVID")
            covid.expand()
            await still(pilot, app, looks=2)
            next(node for node in covid.children if str(node.label) == "images").expand()
            await still(pilot, app, looks=2)
            before = names(tree)
            await typed(pilot, app, "-17.")
            await until(pilot, lambda: names(tree) == ["COVID", "images", "COVID-17.png"])
            assert "1 of " in text(app)
            await pilot.press("enter")
            await until(pilot, lambda: app.focused is tree and tree.cursor_line == 3)
            await pilot.press("slash", "escape")
            await until(pilot, lambda: names(tree) == before)

    run(scenario())


def test_folders_are_filtered_and_the_one_that_is_left_is_chosen(here: Path, dozen: Path) -> None:
    for name in ("one", "three"):
        (here / "other" / name / "deep").mkdir(parents=True)
    shutil.copytree(dozen, here / "other" / "two")

    async def scenario() -> None:
        app = workbench()
        async with app.run_test(size=(80, 24)) as pilot:
            await read(pilot, app)
            await pilot.press("escape", "o")
            await still(pilot, app, looks=2)
            tree = app.screen.query_one(FolderTree)
            tree.focus()
            next(node for node in tree.root.children if str(node.label) == "other").expand()
            await until(pilot, lambda: "three" in names(tree))
            before = names(tree)
            await typed(pilot, app, "tw")
            assert names(tree) == ["other", "two"] and "1 of " in text(app)
            await pilot.press("slash", "escape")
            await still(pilot, app, looks=2)
            assert names(tree) == before
            await typed(pilot, app, "tw")
            await pilot.press("enter", "enter")
            await until(pilot, lambda: app.session.data == Path("other/two") and app.session.scan is not None)

    run(scenario())
