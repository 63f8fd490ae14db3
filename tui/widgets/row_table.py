"""A table of plain rows that are shown anew often: only cells that differ are drawn again."""

from collections.abc import Container, Sequence

from rich.text import Text
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from tui.widgets.safe_cells import cell
from tui.words.safe_text import display_name


class RowTable(DataTable[Text]):
    """Rows of foreign texts under a header; cursor and scrolling stay as they are while the shape does."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(cursor_type="row", id=id)
        self._right: Container[int] = ()
        self._shown: tuple[tuple[str, ...], ...] = ()

    def fill(self, header: Sequence[str], rows: Sequence[Sequence[str]], right: Container[int]) -> None:
        """Show these; `right` are the columns of numbers, which stand at their right edge."""
        new: tuple[tuple[str, ...], ...] = (tuple(header), *map(tuple, rows))
        if new == self._shown:
            return
        before, self._shown = self._shown, new
        if before and before[0] == new[0] and len(before) == len(new):
            self._update(before[1:], new[1:])
            return
        cursor, self._right = self.cursor_row, right
        self.clear(columns=True)
        self.add_columns(*(cell(name, right=column in self._right) for column, name in enumerate(header)))
        for row in rows:
            self.add_row(*(self._cell(column, text) for column, text in enumerate(row)))
        self.move_cursor(row=max(0, min(cursor, len(rows) - 1)))

    def _update(self, before: Sequence[tuple[str, ...]], now: Sequence[tuple[str, ...]]) -> None:
        for place, (old, row) in enumerate(zip(before, now, strict=True)):
            for column, text in enumerate(row):
                if text != old[column]:
                    self.update_cell_at(Coordinate(place, column), self._cell(column, text), update_width=True)

    def texts(self) -> list[list[str]]:
        """Header and rows."""
        return [[display_name(text) for text in row] for row in self._shown]

    def _cell(self, column: int, text: str) -> Text:
        return cell(text, "bold" if column == 1 else "", right=column in self._right)
