"""The learning-rate range test: the rate rises from step to step, and the loss tells how far it may go.

After Smith ("Cyclical Learning Rates for Training Neural Networks", 2017): one training step at each of many rates,
from one far too low to one far too high. It is repeated over several orders of the images, always from the first
weights, which are put back at the end to the bit. The recipe's own step is taken, with its optimizer, batches, class
weights and kept activations.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.base.context import Context
from engine.base.errors import ConfigError, RunError, Stopped
from engine.base.events import Progress
from engine.base.language import tr
from engine.network.classifier import Classifier
from engine.recipe.config import TrainConfig
from engine.training.augment import view_of
from engine.training.batches import Source, prepared
from engine.training.distributed import ONE, Devices
from engine.training.resolved import Resolved
from engine.training.step import Steps, assign, new_optimizer, values_of

MEMORY = 0.9
"""Share of the running mean of the loss that each step keeps."""
DIVERGED = 4.0
"""A running mean so many times the lowest one ends a sweep."""
WIDTH = 3.0
"""Standard deviation, in steps, of the Gaussian that smooths the mean curve."""
BELOW = 3.0
"""The rate that is suggested lies so many times below that of the lowest loss. The usual tenth makes up for the lag of
a running mean, which a centred one doesn't have; benchmarks/README.md has what was measured."""
ORDERS = 5
RULE = tr("the rate of the lowest smoothed loss, divided by {below:g}", below=BELOW)


@dataclass(frozen=True)
class Range:
    """The rates of a test: `steps` of them from `low` to `high`, evenly spread on a logarithmic scale."""

    low: float = 1e-7
    high: float = 10.0
    steps: int = 100
    orders: int = 0
    """Orders of the images over which it is repeated (0: ORDERS for the head alone, 1 where convolutions train)."""

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high <= 1e6:
            raise ConfigError(
                tr(
                    "--low {low:g} and --high {high:g}: give two rates, the lower one first.",
                    low=self.low,
                    high=self.high,
                )
            )
        if not (10 <= self.steps <= 100_000 and 0 <= self.orders <= 1000):
            raise ConfigError(tr("--steps takes a whole number from 10, and --orders one from 0."))

    def rates(self) -> list[float]:
        """The rates, lowest first."""
        return [float(rate) for rate in np.geomspace(self.low, self.high, self.steps)]


@dataclass(frozen=True)
class Sweep:
    """One order of the images: the loss of each step, in nats, up to the rate at which it diverged."""

    losses: tuple[float, ...]
    rate: float
    """What this order alone would suggest."""
    ended_at: float
    """The last rate that was tried."""


@dataclass(frozen=True)
class RangeTest:
    """What the rates did: `loss` is the mean over the sweeps, smoothed, at each of `rates` that every sweep reached."""

    rate: float
    """The rate that is suggested."""
    rates: tuple[float, ...]
    loss: tuple[float, ...]
    sweeps: tuple[Sweep, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {"rate": self.rate, "rule": RULE, "points": [list(p) for p in zip(self.rates, self.loss, strict=True)],
                "sweeps": [asdict(sweep) for sweep in self.sweeps]}  # fmt: skip


def range_test(
    classifier: Classifier,
    train: Source,
    recipe: Resolved,
    context: Context,
    wanted: Range | None = None,
    devices: Devices = ONE,
) -> RangeTest:
    """Test the rates on the view that the first epoch sees. Raises Stopped, and RunError where no rate lowers the loss.

    The classifier, made in the scope of `devices`, has its weights back at the end, however it comes.
    """
    wanted, config = wanted or Range(), recipe.config
    rates = wanted.rates()
    source = devices.meet(context.stop, lambda: prepared(train, view_of(config.augment, 1), context.emit))
    first = values_of(classifier.trainable_variables)
    with devices.scope():
        optimizer = new_optimizer(classifier, recipe.phases[0])
    labels, common = train.images.labels, devices.common(context.stop)
    steps = Steps(classifier, source.network, config.fit, labels, optimizer, devices, common)
    fresh = values_of(steps.optimizer.variables)
    orders = wanted.orders or (1 if devices.anyone(not steps.small) else ORDERS)
    found: list[list[float]] = []
    try:
        for order in range(orders):
            assign(classifier.trainable_variables, first)
            assign(steps.optimizer.variables, fresh)
            found.append(_sweep(steps, rates, source, config, order))
            context.emit(Progress(tr("learning-rate range test"), order + 1, orders))
    finally:
        assign(classifier.trainable_variables, first)
    return read(rates, found)


def read(rates: Sequence[float], losses: Sequence[Sequence[float]]) -> RangeTest:
    """The suggestion that the losses of some sweeps over `rates` give, to two digits. Raises RunError for none."""
    common = min(map(len, losses))
    loss = smoothed(np.mean([own[:common] for own in losses], axis=0)) if common else np.zeros(0)
    if common < 3 or loss.argmin() == 0:
        raise RunError(
            tr(
                "No learning rate lowers the loss in the range test: give --lr a number, or look lower with "
                "`covid-tui lr-find DATA --low RATE`."
            )
        )
    sweeps = tuple(Sweep(tuple(own), _suggested(rates, smoothed(np.array(own))), rates[len(own) - 1]) for own in losses)
    return RangeTest(_suggested(rates, loss), tuple(rates[:common]), tuple(map(float, loss)), sweeps)


def smoothed(losses: np.ndarray) -> np.ndarray:
    """The losses (n,) under a centred Gaussian, so that, unlike in a running mean, nothing moves to higher rates."""
    steps = np.arange(len(losses))
    weights = np.exp(-0.5 * ((steps[:, None] - steps) / WIDTH) ** 2)
    return np.asarray(weights @ losses / weights.sum(axis=1))


def _suggested(rates: Sequence[float], loss: np.ndarray) -> float:
    return float(f"{rates[int(loss.argmin())] / BELOW:.2g}")


def _sweep(steps: Steps, rates: Sequence[float], source: Source, config: TrainConfig, order: int) -> list[float]:
    """The loss before each rate's step, until it diverges."""
    losses: list[float] = []
    mean, lowest = 0.0, math.inf
    size = min(config.fit.batch, len(source.images))
    for rate, batch in zip(rates, _batches(steps, source, config, order, size), strict=False):
        if steps.stop.is_set():
            raise Stopped(tr("Stopped in the range test."))
        steps.optimizer.learning_rate = rate
        loss = float(steps.take([batch])[0, 0]) / size
        if not math.isfinite(loss):
            break
        losses.append(loss)
        mean = MEMORY * mean + (1 - MEMORY) * loss
        running = mean / (1 - MEMORY ** len(losses))
        lowest = min(lowest, running)
        if running > DIVERGED * lowest:
            break
    return losses


def _batches(steps: Steps, source: Source, config: TrainConfig, order: int, size: int) -> Iterator[tuple[Any, ...]]:
    """Whole batches of the training images without end, each pass in an order of its own."""
    view, count = view_of(config.augment, 1), len(source.images)
    for again in itertools.count():
        # Three numbers, so that no epoch of the training, whose order comes of two, has the same.
        chosen = np.random.default_rng([config.machine.seed, order, again]).permutation(count)
        yield from steps.feed(source, chosen[: count // size * size], view, size)
