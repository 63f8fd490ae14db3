"""A plot as a file, drawn as those of a model card are: as SVG, or the same as PNG."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.language import tr
from tui.widgets.curves import Curve, Plot
from tui.words.safe_text import display_name

if TYPE_CHECKING:
    from engine.report.svg import Series

PARTS = {tr("train"): tr("training"), tr("val"): tr("validation")}
"""What the short names of a legend stand for where there is room."""
FAINT = ("foreground-muted", "border")
"""Colours of what stays behind."""
FORMATS = (".svg", ".png")


def save_plot(plot: Plot, path: Path) -> None:
    """Write the plot, over what is there, in the format that the name ends in. Raises CovidTuiError, also where no font
    on this machine has the letters of a PNG.
    """
    from engine.base.outputs import writing
    from engine.report.png import png

    svg = drawn(plot)
    data = png(svg) if path.suffix.lower() == FORMATS[1] else svg.encode()
    with writing(path, force=True) as file:
        file.write(data)


def drawn(plot: Plot) -> str:
    """The plot as SVG: what lies within its axes."""
    from engine.report.svg import Axis, bars, lines

    if plot.bars:
        longest = max(value for _, value in plot.bars)
        low, high = plot.x_limits or (0.0, longest)
        rows = [(display_name(name), value) for name, value in plot.bars]
        return bars(rows, Axis(plot.x_title, low, high if high > low else low + 1), plot.title)
    inside = [(curve, _points(plot, curve)) for curve in plot.curves]
    shown = [(curve, points) for curve, points in inside if points]
    x = [a for _, points in shown for a, _ in points] or [0.0, 1.0]
    y = [b for _, points in shown for _, b in points] or [0.1, 1.0]
    left, right = plot.x_limits or (min(x), max(x))
    low, high = (own if own is not None else end for own, end in zip(plot.y_limits, (min(y), max(y)), strict=True))
    low = min(y) if plot.log else low
    right = right if right > left else left + 1
    series, base = _series(shown), plot.x_base
    if base:
        across = Axis(plot.x_title, base**left, base**right, log=True)
        series = [replace(one, points=[(base**a, b) for a, b in one.points]) for one in series]
    else:
        across = Axis(plot.x_title, left, right)
    upright = Axis(
        tr("{title}, log axis", title=plot.title) if plot.log else plot.title,
        low,
        high if high > low else low + 1,
        plot.log,
    )
    return lines(series, across, upright)


def _series(shown: "list[tuple[Curve, list[tuple[float, float]]]]") -> "list[Series]":
    """The curves, those of the legend first. One without a name looks like the named one of its colour, else grey."""
    from engine.report.svg import Series

    ordered = sorted(shown, key=lambda found: (not found[0].label, not found[0].mark, _letter(found[0]).lower()))
    styles = {one.colour: place for place, (one, _) in reversed([*enumerate(ordered)]) if one.label}
    return [
        Series(
            PARTS.get(one.label, display_name(one.label)),
            points,
            marked=bool(one.mark),
            faint=one.colour in FAINT,
            joined=one.joined,
            sign=_letter(one),
            style=None if one.label else styles.get(one.colour, -1),
        )
        for one, points in ordered
    ]


def _letter(curve: Curve) -> str:
    """The letter that stands at each of its points; none where a line joins them."""
    sign = curve.mark or curve.marker
    return sign if len(sign) == 1 and sign.isalpha() and not curve.joined else ""


def _points(plot: Plot, curve: Curve) -> list[tuple[float, float]]:
    left, right = plot.x_limits or (-math.inf, math.inf)
    return [
        (x, y)
        for x, y in zip(curve.x, curve.y, strict=False)
        if y is not None and math.isfinite(y) and left <= x <= right and (y > 0 or not plot.log)
    ]
