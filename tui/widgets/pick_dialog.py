"""Dialogs that end in a path: one of the runs, or a file to read or to write."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.outputs import require_new
from engine.base.paths import is_folder, is_there
from engine.base.wording import not_a_path
from engine.runs.watch import Entry
from tui.widgets.bars import fitted
from tui.widgets.file_tree import PathField
from tui.widgets.safe_cells import content
from tui.words.cells import padded
from tui.words.numbers import as_share
from tui.words.recipe_terms import in_recipe_terms

NAME, MODE = 34, 9
"""Cells for a run's name, and for its mode."""


def described(entry: Entry) -> str:
    """A run in a line: name, mode, test result."""
    mode = entry.config.way if entry.config else tr("unreadable")
    test = entry.test
    result = (
        tr("test {accuracy} of {n:,}", accuracy=as_share(test.accuracy), n=test.n) if test else tr(entry.view.state)
    )
    return f"{fitted(entry.run.name, NAME)}  {padded(mode, MODE)} {result}"


class PickRun(ModalScreen[Path | None]):
    """Choose one of these runs; dismissed with its path, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", tr("Back"), id="pick.back", tooltip=tr("Change nothing."))
    ]

    def __init__(self, question: str, entries: Sequence[Entry], chosen: Path | None) -> None:
        super().__init__()
        self._question, self._entries, self._chosen = question, tuple(entries), chosen

    def compose(self) -> ComposeResult:
        """The question above the runs, the chosen one highlighted."""
        with Vertical(classes="dialog"):
            yield Static(content(self._question), classes="question")
            yield OptionList(*(Option(content(described(entry))) for entry in self._entries))

    def on_mount(self) -> None:
        """The cursor on what is chosen now."""
        paths = [entry.run.path for entry in self._entries]
        if self._chosen in paths:
            self.query_one(OptionList).highlighted = paths.index(self._chosen)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        self.dismiss(self._entries[event.option_index].run.path)


class AskFile(ModalScreen[Path | None]):
    """Asks for a file; enter gives it back, escape None. To write over a file takes a second enter."""

    DEFAULT_CSS = """
    AskFile #trouble { height: auto; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", tr("Back"), id="file.back", tooltip=tr("Change nothing."))
    ]

    def __init__(self, question: str, first: Path, *, suffix: str, writes: bool) -> None:
        super().__init__()
        self._question, self._first, self._suffix, self._writes = question, first, suffix, writes
        self._warned: Path | None = None

    def compose(self) -> ComposeResult:
        """The question, the path, and what is wrong with it."""
        with Vertical(classes="dialog"):
            yield Static(content(self._question), classes="question")
            yield PathField(
                tr("path of a {suffix} file", suffix=self._suffix), suffixes=frozenset((self._suffix,)), id="path"
            )
            yield Static(id="trouble")

    def on_mount(self) -> None:
        """Write the suggestion down."""
        self.query_one(PathField).mean(self._first)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the path back, if it can be used."""
        event.stop()
        path = self.query_one(PathField).path
        if path is None:
            return
        if trouble := self._trouble(path):
            self.query_one("#trouble", Static).update(content(f"! {trouble}", "$warning"))
        else:
            self.dismiss(path)

    def _trouble(self, path: Path) -> str:
        if is_folder(path):
            return tr("{path} is a folder: name a file in it.", path=path)
        if address := not_a_path(str(path)):
            return address
        if not self._writes:
            return "" if is_there(path) else tr("There is no file {path}.", path=path)
        try:
            require_new(path, self._suffix, force=True)
        except ConfigError as error:
            return in_recipe_terms(error)
        if os.path.lexists(path) and self._warned != path:
            self._warned = path
            return tr("{path} exists: enter writes over it.", path=path)
        return ""
