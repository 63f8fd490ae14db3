"""A table of plain rows that are shown anew often, and copied as texts."""

from collections.abc import Sequence

from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.safe_cells import cell
from tui.words.safe_text import display_name


class RowTable(FittedTable):
    """Rows of foreign texts under a header; cursor and scrolling stay as they are while the shape does."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._texts: list[tuple[str, ...]] = []

    def show_rows(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Show these texts; the second column names the row."""
        new: list[tuple[str, ...]] = [tuple(column.name for column in columns), *map(tuple, rows)]
        if new == self._texts:
            return
        self._texts = new
        self.offer(*columns)
        self.fill(
            [
                [cell(text, "bold" if place == 1 else "", right=columns[place].right) for place, text in enumerate(row)]
                for row in rows
            ]
        )

    def texts(self) -> list[list[str]]:
        """Header and rows, whole."""
        return [[display_name(text) for text in row] for row in self._texts]
