"""A table that never scrolls sideways: columns leave by rank, names are cut, what counts most stays whole."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.color import Color
from textual.coordinate import Coordinate
from textual.events import Resize
from textual.widgets import DataTable

from tui.host.private_apis import DrawsLinesOfText
from tui.widgets.bars import capped, shortened
from tui.widgets.filter_line import FILTER, holds, open_filter
from tui.words.safe_text import display_name

Cell = Text | Callable[[int], Text]
"""What a cell shows; a function makes it for the width that its column gets."""
PADDING = 2
"""Columns of the terminal that lie around the text of each of the table's columns."""
UNLIMITED = 10_000
FEW = 2
"""Rows from which on there is something to filter."""


@dataclass(frozen=True)
class Column:
    """A column that is shown where there is room.

    Of those with a `rank` above 0 the greatest leaves first, and those without any text are left out; 0 never leaves.
    Its texts may be cut to `least` characters, in their `middle` or at their end; where that is 0 they are never cut.
    `most` is what a column of cells that are made to measure takes at most. With `filled` it is left out too where no
    cell has a text.
    """

    name: str
    key: str = ""
    rank: int = 0
    least: int = 0
    most: int = 0
    right: bool = False
    middle: bool = False
    filled: bool = False

    @property
    def known_as(self) -> str:
        """The key under which the table has it."""
        return self.key or self.name

    @property
    def title(self) -> Text:
        """The header's cell."""
        return Text(display_name(self.name), justify="right" if self.right else "left", no_wrap=True)


def fitting(offered: Sequence[Column], wanted: Sequence[int], room: int) -> list[int]:
    """The width that each column gets of `room` characters, 0 where it is left out; `wanted` are those of its texts.

    First comes what never leaves, at the least it needs, then the others by their rank, each that still fits; what is
    left over goes to the columns that are cut, the narrowest first, and then to what is made to measure.
    """
    least = [min(width, column.least or width) for column, width in zip(offered, wanted, strict=True)]
    given = [0] * len(offered)
    spare = room
    for place in sorted(range(len(offered)), key=lambda place: offered[place].rank):
        if offered[place].rank == 0 or 0 < least[place] <= spare - PADDING:
            given[place] = max(1, least[place])
            spare -= given[place] + PADDING
    while spare > 0:
        cut = [place for place, width in enumerate(given) if 0 < width < wanted[place]]
        if not cut:
            break
        given[min(cut, key=lambda place: (offered[place].most > 0, given[place]))] += 1
        spare -= 1
    return given


