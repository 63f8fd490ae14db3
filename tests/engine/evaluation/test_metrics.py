"""The numbers of a result, against scikit-learn, SciPy and arithmetic by hand."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, recall_score, roc_auc_score

from engine.base.typed_files import plain
from engine.evaluation.intervals import exact_interval
from engine.evaluation.metrics import judge, one_sided
from tests.makers.examples import examples

NAMES = ("COVID", "Viral Pneumonia", "Normal", "Lung_Opacity")


def random_case(seed: int, n: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, n)])
    shares = random.dirichlet(np.ones(classes), len(labels)).astype(np.float32)
    return labels, shares


@given(st.integers(0, 1000), st.integers(1, 200), st.integers(2, 4))
@settings(max_examples=examples(40), deadline=None)
def test_they_agree_with_scikit_learn(seed: int, n: int, classes: int) -> None:
    labels, shares = random_case(seed, n, classes)
    result, said = judge(labels, shares, NAMES[:classes]), shares.argmax(axis=1)
    exact = shares.astype(np.float64)
    assert result.accuracy == accuracy_score(labels, said) and result.n == len(labels)
    assert result.confusion == confusion_matrix(labels, said, labels=range(classes)).tolist()
    assert result.loss == pytest.approx(
        log_loss(labels, exact / exact.sum(axis=1, keepdims=True), labels=range(classes)), rel=1e-5
    )
    recalls = recall_score(labels, said, average=None, labels=range(classes))
    assert [c.sensitivity for c in result.classes.values()] == pytest.approx(list(recalls))
    specificities = [recall_score(labels != k, said != k) for k in range(classes)]
    assert [c.specificity for c in result.classes.values()] == pytest.approx(specificities)
    if classes == 2:
        assert result.auc == pytest.approx(roc_auc_score(labels, shares[:, 1]))
    else:
        each = [roc_auc_score(labels == k, shares[:, k]) for k in range(classes)]
        assert result.auc == pytest.approx(np.mean(each))
    assert result.baseline == np.bincount(labels).max() / len(labels)


@given(st.integers(1, 400), st.data())
@settings(max_examples=examples(40), deadline=None)
def test_intervals_are_scipys_exact_ones(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    expected = binomtest(k, n).proportion_ci(0.95, "exact")
    assert exact_interval(k, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_all_of_66_is_at_least_94_6_percent() -> None:
    low, high = exact_interval(66, 66)
    assert (round(low, 3), high) == (0.946, 1.0)


@pytest.mark.parametrize(("n", "p"), [(20, 0.9), (66, 0.95), (500, 0.98)])
def test_an_interval_covers_the_truth_at_least_95_times_in_100(n: int, p: float) -> None:
    covered = sum(binom.pmf(k, n, p) for k in range(n + 1) for low, high in [exact_interval(k, n)] if low <= p <= high)
    assert covered >= 0.95


def test_what_can_not_be_said_is_null_in_json() -> None:
    result = judge(np.array([0, 0]), np.array([[0.9, 0.1], [0.4, 0.6]]), NAMES[:2])
    values = json.loads(json.dumps(plain(result), allow_nan=False))
    assert values["auc"] is None and values["classes"]["Viral Pneumonia"]["sensitivity"] is None
    assert values["confusion"] == [[1, 1], [0, 0]] and values["baseline_class"] == "COVID"


@given(st.integers(0, 1000), st.integers(1, 60), st.integers(2, 4), st.data())
@settings(max_examples=examples(40), deadline=None)
def test_nothing_is_said_of_a_class_that_is_absent_or_alone(
    seed: int, n: int, classes: int, data: st.DataObject
) -> None:
    """Its precision is 0 (or 1) whatever the model answers, and so says nothing of the model."""
    only = data.draw(st.integers(0, classes - 1))
    shares = np.random.default_rng(seed).dirichlet(np.ones(classes), n)
    result = judge(np.full(n, only), shares, NAMES[:classes])
    for name, own in result.classes.items():
        for measure in ("precision", "f1", "mcc", "auc"):
            assert own.measured(measure) == (None, None), (name, measure)
    assert result.classes[NAMES[only]].sensitivity == result.accuracy
    assert result.mcc is None and result.mcc_ci is None
    assert result.macro.precision is None and result.macro.f1 is None


@given(st.integers(0, 1000), st.integers(2, 60), st.integers(2, 4), st.data())
@settings(max_examples=examples(40), deadline=None)
def test_a_model_that_gives_one_class_for_every_image_is_named(
    seed: int, n: int, classes: int, data: st.DataObject
) -> None:
    labels = np.concatenate([np.arange(classes), np.random.default_rng(seed).integers(0, classes, n)])
    answers = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=len(labels), max_size=len(labels))))
    if data.draw(st.booleans()):
        answers[:] = answers[0]
    result = judge(labels, np.eye(classes)[answers], NAMES[:classes])
    one = len(set(answers.tolist())) == 1
    assert result.only_answer == (NAMES[answers[0]] if one else None)
    text = one_sided(result, "test images")
    assert bool(text) == one and (not one or f'"{NAMES[answers[0]]}" for every one of the {len(labels)}' in text)


def test_images_of_one_class_alone_accuse_no_model_of_naming_it() -> None:
    result = judge(np.array([1, 1, 1]), np.tile([0.2, 0.8], (3, 1)), NAMES[:2])
    assert result.only_answer is None and one_sided(result, "images") == ""
