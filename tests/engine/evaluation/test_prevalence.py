"""PPV and NPV at a prevalence: against statsmodels and Bayes in odds, and how often the limits hold."""

import math

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from engine.base.batch_result import AtPrevalence
from engine.base.errors import ConfigError
from engine.evaluation.prevalence import Rates, at_prevalence, joint_rates, predictive_values


def by_odds(odds: float, likelihood: float) -> float:
    """Of a prior's odds and a likelihood ratio."""
    return 1.0 if math.isinf(likelihood) else odds * likelihood / (1 + odds * likelihood)


def drawn(seed: int) -> tuple[int, int, int, int, float]:
    """Hits of positives, passed of negatives, and a prevalence."""
    random = np.random.default_rng(seed)
    positives, negatives = (int(n) for n in random.integers(1, 400, 2))
    hits, passed = (round(n * share) for n, share in zip((positives, negatives), random.beta(4, 1, 2), strict=True))
    return hits, positives, passed, negatives, float(random.uniform(0.001, 0.999))


def test_predictive_values_and_limits_are_the_references_in_a_thousand_cases() -> None:
    for seed in range(1000):
        hits, positives, passed, negatives, prevalence = drawn(seed)
        found = at_prevalence(joint_rates(hits, positives, passed, negatives), "A", prevalence)
        limits = [
            proportion_confint(count, n, 1 - math.sqrt(0.95), "beta")
            for count, n in ((hits, positives), (passed, negatives))
        ]
        odds = prevalence / (1 - prevalence)
        rates = [(hits / positives, passed / negatives), *zip(*limits, strict=True)]
        for which, (value, ends) in enumerate(((found.ppv, found.ppv_ci), (found.npv, found.npv_ci))):
            expected = []
            for sensitivity, specificity in rates:
                own, other = (sensitivity, specificity) if which == 0 else (specificity, sensitivity)
                ratio = own / (1 - other) if other < 1 else math.inf if own else math.nan
                expected.append(by_odds(odds if which == 0 else 1 / odds, ratio))
            if value is None or ends is None:
                assert math.isnan(expected[0]) or (hits, passed) in ((0, negatives), (positives, 0))
            else:
                assert (value, *ends) == pytest.approx(expected, abs=1e-9), seed


def test_the_limits_hold_the_truth_in_at_least_95_of_100_tests() -> None:
    random, prevalence, n, m = np.random.default_rng(1), 0.05, 40, 60
    truth = predictive_values(0.9, 0.93, prevalence)
    tables = random.binomial([n, m], [0.9, 0.93], (1500, 2))
    known: dict[tuple[int, int], AtPrevalence] = {}
    for hits, passed in map(tuple, tables.tolist()):
        known.setdefault((hits, passed), at_prevalence(joint_rates(hits, n, passed, m), "A", prevalence))
    held = np.zeros(2)
    for hits, passed in map(tuple, tables.tolist()):
        one = known[hits, passed]
        for which, ends in enumerate((one.ppv_ci, one.npv_ci)):
            value = truth[which]
            assert ends and value is not None
            held[which] += ends[0] <= value <= ends[1]
    assert (held / len(tables) >= 0.95).all()


def test_a_faultless_test_still_promises_no_certainty() -> None:
    one = at_prevalence(joint_rates(30, 30, 36, 36), "COVID", 0.02)
    assert one.ppv == 1 and one.ppv_ci is not None and one.ppv_ci[0] < 0.2 and one.npv_ci is not None
    assert one.npv_ci[0] > 0.99 and one.told == pytest.approx(0.02)


def test_a_prevalence_that_is_itself_uncertain_widens_the_limits() -> None:
    rates = Rates(0.9, (0.8, 0.95), 0.9, (0.85, 0.94))
    sharp, wide = at_prevalence(rates, "A", 0.1), at_prevalence(rates, "A", 0.1, (0.05, 0.2))
    assert sharp.ppv == wide.ppv and sharp.ppv_ci and wide.ppv_ci and sharp.npv_ci and wide.npv_ci
    assert wide.ppv_ci[0] < sharp.ppv_ci[0] and wide.ppv_ci[1] > sharp.ppv_ci[1]
    assert wide.npv_ci[0] < sharp.npv_ci[0] and wide.npv_ci[1] > sharp.npv_ci[1]


@pytest.mark.parametrize("none", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_what_is_no_prevalence_is_refused(none: float) -> None:
    with pytest.raises(ConfigError, match="--prevalence"):
        at_prevalence(Rates(0.9, (0.8, 1), 0.9, (0.8, 1)), "A", none)
