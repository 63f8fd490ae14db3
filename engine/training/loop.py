"""The training loop: our own, so that a stop comes between any two batches and a tiny epoch costs nothing."""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import RunError, Stopped
from engine.base.events import Batch, Epoch, Notice
from engine.base.runtime import tensorflow
from engine.base.wording import counted, reason, remedy
from engine.network.classifier import Classifier
from engine.recipe.config import FitConfig, TrainConfig
from engine.runs.summary import better, waited
from engine.training.augment import PLAIN, view_of
from engine.training.batches import Source, prepared, stored_format
from engine.training.checkpoint import KEPT_FACT, Keeper, Point, Position
from engine.training.distributed import ONE, CommonStop, Devices
from engine.training.forward import Pass, score
from engine.training.phases import Phase, phases

BATCH_EVENTS_A_SECOND = 10
STEPS_AT_ONCE = 16
"""Training steps of the head alone that are taken in one call; together they last some hundredths of a second."""
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


def fit(
    classifier: Classifier,
    train: Source,
    validation: Source,
    config: TrainConfig,
    context: Context,
    keeper: Keeper | None = None,
    facts: dict[str, str] | None = None,
    resumed: Point | None = None,
    phase: Phase | None = None,
    before: Fitted | None = None,
    devices: Devices = ONE,
) -> Fitted:
    """Train the classifier's trainable layers and leave it with the weights of the best epoch.

    Best is as `engine.runs.summary.better` has it. Training ends after the recipe's epochs,
    after `patience` epochs without a better one, or between two batches once `stop` is set. It goes on from `resumed`
    where that is given, and writes resume points, which carry `facts`, by `keeper`.

    Of a recipe with several phases it trains `phase` (its last one when not given), whose layers the classifier has
    trainable, after what came `before`. Patience counts in the last phase, and from its first epoch on. The classifier
    must have been made in the scope of `devices`.
    """
    phase = phase or phases(config)[-1]
    training = _Training(classifier, train, validation, config, context, keeper, facts or {}, phase, devices)
    if resumed:
        training.restore(resumed)
    elif before:
        training.follow(before)
    return training.run()


