"""A folder of X-rays is opened by keys: chosen, typed, refused, cancelled; what was open stays until another one is."""

import dataclasses
import os
import re
import shutil
import time
from pathlib import Path

import pytest
from textual.widgets import Input

from engine.base.context import Context
from engine.recipe.config import DataConfig
from tests.makers.dataset_screen import workbench
from tests.makers.drive import DATA, run, text, until
from tui.screens.dataset.folder_dialog import FolderDialog, FolderTree, folders


def test_a_folder_is_chosen_by_a_typed_path_that_is_completed(tmp_path: Path, dozen: Path) -> None:
    (tmp_path / "some place").mkdir()
    shutil.copytree(dozen, tmp_path / "some place" / "x-rays")

    async def scenario() -> None:
        app = workbench(tmp_path, None)
        async with app.run_test(size=(120, 40)) as pilot:
            assert "Press o to open" in text(app)
            await pilot.press("o")
            await pilot.pause()
            path = app.screen.query_one("#path", Input)
            path.value = f"{tmp_path}/so"
            path.cursor_position = len(path.value)
            await until(pilot, lambda: path._suggestion == f"{tmp_path}/some place/")
            await pilot.press("tab", "x", "-")
            await until(pilot, lambda: path._suggestion == f"{tmp_path}/some place/x-rays/")
            await pilot.press("x", "enter")
            await until(pilot, lambda: re.search(r"is[\s│]+no[\s│]+folder", text(app)))  # a long path wraps
            await pilot.press("backspace")
            await until(pilot, lambda: path._suggestion)
            await pilot.press("tab", "enter")
            await until(pilot, lambda: app.session.split is not None)
            assert app.session.data == tmp_path / "some place" / "x-rays"
            await pilot.pause()
            assert "Viral Pneumonia" in text(app)

    run(scenario())


def test_a_folder_that_nobody_can_have_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, None)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("o")
            await until(pilot, lambda: isinstance(app.screen, FolderDialog))
            assert "enter Choose" in text(app)
            for path in ("~noone-here/", "/" + 300 * "x"):
                app.screen.query_one("#path", Input).value = path
                await pilot.press("enter")
                await until(pilot, lambda: re.search(r"is[\s│]+no[\s│]+folder", text(app)))

    run(scenario())


def test_a_cancelled_reading_leaves_no_folder_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(folder: Path, wanted: DataConfig, context: Context) -> None:
        while not context.stop.is_set():
            time.sleep(0.01)

    monkeypatch.setattr("tui.state.session.scan_folder", endless)

    async def scenario() -> None:
        app = workbench(tmp_path, DATA)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.busy is not None)
            await pilot.press("ctrl+g")
            await until(pilot, lambda: "Press o to open" in text(app))
            assert app.session.cannot_train() == "Choose a folder of X-rays first."

    run(scenario())


