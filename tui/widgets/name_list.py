"""A list of very many names: only the lines in sight are made, so that ten thousand files cost nothing."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.base.language import tr
from tui.widgets.filter_line import FILTER, holds, open_filter
from tui.words.safe_text import display_name


class NameList(ScrollView, can_focus=True):
    """Names, one of them highlighted; a move tells `Highlighted`."""

    DEFAULT_CSS = """
    NameList { height: 1fr; background: $background; scrollbar-size-vertical: 1; overflow-x: hidden; }
    NameList > .names--cursor { background: $panel; text-style: bold; }
    NameList:focus > .names--cursor { background: $primary 30%; text-style: bold; }
    NameList:ansi > .names--cursor { text-style: reverse; }
    NameList:ansi:focus > .names--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    NameList:ansi:focus > .names--cursor { text-style: none; }
    NameList:nocolor > .names--cursor, NameList:nocolor:focus > .names--cursor { text-style: reverse; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"names--cursor"}
    HELP = tr("The files of the class. Move with the arrows, page keys, home and end, or click.")
    BINDINGS: ClassVar[list[BindingType]] = [
        FILTER,
        Binding("down", "move(1)", tr("Next"), show=False),
        Binding("up", "move(-1)", tr("Previous"), show=False),
        Binding("pagedown", "page(1)", tr("Page down"), show=False),
        Binding("pageup", "page(-1)", tr("Page up"), show=False),
        Binding("home", "go(0)", tr("First"), show=False),
        Binding("end", "go(-1)", tr("Last"), show=False),
    ]
    cursor = reactive(0, always_update=True)

    class Highlighted(Message):
        """The cursor stands on another name, or the list is another one."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.names: Sequence[str] = ()
        self._every: Sequence[str] = ()
        self._places: list[int] | None = None
        """Where the names that a filter leaves stand among all; None while there is no filter."""
        self._filter = ""

    def show(self, names: Sequence[str], index: int = 0) -> None:
        """List these names, the one at `index` highlighted."""
        self._every = names
        self._list(index)

    def narrow(self, text: str) -> tuple[int, int]:
        """List only the names that hold `text`, all where it is empty; how many those are, and of how many."""
        before, self._filter = self.place, text
        self._list(before)
        return len(self.names), len(self._every)

    @property
    def place(self) -> int:
        """The place of the name at hand among all, also those that a filter hides."""
        if self._places is None:
            return self.cursor
        return self._places[self.cursor] if self.cursor < len(self._places) else 0

    def _list(self, index: int) -> None:
        """List what the filter leaves; the cursor on the name at `index` of all, where that is left."""
        every, text = self._every, self._filter
        self._places = [place for place, name in enumerate(every) if holds(text, name)] if text else None
        self.names = every if self._places is None else [every[place] for place in self._places]
        line = index if self._places is None else self._places.index(index) if index in self._places else 0
        self.virtual_size = Size(0, len(self.names))
        self.cursor = max(0, min(line, len(self.names) - 1))
        self.refresh()

    def action_filter(self) -> None:
        """Ask for a text that names are to hold."""
        open_filter(self)

    def watch_cursor(self) -> None:
        """Keep it in sight, and tell."""
        if not self.names:
            return
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)
        self.refresh()
        self.post_message(self.Highlighted(self.place))

    def render_line(self, y: int) -> Strip:
        """The name that lies on line `y` now."""
        place, width = y + self.scroll_offset.y, self.size.width
        if place >= len(self.names):
            return Strip.blank(width, self.rich_style)
        style = self.get_component_rich_style("names--cursor") if place == self.cursor else self.rich_style
        text = set_cell_size(f" {display_name(self.names[place])}", width)
        return Strip([Segment(text, style)], width)

    def action_move(self, step: int) -> None:
        """By so many lines."""
        self.action_go(max(0, min(self.cursor + step, len(self.names) - 1)))

    def action_page(self, step: int) -> None:
        """By a page."""
        self.action_move(step * max(1, self.size.height - 1))

    def action_go(self, place: int) -> None:
        """To a line, -1 being the last."""
        to = place if place >= 0 else len(self.names) - 1
        if self.names and to != self.cursor:
            self.cursor = to

    def on_click(self, event: Click) -> None:
        """To the name that was clicked."""
        place = event.y + self.scroll_offset.y
        if place < len(self.names):
            self.action_go(place)
