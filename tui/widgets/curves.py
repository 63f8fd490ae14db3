"""Curves in characters: plotext's figures as a widget. It draws whenever it is told; tui/state/relay.py paces that."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual.app import RenderResult
from textual.color import Color
from textual.content import Content
from textual.widget import Widget

from tui.widgets.safe_cells import content
from tui.words.plot import blank

SMALLEST = (16, 5)
LINE = "▄▀"
"""What a line of blocks looks like in a legend."""


@dataclass(frozen=True)
class Curve:
    """One line; one without a label is left out of the legend.

    Curves differ by `marker` ("hd" is a line of blocks) as well as by `colour`, a theme's variable.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    marker: str = "hd"
    colour: str = "primary"
    joined: bool = True


def thinned(x: Sequence[float], y: Sequence[float], most: int) -> tuple[list[float], list[float]]:
    """At most about `most` of the points whose values are numbers; of each stretch the lowest and the highest stay."""
    points = [(a, b) for a, b in zip(x, y, strict=False) if b is not None and math.isfinite(a) and math.isfinite(b)]
    if len(points) > most:
        step = -(-2 * len(points) // most)
        kept = []
        for start in range(0, len(points), step):
            stretch = points[start : start + step]
            ends = {min(stretch, key=lambda p: p[1]), max(stretch, key=lambda p: p[1])}
            kept += sorted(ends)
        points = kept
    return [a for a, _ in points], [b for _, b in points]


def whole_ticks(low: float, high: float, most: int) -> list[int]:
    """At most `most` whole numbers from `low` to `high`, at steps of 1, 2 or 5 times a power of ten."""
    for step in (digit * 10**power for power in range(12) for digit in (1, 2, 5)):
        if (high - low) / step < most:
            return list(range(math.ceil(low / step) * step, math.floor(high) + 1, step))
    return [math.ceil(low), math.floor(high)]


class Curves(Widget):
    """A plot of some curves with a title, axes and, where there are two or more, a legend in its frame."""

    DEFAULT_CSS = "Curves { width: 1fr; height: 1fr; min-height: 6; }"
    HELP = "A plot. It follows the run as it goes; training and validation differ by their marks as well as by colour."

    def __init__(
        self,
        title: str = "",
        *,
        x_limits: tuple[float, float] | None = None,
        y_limits: tuple[float | None, float | None] = (None, None),
        empty: str = "nothing to draw yet",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.border_title = title
        self.x_limits, self.y_limits = x_limits, y_limits
        self.empty = empty
        self.x_name: Callable[[int], str] = str
        """What stands below a whole number of the horizontal axis."""
        self.curves: tuple[Curve, ...] = ()
        self._labels: tuple[tuple[str, str, str], ...] = ()
        self._picture: tuple[object, Text] | None = None

    def draw(self, curves: Sequence[Curve], x_limits: tuple[float, float] | None = None) -> None:
        """Show these curves. The figure is made when the screen is painted, once, however often this is called."""
        self.curves, self.x_limits = tuple(curves), x_limits or self.x_limits
        self._picture = None
        labels = tuple((curve.label, curve.marker, curve.colour) for curve in self.curves)
        if labels != self._labels:
            self._labels = labels
            self.border_subtitle = self._legend() if len(labels) > 1 else ""
        self.refresh()

    def _legend(self) -> Content:
        parts: list[Content] = []
        for curve in (curve for curve in self.curves if curve.label):
            sign = LINE if curve.marker == "hd" else curve.marker
            parts.append(Content.assemble((sign, f"bold ${curve.colour}"), " ", content(curve.label)))
        return Content("  ").join(parts)

    def render(self) -> RenderResult:
        """The figure in the widget's present size and colours; the last one where neither they nor the data changed."""
        key = (self.content_size, self.app.theme)
        if self._picture is None or self._picture[0] != key:
            self._picture = key, self._figure(*self.content_size)
        return self._picture[1]

    def _figure(self, width: int, height: int) -> Text:
        curves = [(c, *thinned(c.x, c.y, 2 * width)) for c in self.curves]
        curves = [c for c in curves if c[1]]
        if width < SMALLEST[0] or height < SMALLEST[1] or not curves:
            return Text(self.empty if height else "", style="dim")
        return Text.from_ansi(self._build(curves, width, height), no_wrap=True, end="")

    def _build(self, curves: list[tuple[Curve, list[float], list[float]]], width: int, height: int) -> str:
        import plotext

        figure = blank(width, height)
        for curve, x, y in curves:
            signal = figure.signal(x, y, marker=plotext.marker(curve.marker, self._pixel(curve.colour)))
            signal.lines(curve.joined and len(x) > 1)
            figure.draw(signal)
        if self.x_limits:
            ticks = whole_ticks(*self.x_limits, most=max(2, width // 8))
            figure.ruler("x").lim(*self.x_limits).ticks(ticks, [self.x_name(tick) for tick in ticks])
        else:
            figure.ruler("x").frequency(max(2, min(7, width // 10)))
        figure.ruler("y").frequency(max(2, min(5, height // 3)))
        if self.y_limits != (None, None):
            figure.ruler("y").lim(*self.y_limits)
        return str(figure.build().string())

    def _pixel(self, name: str) -> Any:
        if self.app.native_ansi_color:
            return {"primary": 12, "warning": 11, "success": 10, "error": 9}.get(name, 14)
        if self.app.no_color:
            return None
        colour = Color.parse(self.app.theme_variables.get(name, "#888888"))
        return colour.rgb
