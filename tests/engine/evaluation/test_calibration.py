"""Temperature, reliability and threshold: against scikit-learn, by hand, and on images that did not fit them."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from engine.base.errors import ConfigError
from engine.base.typed_files import checked, plain
from engine.evaluation.calibration import (
    Calibration,
    at_temperature,
    calibrate,
    choose_threshold,
    expected_calibration_error,
    fit_temperature,
    operate,
    reliability,
    softmax,
)
from engine.evaluation.roc import MOST, curves
from engine.recipe.config import JudgeConfig
from tests.makers.examples import examples


def cases(n: int, classes: int, seed: int, too_sure: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from the softmax of logits that are then made `too_sure` times as large."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (n, classes))
    labels = np.array([random.choice(classes, p=row) for row in softmax(logits)])
    return labels, logits * too_sure


@pytest.mark.parametrize(("too_sure", "classes"), [(3.0, 2), (0.4, 3), (5.0, 4)])
def test_temperature_finds_how_much_too_sure_a_model_is_and_helps_on_other_images(
    too_sure: float, classes: int
) -> None:
    labels, logits = cases(1500, classes, 1, too_sure)
    temperature, fitted = fit_temperature(labels, logits)
    assert fitted and temperature == pytest.approx(too_sure, rel=0.12)
    others, their_logits = cases(1500, classes, 2, too_sure)
    before, after = (log_loss(others, softmax(z)) for z in (their_logits, their_logits / temperature))
    assert after < before - 0.01
    assert expected_calibration_error(others, softmax(their_logits / temperature)) < 0.05


@given(st.integers(0, 500), st.integers(20, 200), st.integers(2, 4))
@settings(max_examples=examples(25), deadline=None)
def test_no_temperature_is_better_on_the_images_that_fitted_it(seed: int, n: int, classes: int) -> None:
    labels, logits = cases(n, classes, seed)
    temperature, fitted = fit_temperature(labels, logits)
    best = log_loss(labels, softmax(logits / temperature), labels=range(classes))
    if fitted:
        for other in (1.0, temperature * 0.9, temperature * 1.1):
            assert best <= log_loss(labels, softmax(logits / other), labels=range(classes)) + 1e-6
    assert (softmax(logits / temperature).argmax(axis=1) == logits.argmax(axis=1)).all()


def test_a_faultless_validation_tells_no_temperature() -> None:
    labels = np.array([0, 1, 1, 0])
    assert fit_temperature(labels, np.array([[2.0, 0], [0, 1], [0, 3], [1, 0]])) == (1.0, False)


def test_probabilities_are_reheated_as_their_logits_are() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (50, 3))
    assert at_temperature(softmax(logits).astype(np.float32), 2.5) == pytest.approx(softmax(logits / 2.5), abs=1e-6)
    assert np.isfinite(at_temperature(np.array([[1.0, 0.0]], np.float32), 0.05)).all()


def test_the_calibration_error_by_hand() -> None:
    shares = np.array([[0.95, 0.05], [0.95, 0.05], [0.55, 0.45], [0.4, 0.6]])
    labels = np.array([0, 1, 0, 1])
    rows = reliability(labels, shares)
    assert [(row.n, row.accuracy) for row in rows] == [(2, 1.0), (2, 0.5)]
    assert expected_calibration_error(labels, shares) == pytest.approx((2 * abs(0.575 - 1) + 2 * abs(0.95 - 0.5)) / 4)


@given(st.integers(0, 1000), st.integers(4, 80))
@settings(max_examples=examples(40), deadline=None)
def test_the_rules_pick_the_best_of_all_thresholds(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    positive = np.concatenate([[True, False], random.random(n) < 0.4])
    scores = np.round(random.random(len(positive)) * 0.6 + positive * 0.3, 2)

    def gets(threshold: float) -> tuple[float, float]:
        said = scores >= threshold
        return float(said[positive].mean()), float((~said)[~positive].mean())

    every = [gets(t) for t in np.linspace(0, 1.001, 2003)]
    assert sum(gets(choose_threshold(positive, scores, "youden"))) == pytest.approx(max(map(sum, every)))
    sensitivity, specificity = gets(choose_threshold(positive, scores, "sensitivity=0.9"))
    assert sensitivity >= 0.9 and specificity == max(b for a, b in every if a >= 0.9)
    sensitivity, specificity = gets(choose_threshold(positive, scores, "specificity>=0.8"))
    assert specificity >= 0.8 and sensitivity == max(a for a, b in every if b >= 0.8)


def test_a_rule_that_nothing_meets_gets_as_near_to_it_as_can_be() -> None:
    """A negative at probability 1 is said to be positive at any threshold."""
    positive = np.array([True, True, True, False, False, False, False])
    scores = np.array([1.0, 0.9, 0.05, 1.0, 0.5, 0.4, 0.3])
    threshold = choose_threshold(positive, scores, "specificity=0.95")
    assert (scores[~positive] < threshold).sum() == 3 and (scores[positive] >= threshold).sum() == 2


def test_a_threshold_lies_midway_and_a_fixed_one_where_it_was_put() -> None:
    positive, scores = np.array([True, True, False]), np.array([0.9, 0.7, 0.2])
    assert choose_threshold(positive, scores, "youden") == pytest.approx(0.45)
    assert choose_threshold(positive, scores, "0.8") == 0.8
    assert choose_threshold(positive[:2], scores[:2], "youden") == 0.5
    at = operate(positive, scores, 0.8, "a", "0.8")
    assert (at.sensitivity, at.specificity) == (0.5, 1.0) and at.specificity_ci == pytest.approx((0.025, 1))


@pytest.mark.parametrize("rule", ["joudens", "sensitivity=2", "sensitivity=", "accuracy=0.5", "1.5", "nan"])
def test_other_rules_are_refused(rule: str) -> None:
    with pytest.raises(ConfigError, match="--threshold"):
        JudgeConfig(threshold=rule)


def test_the_positive_class_is_the_first_or_the_one_named() -> None:
    assert JudgeConfig().positive_among(("a", "b")) == 0
    assert JudgeConfig(positive="b").positive_among(("a", "b")) == 1
    with pytest.raises(ConfigError, match="--positive"):
        JudgeConfig(positive="c").positive_among(("a", "b"))


def test_a_calibration_survives_being_saved() -> None:
    labels, logits = cases(60, 3, 0)
    found = calibrate(labels, logits, ("a", "b", "c"), JudgeConfig(positive="b", threshold="sensitivity=0.8"))
    again = checked(json.loads(json.dumps(plain(found))), Calibration)
    assert again == found and found.operating.positive == "b"
    assert found.operating.sensitivity is not None and found.operating.sensitivity >= 0.8
    assert found.calibrated_loss < found.loss


@given(st.integers(0, 1000), st.sampled_from([30, 1500]))
@settings(max_examples=examples(10), deadline=None)
def test_thinned_curves_keep_the_area(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.concatenate([[0, 1], random.integers(0, 2, n)])
    second = 1 / (1 + np.exp(-random.normal(labels, 1.0)))
    found = curves(labels, np.stack([1 - second, second], axis=1), ("a", "b"))
    x, y = np.array(found["b"].roc).T
    assert len(x) <= MOST and (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(y, x) == pytest.approx(roc_auc_score(labels, second), abs=0.01)
    assert found["b"].average_precision == pytest.approx(average_precision_score(labels == 1, second))
    assert curves(labels[:1], np.array([[0.2, 0.8]]), ("a", "b")) == {}


@given(st.integers(0, 10_000), st.floats(0.1, 50), st.sampled_from(["", "@0.02", "@0.6"]))
@settings(max_examples=examples(60), deadline=None)
def test_no_threshold_costs_less_than_that_of_a_cost(seed: int, cost: float, where: str) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(4, 80))
    positive = np.arange(n) < random.integers(1, n)
    scores = np.round(np.clip(random.normal(0.4 + 0.2 * positive, 0.2), 0, 1), 2)
    share = float(where[1:]) if where else positive.mean()

    def paid(threshold: float) -> float:
        said = scores >= threshold
        return float(cost * share * (~said[positive]).mean() + (1 - share) * said[~positive].mean())

    chosen = choose_threshold(positive, scores, f"cost={cost}{where}")
    assert paid(chosen) == pytest.approx(min(map(paid, np.linspace(0, 1.001, 2000))), abs=1e-9)


@pytest.mark.parametrize("rule", ["cost", "cost=", "cost=0", "cost=-1", "cost=2@", "cost=2@1", "cost=2@x", "cost=nan"])
def test_a_cost_that_is_none_is_refused(rule: str) -> None:
    with pytest.raises(ConfigError, match="--threshold"):
        JudgeConfig(threshold=rule)
