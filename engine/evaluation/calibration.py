"""Probabilities that mean what they say, and the threshold of a decision: both fitted on validation alone.

One number, the temperature, divides the logits; it changes how sure the model is, never for two classes what it says.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from engine.base.errors import RunError
from engine.base.language import tr
from engine.base.result import Bin, Operating
from engine.base.typed_files import Amount, Positive, Share, typed
from engine.evaluation.metrics import log_loss, share_of
from engine.recipe.config import JudgeConfig
from engine.runs.directory import Run

CALIBRATION = "calibration.json"
BINS = 10
COLDEST, HOTTEST = 0.05, 20.0
"""The temperatures looked at."""
Temperature = Annotated[float, Meta(gt=0, le=1e6)]
LEAST = 1e-30
"""Stands for a probability that float32 rounded to 0."""


@dataclass(frozen=True)
class Calibration:
    """What validation teaches about a model's probabilities."""

    n: Positive
    temperature: Temperature
    fitted: bool
    """False where validation can't tell the temperature, which is then 1."""
    loss: Amount
    calibrated_loss: Amount
    ece: Share
    calibrated_ece: Share
    operating: Operating


def calibrate(labels: np.ndarray, logits: np.ndarray, classes: Sequence[str], judged: JudgeConfig) -> Calibration:
    """Fit temperature and threshold on validation: labels (n,) from 0 and logits (n, classes).

    Raises ConfigError where `judged` names a class that there is not.
    """
    positive = judged.positive_among(classes)
    before = softmax(logits)
    temperature, fitted = fit_temperature(labels, logits)
    after = softmax(logits / temperature)
    threshold = choose_threshold(labels == positive, after[:, positive], judged.threshold)
    return Calibration(
        n=len(labels),
        temperature=temperature,
        fitted=fitted,
        loss=log_loss(labels, before),
        calibrated_loss=log_loss(labels, after),
        ece=expected_calibration_error(labels, before),
        calibrated_ece=expected_calibration_error(labels, after),
        operating=operate(labels == positive, after[:, positive], threshold, classes[positive], judged.threshold),
    )


def read_calibration(run: Run, classes: Sequence[str]) -> Calibration | None:
    """What validation taught of the run's probabilities; None where it has none. Raises RunError where damaged."""
    path = run.path / CALIBRATION
    if not os.path.lexists(path):
        return None
    mend = tr("remove it, and probabilities stay the network's own")
    found = typed(path, Calibration, mend)
    if found.operating.positive not in classes:
        raise RunError(
            tr('{path} is damaged: its "operating.positive" is none of the classes; {mend}.', path=path, mend=mend)
        )
    return found


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities, float64 (n, classes), of logits (n, classes)."""
    wide = logits.astype(np.float64)
    shares = np.exp(wide - wide.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities (n, classes) that the same logits give when divided by `temperature`, float64."""
    return softmax(np.log(np.maximum(probabilities.astype(np.float64), LEAST)) / temperature)


def fit_temperature(labels: np.ndarray, logits: np.ndarray) -> tuple[float, bool]:
    """The temperature with the least mean cross-entropy (Guo et al. 2017), and whether there is one.

    Where every image is told rightly, ever colder temperatures are ever better, and nothing is known of how sure the
    model may be: then it is 1 and not fitted. The search is bounded to COLDEST..HOTTEST.
    """
    from scipy.optimize import minimize_scalar

    if (logits.argmax(axis=1) == labels).all():
        return 1.0, False

    def loss(log_temperature: float) -> float:
        return log_loss(labels, softmax(logits / np.exp(log_temperature)))

    found = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    # A flat loss may leave the search beside 1, where it is no better.
    return (float(np.exp(found.x)), True) if found.fun < loss(0.0) else (1.0, True)


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> list[Bin]:
    """The reliability diagram of the class said: bins of equal width that have images, the least sure first."""
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for k in range(bins):
        own = place == k
        accuracy, ends = share_of(int(right[own].sum()), int(own.sum()))
        if accuracy is not None and ends is not None:
            found.append(Bin(k / bins, (k + 1) / bins, int(own.sum()), float(sure[own].mean()), accuracy, ends))
    return found


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> float:
    """The mean distance (0 to 1) of confidence and accuracy over the bins, each image counting alike (Naeini 2015)."""
    rows = reliability(labels, probabilities, bins)
    return sum(row.n * abs(row.confidence - row.accuracy) for row in rows) / len(labels)


def choose_threshold(positive: np.ndarray, scores: np.ndarray, rule: str) -> float:
    """The threshold (0 to 1) that `rule` (see `JudgeConfig.threshold`) picks for scores (n,) of the positive class.

    Candidates lie midway between neighbouring scores. "youden" takes the largest sensitivity + specificity (Youden
    1950); "sensitivity=X" the largest specificity among those whose sensitivity is at least X, and "specificity=X" the
    other way round; "cost=C@P" the least cost where a miss costs C false alarms and a share P is positive, by default
    that of these images. Of equals it takes the one nearest to one half, for a cost to the risk at which the two weigh
    alike, 1 / (1 + C); one half where a class has no image.
    """
    judged = JudgeConfig(threshold=rule)
    kind, least = judged.rule
    if kind == "fixed":
        return least
    if positive.all() or not positive.any():
        return 0.5
    steps = np.unique(scores)
    candidates = np.concatenate([[0.0], (steps[1:] + steps[:-1]) / 2, [1.0]])
    yes, no = np.sort(scores[positive]), np.sort(scores[~positive])
    sensitivity = 1 - np.searchsorted(yes, candidates) / len(yes)
    specificity = np.searchsorted(no, candidates) / len(no)
    central = -np.abs(candidates - (1 / (1 + least) if kind == "cost" else 0.5))
    if kind == "cost":
        share = judged.prevalence or float(positive.mean())
        spared = least * share * sensitivity + (1 - share) * specificity
        order = np.lexsort((central, np.round(spared / max(least, 1.0), 12)))
    elif kind == "youden":
        order = np.lexsort((central, np.round(sensitivity + specificity, 12)))
    else:
        held, other = (sensitivity, specificity) if kind == "sensitivity" else (specificity, sensitivity)
        order = np.lexsort((central, held, other, np.round(np.minimum(held, least), 12)))  # as much as can be had
    return float(candidates[order[-1]])


def operate(positive: np.ndarray, scores: np.ndarray, threshold: float, name: str, rule: str) -> Operating:
    """What a threshold gets on images with scores (n,) of the positive class, called `name`."""
    said = scores >= threshold
    hits, passed = int((said & positive).sum()), int((~said & ~positive).sum())
    return Operating(
        name, rule, threshold, *share_of(hits, int(positive.sum())), *share_of(passed, int((~positive).sum()))
    )