@dataclass
class _State:
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
        keeper: Keeper | None,
        facts: dict[str, str],
        phase: Phase,
        devices: Devices,
    ) -> None:
        self.classifier, self.config, self.context = classifier, config, context
        self.devices, self.stop = devices, devices.common(context.stop)
        self.train, self.validation = train, validation
        self.keeper, self.facts, self.phase = keeper, facts, phase
        with devices.scope():
            optimizer = new_optimizer(classifier, phase)
        self.steps = self._steps(optimizer)
        self.validation_pass = Pass(validation)
        self.state = _State(Position(phase.first))
        self.kept: Position | None = None
        self.began = time.perf_counter()

    def restore(self, point: Point) -> None:
        """Take weights, optimizer and position from a resume point."""
        assign(self.classifier.trainable_variables, point.arrays["trained"])
        assign(self.steps.optimizer.variables, point.arrays["optimizer"])
        best, logits = point.arrays.get("best", []), point.arrays.get("logits", [np.zeros((0, 0))])
        self.state = _State(point.position, list(point.history), point.best, best, logits[0], point.seconds)
        self.kept = point.position

    def follow(self, before: Fitted) -> None:
        """Take up the history of the phase before, whose best weights the classifier has."""
        weights = values_of(self.classifier.trainable_variables)
        position = Position(self.phase.first)
        self.state = _State(position, list(before.history), before.best, weights, before.logits, before.seconds)

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
        best = f" than epoch {self.state.best.epoch}" if self.state.best else ""
        waited = counted(fit.patience, "epoch")
        why = f"{waited} without a better validation result{best} (--patience {fit.patience}; 0 trains all epochs)"
        self.context.emit(Notice("info", f"Training ends after epoch {done} of {fit.epochs}: {why}."))

    def _diverged(self, epoch: int) -> None:
        """Say that the loss is no number any more. Raises RunError where no epoch before can be gone back to."""
        lost = f"The loss is no longer a number after epoch {epoch}, as the weights have grown beyond all bounds"
        lower = f"train with a lower --lr than {self.config.fit.peak:g}"
        if self.state.best is None:
            raise RunError(f"{lost}: {lower}.")
        kept = f"the best ones, of epoch {self.state.best.epoch}, are kept"
        self.context.emit(Notice("warning", f"{lost}; {kept}. To get further, {lower}."))

    def _batches(self, rate: float, before: float) -> None:
        """The training steps that the epoch at hand still needs, in the epoch's own order."""
        config, state = self.config, self.state
        first, number, batch = state.position, state.position.epoch, config.fit.batch
        order = np.random.default_rng([config.machine.seed, number]).permutation(len(self.train.images))
        steps = math.ceil(len(order) / batch)
        feed = self.steps.feed(self.train, order[first.step * batch :], view_of(config.augment, number), batch)
        self.steps.optimizer.learning_rate = rate
        began = told = time.perf_counter()
        for bundle in _bundles(feed, self.steps.at_once):
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
                raise Stopped(f"Stopped in epoch {number}.")
            if self.keeper and self.keeper.due(epoch_over=False):
                self._keep()

    def _steps(self, optimizer: Any) -> "Steps":
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
            folder, helps = self.keeper.folder, remedy(error, "see to that disk")
            raise RunError(
                f"No resume point can be written into {folder} ({reason(error)}): {helps}, then go on with "
                f"covid-tui --train --resume {folder.parent}."
            ) from error
        self.kept = state.position

    def _seconds(self) -> float:
        return self.state.before + time.perf_counter() - self.began


class Steps:
    """The compiled training step of one network, with its optimizer."""

    def __init__(
        self,
        classifier: Classifier,
        network: Any,
        fit: FitConfig,
        labels: np.ndarray,
        optimizer: Any,
        devices: Devices = ONE,
        stop: CommonStop | None = None,
    ) -> None:
        tf = tensorflow()
        self.network = network
        self.optimizer = optimizer
        self.devices, self.stop = devices, stop or devices.common(Stop())
        variables = classifier.trainable_variables
        weights = tf.constant(class_weights(labels, classifier.model.output_shape[-1], fit.class_weight), tf.float32)

        # XLA makes one kernel of the head's many small ones; with convolutions it is slower (benchmarks/README.md).
        self.small = small = len(network.input_shape) == 2  # pooled vectors
        self.at_once = STEPS_AT_ONCE if small and not devices.strategy else 1

        def step(inputs: Any, answers: Any, shares: Any = None) -> Any:
            with tf.GradientTape() as tape:
                # In inference mode: a BatchNorm's statistics stay ImageNet's, and a step sees what validation sees.
                logits = network(inputs, training=False)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(answers, logits)
                weighted = losses * tf.gather(weights, answers)
                # On several devices a shard counts by its images' share of the whole batch.
                mean = tf.reduce_mean(weighted) if shares is None else tf.reduce_sum(weighted * shares)
                scaled = self.optimizer.scale_loss(mean)
            self.optimizer.apply(devices.summed(tape.gradient(scaled, variables)), variables)
            right = tf.cast(tf.argmax(logits, -1, tf.int32) == answers, tf.float32)
            if shares is not None:
                losses, right = (tf.boolean_mask(each, shares > 0) for each in (losses, right))
            return tf.stack([tf.reduce_sum(losses), tf.reduce_sum(right)])

        def steps(inputs: Any, answers: Any, count: Any) -> Any:
            sums = tf.TensorArray(tf.float32, size=STEPS_AT_ONCE, element_shape=(2,))
            for number in tf.range(count):
                sums = sums.write(number, step(inputs[number], answers[number]))
            return sums.stack()

        if devices.strategy:
            self._steps = devices.together(step)
        else:
            self._steps = tf.function(steps, jit_compile=True) if small else tf.function(step, reduce_retracing=True)

    def feed(self, source: Source, order: np.ndarray, view: int, batch: int) -> Iterator[tuple[Any, ...]]:
        """The batches of `order` for `take`; on several devices, this process's share of each and its weights."""
        if not self.devices.strategy:
            return source.batches(order, view, batch)
        own = self.devices.share(order, batch)
        batches = source.batches(own.order, view, own.batch)
        return ((*pair, shares) for pair, shares in zip(batches, own.weights, strict=True))

    def take(self, batches: Sequence[tuple[Any, ...]]) -> np.ndarray:
        """The training steps of `at_once` batches of one size at most; each step's sums of losses and of right answers.

        Returns float32 (len(batches), 2).
        """
        if self.devices.strategy:
            return np.asarray([self._take_together(*batch) for batch in batches])
        if self.at_once == 1:
            return np.asarray([self._steps(*batch).numpy() for batch in batches])
        padded = [*batches, *[batches[0]] * (self.at_once - len(batches))]  # the compiled loop is of one length
        inputs, answers = (np.stack(parts) for parts in zip(*padded, strict=True))
        return np.asarray(self._steps(inputs, answers, np.int32(len(batches))).numpy()[: len(batches)])

    def _take_together(self, *share: Any) -> np.ndarray:
        """The step of all replicas on one batch; with the sums come the votes on a stop."""
        sums = self._steps(*share, self.stop.votes())
        self.stop.hear(sums[2:])
        return np.asarray(sums[:2])


