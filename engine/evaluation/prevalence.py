"""What an answer is worth where so many have the disease: predictive values at a prevalence, with their intervals."""

import math
from dataclasses import dataclass

from engine.base.batch_result import AtPrevalence
from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.result import Tested
from engine.base.typed_files import Ends, Share
from engine.evaluation.intervals import CONFIDENCE, Interval, exact_interval

PREVALENCES = (
    *(0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15),
    *(0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95),
)
"""Those that a screen steps through."""
TOLD = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Those that a model card has."""


@dataclass(frozen=True)
class Rates:
    """What a threshold gets, with limits that hold together: both true values lie within theirs in 95 of 100 tests."""

    sensitivity: Share
    sensitivity_ci: Ends
    specificity: Share
    specificity_ci: Ends


def require_prevalence(prevalence: float) -> None:
    """Raises ConfigError where this is no share between 0 and 1."""
    if not 0 < prevalence < 1:  # NaN is none either
        raise ConfigError(
            tr(
                "--prevalence is {prevalence}: give a share between 0 and 1, such as 0.02 for 2 of 100.",
                prevalence=prevalence,
            )
        )


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> tuple[float | None, float | None]:
    """PPV and NPV by Bayes' theorem (Altman and Bland 1994, BMJ 309:102), all shares; None for a share of nobody."""
    hits, misses = sensitivity * prevalence, (1 - sensitivity) * prevalence
    passed, false = specificity * (1 - prevalence), (1 - specificity) * (1 - prevalence)
    ppv = hits / (hits + false) if hits + false > 0 else None
    npv = passed / (passed + misses) if passed + misses > 0 else None
    return ppv, npv


def joint_rates(hits: int, positives: int, passed: int, negatives: int, confidence: float = CONFIDENCE) -> Rates:
    """Sensitivity `hits` of `positives` and specificity `passed` of `negatives`, both counts at least 1.

    Each has its exact interval (Clopper and Pearson 1934) at the square root of the confidence. The two are measured on
    different images, so the chances multiply, and what is carried through both has at least that confidence.
    """
    each = math.sqrt(confidence)
    return Rates(
        hits / positives, exact_interval(hits, positives, each), passed / negatives,
        exact_interval(passed, negatives, each),
    )  # fmt: skip


def rates_of(test: Tested) -> Rates | None:
    """Those of a result at its threshold; None where it has no threshold, or lacks images on one side of it."""
    at = test.operating
    if at is None or at.sensitivity is None or at.specificity is None:
        return None
    positives = test.classes[at.positive].n
    negatives = test.n - positives
    if min(positives, negatives) < 1:
        return None
    return joint_rates(round(at.sensitivity * positives), positives, round(at.specificity * negatives), negatives)


def at_prevalence(rates: Rates, positive: str, prevalence: float, among: Interval | None = None) -> AtPrevalence:
    """The predictive values at a prevalence, and their limits.

    Both values rise with sensitivity and specificity, so the limits follow from theirs; where the prevalence is itself
    only known to lie `among` two limits, from those too. Raises ConfigError for a prevalence that is none.
    """
    require_prevalence(prevalence)
    low, high = among or (prevalence, prevalence)
    (se_low, se_high), (sp_low, sp_high) = rates.sensitivity_ci, rates.specificity_ci
    ppv, npv = predictive_values(rates.sensitivity, rates.specificity, prevalence)
    hits, false = rates.sensitivity * prevalence, (1 - rates.specificity) * (1 - prevalence)
    return AtPrevalence(
        positive=positive,
        prevalence=prevalence,
        told=hits + false,
        ppv=ppv,
        ppv_ci=None if ppv is None else _between(se_low, sp_low, low, se_high, sp_high, high, 0),
        npv=npv,
        npv_ci=None if npv is None else _between(se_low, sp_low, high, se_high, sp_high, low, 1),
    )


def stepped(test: Tested) -> tuple[tuple[AtPrevalence, ...], int]:
    """What a result's answers are worth at each of PREVALENCES, and the place of the one nearest to the test's own;
    nothing, and 0, where it has no threshold or lacks images on one side of it.
    """
    rates, at = rates_of(test), test.operating
    if rates is None or at is None:
        return (), 0
    own = test.classes[at.positive].n / test.n
    found = tuple(at_prevalence(rates, at.positive, one) for one in PREVALENCES)
    return found, min(range(len(found)), key=lambda place: abs(PREVALENCES[place] - own))


def weight(threshold: float) -> float:
    """What a false alarm weighs beside a hit for whoever acts from a risk of `threshold` on (Vickers, Elkin 2006)."""
    return threshold / (1 - threshold)


def _between(se1: float, sp1: float, p1: float, se2: float, sp2: float, p2: float, which: int) -> Interval:
    """The value at the worse rates and at the better ones; a limit that is a share of nobody says nothing."""
    low, high = predictive_values(se1, sp1, p1)[which], predictive_values(se2, sp2, p2)[which]
    return 0.0 if low is None else low, 1.0 if high is None else high
