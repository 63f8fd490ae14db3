"""How good predictions are: each measure by class and over all, with its interval and its baseline.

scikit-learn and SciPy do the arithmetic; both are imported when first needed, as they are slow to load.
"""

from collections.abc import Sequence

import numpy as np

from engine.base.language import tr
from engine.base.result import MEASURES, Judged, Measures, OfClass
from engine.evaluation.intervals import (
    Interval,
    auc_interval,
    exact_interval,
    f1_interval,
    mcc,
    mcc_interval,
    mean_interval,
)


def judge(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> Judged:
    """Compare probabilities (n, classes) with labels (n,) from 0; n must be at least 1."""
    said = probabilities.argmax(axis=1)
    confusion = np.zeros((len(classes), len(classes)), int)
    np.add.at(confusion, (labels, said), 1)
    correct = int((said == labels).sum())
    counts = np.bincount(labels, minlength=len(classes))
    by_class = {name: _one_class(confusion, k, auc(labels == k, probabilities[:, k])) for k, name in enumerate(classes)}
    macro = _macro(list(by_class.values()))
    second = by_class[classes[1]] if len(classes) == 2 else None
    several = np.count_nonzero(counts) > 1
    return Judged(
        n=len(labels),
        correct=correct,
        accuracy=correct / len(labels),
        accuracy_ci=exact_interval(correct, len(labels)),
        loss=log_loss(labels, probabilities),
        auc=second.auc if second else macro.auc,
        auc_ci=second.auc_ci if second else macro.auc_ci,
        mcc=float(mcc(confusion)) if several else None,
        mcc_ci=mcc_interval(confusion) if several else None,
        baseline=float(counts.max() / len(labels)),
        baseline_class=classes[int(counts.argmax())],
        confusion=confusion.tolist(),
        classes=by_class,
        macro=macro,
    )


def one_sided(result: Judged, images: str) -> str:
    """A sentence on a model that gives one class for all `images` ("test images"); empty where it gives several."""
    label = result.only_answer
    if label is None:
        return ""
    return tr(
        'The model says "{label}" for every one of the {n:,} {images}: it does not tell the '
        "classes apart, and its accuracy is no more than that class's share. Train longer, train "
        "more layers (--mode partial), or make the classes count alike (--class-weight balanced).",
        label=label,
        n=result.n,
        images=images,
    )


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean cross-entropy in nats of probabilities (n, classes) against labels (n,)."""
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def auc(positive: np.ndarray, scores: np.ndarray) -> float | None:
    """Area under the ROC curve; None where all images, or none, are positive."""
    from sklearn.metrics import roc_auc_score

    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, scores))


def mean_auc(labels: np.ndarray, scores: np.ndarray) -> float | None:
    """AUC of scores (n, classes): of the second class for two classes, else the mean over classes against the rest."""
    found = [auc(labels == k, scores[:, k]) for k in auc_columns(scores)]
    known = [area for area in found if area is not None]
    return float(np.mean(known)) if known else None


def auc_columns(scores: np.ndarray) -> Sequence[int]:
    """The columns of scores (n, classes) whose AUC stands for all: the second of two, else every one."""
    return [1] if scores.shape[1] == 2 else range(scores.shape[1])


def share_of(part: int, whole: int) -> tuple[float, Interval] | tuple[None, None]:
    """A share with its exact interval, or twice None where it would be a share of nothing."""
    return (part / whole, exact_interval(part, whole)) if whole else (None, None)


def _one_class(confusion: np.ndarray, k: int, area: float | None) -> OfClass:
    hits, n, answers = int(confusion[k, k]), int(confusion[k].sum()), int(confusion[:, k].sum())
    others, missed, false = int(confusion.sum()) - n, n - hits, answers - hits
    table = np.array([[hits, missed], [false, others - false]])
    sensitivity, sensitivity_ci = share_of(hits, n)
    specificity, specificity_ci = share_of(others - false, others)
    both = n > 0 and others > 0  # else precision, F1 and MCC are fixed whatever the model answers
    precision, precision_ci = share_of(hits, answers) if both else (None, None)
    return OfClass(
        n=n,
        sensitivity=sensitivity,
        sensitivity_ci=sensitivity_ci,
        specificity=specificity,
        specificity_ci=specificity_ci,
        auc=area,
        auc_ci=None if area is None else auc_interval(area, n, others),
        precision=precision,
        precision_ci=precision_ci,
        f1=2 * hits / (n + answers) if both else None,
        f1_ci=f1_interval(hits, missed + false) if both else None,
        mcc=float(mcc(table)) if both else None,
        mcc_ci=mcc_interval(table) if both else None,
    )


def _macro(classes: Sequence[OfClass]) -> Measures:
    found: dict[str, float | Interval | None] = {}
    for name in MEASURES:
        known = [(value, ends) for value, ends in (one.measured(name) for one in classes) if value is not None]
        found[name] = float(np.mean([value for value, _ in known])) if known else None
        found[f"{name}_ci"] = mean_interval([ends for _, ends in known if ends]) if known else None
    return Measures(**found)  # type: ignore[arg-type]  # each name has its own type
