"""Intervals against SciPy, against searches of their own, and simulated: do they cover the truth 95 times in 100?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm
from sklearn.metrics import f1_score, matthews_corrcoef, roc_auc_score

from engine.evaluation.intervals import (
    auc_interval,
    difference_interval,
    exact_interval,
    f1_interval,
    mcc,
    mcc_interval,
    mean_interval,
)
from engine.evaluation.metrics import judge
from tests.makers.examples import examples
from tests.makers.extent import ALL

SIMULATED = 300 if ALL else 100


@given(st.integers(1, 400), st.data())
@settings(max_examples=examples(40), deadline=None)
def test_shares_have_scipys_exact_intervals(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    expected = binomtest(k, n).proportion_ci(0.95, "exact")
    assert exact_interval(k, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=examples(40), deadline=None)
def test_f1s_interval_is_that_of_the_share_behind_it(hits: int, mistakes: int) -> None:
    if hits + mistakes == 0:
        return
    ends = binomtest(hits, hits + mistakes).proportion_ci(0.95, "exact")
    assert f1_interval(hits, mistakes) == pytest.approx(
        (2 / (1 + 1 / max(ends.low, 1e-300)), 2 * ends.high / (1 + ends.high))
    )


@pytest.mark.parametrize(("n", "p"), [(12, 0.5), (30, 0.9)])
def test_f1s_interval_covers(n: int, p: float) -> None:
    true = 2 * p / (1 + p)
    inside = [low <= true <= high for low, high in (f1_interval(k, n - k) for k in range(n + 1))]
    assert sum(binom.pmf(k, n, p) for k in range(n + 1) if inside[k]) >= 0.95


@given(st.floats(0.01, 0.99), st.integers(2, 200), st.integers(2, 200))
@settings(max_examples=examples(40), deadline=None)
def test_an_aucs_limits_are_as_far_off_as_the_standard_error_there_allows(area: float, m: int, n: int) -> None:
    low, high = auc_interval(area, m, n)
    assert 0 <= low < area < high <= 1
    for end in (low, high):
        if 1e-6 < end < 1 - 1e-6:
            q1, q2, others = end / (2 - end), 2 * end**2 / (1 + end), (m + n) / 2 - 1
            variance = (end * (1 - end) + others * (q1 - end**2) + others * (q2 - end**2)) / (m * n)  # Hanley, McNeil
            assert abs(area - end) == pytest.approx(norm.ppf(0.975) * np.sqrt(variance), rel=1e-4, abs=1e-7)


def test_a_perfect_separation_is_not_certain() -> None:
    low, high = auc_interval(1.0, 16, 16)
    assert 0.8 < low < 0.95 and high == 1 and auc_interval(0.0, 16, 16) == pytest.approx((0, 1 - low))
    assert mcc_interval(np.array([[16, 0], [0, 16]]))[1] == 1
    assert 0.6 < mcc_interval(np.array([[16, 0], [0, 16]]))[0] < 0.95


@given(st.lists(st.integers(0, 30), min_size=9, max_size=9))
@settings(max_examples=examples(60), deadline=None)
def test_matthews_coefficient_is_scikit_learns(cells: list[int]) -> None:
    for confusion in (np.array(cells).reshape(3, 3), np.array(cells[:4]).reshape(2, 2)):
        if confusion.sum() == 0:
            continue
        truth, said = np.indices(confusion.shape).reshape(2, -1)
        expected = matthews_corrcoef(truth, said, sample_weight=confusion.reshape(-1))
        assert float(mcc(confusion)) == pytest.approx(expected, abs=1e-9)
    assert mcc(np.stack([np.eye(2), np.eye(2)[::-1]])) == pytest.approx([1, -1])


def simulated(shift: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of two classes whose scores are normal, `shift` apart."""
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    scores = random.normal(0, 1, n) + shift * labels - shift / 2
    second = 1 / (1 + np.exp(-scores))
    return labels, np.stack([1 - second, second], axis=1)


@pytest.mark.parametrize(("shift", "n"), [(1.5, 40), pytest.param(3.0, 60, marks=pytest.mark.slow)])
def test_the_intervals_of_a_result_cover_the_truth(shift: float, n: int) -> None:
    """In SIMULATED tests, at least 92% of the intervals hold the true value, known from a very large test."""
    truth = judge(*simulated(shift, 200_000, 0), ("a", "b"))
    names = ("accuracy", "auc", "mcc")
    covered = dict.fromkeys((*names, "f1", "precision", "macro f1", "macro mcc"), 0)
    for seed in range(1, SIMULATED + 1):
        result = judge(*simulated(shift, n, seed), ("a", "b"))
        pairs = {name: (getattr(truth, name), getattr(result, f"{name}_ci")) for name in names}
        for name in ("f1", "precision"):
            pairs[name] = getattr(truth.classes["a"], name), getattr(result.classes["a"], f"{name}_ci")
        for name in ("f1", "mcc"):
            pairs[f"macro {name}"] = truth.macro.measured(name)[0], result.macro.measured(name)[1]
        for name, (value, (low, high)) in pairs.items():
            covered[name] += low <= value <= high
    assert {name: count for name, count in covered.items() if count < 0.92 * SIMULATED} == {}


def test_a_difference_of_independent_shares_covers() -> None:
    random, p, q, n, m = np.random.default_rng(0), 0.95, 0.8, 30, 50
    covered = 0
    for k, j in zip(random.binomial(n, p, 400), random.binomial(m, q, 400), strict=True):
        low, high = difference_interval(k / n, exact_interval(k, n), j / m, exact_interval(j, m))
        covered += low <= p - q <= high
        assert low <= k / n - j / m <= high
    assert covered >= 0.94 * 400


def test_the_mean_of_dependent_measures_has_the_mean_of_their_limits() -> None:
    assert mean_interval([(0.2, 0.6), (0.4, 1.0)]) == pytest.approx((0.3, 0.8))


@given(st.integers(0, 1000), st.integers(1, 200), st.integers(2, 4))
@settings(max_examples=examples(30), deadline=None)
def test_the_further_measures_are_scikit_learns(seed: int, n: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, n)])
    shares = random.dirichlet(np.ones(classes), len(labels))
    names, said = "abcd"[:classes], shares.argmax(axis=1)
    result = judge(labels, shares, names)
    from sklearn.metrics import precision_score

    for k, own in enumerate(result.classes.values()):
        assert own.f1 == pytest.approx(f1_score(labels == k, said == k))
        assert own.mcc == pytest.approx(matthews_corrcoef(labels == k, said == k), abs=1e-9)
        if own.precision is not None:
            assert own.precision == pytest.approx(precision_score(labels == k, said == k))
            assert own.precision_ci == pytest.approx(
                exact_interval(int((said[labels == k] == k).sum()), int((said == k).sum()))
            )
        assert own.auc_ci is not None and own.auc is not None and own.auc_ci[0] <= own.auc <= own.auc_ci[1]
    assert result.macro.f1 == pytest.approx(f1_score(labels, said, average="macro"))
    assert result.mcc == pytest.approx(matthews_corrcoef(labels, said), abs=1e-9)
    assert result.macro.auc == pytest.approx(
        np.mean([roc_auc_score(labels == k, shares[:, k]) for k in range(classes)])
    )
