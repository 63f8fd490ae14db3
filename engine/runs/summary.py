"""What a run's events add up to: one fold, which the loop, watchers, verbs, report and screens all use."""

import math
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from engine.base.events import (
    Ahead,
    Batch,
    Doing,
    Epoch,
    Event,
    Failed,
    Finished,
    Interrupted,
    Notice,
    Progress,
    Resumed,
    Rung,
    Skipped,
    Started,
    Stretch,
    TimeLeft,
    Tried,
)
from engine.base.result import Tested
from engine.runs.event_log import Growing
from engine.runs.forecast import Forecast

AUTO = "auto"
"""The mode of the recipe that goes up a ladder of rungs, in place of epochs."""
KEPT_NOTICES = 200


def better(epoch: Epoch, best: Epoch | None) -> bool:
    """Are the weights of `epoch` kept in place of those of `best`, an earlier one?

    For a higher validation accuracy, or the same at a lower loss; never where the loss is no number any more.
    """
    if not math.isfinite(epoch.val_loss):
        return False
    if best is None:
        return True
    return (epoch.val_accuracy, -epoch.val_loss) > (best.val_accuracy, -best.val_loss)


def best_epoch(epochs: Iterable[Epoch]) -> Epoch | None:
    """The epoch whose weights are kept; None where there is none yet."""
    best: Epoch | None = None
    for epoch in epochs:
        best = epoch if better(epoch, best) else best
    return best


def waited(done: int, best: int, first: int) -> int:
    """How many of `done` epochs came after the best one (0: there is none), in the phase that begins with `first`.

    Patience counts in a recipe's last phase, and from its first epoch on.
    """
    return max(0, done - max(best, first - 1)) if best else 0


class Patience(NamedTuple):
    """Epochs without a better one, of those after which the training ends."""

    waited: int
    limit: int


@dataclass(frozen=True)
class AtPhase:
    """The phase of the epoch at hand: its number, counted from 1, of how many, and its name and epochs."""

    number: int
    count: int
    epochs: Stretch


