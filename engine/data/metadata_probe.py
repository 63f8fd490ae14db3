"""What a model could know without looking at lungs: a small classifier on facts about the files and borders alone."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.base.language import tr
from engine.base.wording import whole_percent
from engine.data.records import Record

LEAST = 10
"""Images of the smallest class from which on the classifier is tried."""
FOLDS = 5
_COMMON = 8  # values of a trait that get a column of their own
FEATURES = tr("size, bytes, format, mode, bit depth, colour, mean, contrast and border")


@dataclass(frozen=True)
class Guess:
    """How often a logistic regression on FEATURES is right about images that it did not learn from."""

    images: int
    correct: int
    accuracy: float
    interval: tuple[float, float]
    """Exact (Clopper-Pearson) 95% interval of the accuracy."""
    baseline: float
    """Share of the commonest class."""

    @property
    def telling(self) -> bool:
        """Is it shown to be better than always saying the commonest class, and by a fifth of what is left or more?"""
        return self.interval[0] > self.baseline and self.accuracy - self.baseline >= 0.2 * (1 - self.baseline)

    @property
    def sentence(self) -> str:
        """What that means."""
        low, high = self.interval
        return tr(
            "Without looking at lungs, by {features} alone, a small classifier is right for {accuracy} of the images "
            "(95% interval {low} to {high}); always saying the commonest class for {baseline}.",
            features=FEATURES,
            accuracy=whole_percent(self.accuracy),
            low=whole_percent(low),
            high=whole_percent(high),
            baseline=whole_percent(self.baseline),
        )

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {**asdict(self), "telling": self.telling, "sentence": self.sentence}


def guess(records: Sequence[Record], seed: int = 0) -> Guess | None:
    """The classifier's result by stratified cross-validation; None for one class, or fewer than LEAST of one.

    Each image is judged by a classifier that learnt from the other folds. No two of `records` should be one picture.
    """
    from scipy.stats import binomtest
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    labels = np.array([record.label for record in records])
    counts = Counter(labels.tolist())
    if len(counts) < 2 or min(counts.values()) < LEAST:
        return None
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    correct = int((cross_val_predict(classifier, features(records), labels, cv=folds) == labels).sum())
    interval = binomtest(correct, len(labels)).proportion_ci(0.95, method="exact")
    return Guess(
        images=len(labels),
        correct=correct,
        accuracy=correct / len(labels),
        interval=(float(interval.low), float(interval.high)),
        baseline=max(counts.values()) / len(labels),
    )


def features(records: Sequence[Record]) -> "np.ndarray[Any, Any]":
    """Facts about the images that say nothing of lungs: float (n, k), lengths and sizes as logarithms."""
    numbers = [
        (
            math.log(r.width),
            math.log(r.height),
            math.log(r.width / r.height),
            math.log(max(1, r.bytes) / (r.width * r.height)),
            r.mean,
            r.spread,
            r.border,
            float(r.colour),
            float(r.bit_depth),
        )
        for r in records
    ]
    kinds = [[r.format for r in records], [r.mode for r in records], [f"{r.width}x{r.height}" for r in records]]
    marks = [
        [float(kind == common) for kind in column]
        for column in kinds
        for common, _ in Counter(column).most_common(_COMMON)
    ]
    return np.column_stack([np.array(numbers), *map(np.array, marks)])
