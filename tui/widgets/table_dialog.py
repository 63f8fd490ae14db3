"""A dialog with a table: a folder's problems, equal images or sources. The line under it tells a row whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from engine.base.language import tr
from engine.base.wording import counted
from tui.widgets.dialog import Dialog
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.safe_cells import cell, content, number
from tui.words.safe_text import display_name

MOST_ROWS = 2000
NARROWEST = 8
"""Characters to which a text may be cut; the line under the table tells the row at hand whole."""


@dataclass(frozen=True)
class Table:
    """What a `Listing` shows. A cell is a text or a number; `about` stands above the table."""

    title: str
    about: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str | int, ...]]
    none: str
    """What is said where there are no rows."""


class Listing(Dialog[None]):
    """Shows a table; `y` copies it whole, tabs between the columns."""

    HELP = tr("Move through the rows with the arrows; the line below the table shows a long one whole.")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", tr("Copy"), id="list.copy", tooltip=tr("Copy the table to the terminal's clipboard.")),
    ]

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table

    def body(self) -> ComposeResult:
        """Text, table, the row at hand."""
        with Vertical(classes="dialog large") as box:
            box.border_title = self._table.title
            yield Static(content(self._table.about if self._table.rows else self._table.none), classes="question")
            if self._table.rows:
                yield FittedTable()
                yield Static(id="whole", classes="muted")

    def on_mount(self) -> None:
        """The rows."""
        if not self._table.rows:
            return
        table = self.query_one(FittedTable)
        first = self._table.rows[0]
        numbers = [isinstance(first[place], int) for place in range(len(self._table.columns))]
        table.offer(
            *(
                Column(name, rank=place * right, least=0 if right else NARROWEST, right=right, middle=place == 0)
                for place, (name, right) in enumerate(zip(self._table.columns, numbers, strict=True))
            )
        )
        rows = [
            [number(value) if isinstance(value, int) else cell(value) for value in row]
            for row in self._table.rows[:MOST_ROWS]
        ]
        more = len(self._table.rows) - MOST_ROWS
        if more > 0:
            rest = cell(tr("and {more:,} more; `covid-tui scan` lists them all", more=more))
            rows.append([rest, *(cell("") for _ in numbers[1:])])
        table.fill(rows)
        table.focus()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Tell the row whole."""
        place = self.query_one(FittedTable).place_of(event.cursor_row)
        if 0 <= place < min(MOST_ROWS, len(self._table.rows)):
            row = self._table.rows[place]
            parts = [
                Content.assemble((f"{display_name(name)} ", "bold"), content(value))
                for name, value in zip(self._table.columns, row, strict=True)
                if value != ""
            ]
            self.query_one("#whole", Static).update(Content("  ").join(parts))

    def why_not(self, action: str) -> str:
        """A table without rows."""
        return tr("There is nothing to copy.") if action == "copy" and not self._table.rows else super().why_not(action)

    def action_copy(self) -> None:
        """The whole table, tabs between the columns."""
        rows = [self._table.columns, *self._table.rows]
        self.app.copy_to_clipboard("\n".join("\t".join(display_name(value) for value in row) for row in rows))
        self.app.notify(tr("Copied {rows}.", rows=counted(len(self._table.rows), "row")), markup=False)
