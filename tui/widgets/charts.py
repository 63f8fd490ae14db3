"""Bars and histograms of a dataset, drawn by plotext like the curves of a training."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from engine.base.language import tr
from tui.widgets.curves import SMALLEST, Curve, Curves
from tui.words.plot import blank, whole_ticks
from tui.words.safe_text import display_name

if TYPE_CHECKING:
    from engine.data.records import Record

MARKS = ("hd", "x", "o", "+", "*", "#")
COLOURS = ("primary", "warning", "success", "error", "accent", "secondary")
LONGEST_LABEL = 24
BAR = "█"


def class_curve(label: str, place: int, x: Sequence[float], y: Sequence[float], joined: bool = True) -> Curve:
    """A class's curve: the one at `place` of the classes differs from the others by its mark and its colour."""
    return Curve(label, x, y, MARKS[place % len(MARKS)], COLOURS[place % len(COLOURS)], joined)


class Bars(Curves):
    """Horizontal bars, each with its label at the axis and its number at its end."""

    HELP = tr("Bars, one a line. The number at the end of a line is its bar's length.")

    def __init__(self, title: str = "", *, empty: str = tr("nothing to draw yet"), id: str | None = None) -> None:
        super().__init__(title, empty=empty, id=id)
        self.bars: tuple[tuple[str, float], ...] = ()

    def show(self, bars: Sequence[tuple[str, float]]) -> None:
        """Show these labels and numbers, the first one on top."""
        self.bars = tuple(bars)
        self.draw(())

    def _figure(self, width: int, height: int) -> Text:
        bars = self.bars[: max(0, height - 3)]
        longest = max((value for _, value in bars), default=0)
        if width < SMALLEST[0] or height < SMALLEST[1] or not longest:
            return Text(self.empty if height else "", style="dim")
        labels = [_fit(f"{display_name(label)} {value:,.0f}", min(LONGEST_LABEL, width // 2)) for label, value in bars]
        return Text.from_ansi(self._lay(labels, [value for _, value in bars], longest, width, height), end="")

    def _lay(self, labels: list[str], values: list[float], longest: float, width: int, height: int) -> str:
        import plotext

        lines = min(4, (height - 3) // len(values))  # as many for each bar, so that none looks thicker than another
        rows = lines * len(values)
        figure = blank(width, rows + 3)
        places = [rows - 1 - lines * place - (lines - 1) // 2 for place in range(len(values))]
        filled = max(1, lines - 1 - lines % 2)
        marker = plotext.marker(BAR, self._pixel("primary"))
        thickness = (filled - 0.9) / lines
        figure.draw(figure.bar(places, values, orientation="h", width=thickness, marker=marker))
        figure.ruler("y").ticks(places, labels)
        figure.ruler("y").lim(0, max(1, rows - 1))
        figure.ruler("x").lim(0, longest)
        ticks = whole_ticks(0, longest, most=max(2, width // 14))
        figure.ruler("x").ticks(ticks, [f"{tick:,}" for tick in ticks])
        return str(figure.build().string())


def sizes_by_class(records: "Iterable[Record]") -> list[tuple[str, int]]:
    """Images by class and size, as labels and numbers."""
    counts: dict[tuple[str, int, int], int] = {}
    for record in records:
        key = (record.label, record.width, record.height)
        counts[key] = counts.get(key, 0) + 1
    return [(f"{label} {width}x{height}", count) for (label, width, height), count in counts.items()]


def scatter(records: "Iterable[Record]") -> list[Curve]:
    """The images' widths and heights, a cloud of points for each class."""
    sizes: dict[str, dict[tuple[int, int], None]] = {}
    for record in records:
        sizes.setdefault(record.label, {})[record.width, record.height] = None
    return [
        class_curve(label, place + 1, [w for w, _ in places], [h for _, h in places], joined=False)
        for place, (label, places) in enumerate(sizes.items())
    ]


def _fit(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 2) + ".."
