"""What a run had to say, whole: for terminals that are too narrow to show it all the time."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.base.events import Event, Failed, Finished, Notice
from engine.base.wording import counted
from tui.widgets.filter_line import FILTER, holds, open_filter
from tui.widgets.safe_cells import content, lines
from tui.words.event_text import describe
from tui.words.recipe_terms import in_recipe_terms

KEPT = {True: "was tested", False: "was the best, and the test part is still shut"}
TAKE = "y"
"""The key of the screen Train that puts advice into the recipe."""
SIGNS = {"info": ("-", ""), "warning": ("!", "$warning"), "error": ("!", "bold $error")}


def log_lines(log: Iterable[Event]) -> Content:
    """The lines, with a sign and a colour for those that warn."""
    return lines(content(f"{SIGNS[level][0]} {text}", SIGNS[level][1]) for level, text in map(log_line, log))


def log_line(event: Event) -> tuple[str, str]:
    """An event's level (info, warning, error) and what it says."""
    match event:
        case Notice():
            return event.level, f"{in_recipe_terms(event.text)}{_key_for(event.advice)}"
        case Finished():
            why = {"patience": "no better epoch came", "stopped": "asked to stop", "ladder": "all tried"}.get(
                event.ended, event.ended
            )
            kept = f"{event.unit} {event.best_epoch} {KEPT[event.test is not None]}"
            how = "Finished" if event.through else "Stopped"
            return "info", f"{how} after {counted(event.epochs, event.unit)} ({why}); {kept}."
        case _:
            return "error" if isinstance(event, Failed) else "info", in_recipe_terms(describe(event))


def _key_for(advice: Mapping[str, str]) -> str:
    """The key that takes advice."""
    return f" {TAKE} puts {values(advice)} into the recipe." if advice else ""


def values(advice: Mapping[str, str]) -> str:
    """Advice as the recipe's form shows it: batch 8, epochs 84."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in advice.items())


class LogLines(VerticalScroll):
    """The lines in a box that scrolls."""

    HELP = "All that the run had to say, the newest last."
    BINDINGS: ClassVar[list[BindingType]] = [FILTER]

    def __init__(self, log: Iterable[Event]) -> None:
        super().__init__()
        self._log = tuple(log)

    def compose(self) -> ComposeResult:
        """The text."""
        yield Static(log_lines(self._log) if self._log else content("There are no messages yet."))

    def narrow(self, text: str) -> tuple[int, int]:
        """Show only the lines that hold `text`, all where it is empty; how many those are, and of how many."""
        left = [event for event in self._log if holds(text, log_line(event)[1])]
        self.query_one(Static).update(log_lines(left))
        return len(left), len(self._log)

    def action_filter(self) -> None:
        """Ask for a text that lines are to hold."""
        open_filter(self)


class LogView(ModalScreen[None]):
    """All lines, the newest last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "dismiss", "Close", id="log.close", tooltip="Close the log.")
    ]

    def __init__(self, title: str, log: Iterable[Event]) -> None:
        super().__init__()
        self._title, self._log = title, tuple(log)

    def compose(self) -> ComposeResult:
        """A box that scrolls."""
        with Vertical(classes="dialog"):
            yield Static(content(self._title, "bold"), classes="question")
            yield LogLines(self._log)

    def on_mount(self) -> None:
        """To the newest."""
        self.query_one(LogLines).focus()
        self.query_one(LogLines).scroll_end(animate=False)
