"""When to refuse: a threshold on how sure the model is, above which so few answers are wrong as is promised."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.result import Refused
from engine.evaluation.calibration import at_temperature
from engine.evaluation.intervals import CONFIDENCE
from engine.evaluation.metrics import share_of
from engine.evaluation.predictions_csv import DECIMALS, Predictions
from engine.evaluation.roc import thinned

RISKS = (0.01, 0.02, 0.05, 0.1)
"""Shares of wrong answers that a test is told of."""
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RefusalRule:
    """Refuse an answer whose calibrated probability is below `threshold`; None where none keeps the promise.

    Then no more than the share `risk` of the answers that are given are wrong, with the chance CONFIDENCE over the
    draws of the calibration images, for images drawn as those were.
    """

    risk: float
    threshold: float | None
    images: int
    """Of the calibration."""
    answered: int
    """Of those."""

    @property
    def promise(self) -> str:
        """What is promised and for whom, or that it can't be, in a sentence."""
        if self.threshold is None:
            return tr(
                "That at most {risk:.1%} of the answers are wrong can't be promised with {images:,} "
                "calibration images: every answer is refused.",
                risk=self.risk,
                images=self.images,
            )
        return tr(
            "At most {risk:.1%} of the answers that are given are wrong, with a confidence of "
            "{confidence}: this holds for images drawn as the {images:,} calibration images were, "
            "of which {answered:,} are answered, and for no others.",
            risk=self.risk,
            confidence=f"{CONFIDENCE:.0%}",
            images=self.images,
            answered=self.answered,
        )

    def refuses(self, sure: float) -> bool:
        """Is an answer of this calibrated probability refused?"""
        return self.threshold is None or sure < self.threshold


def require_risk(risk: float) -> None:
    """Raises ConfigError where this is no share of wrong answers that can be promised."""
    if not 0 < risk < 1:  # NaN is none either
        raise ConfigError(tr("--risk is {risk}: give a share between 0 and 1, such as 0.05.", risk=risk))


def sure_and_right(said: Predictions, temperature: float) -> tuple[Floats, Bools]:
    """How sure each answer is, its calibrated probability, and whether it is right; both (n,)."""
    shares = at_temperature(np.round(said.probabilities, DECIMALS), temperature)
    return shares.max(axis=1), said.right


def refusal_rule(sure: Floats, right: Bools, risk: float, confidence: float = CONFIDENCE) -> RefusalRule:
    """The lowest threshold that a search by halves finds to keep the promise (Geifman and El-Yaniv 2017, "Selective
    classification for deep neural networks", algorithm 1), of answers (n,), n at least 1.

    Each of its at most ceil(log2(n + 1)) looks has the exact upper limit of the share of wrong answers at its part of
    the doubt. Raises ConfigError for a risk that is none.
    """
    require_risk(risk)
    ordered, n = np.sort(sure), len(sure)
    looks = math.ceil(math.log2(n + 1))
    low, high, found = -1, n, None
    while high - low > 1:
        place = (low + high) // 2
        kept = sure >= ordered[place]
        if upper_limit(int((kept & ~right).sum()), int(kept.sum()), (1 - confidence) / looks) <= risk:
            found, high = float(ordered[place]), place
        else:
            low = place
    answered = 0 if found is None else int((sure >= found).sum())
    return RefusalRule(risk, found, n, answered)


def upper_limit(wrong: int, n: int, doubt: float) -> float:
    """The exact one-sided upper limit (Clopper and Pearson 1934) of a share, of which `wrong` of n were seen."""
    from scipy.stats import beta

    return 1.0 if wrong == n else float(beta.ppf(1 - doubt, wrong + 1, n - wrong))


def refused(rule: RefusalRule, sure: Floats, right: Bools) -> Refused:
    """What the rule does to answers (n,) to other images."""
    kept = np.zeros(len(sure), bool) if rule.threshold is None else sure >= rule.threshold
    correct = int((kept & right).sum())
    return Refused(rule.risk, rule.threshold, len(sure), int(kept.sum()), correct, *share_of(correct, int(kept.sum())))


def refusal_curve(sure: Floats, right: Bools) -> list[tuple[float, float]]:
    """Points (refused share, accuracy of what is answered) as ever surer answers are refused; ties go together."""
    order = np.argsort(sure, kind="stable")
    starts = np.nonzero(np.concatenate([[True], np.diff(sure[order]) > 0]))[0]
    answered = len(sure) - starts
    correct = np.cumsum(right[order][::-1])[::-1][starts]
    return thinned(starts / len(sure), correct / answered)
