"""Plots in characters: plotext's one figure, emptied, and what is drawn in it for people without a screen."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.base.language import tr
from engine.base.wording import whole_percent
from tui.words.cells import cells, padded
from tui.words.plotext_private import plotext

if TYPE_CHECKING:
    from engine.auto.curve import LearningCurve
    from engine.evaluation.transport import Matrix
    from engine.sweep.result import SweptRecipe
    from engine.training.lr_range_test import RangeTest

WIDTH, HEIGHT = 74, 18
"""Columns and lines of a frontier in characters."""

DARKER = "░▒▓█"
"""Shades for the four quarters of a share."""


def blank(width: int, height: int) -> Any:
    """plotext's figure of so many columns and lines, with nothing drawn yet; it is the same object each time."""
    plotext().terminal.limit(False, False)  # else no plot is larger than what descriptor 1 says of its terminal
    figure = plotext().figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, height)
    figure.canvas("default")
    return figure


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


def round_ticks(low: float, high: float, most: int) -> dict[float, str]:
    """About `most` values from `low` to a higher `high`, two at least, each as it is written: all multiples of one
    step, which is 1, 2 or 5 times a power of ten.
    """
    first, close, found = math.floor(math.log10((high - low) / most)), 1e-9, dict[float, str]()
    for power in range(first, first + 3):
        for digit in (1, 2, 5):
            step = digit * 10.0**power
            places = range(math.ceil(low / step - close), math.floor(high / step + close) + 1)
            if len(places) < 2:
                return found
            found = {place * step: f"{place * step:,.{max(0, -power)}f}" for place in places}
            if len(places) <= max(2, most):
                return found
    return found


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """At most about `most` round values between two above 0, as a logarithmic axis has them; the ends where none is."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        values = [digit * 10.0**power for power in powers for digit in digits]
        inside = [value for value in values if low <= value <= high]
        if len(inside) <= most:
            break
    step = -(-len(inside) // most) if inside else 1
    return inside[::step] if len(inside) > 1 else [float(f"{low:.2g}"), float(f"{high:.2g}")]


def log_labels(values: Sequence[float]) -> list[str]:
    """What stands at the ticks of a logarithmic axis: all as powers of ten where one is too small for its digits."""
    if min(values) >= 1e-4:
        return [abbreviated(value) for value in values]
    parts = [f"{value:.1e}".split("e") for value in values]
    return [f"{float(digits):g}e{int(power)}" for digits, power in parts]


def reading(x: Sequence[float], y: Sequence[float], at: float) -> tuple[float, float] | None:
    """The point of a curve next to `at`; None where it has none that is a number."""
    points = [(a, b) for a, b in zip(x, y, strict=False) if b is not None and math.isfinite(b)]
    return min(points, key=lambda point: abs(point[0] - at), default=None)


def readable(value: float) -> str:
    """A value of a plot, with four figures that count."""
    return f"{value:.4g}"


def abbreviated(value: float) -> str:
    """What stands at an axis for a value: 0.25, 40, 500k, 2M; with four figures that count."""
    from engine.report.svg import shortened

    return shortened(float(f"{value:.4g}"))


def lettered(figure: Any) -> str:
    """The figure in characters alone, for a terminal that may want no colour codes, not even those that end one."""
    from rich.text import Text

    return Text.from_ansi(str(figure.build().string())).plain


def frontier(candidates: "Sequence[SweptRecipe]", width: int = WIDTH, height: int = HEIGHT) -> str:
    """Validation accuracy against training seconds, the letters in the table's order, those of the frontier large."""
    figure = blank(width, height)
    places = [math.log10(max(one.seconds, 0.01)) for one in candidates]
    for letter, place, one in zip(letters(candidates), places, candidates, strict=True):
        figure.draw(figure.signal([place], [100 * one.accuracy], marker=plotext().marker(letter, None)))
    low, high = min(places) - 0.15, max(places) + 0.15
    seconds = log_ticks(10**low, 10**high, 5)
    figure.ruler("x").lim(low, high).ticks([math.log10(tick) for tick in seconds], [f"{tick:g} s" for tick in seconds])
    lowest = min(*(100 * one.accuracy for one in candidates), 99.0) - 1
    shares = round_ticks(lowest, 100.0, 5)
    figure.ruler("y").lim(lowest, 100.0).ticks(list(shares), list(shares.values()))
    return lettered(figure)


