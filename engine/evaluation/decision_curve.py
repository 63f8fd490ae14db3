"""Net benefit: is it better to act by the model than on all, or on nobody? (Vickers and Elkin 2006, Medical Decision
Making 26:565.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.base.result import Tested
from engine.base.typed_files import Number, Share
from engine.evaluation.calibration import at_temperature
from engine.evaluation.predictions_csv import Predictions
from engine.evaluation.prevalence import Rates, predictive_values, rates_of, require_prevalence, weight

Floats = npt.NDArray[np.float64]
THRESHOLDS = tuple(step / 100 for step in range(1, 100))
"""Risks from which on somebody may act."""


@dataclass(frozen=True)
class Benefit:
    """Net benefits, true positives for each person, for whoever acts from the risk `threshold` on. None has 0."""

    threshold: Share
    model: Number
    """Acting where the model's calibrated probability is at least the threshold."""
    decision: Number
    """Acting where the run's own threshold decides so, whatever the risk."""
    everyone: Number
    """Acting on all."""


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefits by the risk from which on one acts, at a prevalence."""

    positive: str
    prevalence: Share
    n: int
    points: tuple[Benefit, ...]
    useful: tuple[Share, Share] | None
    """Risks between which acting by the run's decision is better than acting on all and on nobody; None if nowhere."""


def net_benefit(
    positive: npt.NDArray[np.bool_], risks: Floats, thresholds: Sequence[float], prevalence: float | None = None
) -> Floats:
    """Net benefit, (m,), of acting on those of risks (n,), 0 to 1, that are at least each of m thresholds below 1.

    At the share of `positive`, (n,), which must be neither none nor all, or at the `prevalence` given.
    """
    share = float(positive.mean()) if prevalence is None else prevalence
    yes, no = np.sort(risks[positive]), np.sort(risks[~positive])
    at = np.asarray(thresholds, np.float64)
    sensitivity = 1 - np.searchsorted(yes, at) / len(yes)
    false = 1 - np.searchsorted(no, at) / len(no)
    return np.asarray(sensitivity * share - false * (1 - share) * at / (1 - at))


def of_decision(rates: Rates, threshold: float, prevalence: float) -> float:
    """Net benefit of a decision with these rates, at a prevalence, for whoever acts from a risk of `threshold` on."""
    false = (1 - rates.specificity) * (1 - prevalence)
    return rates.sensitivity * prevalence - false * weight(threshold)


def of_everyone(threshold: float, prevalence: float) -> float:
    """Net benefit of acting on all."""
    return prevalence - (1 - prevalence) * weight(threshold)


def useful_between(rates: Rates, prevalence: float) -> tuple[float, float] | None:
    """The risks between which a decision is better than acting on all or on nobody; None where there are none.

    It is better than nobody below its PPV, and better than all above 1 - NPV, which follows from the net benefits.
    """
    ppv, npv = predictive_values(rates.sensitivity, rates.specificity, prevalence)
    if ppv is None or npv is None or not 1 - npv < ppv:
        return None
    return 1 - npv, ppv


def decision_curve(
    test: Tested, said: Predictions, temperature: float, prevalence: float | None = None
) -> DecisionCurve | None:
    """That of a test's answers, at a prevalence or else at the test's own; None where the result has no threshold, or
    images on one side of it alone. Raises ConfigError for a prevalence that is none.
    """
    rates, at = rates_of(test), test.operating
    if rates is None or at is None:
        return None
    place = said.classes.index(at.positive)
    positive = said.labels == place
    if prevalence is not None:
        require_prevalence(prevalence)
    share = float(positive.mean()) if prevalence is None else prevalence
    risks = at_temperature(said.probabilities, temperature)[:, place]
    model = net_benefit(positive, risks, THRESHOLDS, share)
    points = tuple(
        Benefit(one, float(own), of_decision(rates, one, share), of_everyone(one, share))
        for one, own in zip(THRESHOLDS, model, strict=True)
    )
    return DecisionCurve(at.positive, share, len(positive), points, useful_between(rates, share))
