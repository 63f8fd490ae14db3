"""How good predictions are: accuracy with its exact interval and baseline, and what each class gets.

scikit-learn and SciPy do the arithmetic; both are imported when first needed, as they are slow to load.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.events import finite

CONFIDENCE = 0.95


@dataclass(frozen=True)
class ClassResult:
    """One class against the rest. Shares are from 0 to 1, intervals exact at 95%; None where nothing can be said."""

    n: int
    sensitivity: float | None
    sensitivity_ci: tuple[float, float] | None
    specificity: float | None
    specificity_ci: tuple[float, float] | None
    auc: float | None


@dataclass(frozen=True)
class Results:
    """How predictions compare with the truth. `confusion` has the truth in rows and the prediction in columns."""

    n: int
    correct: int
    accuracy: float
    accuracy_ci: tuple[float, float]
    loss: float
    auc: float | None
    """Area under the ROC curve: of the second class for two classes, else the mean over classes against the rest."""
    baseline: float
    """Accuracy of always answering the most frequent class."""
    baseline_class: str
    confusion: list[list[int]]
    classes: dict[str, ClassResult]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return dict(finite(dataclasses.asdict(self)))


def judge(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> Results:
    """Compare probabilities (n, classes) with labels (n,) from 0; n must be at least 1."""
    said = probabilities.argmax(axis=1)
    confusion = np.zeros((len(classes), len(classes)), int)
    np.add.at(confusion, (labels, said), 1)
    correct = int((said == labels).sum())
    counts = np.bincount(labels, minlength=len(classes))
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    aucs = [auc(labels == k, probabilities[:, k]) for k in range(len(classes))]
    known = [a for a in aucs if a is not None]
    return Results(
        n=len(labels),
        correct=correct,
        accuracy=correct / len(labels),
        accuracy_ci=exact_interval(correct, len(labels)),
        loss=float(-np.log(np.maximum(right, 1e-12)).mean()),
        auc=(aucs[1] if len(classes) == 2 else float(np.mean(known))) if known else None,
        baseline=float(counts.max() / len(labels)),
        baseline_class=classes[int(counts.argmax())],
        confusion=confusion.tolist(),
        classes={name: _one_class(confusion, k, aucs[k]) for k, name in enumerate(classes)},
    )


def exact_interval(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact two-sided interval of a share (Clopper and Pearson 1934): 66 of 66 is "at least 0.946"."""
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(beta.ppf(1 - tail, successes + 1, n - successes))
    return low, high


def auc(positive: np.ndarray, scores: np.ndarray) -> float | None:
    """Area under the ROC curve; None where all images, or none, are positive."""
    from sklearn.metrics import roc_auc_score

    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, scores))


def _one_class(confusion: np.ndarray, k: int, area: float | None) -> ClassResult:
    hits, n = int(confusion[k, k]), int(confusion[k].sum())
    others = int(confusion.sum()) - n
    passed = others - int(confusion[:, k].sum() - hits)
    return ClassResult(
        n=n,
        sensitivity=hits / n if n else None,
        sensitivity_ci=exact_interval(hits, n) if n else None,
        specificity=passed / others if others else None,
        specificity_ci=exact_interval(passed, others) if others else None,
        auc=area,
    )