def letters(candidates: "Sequence[SweptRecipe]") -> list[str]:
    """A letter for each recipe, large on the frontier; beyond z a dot."""
    signs = [chr(ord("a") + place) if place < 26 else "." for place in range(len(candidates))]
    return [letter.upper() if one.frontier else letter for letter, one in zip(signs, candidates, strict=True)]


def logarithms(test: "RangeTest") -> tuple[list[float], list[float]]:
    """The curve as powers of ten of the rate, and losses; what lies far above the first loss is left out."""
    top = 2 * test.loss[0]
    shown = [(math.log10(rate), loss) for rate, loss in zip(test.rates, test.loss, strict=True) if loss <= top]
    return [rate for rate, _ in shown], [loss for _, loss in shown]


def ticks(powers: list[float]) -> list[int]:
    """The whole powers of ten within the curve."""
    return list(range(math.ceil(powers[0]), math.floor(powers[-1]) + 1))


def range_test(test: "RangeTest", width: int, height: int = HEIGHT) -> str:
    """Loss against rate in characters, the rate that is suggested marked by x."""
    figure = blank(width, height)
    powers, losses = logarithms(test)
    signal = figure.signal(powers, losses, marker=plotext().marker("hd"))
    signal.lines(True)
    figure.draw(signal)
    marks = [min(losses) + (max(losses) - min(losses)) * row / height for row in range(height + 1)]
    taken = figure.signal([math.log10(test.rate)] * len(marks), marks, marker=plotext().marker("x"))
    taken.lines(False)
    figure.draw(taken)
    figure.ruler("x").ticks(ticks(powers), [f"1e{power}" for power in ticks(powers)])
    about = tr("smoothed loss by learning rate; x is {rate:g}", rate=test.rate)
    return f"{about}\n{lettered(figure)}"


def learning_curve(curve: "LearningCurve", width: int, height: int = HEIGHT) -> str:
    """Accuracy by images in characters: the law between the ends of its band; x is what was measured."""
    figure = blank(width, height)
    places = [math.log2(one.images) for one in curve.law]
    for values, marker in (
        ([100 * one.band[0] for one in curve.law], "."),
        ([100 * one.band[1] for one in curve.law], "."),
        ([100 * one.accuracy for one in curve.law], "hd"),
    ):
        signal = figure.signal(places, values, marker=plotext().marker(marker))
        signal.lines(True)
        figure.draw(signal)
    found = figure.signal(
        [math.log2(one.images) for one in curve.measured],
        [100 * one.accuracy for one in curve.measured],
        marker=plotext().marker("x"),
    )
    found.lines(False)
    figure.draw(found)
    whole = curve.law[::2]
    figure.ruler("x").ticks([math.log2(one.images) for one in whole], [f"{one.images:,}" for one in whole])
    about = tr("accuracy in % by images; dots: 80% band; x: measured out of fold")
    return f"{about}\n{lettered(figure)}"


def _shade(accuracy: float) -> str:
    return f"{DARKER[min(3, int(4 * accuracy))] * 3} {whole_percent(accuracy):>4}"


def shades(matrix: "Matrix") -> list[str]:
    """Lines of a table of heat in characters: a row a model, a column a set, each cell as dark as its accuracy."""
    names = [one.name for one in matrix.sets]
    width = max(8, *map(cells, names))
    lines = [" ".join([" " * width, *(padded(name, width, right=True) for name in names)])]
    for train in names:
        found = [matrix.cell(train, test) for test in names]
        shaded = [_shade(one.accuracy) if one else "-" for one in found]
        lines.append(" ".join([padded(train, width), *(f"{one:>{width}}" for one in shaded)]))
    return lines
