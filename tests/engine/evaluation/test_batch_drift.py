"""A batch as a whole: the distance by its definition, shares against the truth, and none of images unlike any."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls
from scipy.spatial.distance import cdist, pdist

from engine.base.result import Tested
from engine.evaluation.batch_drift import LEAST, MOST, Batch, class_shares, drift, mmd
from engine.evaluation.calibration import operate
from engine.evaluation.metrics import judge
from engine.evaluation.predictions_csv import Predictions
from engine.evaluation.training_reference import Reference
from tests.makers.examples import examples

CLASSES = ("A", "B", "C")


@given(st.integers(0, 1000), st.integers(3, 20), st.integers(3, 20))
@settings(max_examples=examples(30), deadline=None)
def test_the_distance_is_its_definition(seed: int, n: int, m: int) -> None:
    random = np.random.default_rng(seed)
    one, other = random.normal(0, 1, (n, 4)), random.normal(0.5, 1, (m, 4))
    width = np.median(pdist(np.concatenate([one, other]), "sqeuclidean"))

    def mean(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-cdist(a, b, "sqeuclidean") / width).mean())

    expected = mean(one, one) + mean(other, other) - 2 * mean(one, other)
    found, p = mmd(one, other, 50)
    assert found**2 == pytest.approx(expected, abs=1e-9) and 1 / 51 <= p <= 1


def test_p_is_uniform_where_nothing_differs_and_small_where_something_does() -> None:
    random = np.random.default_rng(1)
    same = [mmd(random.normal(size=(40, 3)), random.normal(size=(30, 3)), 99, seed)[1] for seed in range(300)]
    assert abs(np.mean(np.array(same) <= 0.05) - 0.05) < 0.035 and abs(np.mean(same) - 0.5) < 0.06
    assert mmd(random.normal(size=(40, 3)), random.normal(0.8, 1, (30, 3)))[1] < 0.01


@given(st.integers(0, 1000), st.integers(2, 5))
@settings(max_examples=examples(40), deadline=None)
def test_shares_are_found_where_they_follow_from_what_is_said(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    confusion = 0.75 * np.eye(k) + 0.25 * random.dirichlet(np.ones(k), k)
    truth = random.dirichlet(np.ones(k))
    found = class_shares(truth @ confusion, confusion, 5000)
    assert found == pytest.approx(truth, abs=5e-3)
    assert found == pytest.approx(nnls(confusion.T, truth @ confusion)[0], abs=5e-3)


def answers(counts: tuple[int, ...], random: np.random.Generator) -> Predictions:
    labels = np.repeat(np.arange(3), counts)
    said = np.where(random.uniform(size=len(labels)) < 0.85, labels, random.integers(0, 3, len(labels)))
    shares = 0.1 + 0.7 * np.eye(3)[said]
    return Predictions(CLASSES, tuple(map(str, range(len(labels)))), labels, shares)


def filled(said: Predictions, features: np.ndarray) -> Batch:
    batch = Batch(3)
    for row, feature in zip(said.probabilities, features, strict=True):
        batch.add(row, feature)
    return batch


def result_of(said: Predictions) -> Tested:
    first = said.probabilities[:, 0]
    found = judge(said.labels, said.probabilities, CLASSES)
    return Tested(**vars(found), operating=operate(said.labels == 0, first, 0.5, "A", "fixed"))


def reference(features: np.ndarray) -> Reference:
    facts = {name: np.ones(len(features)) for name in ("mean level", "width", "height")}
    return Reference(features.astype(np.float32), facts)


def test_the_true_shares_lie_in_their_intervals_about_as_often_as_is_said() -> None:
    random, held = np.random.default_rng(2), 0
    for _ in range(60):
        here = answers((20, 100, 80), random)
        found = drift(filled(here, np.ones((200, 2))), None, answers((60, 60, 60), random), None, CLASSES)
        assert found and found.p is None and sum(one.share for one in found.classes.values()) == pytest.approx(1)
        held += sum(
            one.share_ci[0] <= share <= one.share_ci[1]
            for one, share in zip(found.classes.values(), (0.1, 0.5, 0.4), strict=True)
        )
    assert held / 180 >= 0.9


def test_a_rarer_class_lowers_what_an_answer_of_it_is_worth() -> None:
    random = np.random.default_rng(3)
    like = random.normal(1, 0.2, (300, 8))
    known, test = answers((60, 60, 60), random), result_of(answers((50, 50, 50), random))
    found = drift(filled(answers((5, 95, 100), random), like[:200]), reference(like), known, test, CLASSES)
    assert found and found.classes and not found.strange and found.worth_before and found.worth_here
    assert found.classes["A"].share < 0.12 and found.worth_here.prevalence == pytest.approx(found.classes["A"].share)
    assert found.worth_here.ppv is not None and found.worth_before.ppv is not None
    assert found.worth_here.ppv < found.worth_before.ppv - 0.2


def test_of_images_unlike_any_the_shares_are_not_estimated() -> None:
    random = np.random.default_rng(4)
    like, unlike = random.normal(1, 0.05, (300, 8)), random.normal([1, -1] * 4, 0.05, (100, 8))
    known, test = answers((60, 60, 60), random), result_of(answers((50, 50, 50), random))
    found = drift(filled(answers((30, 30, 40), random), unlike), reference(like), known, test, CLASSES)
    assert found and found.strange and found.differs and found.unlike and found.unlike.share == 1
    assert found.classes == {} and found.worth_here is None


def test_few_images_are_no_batch_and_many_are_sampled() -> None:
    random = np.random.default_rng(5)
    few = answers((LEAST - 1, 0, 0), random)
    assert drift(filled(few, np.ones((LEAST - 1, 2))), None, answers((9, 9, 9), random), None, CLASSES) is None
    many = filled(answers((2000, 0, 0), random), np.arange(4000.0).reshape(2000, 2))
    assert many.n == many.said.sum() == 2000 and len(many.features) == MOST
    assert abs(np.mean([one[0] for one in many.features]) - 2000) < 250
