"""A plot as an SVG file, drawn as those of a model card are. Nothing is ever written over."""

import math
from dataclasses import replace
from pathlib import Path

from engine.base.language import tr
from tui.widgets.curves import Curve, Plot
from tui.words.safe_text import display_name

PARTS = {tr("train"): tr("training"), tr("val"): tr("validation")}
"""What the short names of a legend stand for where there is room."""


def save_plot(plot: Plot, folder: Path, name: str) -> Path:
    """Write the plot into the folder as `name`, numbered where that is taken; its path. Raises CovidTuiError."""
    from engine.base.outputs import write_beside

    return write_beside(folder / f"{name}.svg", drawn(plot).encode())


def drawn(plot: Plot) -> str:
    """The plot as SVG: what lies within its axes."""
    from engine.report.svg import Axis, Series, lines

    inside = [(curve, _points(plot, curve)) for curve in plot.curves]
    shown = [(curve, points) for curve, points in inside if points]
    x = [a for _, points in shown for a, _ in points] or [0.0, 1.0]
    y = [b for _, points in shown for _, b in points] or [0.1, 1.0]
    left, right = plot.x_limits or (min(x), max(x))
    low, high = (own if own is not None else end for own, end in zip(plot.y_limits, (min(y), max(y)), strict=True))
    low = min(y) if plot.log else low
    series = [
        Series(PARTS.get(one.label, display_name(one.label)), points, marked=bool(one.mark), faint=not one.mark)
        for one, points in sorted(shown, key=lambda found: (not found[0].label, not found[0].mark))
    ]
    right = right if right > left else left + 1
    base = plot.x_base
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


def _points(plot: Plot, curve: Curve) -> list[tuple[float, float]]:
    left, right = plot.x_limits or (-math.inf, math.inf)
    return [
        (x, y)
        for x, y in zip(curve.x, curve.y, strict=False)
        if y is not None and math.isfinite(y) and left <= x <= right and (y > 0 or not plot.log)
    ]
