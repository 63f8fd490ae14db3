"""ROC and precision-recall curves, with few enough points to draw and to keep."""

from collections.abc import Sequence

import numpy as np

from engine.base.result import Curve

MOST = 200
"""Points of a curve that are kept."""


def curves(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, Curve]:
    """By class against the rest. A class that all images are of, or none, has no curves and is left out."""
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

    found = {}
    for k, name in enumerate(classes):
        positive, scores = labels == k, probabilities[:, k]
        if positive.all() or not positive.any():
            continue
        false, true, _ = roc_curve(positive, scores)
        precision, recall, _ = precision_recall_curve(positive, scores)
        found[name] = Curve(
            roc=thinned(false, true),
            precision_recall=thinned(recall[::-1], precision[::-1]),
            average_precision=float(average_precision_score(positive, scores)),
        )
    return found


def thinned(x: np.ndarray, y: np.ndarray, most: int = MOST) -> list[tuple[float, float]]:
    """At most `most` of the points (x, y), evenly spread along the curve, the first and the last among them."""
    chosen = np.unique(np.linspace(0, len(x) - 1, min(most, len(x))).round().astype(int))
    return [(round(float(a), 5), round(float(b), 5)) for a, b in zip(x[chosen], y[chosen], strict=True)]
