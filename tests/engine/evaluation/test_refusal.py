"""A refusal keeps the share of wrong answers as low as it promises, as often as it promises, or refuses all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from engine.base.errors import ConfigError
from engine.evaluation.refusal import refusal_curve, refusal_rule, refused, upper_limit
from tests.makers.examples import examples


def drawn(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How sure, and whether right: the surer, the more often, but less often than it says."""
    sure = random.uniform(0.5, 1, n)
    return sure, random.uniform(size=n) < sure**0.3


def wrong_above(threshold: float) -> float:
    """The true share of wrong answers among those at least so sure."""
    at = np.linspace(threshold, 1, 20_001)
    return float(1 - np.mean(at**0.3))


@pytest.mark.parametrize(("n", "risk"), [(200, 0.1), (600, 0.05)])
def test_the_promise_is_kept_in_at_least_95_of_100_draws(n: int, risk: float) -> None:
    random = np.random.default_rng(n)
    rules = [refusal_rule(*drawn(n, random), risk) for _ in range(400)]
    kept = [rule.threshold is None or wrong_above(rule.threshold) <= risk for rule in rules]
    assert np.mean(kept) >= 0.95 and sum(rule.threshold is not None for rule in rules) > 50


@given(st.integers(0, 300), st.integers(1, 300), st.floats(0.001, 0.2))
def test_the_limit_is_statsmodels(wrong: int, n: int, doubt: float) -> None:
    wrong = min(wrong, n)
    assert upper_limit(wrong, n, doubt) == pytest.approx(proportion_confint(wrong, n, 2 * doubt, "beta")[1], abs=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 80), st.floats(0.02, 0.9))
@settings(max_examples=examples(60), deadline=None)
def test_a_rule_says_what_it_answers(seed: int, n: int, risk: float) -> None:
    random = np.random.default_rng(seed)
    sure = random.uniform(0.5, 1, n).round(1)
    right = random.uniform(size=n) < 0.9
    rule = refusal_rule(sure, right, risk)
    told = refused(rule, sure, right)
    kept = np.array([not rule.refuses(one) for one in sure.tolist()])
    assert (
        (told.n, told.answered, told.correct)
        == (n, kept.sum(), (kept & right).sum())
        == (n, rule.answered, told.correct)
    )
    assert ("can't be promised" in rule.promise) == (rule.threshold is None)
    if rule.threshold is not None:
        assert (~right[kept]).mean() <= risk


def test_few_images_promise_nothing() -> None:
    rule = refusal_rule(np.full(30, 0.99), np.ones(30, bool), 0.01)
    assert rule.threshold is None and rule.answered == 0 and rule.refuses(1.0)
    with pytest.raises(ConfigError, match="--risk"):
        refusal_rule(np.ones(3), np.ones(3, bool), 0.0)


def test_the_curve_refuses_the_least_sure_first_and_ties_together() -> None:
    sure = np.array([0.9, 0.6, 0.6, 0.8])
    right = np.array([True, False, True, True])
    assert refusal_curve(sure, right) == [(0.0, 0.75), (0.5, 1.0), (0.75, 1.0)]
