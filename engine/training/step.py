"""The compiled training step of a network: its optimizer, its weights by class, and the batches it takes at once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from engine.base.cancel import Stop
from engine.base.runtime import compiled, tensorflow
from engine.network.classifier import Classifier
from engine.network.keras_private import leave_gradients_unsummed, place_of
from engine.recipe.config import FitConfig, Weighting
from engine.training.batches import Source
from engine.training.distributed import ONE, CommonStop, Devices
from engine.training.phases import Phase

STEPS_AT_ONCE = 16
"""Training steps of the head alone that are taken in one call; together they last some hundredths of a second."""


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
            def next_step(number: Any, sums: Any) -> tuple[Any, Any]:
                return number + 1, sums.write(number, step(inputs[number], answers[number]))

            sums = tf.TensorArray(tf.float32, size=STEPS_AT_ONCE, element_shape=(2,))
            left = tf.constant(0), sums
            return tf.while_loop(lambda number, _: number < count, next_step, left)[1].stack()

        if devices.strategy:
            self._steps = devices.together(step)
        else:
            # Without autograph, as TensorFlow would else write all of this anew as other Python first, for most of a
            # second in each process.
            self._steps = tf.function(steps, autograph=False, jit_compile=True) if small else compiled(step)

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


def bundles(feed: Iterable[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
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


def class_weights(labels: np.ndarray, classes: int, how: Weighting) -> np.ndarray:
    """A weight for each class: 1, or n / (classes * n of the class), as scikit-learn's "balanced"."""
    if how != "balanced":
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
            share = shares[place_of(self, variable)]
            super().update_step(gradient, variable, learning_rate * share)

    optimizer = LayerwiseAdam() if set(shares) != {1.0} else keras.optimizers.Adam()
    # The step sums the gradients itself where there are several devices. For one it would change nothing, but leave the
    # traced step, with its network, in TensorFlow's registry of gradients for as long as the process lives.
    leave_gradients_unsummed(optimizer)
    if classifier.compute_dtype == "float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(classifier.trainable_variables)
    return optimizer


def values_of(variables: Any) -> list[np.ndarray]:
    """The values of variables, in their order."""
    return [np.asarray(variable.numpy()) for variable in variables]


def assign(variables: Any, values: Any) -> None:
    """Set variables to what `values_of` gave."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
