"""The confusion matrix: truth in rows, what was said in columns, each cell a count with its share of the row."""

from rich.cells import cell_len
from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from engine.base.language import tr
from engine.base.wording import whole_percent
from tui.widgets.bars import fitted
from tui.widgets.safe_cells import content, lines
from tui.words.glyphs import Glyphs
from tui.words.safe_text import display_name

CELL = (7, 20)
"""Least and greatest width of a cell."""
WITH_SHARE = 12
"""Least width of a cell that also has the share of its row."""
NAMES, FEWEST = 18, 4
"""Most and fewest columns of a row's name."""


def broken(name: str, width: int) -> list[str]:
    """A class's name in one line, or in two where it has a gap and does not fit; what does not fit even so is to be
    cut.
    """
    shown = display_name(name)
    gaps = [place for place, letter in enumerate(shown) if letter in " _-"]
    halves = [(shown[: at + 1].rstrip(), shown[at + 1 :]) for at in gaps]
    begun = [pair for pair in halves if 0 < cell_len(pair[0]) <= width]
    fit = [pair for pair in begun if 0 < cell_len(pair[1]) <= width] or begun
    return [shown] if cell_len(shown) <= width or not fit else list(fit[-1])


class Confusion(Widget, can_focus=True):
    """A table; where there is room, a bar in each cell. The diagonal, what was right, stands in brackets."""

    DEFAULT_CSS = """
    Confusion { width: 1fr; height: 1fr; }
    Confusion:focus { background: $foreground 5%; }
    """
    HELP = tr(
        "Each row is a true class, each column what the model said; a cell counts the images and "
        "their share of the row. What was right stands in brackets on the diagonal. c copies the "
        "table."
    )

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self.classes_shown: tuple[str, ...] = ()
        self.counts: list[list[int]] = []

    def show(self, classes: tuple[str, ...], counts: list[list[int]]) -> None:
        """Show these counts."""
        self.classes_shown, self.counts = classes, counts
        self.refresh(layout=True)

    def table(self) -> list[tuple[str, ...]]:
        """The matrix as rows of texts, a header first."""
        rows = [(tr("truth \\ said"), *self.classes_shown)]
        return rows + [(name, *map(str, row)) for name, row in zip(self.classes_shown, self.counts, strict=True)]

    def render(self) -> RenderResult:
        """The table in the room there is."""
        classes, (width, height) = self.classes_shown, self.content_size
        if not classes:
            return Content("")
        spare = width - 1 - CELL[0] * len(classes)  # a count is worth more than the end of a name
        names = min(NAMES, max(map(cell_len, map(display_name, classes))), max(FEWEST, spare))
        room = min(CELL[1], max(CELL[0], (width - names - 2) // len(classes)))
        titles = [broken(name, room - 1) for name in classes]
        tall = min(max(map(len, titles)), max(1, height - len(classes)))
        deep = min(3, max(1, (height - tall) // len(classes)))
        if tall < max(map(len, titles)):
            titles, tall = [[name] for name in classes], 1  # no line to spare for the rest of a name
        rows = []
        for line in range(tall):  # the names end on the line above the counts
            parts = [title[line - tall + len(title)] if line >= tall - len(title) else "" for title in titles]
            header = " " * (names + 1) + "".join(f" {fitted(part, room - 1)}" for part in parts)
            rows.append(Content.styled(header, "$foreground-muted bold"))
        for place, (name, counts) in enumerate(zip(classes, self.counts, strict=True)):
            rows += self._row(f"{fitted(name, names)} ", place, counts, room)[:deep]
        return lines(rows)

    def _row(self, name: str, place: int, counts: list[int], room: int) -> list[Content]:
        """Counts, bars, and the shares where they did not fit beside the counts."""
        total, empty = sum(counts), content(" " * cell_len(name))
        figures, drawn, shares = [Content.styled(name, "bold")], [empty], [empty]
        for column, count in enumerate(counts):
            share = count / total if total else 0.0
            right = column == place
            style = "bold $success" if right else "$error" if count else "$foreground-muted"
            number = f"[{count:,}]" if right else f"{count:,}" + " "
            text = f" {number:>{room - 6}}{whole_percent(share):>5}" if room >= WITH_SHARE else f"{number:>{room}}"
            figures.append(Content.styled(text, style))
            drawn.append(Content.styled(f" {self._glyphs.bar(share, room - 2)} ", style))
            beside = room >= WITH_SHARE
            shares.append(Content("") if beside else Content.styled(f"{whole_percent(share):>{room - 1}} ", style))
        return [Content("").join(row) for row in (figures, drawn, shares)]
