"""What a run had to say, whole: for terminals that are too narrow to show it all the time."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.base.events import Event, Failed, Finished, Notice
from engine.base.language import tr
from engine.base.wording import counted, in_turn, listing
from tui.widgets.dialog import Dialog, closed_by
from tui.widgets.filter_line import FILTER, holds, open_filter
from tui.widgets.safe_cells import content, lines
from tui.words.event_text import describe
from tui.words.recipe_terms import in_recipe_terms

KEPT = {
    ("epoch", True): tr("epoch {number} was tested"),
    ("epoch", False): tr("epoch {number} was the best, and the test part is still shut"),
    ("rung", True): tr("rung {number} was tested"),
    ("rung", False): tr("rung {number} was the best, and the test part is still shut"),
}
"""By the unit of a training, and by whether it was tested."""
WHY = {
    "all epochs": tr("all epochs"), "patience": tr("no better epoch came"), "stopped": tr("asked to stop"),
    "ladder": tr("all tried"),
}  # fmt: skip
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
            return event.level, _with_key(in_recipe_terms(event.text), event.advice)
        case Finished():
            kept = KEPT[event.unit, event.test is not None].format(number=event.best_epoch)
            done = counted(event.epochs, "rung") if event.unit == "rung" else counted(event.epochs, "epoch")
            text = (
                tr("Finished after {done} ({why}); {kept}.")
                if event.through
                else tr("Stopped after {done} ({why}); {kept}.")
            )
            return "info", text.format(done=done, why=WHY[event.ended], kept=kept)
        case _:
            return "error" if isinstance(event, Failed) else "info", in_recipe_terms(describe(event))


def _with_key(text: str, advice: Mapping[str, str]) -> str:
    """The text, and the key that takes its advice, where it has some."""
    if not advice:
        return text
    return in_turn(text, tr("{key} puts {values} into the recipe.", key=TAKE, values=values(advice)))


def values(advice: Mapping[str, str]) -> str:
    """Advice as the recipe's form shows it: batch 8, epochs 84."""
    return listing(f"{name.replace('_', ' ')} {value}" for name, value in advice.items())


class LogLines(VerticalScroll):
    """The lines in a box that scrolls."""

    HELP = tr("All that the run had to say, the newest last.")
    BINDINGS: ClassVar[list[BindingType]] = [FILTER]

    def __init__(self, log: Iterable[Event]) -> None:
        super().__init__()
        self._log = tuple(log)

    def compose(self) -> ComposeResult:
        """The text."""
        yield Static(log_lines(self._log) if self._log else content(tr("There are no messages yet.")))

    def narrow(self, text: str) -> tuple[int, int]:
        """Show only the lines that hold `text`, all where it is empty; how many those are, and of how many."""
        left = [event for event in self._log if holds(text, log_line(event)[1])]
        self.query_one(Static).update(log_lines(left))
        return len(left), len(self._log)

    def action_filter(self) -> None:
        """Ask for a text that lines are to hold."""
        open_filter(self)


class LogView(Dialog[None]):
    """All lines, the newest last."""

    HELP = LogLines.HELP
    BINDINGS: ClassVar[list[BindingType]] = [closed_by("n")]

    def __init__(self, title: str, log: Iterable[Event]) -> None:
        super().__init__()
        self._title, self._log = title, tuple(log)

    def body(self) -> ComposeResult:
        """A box that scrolls."""
        with Vertical(classes="dialog"):
            yield Static(content(self._title, "bold"), classes="question")
            yield LogLines(self._log)

    def on_mount(self) -> None:
        """To the newest."""
        self.query_one(LogLines).focus()
        self.query_one(LogLines).scroll_end(animate=False)
