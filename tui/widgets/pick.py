"""Dialogs that end in a path: one of the runs, or a file to write."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.watch import Entry
from tui.widgets.bars import fitted
from tui.widgets.cells import content
from tui.widgets.files import PathField

NAME = 34


def described(entry: Entry) -> str:
    """A run in a line: name, mode, test result."""
    mode = entry.config.network.mode if entry.config else "unreadable"
    test = entry.test
    result = f"test {test['accuracy']:.1%} of {test['n']:,}" if test else entry.view.state
    return f"{fitted(entry.run.name, NAME)}  {mode:<9} {result}"


class PickRun(ModalScreen[Path | None]):
    """Choose one of these runs; dismissed with its path, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="pick.back", tooltip="Change nothing.")
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
    """Ask for a file to write; dismissed with its path, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="file.back", tooltip="Write nothing.")
    ]

    def __init__(self, question: str, proposal: Path) -> None:
        super().__init__()
        self._question, self._proposal = question, proposal

    def compose(self) -> ComposeResult:
        """The question above the path."""
        with Vertical(classes="dialog"):
            yield Static(content(self._question), classes="question")
            yield PathField("path of the file to write", id="target")
            yield Static(content("Enter writes, escape goes back. A file of that name is replaced."), classes="muted")

    def on_mount(self) -> None:
        """With the proposal in the field."""
        self.query_one(PathField).mean(self._proposal)
        self.query_one(PathField).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it."""
        event.stop()
        if path := self.query_one(PathField).path:
            self.dismiss(path)
