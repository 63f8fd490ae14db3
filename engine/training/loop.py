"""The training loop: our own, so that a stop comes between any two batches and a tiny epoch costs nothing."""

import math
import time
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from engine.base.context import Context
from engine.base.errors import RunError, Stopped
from engine.base.events import Batch, Doing, Epoch, Notice
from engine.base.language import tr
from engine.base.wording import counted, reason, remedy
from engine.network.classifier import Classifier
from engine.recipe.config import TrainConfig
from engine.runs.summary import better, waited
from engine.training.augment import PLAIN, view_of
from engine.training.batches import Source, prepared, stored_format
from engine.training.checkpoint import KEPT_FACT, Keeper, Point, Position
from engine.training.distributed import ONE, Devices
from engine.training.forward import Pass, score
from engine.training.phases import Phase, phases
from engine.training.step import Steps, assign, bundles, new_optimizer, values_of

BATCH_EVENTS_A_SECOND = 10
Ended = Literal["all epochs", "patience", "stopped"]


@dataclass(frozen=True)
class Fitted:
    """How a training ended. The classifier holds the best epoch's weights; `logits` are those of validation, (n, c)."""

    epochs: int
    best: Epoch | None
    ended: Ended
    logits: np.ndarray
    seconds: float
    """Wall time of the fitting, that before a resume included."""
    history: tuple[Epoch, ...] = ()


@dataclass(frozen=True)
class Stage:
    """What one fitting is of a whole training: the phase that it trains, what came before, what is kept of it."""

    phase: Phase
    before: Fitted | None = None
    """How the phase before ended, whose best weights the classifier has."""
    resumed: Point | None = None
    """The point of this phase to go on from."""
    keeper: Keeper | None = None
    """Writes resume points, which carry `facts`."""
    facts: dict[str, str] = field(default_factory=dict)
    devices: Devices = ONE
    """In whose scope the classifier was made."""


def fit(
    classifier: Classifier,
    train: Source,
    validation: Source,
    config: TrainConfig,
    context: Context,
    stage: Stage | None = None,
) -> Fitted:
    """Train the classifier's trainable layers and leave it with the weights of the best epoch.

    Best is as `engine.runs.summary.better` has it. Training ends after the recipe's epochs, after `patience` epochs
    without a better one, or between two batches once the stop is set.

    Of a recipe with several phases it trains that of `stage` (the last one when not given), whose layers the classifier
    has trainable. Patience counts in the last phase, and from its first epoch on.
    """
    stage = stage or Stage(phases(config)[-1])
    training = _Training(classifier, train, validation, config, context, stage)
    if stage.resumed:
        training.restore(stage.resumed)
    elif stage.before:
        training.follow(stage.before)
    return training.run()


@dataclass
class State:
    """What changes from step to step and epoch to epoch, besides weights and optimizer."""

    position: Position = field(default_factory=lambda: Position(1))
    history: list[Epoch] = field(default_factory=list)
    best: Epoch | None = None
    weights: list[np.ndarray] = field(default_factory=list)
    logits: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    before: float = 0.0
    """Seconds of fitting before this process."""

    def waited(self, phase: Phase) -> int:
        """Epochs of this phase since the best one."""
        return waited(self.position.epoch - 1, self.best.epoch if self.best else 0, phase.first)


