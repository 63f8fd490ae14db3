"""Intervals of what depends on each other: against statsmodels, scikit-learn and counting out."""

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest, t
from sklearn.metrics import roc_auc_score
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from engine.evaluation.intervals import exact_interval
from engine.evaluation.resampling import (
    clustered_mean,
    clustered_share,
    corrected_interval,
    numbered,
    sign_flips,
    weighted_auc,
)


def test_the_corrected_interval_is_the_references_in_a_thousand_cases() -> None:
    for seed in range(1000):
        random = np.random.default_rng(seed)
        values, ratio = random.normal(0.02, 0.05, random.integers(2, 30)), float(random.uniform(0.02, 1))
        found = corrected_interval(values.tolist(), ratio)
        plain = DescrStatsW(values).tconfint_mean(0.05)
        reach = (plain[1] - plain[0]) / 2 * np.sqrt(1 + len(values) * ratio)
        assert found == pytest.approx((values.mean() - reach, values.mean() + reach))
    assert corrected_interval([0.9], 0.1) is None


def test_the_sign_test_counts_out_all_signs_in_a_thousand_cases() -> None:
    for seed in range(1000):
        random = np.random.default_rng(seed)
        sizes = [int(one) for one in random.integers(-4, 5, random.integers(1, 9))]
        sums = [abs(sum(s * one for s, one in zip(signs, sizes, strict=True)))
                for signs in itertools.product((1, -1), repeat=len(sizes))]  # fmt: skip
        assert sign_flips(np.array(sizes)) == pytest.approx(np.mean(np.array(sums) >= abs(sum(sizes))))


def test_of_one_image_a_patient_the_sign_test_is_mcnemars() -> None:
    for first, second in ((0, 0), (3, 9), (700, 640), (1, 0)):
        expected = binomtest(first, first + second).pvalue if first + second else 1.0
        assert sign_flips(np.array([1] * first + [-1] * second + [0] * 5)) == pytest.approx(expected)


def test_the_weighted_area_is_scikit_learns_in_a_thousand_cases() -> None:
    for seed in range(50):
        random = np.random.default_rng(seed)
        n = int(random.integers(4, 60))
        positive = np.arange(n) % 2 == 0
        scores = np.round(random.normal(positive * 0.5, 1, n), random.integers(0, 3))
        weights = random.integers(0, 4, (20, n))
        weights[:, :2] += 1
        expected = [roc_auc_score(positive, scores, sample_weight=one) for one in weights]
        assert weighted_auc(positive, scores, weights) == pytest.approx(expected)


@pytest.mark.parametrize("each", [1, 6])
def test_the_bootstrap_by_patient_is_as_wide_as_cluster_robust_errors(each: int) -> None:
    random = np.random.default_rng(each)
    groups = np.repeat(np.arange(150), each)
    values = np.repeat(random.normal(0.1, 1, 150), each) + random.normal(0, 0.5, len(groups))
    low, high = clustered_mean(values, groups, random)
    fit = OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": groups})
    ((least, most),) = fit.conf_int()
    assert (low + high) / 2 == pytest.approx(values.mean(), abs=0.03)
    assert high - low == pytest.approx(most - least, rel=0.1)


def test_an_image_without_a_patient_is_one_of_its_own() -> None:
    assert numbered(["7", "", "3", "7", ""]).tolist() == [0, 1, 2, 0, 3]


def test_a_share_by_patients_is_the_references_in_a_thousand_cases() -> None:
    for seed in range(1000):
        random = np.random.default_rng(seed)
        patients = int(random.integers(3, 30))
        groups = numbered([str(one) for one in random.integers(0, patients, 60)])
        right = random.uniform(size=60) < random.beta(3, 1, patients)[groups % patients]
        low, high = clustered_share(right, groups)
        people = groups.max() + 1
        if right.all() or not right.any():
            expected = proportion_confint(people * right.mean(), people, method="beta")
        else:
            fit = OLS(right.astype(float), np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": groups})
            share, variance = right.mean(), fit.bse[0] ** 2
            alike = min(60, share * (1 - share) / variance * (t.ppf(0.975, 59) / t.ppf(0.975, people - 1)) ** 2)
            expected = proportion_confint(share * alike, alike, method="beta")
        expected = [0.0 if right.sum() == 0 else expected[0], 1.0 if right.all() else expected[1]]
        assert (low, high) == pytest.approx(expected, abs=1e-9), seed


def test_the_interval_by_patients_holds_the_truth_where_the_one_by_images_does_not() -> None:
    random, held = np.random.default_rng(0), np.zeros(2)
    groups = np.repeat(np.arange(40), 6)
    for _ in range(400):
        right = random.uniform(size=240) < np.repeat(random.beta(4, 1, 40), 6)  # 0.8 on average
        ends = clustered_share(right, groups), exact_interval(int(right.sum()), 240)
        held += [low <= 0.8 <= high for low, high in ends]
    by_patient, by_image = held / 400
    assert by_patient >= 0.93 and by_image < 0.92
