"""What a run had to say, whole: for terminals that are too narrow to show it all the time."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.widgets.safe_cells import content, lines

SIGNS = {"info": ("-", ""), "warning": ("!", "$warning"), "error": ("!", "bold $error")}


def log_lines(log: Iterable[tuple[str, str]]) -> Content:
    """The lines, with a sign and a colour for those that warn."""
    return lines(content(f"{SIGNS[level][0]} {text}", SIGNS[level][1]) for level, text in log)


class LogView(ModalScreen[None]):
    """All lines, the newest last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "dismiss", "Close", id="log.close", tooltip="Close the log.")
    ]

    def __init__(self, title: str, log: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self._title, self._log = title, tuple(log)

    def compose(self) -> ComposeResult:
        """A box that scrolls."""
        with Vertical(classes="dialog"):
            yield Static(content(self._title, "bold"), classes="question")
            with VerticalScroll():
                yield Static(log_lines(self._log) if self._log else content("Nothing has been said yet."))

    def on_mount(self) -> None:
        """To the newest."""
        self.query_one(VerticalScroll).focus()
        self.query_one(VerticalScroll).scroll_end(animate=False)
