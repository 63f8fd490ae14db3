"""What the workbench uses of Textual's and textual-image's own parts: each test says what an upgrade has broken."""

import asyncio
import os
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import DirectoryTree, Input, Label

from tests.makers.drive import run, until
from tui.host.private_apis import (
    ListsInOrder,
    ListsWithoutWaiting,
    crash_of,
    driver_on,
    keep_styles,
    set_cell_size_of_images,
    styles_ahead,
    suggestion_of,
)


class Breaks(App[None]):
    """An app that fails as it opens."""

    def on_mount(self) -> None:
        """Fail."""
        raise ZeroDivisionError("on purpose")


def test_the_error_that_an_app_closed_with_is_known() -> None:
    app = Breaks()
    asyncio.run(app.run_async(headless=True))
    assert isinstance(crash_of(app), ZeroDivisionError)
    assert crash_of(App()) is None


class Place(Screen[None]):
    """A screen in the theme's colour."""

    DEFAULT_CSS = "Place { background: $panel; }"

    def __init__(self) -> None:
        super().__init__()
        keep_styles(self)


class Two(App[None]):
    """Two screens; how often all styles were read is counted."""

    MODES = {"one": Place, "two": Place}  # noqa: RUF012
    DEFAULT_MODE = "one"
    read = 0

    def refresh_css(self, animate: bool = True) -> None:
        """Count."""
        self.read += 1
        super().refresh_css(animate)


def test_a_new_screen_takes_the_styles_as_they_are_and_follows_a_theme() -> None:
    async def scenario() -> None:
        app = Two()
        async with app.run_test() as pilot:
            before = app.read
            await app.switch_mode("two")
            assert app.read == before, "Textual reads all styles anew for a new screen in another way"
            dark = app.screen.styles.background
            app.theme = "textual-light"
            await pilot.pause()
            light = app.screen.styles.background
            await app.switch_mode("one")
            assert app.screen.styles.background == light != dark

    run(scenario())


class Completes(App[None]):
    """A field with one completion."""

    def compose(self) -> ComposeResult:
        """The field."""
        yield Input(suggester=SuggestFromList(["runs/first"]))


def test_the_completion_that_a_field_shows_is_known() -> None:
    async def scenario() -> None:
        app = Completes()
        async with app.run_test() as pilot:
            await pilot.press("r", "u")
            field = app.query_one(Input)
            await until(pilot, lambda: suggestion_of(field) == "runs/first")

    run(scenario())


def test_a_cell_has_the_size_that_images_were_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from textual_image import _terminal

    monkeypatch.setattr(_terminal.get_cell_size, "_result", None, raising=False)
    set_cell_size_of_images(9, 21)
    assert (_terminal.get_cell_size().width, _terminal.get_cell_size().height) == (9, 21)


def test_the_driver_writes_where_it_is_told_and_asks_the_terminal_for_its_size(tmp_path: Path) -> None:
    for name in ("_get_terminal_size", "_run_input_thread", "run_input_thread"):
        assert hasattr(LinuxDriver, name), f"Textual's driver for Linux has no {name} any more"
    terminal, its = os.openpty()

    async def scenario() -> None:
        assert hasattr(LinuxDriver(App()), "_file"), "Textual's driver for Linux writes to something else"
        with (tmp_path / "drawn").open("w", encoding="utf-8") as file:
            driver = driver_on(file, terminal)(App())
            assert isinstance(driver, LinuxDriver) and driver._file is file
            assert driver._get_terminal_size() == (80, 24)  # a new terminal has no size of its own yet

    run(scenario())
    os.close(terminal)
    os.close(its)


class Tree(ListsWithoutWaiting, DirectoryTree):
    """A tree that waits for no listing."""


class Lists(App[None]):
    """A tree of a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def compose(self) -> ComposeResult:
        """The tree."""
        yield Tree(self.folder)


class OrderedTree(ListsInOrder, DirectoryTree):
    """A tree with the shortest name first."""

    def order(self, name: str) -> int:
        """Its length."""
        return len(name)


class ListsOrdered(App[None]):
    """A tree of a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def compose(self) -> ComposeResult:
        """The tree."""
        yield OrderedTree(self.folder)


def test_a_tree_lists_in_the_order_that_it_is_given_folders_first(tmp_path: Path) -> None:
    assert hasattr(DirectoryTree, "_populate_node"), "Textual's tree of files adds what it lists in another way"
    for name in ("aaaa", "bbb"):
        (tmp_path / name).mkdir()
    for name in ("cc", "d"):
        (tmp_path / name).touch()

    async def scenario() -> None:
        app = ListsOrdered(tmp_path)
        async with app.run_test() as pilot:
            tree = app.query_one(OrderedTree)
            await until(pilot, lambda: len(tree.root.children) == 4)
            assert [str(node.label) for node in tree.root.children] == ["bbb", "aaaa", "d", "cc"]

    run(scenario())


def test_a_tree_that_waits_for_nothing_still_lists(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    assert hasattr(DirectoryTree, "_add_to_load_queue"), "Textual's tree of files queues folders in another way"

    async def scenario() -> None:
        app = Lists(tmp_path)
        async with app.run_test() as pilot:
            await until(pilot, lambda: [str(node.label) for node in app.query_one(Tree).root.children] == ["inside"])

    run(scenario())


class Later(Label):
    """A widget that is mounted some time after the app has opened."""

    DEFAULT_CSS = "Later { background: $surface; padding: 0 3; }"


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
def test_styles_are_read_before_a_widget_is_mounted_and_are_its_own(theme: str, tmp_path: Path) -> None:
    file = tmp_path / "own.tcss"
    file.write_text("Later { padding: 0 5; }")

    async def scenario() -> None:
        app = App[None]()
        async with app.run_test() as pilot:
            give = await asyncio.to_thread(styles_ahead, app, [file])
            app.theme = theme  # another one may have been chosen meanwhile
            await pilot.pause()
            give()
            rules = len(app.stylesheet.rules)
            assert app.stylesheet._parse_cache.maxsize > len(app.stylesheet.source)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(app.stylesheet, "parse", lambda: pytest.fail("all styles are read once more"))
                await app.mount(later := Later("late"))
                await pilot.pause()
            assert len(app.stylesheet.rules) == rules
            assert later.styles.padding.left == 5  # the file's go before the widget's own
            assert later.styles.background.hex == app.theme_variables["surface"].upper()

    run(scenario())
