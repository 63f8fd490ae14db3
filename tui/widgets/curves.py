"""Curves in characters: plotext's figures as a widget. It draws whenever it is told; tui/state/relay.py paces that."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.color import Color
from textual.content import Content
from textual.widget import Widget

from engine.base.language import tr
from tui.widgets.safe_cells import content
from tui.words.plot import (
    abbreviated,
    blank,
    log_labels,
    log_ticks,
    readable,
    reading,
    round_ticks,
    thinned,
    whole_ticks,
)
from tui.words.plotext_private import plotext

SMALLEST = (16, 5)
FRAME = 6
"""Columns of a title's line that are the frame's."""
LINE = "▄▀"
"""What a line of blocks looks like in a legend."""


@dataclass(frozen=True)
class Curve:
    """One line; one without a label is left out of the legend, and has no value under the cursor.

    Curves differ by `marker` ("hd" is a line of blocks, "braille" one of dots) and by the sign at each of their points,
    `mark`, as well as by `colour`, a theme's variable: who sees no colours sees the signs.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    marker: str = "hd"
    colour: str = "primary"
    joined: bool = True
    mark: str = ""
    note: str = ""
    """What is told after its value, of one that is a point alone."""

    @property
    def sign(self) -> str:
        """What it looks like in a legend."""
        line = LINE if self.marker == "hd" else "⠤⠒" if self.marker == "braille" else self.marker
        return (f"{line[0]}{self.mark}{line[-1]}" if self.joined else self.mark) if self.mark else line


@dataclass(frozen=True)
class Plot:
    """What a plot shows, by itself: another widget can draw it, and a file keep it."""

    title: str
    """What the upright axis measures."""
    x_title: str
    """What the horizontal axis counts."""
    curves: tuple[Curve, ...]
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float | None, float | None] = (None, None)
    log: bool = False
    """Is the upright axis logarithmic?"""
    x_base: int = 0
    """The places along the horizontal axis are powers of this; 0 where they are what it counts."""
    key: str = ""
    """What its signs mean, where that is not a name for each curve."""
    bars: tuple[tuple[str, float], ...] = ()
    """Bars in place of curves, the first on top: what each is of and how long it is along the horizontal axis."""