class FittedTable(DrawsLinesOfText, DataTable[Text]):
    """Rows under the columns that fit; all others, and what is cut of a name, come back when there is room."""

    DEFAULT_CSS = "FittedTable { overflow-x: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [FILTER]

    def __init__(self, *offered: Column, cursor_type: Any = "row", id: str | None = None, **named: Any) -> None:
        super().__init__(cursor_type=cursor_type, id=id, **named)
        self._offered = offered
        self._laid: tuple[tuple[int, Column, int], ...] = ()
        """Place, column and width of each that is shown."""
        self._keys: list[str] = []
        self._whole: list[tuple[Cell, ...]] = []
        self._wanted: list[int] = []
        self._seen: list[int] = []
        """The places of the rows that the filter leaves."""
        self._filter = ""

    def on_mount(self) -> None:
        """The header."""
        self._fit()
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._fit())

    def on_resize(self, event: Resize) -> None:
        """Another width has room for other columns."""
        self._fit()

    @property
    def least_width(self) -> int:
        """Columns of the terminal that it needs for what never leaves."""
        offered = zip(self._offered, self._widths(), strict=True)
        return sum(max(1, min(width, one.least or width)) + PADDING for one, width in offered if one.rank == 0)

    def offer(self, *offered: Column) -> None:
        """These columns instead of those before; the rows go."""
        if offered != self._offered:
            self._offered = offered
            self._keys, self._whole, self._wanted, self._seen = [], [], [], []
            self._fit()

    def fill(self, rows: Sequence[Sequence[Cell]], keys: Sequence[str] | None = None) -> None:
        """Show these rows, the cursor staying on the row of its key; without keys it stays where it is."""
        self._keys = list(keys) if keys is not None else [str(place) for place in range(len(rows))]
        self._whole = [tuple(row) for row in rows]
        self._wanted, self._seen = [], self._left(range(len(rows)))
        self._fit()

    def append(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Show these rows below the others."""
        new = [tuple(row) for row in rows]
        before = len(self._whole)
        wanted = [max(pair) for pair in zip(self._widths(), self._measured(new), strict=True)]
        self._whole += new
        self._keys += [str(place) for place in range(before, before + len(new))]
        grown, self._wanted = wanted != self._wanted, wanted
        there, more = len(self._seen), self._left(range(before, len(self._whole)))
        self._seen += more
        if grown or self.row_count != there:
            self._fit()
        else:
            for place in more:
                self.add_row(*self._cells(place), key=self._keys[place])

    def change(self, key: str, cells: Sequence[Cell]) -> None:
        """Show these cells in the row of that key."""
        self._whole[self._keys.index(key)] = tuple(cells)
        self._wanted, self._seen = [], self._left(range(len(self._whole)))
        self._fit()

    def narrow(self, text: str) -> tuple[int, int]:
        """Show only the rows that hold `text`, all where it is empty; how many those are, and of how many."""
        self._filter = text
        self._seen = self._left(range(len(self._whole)))
        self._fit()
        return len(self._seen), len(self._whole)

    def action_filter(self) -> None:
        """Ask for a text that rows are to hold."""
        open_filter(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is done with a row needs one, and a filter is for more than a few."""
        if action in ("select_cursor", "pick"):
            return bool(self._whole)
        return action != "filter" or len(self._whole) >= FEW or bool(self._filter)

    def _left(self, places: range) -> list[int]:
        """Those of the places whose rows the filter leaves."""
        if not self._filter:
            return list(places)
        return [
            place
            for place in places
            if holds(self._filter, *(cell.plain for cell in self._whole[place] if isinstance(cell, Text)))
        ]

    @property
    def shown(self) -> tuple[str, ...]:
        """The keys of the columns that are shown."""
        return tuple(column.known_as for _, column, _ in self._laid)

    @property
    def key_at_cursor(self) -> str | None:
        """The key of the row under the cursor."""
        return self._keys[self.place] if 0 <= self.place < len(self._keys) else None

    @property
    def place(self) -> int:
        """The place of the row under the cursor among all rows, also those that a filter hides; -1 for none."""
        return self.place_of(self.cursor_row)

    def place_of(self, line: int) -> int:
        """The place among all rows of the row that stands on this line; -1 for none."""
        return self._seen[line] if 0 <= line < len(self._seen) else -1

    def is_cut(self, place: int) -> bool:
        """Is less than all of one of the cells of this row shown?"""
        row = self._whole[place] if 0 <= place < len(self._whole) else ()
        return any(isinstance(cell := row[at], Text) and cell.cell_len > width for at, _, width in self._laid if row)

    @property
    def room(self) -> int:
        """The characters of a line, without those that a scroll bar would take."""
        return self.content_size.width - self.styles.scrollbar_size_vertical

    def _measured(self, rows: Sequence[tuple[Cell, ...]]) -> list[int]:
        """The widest text of each column, its title with it where there is one; 0 for one that is to be filled and has
        none.
        """
        titles = [cell_len(column.name) if self.show_header else 1 for column in self._offered]
        widest = [0 if column.filled else width for column, width in zip(self._offered, titles, strict=True)]
        for row in rows:
            for place, cell in enumerate(row):
                width = cell.cell_len if isinstance(cell, Text) else self._offered[place].most
                if width > widest[place]:
                    widest[place] = max(width, titles[place])
        return widest

    def _widths(self) -> list[int]:
        if not self._wanted:
            self._wanted = self._measured(self._whole)
        return self._wanted

    def _fit(self) -> None:
        """Show what fits, anew only where that is something else than before."""
        if not self.is_attached:
            return
        room = self.room if self.room > 0 else UNLIMITED
        given = fitting(self._offered, self._widths(), room)
        every = zip(range(len(given)), self._offered, given, strict=True)
        laid = tuple((place, column, width) for place, column, width in every if width)
        keys = [self._keys[place] for place in self._seen]
        if laid == self._laid and keys == [key.value for key in self.rows]:
            self._update()
            return
        before = self._under_cursor()
        line = keys.index(before) if before in keys else self.cursor_row
        with self.prevent(DataTable.RowHighlighted) if before in keys else nullcontext():
            self._lay(laid, max(0, min(line, len(keys) - 1)))

    def _under_cursor(self) -> str | None:
        if not 0 <= self.cursor_row < self.row_count:
            return None
        return self.coordinate_to_cell_key(Coordinate(self.cursor_row, 0)).row_key.value

    def _lay(self, laid: tuple[tuple[int, Column, int], ...], cursor: int) -> None:
        top = self.scroll_offset.y
        self._laid = laid
        self.clear(columns=True)
        for _, column, width in laid:
            self.add_column(column.title, width=width, key=column.known_as)
        for place in self._seen:
            self.add_row(*self._cells(place), key=self._keys[place])
        if self._seen:
            self.scroll_to(y=top, animate=False)
            self.move_cursor(row=cursor)

    def _update(self) -> None:
        """Draw the cells anew that are others than before."""
        for line, place in enumerate(self._seen):
            old = self.get_row_at(line)
            for column, new in enumerate(self._cells(place)):
                if new != old[column] or new.style != old[column].style:
                    self.update_cell_at(Coordinate(line, column), new)

    def _cells(self, place: int) -> list[Text]:
        """The cells of a row that are shown, as wide as their columns."""
        row = self._whole[place]
        return [self._inked(_cut(row[at], column, width)) for at, column, width in self._laid]

    def _inked(self, cell: Text) -> Text:
        """What is dim in the theme's own muted colour: a terminal's dimming may leave nothing to read."""
        muted = self.app.theme_variables.get("text-muted", "")
        if cell.style != "dim" or not muted:
            return cell
        return Text(cell.plain, Style(color=Color.parse(muted).rich_color), justify=cell.justify, no_wrap=True, end="")


def _cut(cell: Cell, column: Column, width: int) -> Text:
    if not isinstance(cell, Text):
        return cell(width)
    if cell.cell_len <= width:
        return cell
    short = shortened if column.middle else capped
    return Text(short(cell.plain, width), style=cell.style, justify=cell.justify, no_wrap=True, end="")
