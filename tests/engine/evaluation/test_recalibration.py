"""Recalibration on local images: whole patients, what it finds, and both models on the same other images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from engine.base.errors import ConfigError
from engine.evaluation.calibration import calibrate, softmax
from engine.evaluation.conformal import LEVELS, calibration_scores
from engine.evaluation.predictions_csv import Predictions
from engine.evaluation.promised import Promised
from engine.evaluation.recalibration import EACH, drawn, fit_local, recalibrated
from engine.recipe.config import JudgeConfig
from tests.makers.examples import examples

CLASSES = ("A", "B", "C")


def answers(n: int, seed: int, shift: float = 0.0, sharp: float = 1.0) -> Predictions:
    """Labels drawn from the softmax of logits that are then made `sharp` times as large and lean to the last class."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (n, 3))
    labels = np.array([random.choice(3, p=row) for row in softmax(logits)])
    return Predictions(CLASSES, tuple(map(str, range(n))), labels, softmax(sharp * logits + [0, 0, shift]))


def test_slope_and_bias_undo_what_was_done_to_the_logits() -> None:
    local = fit_local(answers(4000, 0, shift=3.0, sharp=2.0))
    assert local.slope == pytest.approx(0.5, abs=0.05)
    assert local.bias - local.bias[0] == pytest.approx([0, 0, -1.5], abs=0.2)


def test_of_two_classes_it_is_logistic_regression() -> None:
    random = np.random.default_rng(1)
    logit = random.normal(0, 2, 3000)
    labels = (random.uniform(size=3000) < 1 / (1 + np.exp(-0.7 * logit + 1))).astype(int)
    said = Predictions(("A", "B"), tuple(map(str, range(3000))), labels, softmax(np.stack([0 * logit, logit], axis=1)))
    local = fit_local(said)
    expected = LogisticRegression(C=1e6).fit(logit[:, None], labels)
    assert local.slope == pytest.approx(expected.coef_[0, 0], abs=0.01)
    assert local.bias[1] - local.bias[0] == pytest.approx(expected.intercept_[0], abs=0.02)


@given(st.integers(0, 1000), st.integers(10, 60))
@settings(max_examples=examples(40), deadline=None)
def test_whole_groups_of_every_class_are_drawn(seed: int, count: int) -> None:
    said = answers(150, seed)
    groups = [str(place // 3) for place in range(150)]
    places = drawn(said, groups, count, seed)
    chosen = set(places.tolist())
    assert len(chosen) == len(places) and count - 5 <= len(places) <= count + 25
    assert all(({3 * g, 3 * g + 1, 3 * g + 2} & chosen) in (set(), {3 * g, 3 * g + 1, 3 * g + 2}) for g in range(50))
    taken = np.bincount(said.labels[places], minlength=3)
    assert (taken >= EACH).all() and (np.bincount(said.labels, minlength=3) - taken >= EACH).all()
    assert drawn(said, groups, count, seed).tolist() == places.tolist()


def test_both_are_judged_on_the_same_other_images_and_a_leaning_model_is_mended() -> None:
    own, elsewhere = answers(600, 2), answers(500, 3, shift=4.0)
    judged = JudgeConfig()
    taught = calibrate(own.labels, np.log(own.probabilities), CLASSES, judged)
    promised = Promised(calibration_scores(own, CLASSES, taught.temperature), own)
    found = recalibrated(elsewhere, ["" for _ in elsewhere.files], 120, judged, taught, promised)
    was, now = found.as_it_was, found.recalibrated
    assert was.n == now.n == 500 - found.images and abs(found.images - 120) <= 2
    assert found.gain == pytest.approx(now.accuracy - was.accuracy) and found.gain_ci[0] > 0.05
    assert now.calibrated and was.calibrated and now.calibrated.loss < was.calibrated.loss - 0.3
    assert now.operating and was.operating and now.operating.threshold != was.operating.threshold
    assert [row.level for row in now.sets] == [row.level for row in was.sets] == [*LEVELS]
    worst = [min(one.coverage or 0.0 for one in result.sets[1].classes.values()) for result in (was, now)]
    assert worst[0] < 0.6 and worst[1] > 0.75


@pytest.mark.parametrize("count", [0, 9, 148, 10_000])
def test_too_few_images_are_refused_in_a_sentence(count: int) -> None:
    said = answers(150, 0)
    with pytest.raises(ConfigError, match="--recalibrate"):
        drawn(said, [""] * 150, count)