class _Training:
    """One training while it runs."""

    def __init__(
        self,
        classifier: Classifier,
        train: Source,
        validation: Source,
        config: TrainConfig,
        context: Context,
        stage: Stage,
    ) -> None:
        self.classifier, self.config, self.context = classifier, config, context
        self.train, self.validation = train, validation
        self.keeper, self.facts, self.phase = stage.keeper, stage.facts, stage.phase
        self.devices, self.stop = stage.devices, stage.devices.common(context.stop)
        with self.devices.scope():
            optimizer = new_optimizer(classifier, self.phase)
        self.steps = self._steps(optimizer)
        self.validation_pass = Pass(validation)
        self.state = State(Position(self.phase.first))
        self.kept: Position | None = None
        self.traced = False
        """Has TensorFlow prepared the training step, which takes seconds?"""
        self.began = time.perf_counter()

    def restore(self, point: Point) -> None:
        """Take weights, optimizer and position from a resume point."""
        assign(self.classifier.trainable_variables, point.arrays["trained"])
        assign(self.steps.optimizer.variables, point.arrays["optimizer"])
        best, logits = point.arrays.get("best", []), point.arrays.get("logits", [np.zeros((0, 0))])
        self.state = State(point.position, list(point.history), point.best, best, logits[0], point.seconds)
        self.kept = point.position

    def follow(self, before: Fitted) -> None:
        """Take up the history of the phase before, whose best weights the classifier has."""
        weights = values_of(self.classifier.trainable_variables)
        position = Position(self.phase.first)
        self.state = State(position, list(before.history), before.best, weights, before.logits, before.seconds)

    def run(self) -> Fitted:
        """All epochs that are left of the phase."""
        fit, state, ended = self.config.fit, self.state, "all epochs"
        try:
            while state.position.epoch <= self.phase.last:
                last = self.phase.last == fit.epochs
                if last and fit.patience and state.waited(self.phase) >= fit.patience:
                    ended = "patience"
                    self._out_of_patience()
                    break
                self._epoch()
        except Stopped:
            ended = "stopped"
        self._keep()
        if state.best:
            assign(self.classifier.trainable_variables, state.weights)
        history = tuple(state.history)
        return Fitted(len(history), state.best, ended, state.logits, self._seconds(), history)  # type: ignore[arg-type]

    def _epoch(self) -> None:
        """The epoch at hand from its position on. Raises Stopped between two batches."""
        state, number = self.state, self.state.position.epoch
        view = view_of(self.config.augment, number)
        self.train = self.devices.meet(self.context.stop, lambda: prepared(self.train, view, self.context.emit))
        # All workers or none, as each compiled step numbers the sums that it shares with the others'.
        if self.devices.anyone(self.train.network is not self.steps.network):
            self.steps = self._steps(self.steps.optimizer)
        if not self.traced:
            self.context.emit(Doing(tr("preparing the training step")))
            self.traced = True
        began, before = time.perf_counter(), state.position.seconds
        rate = self.phase.rate(self.config.fit.peak, number)
        self._batches(rate, before)
        logits = self.devices.meet(self.context.stop, self._validation_logits)
        loss, accuracy = self.devices.chiefs(*score(logits, self.validation.images.labels))
        seconds = round(before + time.perf_counter() - began, 4)
        epoch = Epoch(number, *_means(state.position), loss, accuracy, rate, seconds)
        self.context.emit(epoch)
        state.history.append(epoch)
        state.position = Position(number + 1)
        if better(epoch, state.best):
            state.best, state.logits = epoch, logits
            state.weights = values_of(self.classifier.trainable_variables)
        elif not math.isfinite(epoch.val_loss):
            self._diverged(number)
        if self.keeper and self.keeper.due(epoch_over=True):
            self._keep()

    def _out_of_patience(self) -> None:
        """Say that the training ends before its last epoch, and why."""
        fit, done = self.config.fit, self.state.position.epoch - 1
        waited = counted(fit.patience, "epoch")
        if self.state.best:
            why = tr(
                "{waited} without a better validation result than epoch {best}",
                waited=waited,
                best=self.state.best.epoch,
            )
        else:
            why = tr("{waited} without a better validation result", waited=waited)
        text = tr(
            "Training ends after epoch {done} of {epochs}: {why} (--patience {patience}; 0 trains all epochs).",
            done=done,
            epochs=fit.epochs,
            why=why,
            patience=fit.patience,
        )
        self.context.emit(Notice("info", text))

    def _diverged(self, epoch: int) -> None:
        """Say that the loss is no number any more. Raises RunError where no epoch before can be gone back to."""
        lost = tr(
            "The loss is no longer a number after epoch {epoch}, as the weights have grown beyond all bounds",
            epoch=epoch,
        )
        lower = tr("train with a lower --lr than {peak:g}", peak=self.config.fit.peak)
        if self.state.best is None:
            raise RunError(tr("{lost}: {lower}.", lost=lost, lower=lower))
        kept = tr("the best ones, of epoch {epoch}, are kept", epoch=self.state.best.epoch)
        text = tr("{lost}; {kept}. To get further, {lower}.", lost=lost, kept=kept, lower=lower)
        self.context.emit(Notice("warning", text))

    def _batches(self, rate: float, before: float) -> None:
        """The training steps that the epoch at hand still needs, in the epoch's own order."""
        config, state = self.config, self.state
        first, number, batch = state.position, state.position.epoch, config.fit.batch
        order = np.random.default_rng([config.machine.seed, number]).permutation(len(self.train.images))
        steps = math.ceil(len(order) / batch)
        feed = self.steps.feed(self.train, order[first.step * batch :], view_of(config.augment, number), batch)
        self.steps.optimizer.learning_rate = rate
        began = told = time.perf_counter()
        for bundle in bundles(feed, self.steps.at_once):
            sums = self.steps.take(bundle).astype(np.float64)
            now, at = time.perf_counter(), state.position
            step = at.step + len(bundle)
            images = min(step * batch, len(order))
            loss, right = at.loss, at.right
            for one_loss, one_right in sums:  # one by one, as a resumed epoch must add up to the same bit
                loss, right = loss + float(one_loss), right + float(one_right)
            at = state.position = Position(number, step, loss, right, images, before + now - began)
            if step == steps or now - told >= 1 / BATCH_EVENTS_A_SECOND:
                told = now
                speed = round((at.images - first.images) / (now - began), 1)
                self.context.emit(Batch(number, step, steps, *_means(at), speed))
            if self.stop.is_set():
                raise Stopped(tr("Stopped in epoch {number}.", number=number))
            if self.keeper and self.keeper.due(epoch_over=False):
                self._keep()

    def _steps(self, optimizer: Any) -> Steps:
        train, fit = self.train, self.config.fit
        return Steps(self.classifier, train.network, fit, train.images.labels, optimizer, self.devices, self.stop)

    def _validation_logits(self) -> np.ndarray:
        self.validation = prepared(self.validation, PLAIN, self.context.emit)
        if self.validation is not self.validation_pass.source:
            self.validation_pass = Pass(self.validation)
        return self.validation_pass.logits(stop=self.context.stop)

    def _keep(self) -> None:
        """Write a resume point, unless the last one lies here. Raises RunError where there is no room for it."""
        state = self.state
        if not self.keeper or state.position == self.kept:
            return
        arrays = {
            "trained": values_of(self.classifier.trainable_variables),
            "optimizer": values_of(self.steps.optimizer.variables),
        }
        if state.best:
            arrays |= {"best": state.weights, "logits": [state.logits]}
        # A training that lost its cache on the way goes on from here without: one with it would round otherwise.
        facts = {**self.facts, KEPT_FACT: stored_format(self.train)}
        point = Point(state.position, tuple(state.history), state.best, self._seconds(), facts, arrays)
        try:
            self.keeper.keep(point)
        except OSError as error:
            folder, helps = self.keeper.folder, remedy(error, tr("see to that disk"))
            raise RunError(
                tr(
                    "No resume point can be written into {folder} ({reason}): {helps}, then go on with `covid-tui "
                    "--train --resume {run}`.",
                    folder=folder,
                    reason=reason(error),
                    helps=helps,
                    run=folder.parent,
                )
            ) from error
        self.kept = state.position

    def _seconds(self) -> float:
        return self.state.before + time.perf_counter() - self.began


def _means(at: Position) -> tuple[float, float]:
    return at.loss / max(at.images, 1), at.right / max(at.images, 1)
