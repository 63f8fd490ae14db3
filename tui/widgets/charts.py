"""Bars and histograms of a dataset, drawn by plotext like the curves of a training."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual import events
from textual.content import Content

from engine.base.language import tr
from tui.widgets.curves import SMALLEST, Curve, Curves, Plot
from tui.widgets.safe_cells import content
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
    """Horizontal bars, each with its label at the axis and its number at its end; of a plot without any its curves."""

    HELP = tr(
        "Bars, one a line. The number at the end of a line is its bar's length. Z shows them on the "
        "whole screen; keys there read, zoom and save them."
    )

    bars: tuple[tuple[str, float], ...] = ()
    _lines = 1
    """Lines that a bar takes."""

    def show(self, bars: Sequence[tuple[str, float]]) -> None:
        """Show these labels and numbers, the first one on top."""
        self.bars = tuple(bars)
        self.draw(())

    @property
    def plot(self) -> Plot:
        """What it shows."""
        longest = max((value for _, value in self.bars), default=0)
        limits = self.x_limits or ((0.0, float(longest)) if self.bars else None)
        return dataclasses.replace(super().plot, bars=self.bars, x_limits=limits)

    @property
    def something_drawn(self) -> bool:
        """Is there a bar, or a curve?"""
        return any(value for _, value in self.bars) or super().something_drawn

    def show_plot(self, plot: Plot) -> None:
        """Show a plot in place of what was shown; the cursor stays."""
        self.bars = plot.bars
        super().show_plot(plot)

    def values(self) -> Content | None:
        """The label and the number of the bar under the cursor, whose number counts the bars from the top."""
        if not self.bars:
            return super().values()
        if self.cursor is None:
            return None
        label, value = self.bars[min(max(0, round(self.cursor)), len(self.bars) - 1)]
        return Content.assemble((f"{display_name(label)} ", "bold $primary"), content(f"{value:,.0f} {self.x_title}"))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Tell what lies under the mouse."""
        if not self.bars:
            return  # the handler of what this derives from is called as well
        event.prevent_default()
        place = self._first() + (event.get_content_offset_capture(self).y - 1) // self._lines
        self.point_at(float(place) if 0 <= place < len(self.bars) else None)

    def _heading(self) -> str:
        if not self.bars or not self.x_title:
            return super()._heading()
        return tr("{title} by {x_title}", title=self.x_title, x_title=self.title)

    def _first(self) -> int:
        """The bar on top: where there is no room for all, the one under the cursor is in sight."""
        room = max(1, self.content_size.height - 3)
        return max(0, round(self.cursor or 0) - room + 1) if len(self.bars) > room else 0

    def _figure(self, width: int, height: int) -> Text:
        if not self.bars and self.curves:
            return super()._figure(width, height)
        bars = self.bars[self._first() :][: max(0, height - 3)]
        longest = self.x_limits[1] if self.x_limits else max((value for _, value in self.bars), default=0)
        if width < SMALLEST[0] or height < SMALLEST[1] or not longest:
            return Text(self.empty if height else "", style="dim")
        labels = [_fit(f"{display_name(label)} {value:,.0f}", min(LONGEST_LABEL, width // 2)) for label, value in bars]
        values = [min(value, longest) for _, value in bars]
        return Text.from_ansi(self._lay(labels, values, longest, width, height), end="")

    def _lay(self, labels: list[str], values: list[float], longest: float, width: int, height: int) -> str:
        import plotext

        # As many for each bar, so that none looks thicker than another.
        self._lines = lines = min(4, (height - 3) // len(values))
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