@dataclass(eq=False)
class RunSummary:
    """A run as far as its events say. `fold` takes them in one by one, and is all that changes anything."""

    started: Started | None = field(default=None, init=False)
    epochs: list[Epoch] = field(default_factory=list, init=False)
    """The finished ones, oldest first, each once: those that a resume did again count in their last form."""
    best: Epoch | None = field(default=None, init=False)
    """The epoch whose weights are kept."""
    rungs: list[Rung] = field(default_factory=list, init=False)
    """Those of the recipe "auto" that are judged, in order."""
    skipped: list[Skipped] = field(default_factory=list, init=False)
    """Those that did not fit into the budget, in order."""
    tried: list[Tried] = field(default_factory=list, init=False)
    """Each fit of the rungs, in order."""
    batch: Batch | None = field(default=None, init=False)
    """The last step of the epoch at hand; None between epochs."""
    progress: Progress | None = field(default=None, init=False)
    """The task at hand outside of training steps: decoding, features, test."""
    notices: deque[Notice] = field(default_factory=lambda: deque(maxlen=KEPT_NOTICES), init=False)
    end: Finished | Interrupted | Failed | None = field(default=None, init=False)
    """How the training ended; None while it goes on, and where its process died."""
    result: Finished | None = field(default=None, init=False)
    """What the training gave; None as soon as it goes on from a resume point, which makes another of it."""
    doing: str = field(default="", init=False)
    """What is being done of which nobody knows how far it is, such as loading TensorFlow; empty where nothing is."""
    _forecast: Forecast = field(default_factory=Forecast, init=False)

    def fold(self, event: Event, at: float | None = None) -> None:
        """Take in the next event, which came at the second `at` of any one clock; now when not given."""
        self._forecast.fold(event, time.monotonic() if at is None else at)
        if not isinstance(event, Ahead | Notice | Skipped | TimeLeft | Tried):
            self.doing = event.what if isinstance(event, Doing) else ""
        match event:
            case Started():
                self.started, self.progress, self.batch, self.end = event, None, None, None
            case Resumed():
                self._go_back(event)
            case Batch():
                self.batch, self.progress = event, None
            case Epoch():
                self._add(event)
            case Tried():
                self.tried.append(event)
            case Rung():
                self.rungs, self.progress = [*(one for one in self.rungs if one.number < event.number), event], None
            case Skipped():
                self.skipped = [*(one for one in self.skipped if one.number < event.number), event]
            case Doing():
                self.progress = None
            case Progress():
                self.progress = None if event.total is not None and event.done >= event.total else event
            case Notice():
                self.notices.append(event)
            case Finished() | Interrupted() | Failed():
                self.end, self.progress, self.batch = event, None, None
                self.result = event if isinstance(event, Finished) else self.result

    def take_over(self, before: "RunSummary") -> None:
        """Begin with what another summary of the run, empty until now, knows."""
        self.started, self.best, self.result = before.started, before.best, before.result
        self.rungs, self.tried, self.skipped = list(before.rungs), list(before.tried), list(before.skipped)
        self.epochs = list(before.epochs)
        self._forecast.take_over(before._forecast)
        self.notices.extend(before.notices)

    def _go_back(self, event: Resumed) -> None:
        self._forget_from(event.epoch)
        self.rungs = [rung for rung in self.rungs if rung.number < event.epoch]
        self.tried = [one for one in self.tried if one.rung < event.epoch]
        self.skipped = [one for one in self.skipped if one.number < event.epoch]
        self.batch, self.result = None, None

    def _add(self, event: Epoch) -> None:
        if self.epochs and self.epochs[-1].epoch >= event.epoch:
            self._forget_from(event.epoch)
        self.epochs.append(event)
        if better(event, self.best):
            self.best = event
        self.batch, self.progress = None, None

    def _forget_from(self, number: int) -> None:
        self.epochs = [epoch for epoch in self.epochs if epoch.epoch < number]
        self.best = best_epoch(self.epochs)

    @property
    def unit(self) -> Literal["epoch", "rung"]:
        """What the training goes on in."""
        return "rung" if self.started and self.started.mode == AUTO else "epoch"

    @property
    def done(self) -> int:
        """Epochs, or rungs, that are done or left out."""
        if self.rungs:
            return max([*(one.number for one in self.rungs), *(one.number for one in self.skipped)])
        return self.epochs[-1].epoch if self.epochs else 0

    @property
    def best_number(self) -> int | None:
        """The number of the epoch, or rung, that is kept so far; None before the first one's end."""
        kept = self.kept
        return kept.number if kept else self.best.epoch if self.best else None

    @property
    def kept(self) -> Rung | None:
        """The last rung that was taken; None where there is none."""
        return next((rung for rung in reversed(self.rungs) if rung.taken), None)

    @property
    def at_epoch(self) -> int:
        """The epoch, or rung, at hand, counted from 1; the last one where all are done."""
        return min(self.done + 1, self.started.epochs) if self.started else self.done + 1

    @property
    def _share_of_epoch(self) -> float:
        return self.batch.step / self.batch.steps if self.batch else 0.0

    @property
    def share(self) -> float:
        """How much of the planned training is done, 0 to 1."""
        return min(1.0, (self.done + self._share_of_epoch) / self.started.epochs) if self.started else 0.0

    @property
    def phase(self) -> AtPhase | None:
        """The phase of the epoch at hand; None where the run does not say its phases."""
        phases = self.started.phases if self.started else ()
        for number, one in enumerate(phases, start=1):
            if one.first <= self.at_epoch <= one.last:
                return AtPhase(number, len(phases), one)
        return None

    @property
    def patience(self) -> Patience | None:
        """How far patience is; None where the recipe has none, or it does not count yet."""
        limit, phase = self.started.patience if self.started else None, self.phase
        if not limit or not phase or phase.number < phase.count or not self.best:
            return None
        return Patience(min(limit, waited(self.done, self.best.epoch, phase.epochs.first)), limit)

    @property
    def through(self) -> bool:
        """Is all of its recipe done? A run that was stopped has a result too, where it was kept and tested."""
        return self.result is not None and self.result.through

    @property
    def val_accuracy(self) -> float | None:
        """Accuracy, 0 to 1, on validation or of a rung out of fold, of what is kept; None before there is any."""
        if self.result:
            return self.result.val.accuracy
        if self.kept:
            return self.kept.accuracy
        return self.best.val_accuracy if self.best else None

    @property
    def test(self) -> Tested | None:
        """What the test gave; None while the part is shut."""
        return self.result.test if self.result else None

    @property
    def seconds(self) -> float | None:
        """Wall time of the training, of one that has no result that of its epochs; None before the first one's end."""
        if self.result:
            return self.result.seconds
        parts = [*(rung.seconds for rung in self.rungs), *(epoch.seconds for epoch in self.epochs)]
        return sum(parts) if parts else None

    @property
    def training(self) -> float:
        """Seconds of the epochs, or rungs, without those of computing what is kept of the frozen layers."""
        rungs = max(0.0, sum(rung.seconds for rung in self.rungs) - self._forecast.filling) if self.rungs else 0.0
        return round(sum(self._forecast.trained.values()) + rungs, 3)

    @property
    def filling(self) -> float:
        """Seconds of computing what is kept of the frozen layers."""
        return round(self._forecast.filling, 3)

    def seconds_left_of_epoch(self) -> float | None:
        """Time until the epoch at hand ends; None between epochs, and where it can't be told yet."""
        return self._forecast.of_epoch() if self.batch else None

    def seconds_left(self) -> float | None:
        """Time until the training ends with its test, if patience ends it no sooner, as `engine.runs.forecast` has it.
        None where it can't be told yet, or the training has ended.
        """
        return None if self.end else self._forecast.seconds()


class SummaryReader:
    """The summary of the run whose events lie in the file `path`, kept up to date: each event is folded once."""

    def __init__(self, path: Path) -> None:
        self._events, self._summary = Growing(path), RunSummary()

    def read(self) -> RunSummary:
        """The summary of all whole events so far. Raises RunError where they can't be read, or one is damaged."""
        for at, event in self._events.more():
            self._summary.fold(event, at)
        return self._summary
