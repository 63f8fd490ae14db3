"""The verb `lr-find`: the learning-rate range test as a table, a plot in the terminal, JSON and an SVG."""

import math
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.context import Context
from engine.base.errors import ConfigError
from engine.base.outputs import writing
from engine.recipe.config import TrainConfig
from tui.cli.progress import put, put_json, put_raw, reporting, stop_on_signals, until_stopped
from tui.cli.verbs import put_table
from tui.words.numbers import as_number
from tui.words.plot import logarithms, range_test

if TYPE_CHECKING:
    from engine.training.lr_range_test import RangeTest

COLUMNS = 78
"""Most columns of the plot in the terminal."""


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
        found, code = until_stopped(partial(find_rate, data, config, Context(emit, stop), wanted), signals)
    if found is None:
        return code
    if plot:
        _write(plot, found, force)
    if as_json:
        put_json({**found.to_dict(), "plot": str(plot) if plot else None})
        return 0
    _put(found)
    return 0


def _put(found: "RangeTest") -> None:
    from engine.training.lr_range_test import RULE

    put_table([("order", "first loss", "lowest loss", "suggests", "ended at")] + [
        (str(number), as_number(sweep.losses[0], 4), as_number(min(sweep.losses), 4), f"{sweep.rate:g}",
         f"{sweep.ended_at:.1e}")
        for number, sweep in enumerate(found.sweeps, start=1)
    ])  # fmt: skip
    put()
    if sys.stdout.isatty():
        put_raw(range_test(found, min(COLUMNS, shutil.get_terminal_size().columns)))
    put(f"Learning rate: {found.rate:g} ({RULE}; the orders' mean curve).")
    put(f"covid-tui train DATA --lr {found.rate:g} trains with it, as the peak from which the schedule falls.")


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