@pytest.mark.parametrize("how", ["no images", "cancelled"])
def test_a_folder_that_can_not_be_opened_leaves_open_what_was_open(
    tmp_path: Path, dozen: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    (tmp_path / "empty").mkdir()

    def endless(folder: Path, wanted: DataConfig, context: Context) -> None:
        while not context.stop.is_set():
            time.sleep(0.01)

    async def scenario() -> None:
        app = workbench(tmp_path, dozen)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("space")  # one class less
            await until(pilot, lambda: app.session.config.data.classes and app.session.split)
            before, classes = app.session.split, app.session.config.data.classes
            if how == "cancelled":
                monkeypatch.setattr("tui.state.session.scan_folder", endless)
            await pilot.press("o")
            await until(pilot, lambda: isinstance(app.screen, FolderDialog))
            app.screen.query_one("#path", Input).value = str(tmp_path / "empty")
            await pilot.press("enter")
            if how == "cancelled":
                await until(pilot, lambda: app.session.busy is not None)
                await pilot.press("ctrl+g")
            else:
                await until(pilot, lambda: "stays" in text(app))
            await until(pilot, lambda: app.session.data == dozen and app.session.split is not None)
            assert app.session.split == before and app.session.config.data.classes == classes
            await until(pilot, lambda: dozen.name in text(app) and "Viral Pneumonia" in text(app))

    run(scenario())


def test_a_recipe_by_which_the_folder_can_not_be_read_is_taken_back(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, dozen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            read_by = app.session.config.data
            missing = dataclasses.replace(read_by, labels=tmp_path / "no.csv", label_column="label", val_share=0.2)
            app.session.configure(data=missing)
            await until(pilot, lambda: app.session.split is not None)
            assert app.session.data == dozen
            assert app.session.config.data == dataclasses.replace(read_by, val_share=0.2), (
                "what was not at fault is kept"
            )

    run(scenario())


@pytest.mark.parametrize("begun", ["/", "~"])
def test_an_absolute_path_that_is_typed_replaces_the_one_that_stands_there(
    tmp_path: Path, dozen: Path, monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    shutil.copytree(dozen, tmp_path / "home" / "x-rays")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    typed = str(tmp_path / "home" / "x-rays") if begun == "/" else "~/x-rays"

    async def scenario() -> None:
        app = workbench(tmp_path, None)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("o")
            await until(pilot, lambda: isinstance(app.screen, FolderDialog))
            field = app.screen.query_one("#path", Input)
            assert field.value.endswith("/")
            before = field.value
            await pilot.press("s", "o")
            assert field.value == f"{before}so", "another text goes on from it"
            await pilot.press("backspace", "backspace", *typed)
            assert field.value == typed and field.cursor_at_end
            await pilot.press("enter")
            await until(pilot, lambda: app.session.split is not None)
            assert app.session.data == tmp_path / "home" / "x-rays"

    run(scenario())


def test_folders_are_listed_in_natural_order(tmp_path: Path) -> None:
    names = ["site 1", "site 2", "Site 10", "site 11"]
    for name in reversed(names):
        (tmp_path / name).mkdir()
    assert folders(tmp_path) == names


def test_a_folder_is_chosen_from_the_tree_whatever_its_name(tmp_path: Path, messy: Path) -> None:
    odd = tmp_path / "[red]\x1b]0;t\x07"
    for name in ("[@click=app.quit]z", "zz"):
        shutil.copytree(messy, odd / name)

    async def scenario() -> None:
        app = workbench(tmp_path, odd)  # no class folders in it, but two that have them
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, lambda: " deep" in text(app))  # the toast breaks its lines by the path
            app.session.data = odd
            await pilot.press("o")
            await until(pilot, lambda: isinstance(app.screen, FolderDialog))
            tree = app.screen.query_one(FolderTree)
            await until(pilot, lambda: tree.root.children)
            await pilot.press("down", "down", "right")
            await until(pilot, lambda: "[@click=app.quit]z" in text(app))
            assert "[red]\\x1b]0;t\\x07" in text(app) and "\x1b" not in text(app)
            await pilot.press("down", "enter")
            await until(pilot, lambda: app.session.split is not None)
            assert app.session.data == odd / "[@click=app.quit]z"

    run(scenario())


def test_the_folder_above_is_offered_whatever_its_name(tmp_path: Path, dozen: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    shutil.copytree(dozen, odd / "data")

    async def scenario() -> None:
        app = workbench(tmp_path, odd / "data")
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("o")
            await until(pilot, lambda: isinstance(app.screen, FolderDialog))
            path = app.screen.query_one("#path", Input)
            assert path.value.endswith("caf\\xe9/") and app.focused is path
            await pilot.press("d")
            await until(pilot, lambda: path._suggestion.endswith("/data/"))
            await pilot.press("tab", "enter")
            await until(pilot, lambda: not isinstance(app.screen, FolderDialog))
            assert app.session.data == odd / "data"

    run(scenario())
