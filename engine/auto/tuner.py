"""The last convolutions and a linear head, trained together from kept activations, beginning with the head as fitted.

Linear probe first, then layers (Kumar et al. 2022, "Fine-tuning can distort pretrained features and underperform
out-of-distribution"): the loss is the probe's own, whose minimum over the head is where the training begins. The head
trains in standardised coordinates, in which its inputs are alike, and is folded back. What an epoch gives is the mean
of the weights over its steps (Polyak and Juditsky 1992), so that a rate that never falls does no harm.
"""

import functools
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.auto.activations import VIEWS, Activations
from engine.auto.class_shares import log_shares
from engine.auto.features import Rows
from engine.auto.folds import Ints
from engine.auto.linear import Floats, scales
from engine.base.errors import Stopped
from engine.base.language import tr
from engine.base.runtime import tensorflow
from engine.network.classifier import to_head
from engine.network.keras_private import leave_gradients_unsummed
from engine.recipe.config import Weighting
from engine.training.step import assign, values_of

BATCH = 32
RATE = 1e-5
"""Adam's, of the convolutions and of the standardised head."""


@dataclass(frozen=True, eq=False)
class Start:
    """A fitted head: kernel (width, classes) and bias (classes,), its penalty, and what its inputs are like."""

    kernel: Rows
    bias: Rows
    strength: float
    means: Rows
    """Of the head's inputs over the images that it was fitted on, (width,)."""
    scales: Rows
    """What they are divided by where the head is fitted, (width,), none of it 0."""

    @classmethod
    def of(cls, linear: tuple[Rows, Rows], strength: float, rows: Rows, layers: Sequence[int]) -> "Start":
        """`rows` are the head's inputs (n, width) that it was fitted on, `layers` how many are of each layer."""
        divisors = scales(rows.std(axis=0, dtype=np.float64), layers)
        # A column that is always the same is 0 once its mean is taken off.
        divisors = np.where(np.isfinite(divisors), divisors, 1)
        return cls(*linear, strength, rows.mean(axis=0), divisors.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Images:
    """Kept activations with their labels, and whether the classes count alike."""

    activations: Activations
    labels: npt.NDArray[np.int32]
    classes: int
    weighting: Weighting
    answer: tuple[int, ...]
    """The views over which an answer is averaged."""


class Tuner:
    """One network, trained from any start as often as is wanted; it is compiled once."""

    def __init__(self, images: Images) -> None:
        """The layers that train are those of the plan of the activations' classifier."""
        keras = tensorflow().keras
        self.images, classifier = images, images.activations.classifier
        self._to_head = to_head(classifier)
        width, self._names = self._to_head.output_shape[-1], sorted(classifier.plan.trainable)
        layers = [classifier.model.get_layer(name) for name in self._names]
        self._in_layers = [variable for layer in layers for variable in layer.trainable_variables]
        self._kernel, self._bias, self._means, self._scales = (
            keras.Variable(np.zeros(shape, np.float32), dtype="float32")
            for shape in ((width, images.classes), (images.classes,), (width,), (width,))
        )
        self._strength = keras.Variable(np.float32(0), dtype="float32")
        self._offsets = keras.Variable(np.zeros(images.classes, np.float32), dtype="float32")
        self._trained = [*self._in_layers, self._kernel, self._bias]
        self._sums = [keras.Variable(np.zeros(one.shape, np.float32), dtype="float32") for one in self._trained]
        self._optimizer = keras.optimizers.Adam(RATE)
        leave_gradients_unsummed(self._optimizer)
        if classifier.compute_dtype == "float16":
            self._optimizer = keras.optimizers.LossScaleOptimizer(self._optimizer)
        self._optimizer.build(self._trained)
        self._fresh = values_of(self._in_layers), values_of(self._optimizer.variables)
        compiled = functools.partial(tensorflow().function, autograph=False, reduce_retracing=True)
        self._step, self._answer = compiled(self._one_step), compiled(self._logits)
        self._read = compiled(lambda rows: self._to_head(rows, training=False))

    def epochs(self, start: Start, learnt: Ints, seed: Sequence[int]) -> Iterator[int]:
        """Train on the images at `learnt`, one epoch after the other, for as long as the caller asks for the next.

        Between two epochs the network has the mean of the weights over the one just done. Raises Stopped between two
        steps.
        """
        activations, labels = self.images.activations, self.images.labels
        self.begin(start, learnt)
        for number in itertools.count(1):
            random = np.random.default_rng([*seed, number])
            order, views = random.permutation(learnt), random.choice(VIEWS, len(learnt))
            assign(self._sums, [np.zeros(one.shape, np.float32) for one in self._sums])
            firsts = range(0, len(order), BATCH)
            for first in firsts:
                if activations.context.stop.is_set():
                    raise Stopped(tr("Stopped in the fine-tuning."))
                part = order[first : first + BATCH]
                self._step(activations.rows(part, views[first : first + BATCH]), labels[part])
            at = values_of(self._trained)
            assign(self._trained, [one / np.float32(len(firsts)) for one in values_of(self._sums)])
            yield number
            assign(self._trained, at)

    def begin(self, start: Start, learnt: Ints) -> None:
        """Put network, head and optimizer to where a training on the images at `learnt` begins."""
        images, (layers, optimizer) = self.images, self._fresh
        kernel, bias = start.kernel * start.scales[:, None], start.bias + start.means @ start.kernel
        assign(self._trained, [*layers, kernel, bias])
        assign(self._optimizer.variables, optimizer)
        labels, classes = images.labels[learnt], images.classes
        # Answers are those of classes that count alike; what is learnt is how frequent they are, too.
        offsets = log_shares(labels, classes) if images.weighting == "balanced" else np.zeros(classes)
        assign(
            [self._means, self._scales, self._strength, self._offsets],
            [start.means, start.scales, start.strength, offsets],
        )

    def seconds(self, count: int) -> tuple[float, float]:
        """Of a training step with `count` images, and of an answer to as many, by the clock: the better of two.

        It leaves the weights anywhere: see `begin`.
        """
        activations, labels = self.images.activations, self.images.labels
        shape = activations.classifier.plan.kept_shape
        rows, answers = np.zeros((count, *shape), np.float32), np.resize(labels, count)
        return quickest(lambda: self._step(rows, answers)), quickest(lambda: self._answer(rows))

    def logits(self, chosen: Ints) -> Floats:
        """Of the images at `chosen`, (n,), averaged over the answer's views: float64 (n, classes). Raises Stopped."""
        return np.asarray(self._over_views(self._answer, chosen), np.float64)

    def given(self, chosen: Ints) -> Rows:
        """What the head gets of them, averaged over the answer's views: float32 (n, width). Raises Stopped."""
        return np.asarray(self._over_views(self._read, chosen), np.float32)

    def weights(self) -> dict[str, list[np.ndarray]]:
        """Those of the layers that train, by layer, and of the head, folded back, as "logits"."""
        model = self.images.activations.classifier.model
        means, scales = self._means.numpy(), self._scales.numpy()
        kernel = self._kernel.numpy() / scales[:, None]
        layers = {name: model.get_layer(name).get_weights() for name in self._names}
        return {**layers, "logits": [kernel, self._bias.numpy() - means @ kernel]}

    def _over_views(self, compiled: Any, chosen: Ints) -> npt.NDArray[np.floating]:
        activations, found = self.images.activations, []
        for first in range(0, len(chosen), BATCH):
            if activations.context.stop.is_set():
                raise Stopped(tr("Stopped in the fine-tuning."))
            part = chosen[first : first + BATCH]
            each = [activations.rows(part, np.full(len(part), view)) for view in self.images.answer]
            found.append(np.mean([compiled(rows).numpy() for rows in each], axis=0))
        return np.concatenate(found)

    def _logits(self, rows: Any) -> Any:
        given = (self._to_head(rows, training=False) - self._means) / self._scales
        return given @ self._kernel + self._bias

    def _one_step(self, rows: Any, answers: Any) -> None:
        tf = tensorflow()
        with tf.GradientTape() as tape:
            # In inference mode: a BatchNorm's statistics stay ImageNet's, and a step sees what an answer sees.
            logits = self._logits(rows) + self._offsets
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(answers, logits))
            loss += self._strength / 2 * tf.reduce_sum(tf.square(self._kernel))
            scaled = self._optimizer.scale_loss(loss)
        self._optimizer.apply(tape.gradient(scaled, [one.value for one in self._trained]), self._trained)
        for total, one in zip(self._sums, self._trained, strict=True):
            total.assign_add(one)


def quickest(work: Callable[[], object]) -> float:
    """Seconds that `work` takes, once it has been done: the fewer of two times."""
    work()
    found = []
    for _ in range(2):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)
