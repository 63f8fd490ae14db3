"""The verb `lr-find`: the learning-rate range test as a table, a plot in the terminal, JSON and an SVG."""

import math
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.errors import ConfigError
from engine.base.outputs import writing
from engine.recipe.config import TrainConfig
from tui.cli.progress import put, put_json, put_raw, reporting, stop_on_signals, until_stopped
from tui.cli.verbs import as_number, put_table
from tui.words.plot import blank, lettered

if TYPE_CHECKING:
    from engine.training.lr_range_test import RangeTest

PLOT = (78, 18)
"""Most columns, and the lines, of the plot in the terminal."""


def lr_find(
    data: Path,
    config: TrainConfig,
    low: float,
    high: float,
    steps: int,
    orders: int,
    plot: Path | None,
    force: bool,
    as_json: bool,
) -> int:
    """`covid-tui lr-find`."""
    from engine.jobs.probe import find_rate
    from engine.training.lr_range_test import Range

    if plot and plot.suffix.lower() != ".svg":
        raise ConfigError(f"--plot {plot}: the plot is an SVG, so give a name that ends in .svg.")
    wanted = Range(low, high, steps, orders)
    with stop_on_signals() as (stop, signals), reporting(as_json=False) as emit:
        found, code = until_stopped(partial(find_rate, data, config, emit, stop, wanted), signals)
    if found is None:
        return code
    if plot:
        _write(plot, found, force)
    if as_json:
        put_json({**found.to_dict(), "plot": str(plot) if plot else None})
        return 0
    _put(found)
    return 0


def logarithms(found: "RangeTest") -> tuple[list[float], list[float]]:
    """The curve as powers of ten of the rate, and losses; what lies far above the first loss is left out."""
    top = 2 * found.loss[0]
    shown = [(math.log10(rate), loss) for rate, loss in zip(found.rates, found.loss, strict=True) if loss <= top]
    return [rate for rate, _ in shown], [loss for _, loss in shown]


def ticks(powers: list[float]) -> list[int]:
    """The whole powers of ten within the curve."""
    return list(range(math.ceil(powers[0]), math.floor(powers[-1]) + 1))


def _put(found: "RangeTest") -> None:
    from engine.training.lr_range_test import RULE

    put_table([("order", "first loss", "lowest loss", "suggests", "ended at")] + [
        (str(number), as_number(sweep.losses[0], 4), as_number(min(sweep.losses), 4), f"{sweep.rate:g}",
         f"{sweep.ended_at:.1e}")
        for number, sweep in enumerate(found.sweeps, start=1)
    ])  # fmt: skip
    put()
    if sys.stdout.isatty():
        put_raw(drawn(found))
    put(f"Learning rate: {found.rate:g} ({RULE}; the orders' mean curve).")
    put(f"covid-tui train DATA --lr {found.rate:g} trains with it, as the peak from which the schedule falls.")


def drawn(found: "RangeTest") -> str:
    """Loss against rate in characters, the rate that is suggested marked by x."""
    import plotext

    figure = blank(min(PLOT[0], shutil.get_terminal_size().columns), PLOT[1])
    powers, losses = logarithms(found)
    signal = figure.signal(powers, losses, marker=plotext.marker("hd"))
    signal.lines(True)
    figure.draw(signal)
    marks = [min(losses) + (max(losses) - min(losses)) * row / PLOT[1] for row in range(PLOT[1] + 1)]
    taken = figure.signal([math.log10(found.rate)] * len(marks), marks, marker=plotext.marker("x"))
    taken.lines(False)
    figure.draw(taken)
    figure.ruler("x").ticks(ticks(powers), [f"1e{power}" for power in ticks(powers)])
    return f"smoothed loss by learning rate; x is {found.rate:g}\n{lettered(figure)}"


def _write(path: Path, found: "RangeTest", force: bool) -> None:
    from engine.report.svg import Axis, Series, lines

    powers, losses = logarithms(found)
    low, high = min(losses), max(losses)
    x = Axis("learning rate, as a power of ten", powers[0], powers[-1])
    at = math.log10(found.rate)
    curves = [
        Series("smoothed loss", list(zip(powers, losses, strict=True))),
        Series(f"suggested: {found.rate:g}", [(at, low), (at, high)]),
    ]
    with writing(path, force) as file:
        file.write(lines(curves, x, Axis("loss, nats", 0.0, high)).encode())
