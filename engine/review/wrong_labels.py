"""Which labels are likely wrong: confident learning on out-of-fold answers, ranked together with the neighbours.

Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset labels": an image counts to
another class than its label where the probability of that class is at least what images of the class get on average.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.evaluation.calibration import softmax
from engine.review.neighbours import Floats, Ints

IMPROBABLE = 0.1
"""A label that is called likely wrong has a smaller probability than this. On clean real X-rays 3 of 314 labels meet
both conditions."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What out-of-fold answers and neighbours say of labels."""

    labels: Ints
    """(n,)"""
    logits: Floats
    """(n, classes)"""
    neighbours: Ints
    """The places of the images most alike, (n, count)."""

    @property
    def probabilities(self) -> Floats:
        """(n, classes)"""
        return softmax(self.logits)

    @property
    def own(self) -> Floats:
        """The probability of each image's label, (n,)."""
        return np.asarray(self.probabilities[np.arange(len(self.labels)), self.labels])

    @property
    def others(self) -> Ints:
        """The likeliest class but the label, (n,)."""
        rest = self.logits.copy()
        rest[np.arange(len(self.labels)), self.labels] = -np.inf
        return np.asarray(rest.argmax(axis=1))

    @property
    def wrong(self) -> npt.NDArray[np.bool_]:
        """Which labels are likely wrong, (n,)."""
        found, every, other = self.probabilities, np.arange(len(self.labels)), self.others
        usual = np.array([
            found[self.labels == label, label].mean() if (self.labels == label).any() else np.inf
            for label in range(found.shape[1])
        ])  # fmt: skip
        confident = found[every, other] >= usual[other]
        return np.asarray(confident & (found[every, other] > self.own) & (self.own < IMPROBABLE))

    @property
    def soundness(self) -> Floats:
        """How sound each label is, (n,), the least first to be looked at: the margin of its logit over the next, in
        standard deviations, and the share of its neighbours with the same label, less what is usual in its class.
        """
        every = np.arange(len(self.labels))
        margin = self.logits[every, self.labels] - self.logits[every, self.others]
        alike = (self.labels[self.neighbours] == self.labels[:, None]).mean(axis=1)
        usual = np.array([
            alike[self.labels == label].mean() if (self.labels == label).any() else 0.0
            for label in range(self.logits.shape[1])
        ])  # fmt: skip
        return np.asarray(margin / max(float(margin.std()), 1e-12) + alike - usual[self.labels])