class Curves(Widget):
    """A plot of some curves with a title, axes and, where there are two or more, a legend in its frame.

    What lies under the mouse is told in place of the legend.
    """

    DEFAULT_CSS = "Curves { width: 1fr; height: 1fr; min-height: 3; }"
    HELP = tr(
        "A plot. It follows the run as it goes; training and validation differ by marks as well as "
        "by colour. The values under the mouse stand in its frame. Z shows it on the whole screen; "
        "keys there read, zoom and save it."
    )

    def __init__(
        self,
        title: str = "",
        *,
        x_title: str = "",
        x_limits: tuple[float, float] | None = None,
        y_limits: tuple[float | None, float | None] = (None, None),
        empty: str = tr("nothing to draw yet"),
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.title = title
        """What the upright axis measures."""
        self.x_title = x_title
        """What the horizontal axis counts."""
        self.x_limits, self.y_limits = x_limits, y_limits
        self.empty = empty
        self.curves: tuple[Curve, ...] = ()
        self.x_base, self.key = 0, ""
        """As of a `Plot`."""
        self.logarithmic = False
        """Is the upright axis logarithmic?"""
        self.cursor: float | None = None
        """The place along the horizontal axis whose values are told."""
        self.note = ""
        """What stands in the title besides."""
        self._picture: tuple[object, Text] | None = None
        self._across = (0, 0)
        """Columns left of the drawing, and of the drawing itself."""
        self._tell()

    def draw(self, curves: Sequence[Curve], x_limits: tuple[float, float] | None = None) -> None:
        """Show these curves. The figure is made when the screen is painted, once, however often this is called."""
        self.curves, self.x_limits = tuple(curves), x_limits or self.x_limits
        self.redraw()

    def name_it(self, title: str, note: str = "", x_title: str = "") -> None:
        """Give it another title; `note` stands beside it."""
        self.title, self.note, self.x_title = title, note, x_title
        self._tell()

    @property
    def plot(self) -> Plot:
        """What it shows."""
        limits, log = (self.x_limits, self.y_limits), self.logarithmic
        return Plot(self.title, self.x_title, self.curves, *limits, log, self.x_base, self.key)

    @property
    def something_drawn(self) -> bool:
        """Is there a plot?"""
        return any(len(curve.x) for curve in self.curves)

    def show_plot(self, plot: Plot) -> None:
        """Show a plot in place of what was shown; the cursor stays."""
        self.title, self.x_title, self.logarithmic = plot.title, plot.x_title, plot.log
        self.y_limits, self.x_limits = plot.y_limits, plot.x_limits
        self.x_base, self.key = plot.x_base, plot.key
        self.draw(plot.curves, plot.x_limits)

    def redraw(self) -> None:
        """Draw anew what is shown."""
        self._picture = None
        self._tell()
        self.refresh()

    def point_at(self, x: float | None) -> None:
        """Tell the values at a place along the horizontal axis; None for none."""
        if x != self.cursor:
            self.cursor = x
            self.redraw()

    def values(self) -> Content | None:
        """The values under the cursor, as far as there is room; None where it is nowhere."""
        if self.cursor is None:
            return None
        # Of a curve that is one point alone the value is always the same; where all are, the next one is told.
        named = [curve for curve in self._named if len(curve.x) > 1 or curve.joined] or self._next_point(self.cursor)
        found = [(curve, reading(curve.x, curve.y, self.cursor)) for curve in named]
        told = [(curve, at) for curve, at in found if at is not None]
        if not told:
            return None
        place = told[0][1][0]  # that of the first: of steps there are too many to land on one
        parts = [content(f"{self.x_title} {self._counted(place)}")]
        for curve, (_, y) in told:
            note = f" {curve.note}" if curve.note else ""
            parts.append(Content.assemble((f"{curve.label} ", f"bold ${curve.colour}"), content(readable(y) + note)))
        return self._fitting(parts)

    def _next_point(self, at: float) -> list[Curve]:
        points = [curve for curve in self._named if len(curve.x)]
        return sorted(points, key=lambda curve: abs(curve.x[0] - at))[:1]

    def _counted(self, place: float) -> str:
        """What a place along the horizontal axis stands for."""
        if self.x_base:
            return abbreviated(self.x_base**place)
        return str(round(place)) if abs(place - round(place)) < 1e-9 else f"{place:.4g}"

    @property
    def _named(self) -> list[Curve]:
        """The curves of the legend, those first that have signs."""
        return sorted((curve for curve in self.curves if curve.label), key=lambda curve: not curve.mark)

    def _fitting(self, parts: list[Content]) -> Content:
        """As many of the parts, from the first on, as the frame has room for."""
        room = self.size.width - FRAME if self.size.width else math.inf
        while len(parts) > 1 and sum(part.cell_length + 2 for part in parts) > room:
            parts = parts[:-1]
        return Content("  ").join(parts)

    def _tell(self) -> None:
        """The legend, or what lies under the cursor, into the frame."""
        known = self._axes(self._heading())
        if self.size.width and cell_len(known) > self.size.width - FRAME:
            known = self._axes(self.title)  # what the axis counts goes before a title is cut
        self.border_title = content(f"{known}  ({self.note})" if self.note else known)
        several = len(self._named) > 1
        self.border_subtitle = self.values() or content(self.key) or (self._legend() if several else "")

    def _heading(self) -> str:
        """What both axes are."""
        title, x_title = self.title, self.x_title
        return tr("{title} by {x_title}", title=title, x_title=x_title) if x_title else title

    def _axes(self, named: str) -> str:
        return tr("{title}, log axis", title=named) if self.logarithmic else named

    def _legend(self) -> Content:
        signed = [(curve.sign, f"bold ${curve.colour}", curve.label) for curve in self._named]
        return self._fitting([Content.assemble((sign, style), " ", content(label)) for sign, style, label in signed])

    def on_resize(self) -> None:
        """Another width has room for another legend."""
        self._tell()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Tell what lies under the mouse."""
        before, columns = self._across
        column = event.get_content_offset_capture(self).x - before
        if columns and self.x_span and 0 <= column < columns:
            low, high = self.x_span
            self.point_at(low + (column + 0.5) / columns * (high - low))

    def on_leave(self) -> None:
        """The mouse has gone."""
        self.point_at(None)

    @property
    def x_span(self) -> tuple[float, float] | None:
        """The ends of the horizontal axis; None where nothing is drawn."""
        if self.x_limits:
            return self.x_limits
        every = [x for curve in self.curves for x in curve.x if math.isfinite(x)]
        return (min(every), max(every)) if every else None

    def render(self) -> RenderResult:
        """The figure in the widget's present size and colours; the last one where neither they nor the data changed."""
        key = (self.content_size, self.app.theme)
        if self._picture is None or self._picture[0] != key:
            self._picture = key, self._figure(*self.content_size)
        return self._picture[1]

    def _figure(self, width: int, height: int) -> Text:
        curves = [(c, *thinned(*self._inside(c), max(1, 2 * width))) for c in self.curves]
        curves = [c for c in curves if c[1]]
        self._across = (0, 0)
        if not curves or not height:
            return Text(self.empty if height else "", style="dim")
        if width < SMALLEST[0] or height < SMALLEST[1]:
            return self._last(curves, width, height)
        drawn = self._build(curves, width, height)
        text = Text.from_ansi(drawn, no_wrap=True, end="")
        top = text.plain.partition("\n")[0]
        if "┌" in top and "┐" in top:
            self._across = top.index("┌") + 1, top.index("┐") - top.index("┌") - 1
        return text

    def _last(self, curves: list[tuple[Curve, list[float], list[float]]], width: int, height: int) -> Text:
        """Where there is no room for a plot: the last value of each curve, those first that have a mark."""
        ordered = sorted((one for one in curves if one[0].label), key=lambda one: not one[0].mark)
        told = [Text.assemble((f"{c.label} ", "bold"), readable(y[-1])) for c, _, y in ordered]
        rows = [Text()]
        for one in told:
            if rows[-1] and rows[-1].cell_len + 2 + one.cell_len > width:
                rows.append(Text())
            rows[-1].append("  " if rows[-1] else "").append_text(one)
        return Text("\n", no_wrap=True, overflow="ellipsis", end="").join(rows[:height])

    def _inside(self, curve: Curve) -> tuple[list[float], list[float]]:
        """The points of a curve that the axes have room for."""
        low, high = self.x_limits or (-math.inf, math.inf)
        pairs = [
            (x, y)
            for x, y in zip(curve.x, curve.y, strict=False)
            if y is not None and low <= x <= high and (y > 0 or not self.logarithmic)
        ]
        return [x for x, _ in pairs], [y for _, y in pairs]

    def _build(self, curves: list[tuple[Curve, list[float], list[float]]], width: int, height: int) -> str:
        figure, every = blank(width, height), list[float]()

        def put(x: list[float], y: list[float], marker: str, colour: str, joined: bool) -> None:
            drawn = [math.log10(value) for value in y] if self.logarithmic else y
            every.extend(drawn)
            signal = figure.signal(x, drawn, marker=plotext().marker(marker, self._pixel(colour)))
            signal.lines(joined and len(x) > 1)
            figure.draw(signal)

        for curve, x, y in curves:
            if not curve.mark or (curve.joined and len(x) > 1):
                put(x, y, curve.marker, curve.colour, curve.joined)
        for curve, x, y in curves:
            if curve.mark:
                put(x, y, curve.mark, curve.colour, False)
        low, high = self._heights(every)
        if self.cursor is not None:
            rows = [low + (high - low) * row / (2 * height) for row in range(2 * height + 1)]
            signal = figure.signal(
                [self.cursor] * len(rows), rows, marker=plotext().marker("│", self._pixel("foreground-muted"))
            )
            signal.lines(False)
            figure.draw(signal)
        self._rule(figure, width, height, low, high)
        return str(figure.build().string())

    def _heights(self, every: list[float]) -> tuple[float, float]:
        """The ends of the upright axis, as it is drawn."""
        low, high = self.y_limits
        lowest, highest = min(every), max(every)
        if self.logarithmic:
            return lowest, highest if highest > lowest else lowest + 1
        low, high = lowest if low is None else low, highest if high is None else high
        return (low, high) if high > low else (low - 0.5 * abs(low or 1), low + 0.5 * abs(low or 1))

    def _rule(self, figure: Any, width: int, height: int, low: float, high: float) -> None:
        """Limits and ticks of both axes."""
        if self.x_limits and self.x_base:
            first, last = (self.x_base**end for end in self.x_limits)
            counts = log_ticks(first, last, max(2, width // 12))
            places = [math.log(count, self.x_base) for count in counts]
            figure.ruler("x").lim(*self.x_limits).ticks(places, log_labels(counts))
        elif self.x_limits and self.x_limits[0] >= 0 and self.x_limits[1] <= 1:
            shares = round_ticks(*self.x_limits, max(2, min(6, width // 10)))
            figure.ruler("x").lim(*self.x_limits).ticks(list(shares), list(shares.values()))
        elif self.x_limits:
            ticks = whole_ticks(*self.x_limits, most=max(2, width // 8))
            figure.ruler("x").lim(*self.x_limits).ticks(ticks, [str(tick) for tick in ticks])
        else:
            figure.ruler("x").frequency(max(2, min(7, width // 10)))
        figure.ruler("y").lim(low, high)
        if self.logarithmic:
            values = log_ticks(10**low, 10**high, max(2, height // 3))
            figure.ruler("y").ticks([math.log10(value) for value in values], log_labels(values))
        else:
            heights = round_ticks(low, high, max(3, min(6, height // 3)))
            figure.ruler("y").ticks(list(heights), list(heights.values()))

    def _pixel(self, name: str) -> Any:
        if self.app.no_color:
            return None
        colour = Color.parse(self.app.theme_variables.get(name, "#888888"))
        if colour.ansi is not None:
            return colour.ansi if colour.ansi >= 0 else None
        if colour.a == 1:
            return colour.rgb
        ground = Color.parse(self.app.theme_variables.get("background", "#000000"))
        return ground.blend(colour, colour.a, 1).rgb
