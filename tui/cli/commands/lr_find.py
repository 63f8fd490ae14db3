"""The verb `lr-find`: the learning-rate range test as a table, a plot in the terminal, JSON and an SVG."""

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.outputs import writing
from engine.recipe.config import (
    AugmentConfig,
    DataConfig,
    FitConfig,
    MachineConfig,
    NetworkConfig,
    TrainConfig,
)
from tui.cli.app import Flat
from tui.cli.console import put, put_json
from tui.cli.job_tables import put_range_test
from tui.cli.outputs import Writes
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped
from tui.words.plot import logarithms

if TYPE_CHECKING:
    from engine.training.lr_range_test import RangeTest


def lr_find(
    data: Path,
    *,
    images: Annotated[DataConfig, Flat] = DataConfig(),  # noqa: B008
    network: Annotated[NetworkConfig, Flat] = NetworkConfig(),  # noqa: B008
    augment: Annotated[AugmentConfig, Flat] = AugmentConfig(),  # noqa: B008
    machine: Annotated[MachineConfig, Flat] = MachineConfig(),  # noqa: B008
    fit: Annotated[FitConfig, Flat] = FitConfig(),  # noqa: B008
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 100,
    orders: int = 0,
    plot: Annotated[Path | None, Writes(".svg", beside=True)] = None,
    force: bool = False,
    json: bool = False,
) -> int:
    """Find the learning rate for a recipe: a step at each of many rates (range test); train --lr auto does the same.

    All flags of a recipe can be given; of several phases the first is tested, and --lr itself counts for nothing.

    Parameters
    ----------
    data
        Folder that holds CLASS/images, or class folders of images.
    low
        The first rate.
    high
        The last rate; a loss that grows without end stops the test before it.
    steps
        Rates between the two, evenly spread on a logarithmic scale.
    orders
        Orders of the images over which the test is repeated (0: five for the head alone, one where convolutions train).
    plot
        Draw loss against rate into this SVG file.
    force
        Let --plot replace a file.
    json
        Print one JSON object.
    """
    from engine.jobs.probe import find_rate
    from engine.training.lr_range_test import Range

    recipe = TrainConfig(data=images, network=network, augment=augment, fit=fit, machine=machine)
    if plot and plot.suffix.lower() != ".svg":
        raise ConfigError(tr("--plot {plot}: the plot is an SVG, so give a name that ends in .svg.", plot=plot))
    wanted = Range(low, high, steps, orders)
    with stoppable() as (context, signals):
        result, code = until_stopped(partial(find_rate, data, recipe, context, wanted), signals)
    if result is None:
        return code
    if plot:
        _write(plot, result, force)
    if json:
        put_json({**result.to_dict(), "plot": str(plot) if plot else None})
        return 0
    put_range_test(result)
    put(
        tr(
            "covid-tui train DATA --lr {rate:g} trains with it, as the peak from which the schedule falls.",
            rate=result.rate,
        )
    )
    return 0


def _write(path: Path, result: "RangeTest", force: bool) -> None:
    from engine.report.svg import Axis, Series, lines

    powers, losses = logarithms(result)
    low, high = min(losses), max(losses)
    x = Axis(tr("learning rate, as a power of ten"), powers[0], powers[-1])
    at = math.log10(result.rate)
    curves = [
        Series(tr("smoothed loss"), list(zip(powers, losses, strict=True))),
        Series(tr("suggested: {rate:g}", rate=result.rate), [(at, low), (at, high)]),
    ]
    with writing(path, force) as file:
        file.write(lines(curves, x, Axis(tr("loss, nats"), 0.0, high)).encode())
