"""The line in which a list is filtered: `/` opens it, each key narrows the list, escape shows all again."""

from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from engine.base.language import tr

FILTER = Binding(
    "slash",
    "filter",
    tr("Filter"),
    key_display="/",
    id="list.filter",
    show=False,
    tooltip=tr("Show only what holds a text."),
)
"""The key of every list."""


class Filtered(Protocol):
    """A list that can be narrowed."""

    @property
    def screen(self) -> Screen[object]:
        """Where it is."""

    def narrow(self, text: str) -> tuple[int, int]:
        """Show only what holds `text`, or all where it is empty; how many those are, and of how many."""

    def focus(self) -> Widget:
        """Take the keys."""


class FilterText(Input):
    """Where the text is typed."""

    HELP = tr("Type what the lines are to hold. Enter goes to the list, escape shows all of it again.")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "keep", tr("To the list"), key_display="enter",
                tooltip=tr("Go to the lines that are left.")),
        Binding("escape", "show_all", tr("Show all"), tooltip=tr("Show all again.")),
    ]  # fmt: skip

    def action_show_all(self) -> None:
        """Show all."""
        if isinstance(self.parent, FilterLine):
            self.parent.end()

    def action_keep(self) -> None:
        """To the list."""
        if isinstance(self.parent, FilterLine):
            self.parent.keep()


class FilterLine(Horizontal):
    """A line above the keys, there while a list is filtered."""

    DEFAULT_CSS = """
    FilterLine { dock: bottom; height: 1; margin-bottom: 1; background: $panel; }
    FilterLine .sign { width: 3; padding: 0 1; color: $accent; text-style: bold; }
    FilterLine FilterText { width: 1fr; background: $panel; padding: 0; }
    FilterLine .count { width: auto; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, target: Filtered) -> None:
        super().__init__()
        self.target = target

    def compose(self) -> ComposeResult:
        """Sign, text, count."""
        yield Static("/", classes="sign")
        yield FilterText()
        yield Static(classes="count")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        event.stop()
        left, of = self.target.narrow(event.value)
        self.query_one(".count", Static).update(tr("{left:,} of {of:,}", left=left, of=of))

    def keep(self) -> None:
        """To what is left; without a text there is nothing to keep."""
        if self.query_one(FilterText).value:
            self.target.focus()
        else:
            self.end()

    def end(self) -> None:
        """Show all, and go."""
        self.target.narrow("")
        self.target.focus()
        self.remove()


def open_filter(target: Filtered) -> None:
    """Open the line for this list, or go back to it."""
    lines = target.screen.query(FilterLine)
    there = next((line for line in lines if line.target is target), None)
    for line in lines:
        if line is not there:
            line.end()
    if there:
        there.query_one(FilterText).focus()
        return
    line = FilterLine(target)
    target.screen.mount(line)
    line.call_after_refresh(lambda: line.query_one(FilterText).focus())


def holds(text: str, *parts: str) -> bool:
    """Is each word of `text` in one of the parts, in whatever case?"""
    within = "\n".join(parts).casefold()
    return all(word in within for word in text.casefold().split())