def _bundles(feed: Iterable[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
    """Consecutive batches of equal length, up to `size` of them together."""
    bundle: list[tuple[Any, ...]] = []
    for batch in feed:
        if bundle and len(batch[1]) != len(bundle[0][1]):
            yield bundle
            bundle = []
        bundle.append(batch)
        if len(bundle) == size:
            yield bundle
            bundle = []
    if bundle:
        yield bundle


def class_weights(labels: np.ndarray, classes: int, how: Literal["none", "balanced"]) -> np.ndarray:
    """A weight for each class: 1, or n / (classes * n of the class), as scikit-learn's "balanced"."""
    if how == "none":
        return np.ones(classes)
    counts = np.bincount(labels, minlength=classes)
    return len(labels) / (classes * np.maximum(counts, 1))


def new_optimizer(classifier: Classifier, phase: Phase) -> Any:
    """Adam, fresh, with the phase's learning rate for each layer."""
    keras = tensorflow().keras
    layer_of = {id(variable): layer.name for layer in classifier.model.layers for variable in layer.weights}
    shares = [phase.multipliers.get(layer_of[id(variable)], 1.0) for variable in classifier.trainable_variables]

    class LayerwiseAdam(keras.optimizers.Adam):  # type: ignore[misc, name-defined]
        """Adam whose steps differ by layer. Scaled gradients would not do, as Adam divides by their size."""

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            share = shares[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * share)

    optimizer = LayerwiseAdam() if set(shares) != {1.0} else keras.optimizers.Adam()
    # The step sums the gradients itself where there are several devices. For one it would change nothing, but leave the
    # traced step, with its network, in TensorFlow's registry of gradients for as long as the process lives.
    optimizer._all_reduce_sum_gradients = list
    if classifier.model.get_layer("dense").compute_dtype == "float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(classifier.trainable_variables)
    return optimizer


def _means(at: Position) -> tuple[float, float]:
    return at.loss / max(at.images, 1), at.right / max(at.images, 1)


def values_of(variables: Any) -> list[np.ndarray]:
    """The values of variables, in their order."""
    return [np.asarray(variable.numpy()) for variable in variables]


def assign(variables: Any, values: Any) -> None:
    """Set variables to what `values_of` gave."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
