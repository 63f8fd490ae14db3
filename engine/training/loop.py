"""The training loop: our own, so that a stop comes between any two batches and a tiny epoch costs nothing."""

import math
import time
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from engine.config import FitConfig, TrainConfig
from engine.errors import Stopped
from engine.events import Batch, Emit, Epoch, Notice
from engine.network.classifier import Classifier
from engine.runtime import tensorflow
from engine.stopping import Stop
from engine.training.augment import PLAIN, view_of
from engine.training.schedule import learning_rate
from engine.training.sources import Source, is_full_disk, without_cache

BATCH_EVENTS_A_SECOND = 10


@dataclass(frozen=True)
class Fitted:
    """How a training ended. The classifier holds the best epoch's weights; `logits` are those of validation, (n, c)."""

    epochs: int
    best: Epoch | None
    ended: Literal["all epochs", "patience", "stopped"]
    logits: np.ndarray


@dataclass
class _State:
    """What changes from epoch to epoch."""

    best: Epoch | None = None
    weights: list[np.ndarray] = field(default_factory=list)
    logits: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    epoch: int = 0

    def better(self, epoch: Epoch) -> bool:
        """Higher validation accuracy, or the same at a lower loss."""
        if self.best is None:
            return True
        return (epoch.val_accuracy, -epoch.val_loss) > (self.best.val_accuracy, -self.best.val_loss)


def fit(
    classifier: Classifier, train: Source, validation: Source, config: TrainConfig, emit: Emit, stop: Stop
) -> Fitted:
    """Train the classifier's trainable layers and leave it with the weights of the best epoch.

    Best is the highest validation accuracy, ties going to the lower loss. Training ends after the recipe's epochs,
    after `patience` epochs without a better one, or between two batches once `stop` is set.
    """
    steps = _Steps(classifier, train.network, config.fit, train.images.labels)
    validation_pass = Pass(validation)
    state = _State()
    ended: Literal["all epochs", "patience", "stopped"] = "all epochs"
    for number in range(1, config.fit.epochs + 1):
        started = time.perf_counter()
        try:
            train = _prepared(train, view_of(config.augment, number), emit)
        except Stopped:  # while a view's activations were computed: the epochs before it still count
            ended = "stopped"
            break
        if train.network is not steps.network:
            steps = _Steps(classifier, train.network, config.fit, train.images.labels, steps.optimizer)
        rate = learning_rate(config.fit.lr, number)
        seen = steps.run_epoch(train, number, rate, config, emit, stop)
        if stop.is_set():
            ended = "stopped"
            break
        validation = _prepared(validation, PLAIN, emit)
        if validation is not validation_pass.source:
            validation_pass = Pass(validation)
        logits = validation_pass.logits()
        loss, accuracy = score(logits, validation.images.labels)
        epoch = Epoch(number, *seen, loss, accuracy, rate, round(time.perf_counter() - started, 4))
        emit(epoch)
        state.epoch = number
        if state.better(epoch):
            state.best, state.logits = epoch, logits
            state.weights = [variable.numpy() for variable in classifier.trainable_variables]
        elif config.fit.patience and number - _number(state.best) >= config.fit.patience:
            ended = "patience"
            break
    for variable, value in zip(classifier.trainable_variables, state.weights, strict=bool(state.weights)):
        variable.assign(value)
    return Fitted(state.epoch, state.best, ended, state.logits)


class _Steps:
    """The compiled training step of one network, with its optimizer."""

    def __init__(
        self, classifier: Classifier, network: Any, fit: FitConfig, labels: np.ndarray, optimizer: Any = None
    ) -> None:
        tf = tensorflow()
        self.network = network
        self.optimizer = optimizer or _optimizer(classifier, fit)
        variables = classifier.trainable_variables
        weights = tf.constant(class_weights(labels, classifier.model.output_shape[-1], fit.class_weight), tf.float32)

        @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
        def step(inputs: Any, answers: Any) -> Any:
            with tf.GradientTape() as tape:
                logits = network(inputs, training=True)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(answers, logits)
                scaled = self.optimizer.scale_loss(tf.reduce_mean(losses * tf.gather(weights, answers)))
            self.optimizer.apply(tape.gradient(scaled, variables), variables)
            right = tf.cast(tf.argmax(logits, -1, tf.int32) == answers, tf.float32)
            return tf.stack([tf.reduce_sum(losses), tf.reduce_sum(right)])

        self.step = step

    def run_epoch(
        self, source: Source, number: int, rate: float, config: TrainConfig, emit: Emit, stop: Stop
    ) -> tuple[float, float]:
        """One pass over the training images in the epoch's own order; mean loss (unweighted) and accuracy."""
        self.optimizer.learning_rate = rate
        order = np.random.default_rng([config.machine.seed, number]).permutation(len(source.images))
        steps = math.ceil(len(order) / config.fit.batch)
        sums, images = np.zeros(2), 0
        started = told = time.perf_counter()
        feed = source.batches(order, view_of(config.augment, number), config.fit.batch)
        for step, (inputs, answers) in enumerate(feed, start=1):
            sums += self.step(inputs, answers).numpy()
            images += len(answers)
            now = time.perf_counter()
            if step == steps or now - told >= 1 / BATCH_EVENTS_A_SECOND:
                told = now
                emit(Batch(number, step, steps, *_means(sums, images), round(images / (now - started), 1)))
            if stop.is_set():
                break
        return _means(sums, images)


class Pass:
    """A compiled forward pass over a source's images as they are."""

    def __init__(self, source: Source) -> None:
        tf = tensorflow()
        self.source = source
        self._network = tf.function(lambda x: source.network(x, training=False), reduce_retracing=True)

    def logits(self, batch: int = 64) -> np.ndarray:
        """Logits, float32 (n, classes), in the source's order."""
        everything = np.arange(len(self.source.images))
        feed = self.source.batches(everything, PLAIN, batch)
        return np.concatenate([self._network(inputs).numpy() for inputs, _ in feed])


def score(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy (0 to 1) of logits (n, classes) against labels (n,)."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    losses = np.log(np.exp(wide).sum(axis=1)) - wide[np.arange(len(labels)), labels]
    return float(losses.mean()), float((logits.argmax(axis=1) == labels).mean())


def class_weights(labels: np.ndarray, classes: int, how: Literal["none", "balanced"]) -> np.ndarray:
    """A weight for each class: 1, or n / (classes * n of the class), as scikit-learn's "balanced"."""
    if how == "none":
        return np.ones(classes)
    counts = np.bincount(labels, minlength=classes)
    return len(labels) / (classes * np.maximum(counts, 1))


def _optimizer(classifier: Classifier, fit: FitConfig) -> Any:
    keras = tensorflow().keras
    optimizer = keras.optimizers.Adam(fit.lr)
    if classifier.model.layers[1].compute_dtype == "float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(classifier.trainable_variables)
    return optimizer


def _prepared(source: Source, view: int, emit: Emit) -> Source:
    """The source with `view` ready; where the disk fills up on the way, the same images without kept activations."""
    try:
        source.prepare(view)
        return source
    except OSError as error:
        if not is_full_disk(error):
            raise
        emit(Notice("warning", f"The cache can't be filled ({error.strerror}): training goes on without it, slower."))
        return without_cache(source)


def _means(sums: np.ndarray, images: int) -> tuple[float, float]:
    return float(sums[0] / max(images, 1)), float(sums[1] / max(images, 1))


def _number(epoch: Epoch | None) -> int:
    return epoch.epoch if epoch else 0
