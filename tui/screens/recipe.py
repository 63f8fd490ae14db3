"""A question for the file that a recipe is read from or written to."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.paths import is_folder, is_there
from tui.widgets.cells import content
from tui.widgets.files import PathField


class AskFile(ModalScreen[Path | None]):
    """Asks for a file; enter gives it back, escape None. To write over a file takes a second enter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="file.back", tooltip="Change nothing.")
    ]

    def __init__(self, question: str, first: Path, *, writes: bool) -> None:
        super().__init__(classes="ask")
        self._question, self._first, self._writes = question, first, writes
        self._warned: Path | None = None

    def compose(self) -> ComposeResult:
        """The question, the path, and what is wrong with it."""
        with Vertical(classes="dialog"):
            yield Static(content(self._question), classes="question")
            yield PathField("path of a .toml file", suffixes=frozenset((".toml",)), id="path")
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
            return f"{path} is a folder: name a file in it."
        if self._writes and is_there(path) and self._warned != path:
            self._warned = path
            return f"{path} exists: enter writes over it."
        if self._writes and not is_folder(path.parent):
            return f"There is no folder {path.parent}."
        return "" if self._writes or is_there(path) else f"There is no file {path}."
