"""Unequal classes count alike in what "auto" answers; a rare one is in some of the folds alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.auto.class_shares import alike, log_shares
from engine.auto.folds import grouped_folds
from engine.auto.linear import fit_path
from engine.auto.rungs import Judge, Seeing
from engine.recipe.config import Weighting
from tests.engine.auto.test_rungs import WIDTH, judge_of
from tests.makers.examples import examples

MANY, FEW = 100, 10


@pytest.mark.parametrize(
    ("weighting", "counts", "expected"),
    [
        ("auto", (30, 20), True), ("auto", (29, 20), False), ("none", (90, 1), False), ("balanced", (20, 20), True),
    ],
)  # fmt: skip
def test_they_count_alike_where_asked_for_or_where_they_are_unequal(
    weighting: Weighting, counts: tuple[int, int], expected: bool
) -> None:
    assert alike(weighting, np.repeat([0, 1], counts)) == expected


@settings(max_examples=examples(20), deadline=None)
@given(counts=st.lists(st.integers(1, 50), min_size=2, max_size=4), offset=st.floats(-3, 3))
def test_less_the_shares_only_how_a_class_looks_is_left(counts: list[int], offset: float) -> None:
    """Where the rows tell nothing, each class is as likely as any other."""
    labels = np.repeat(np.arange(len(counts)), counts)
    rows = np.full((len(labels), 3), offset)
    (fit,) = fit_path(rows, labels, len(counts), (1.0,))
    assert np.ptp(fit.less(log_shares(labels, len(counts))).logits(rows[:1])) == pytest.approx(0, abs=1e-3)


def drawn(counts: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.repeat([0, 1], counts)
    rows = np.zeros((len(labels), WIDTH), np.float32)
    rows[:, -5:] = random.normal(size=(len(labels), 5)) + 0.8 * labels[:, None]
    return labels, rows


def sensitivities(judge: Judge, labels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Of both classes, on new rows."""
    (linear,) = judge.fitted(Seeing(), np.arange(MANY + FEW), (0.1,))
    kernel, bias = judge.network(Seeing(), linear)
    said = (rows[:, -len(kernel) :] @ kernel + bias).argmax(axis=1)
    return np.array([(said[labels == label] == label).mean() for label in (0, 1)])


def test_a_rare_class_is_found_and_the_fit_stays_what_it_was() -> None:
    labels, rows = drawn((MANY, FEW), seed=0)
    new = drawn((300, 300), seed=1)
    plain, equal = (judge_of(labels, rows, weighting=one) for one in ("none", "auto"))
    assert (plain.weighting, equal.weighting) == ("none", "balanced")
    as_they_are, alike_found = sensitivities(plain, *new), sensitivities(equal, *new)
    assert as_they_are[1] < 0.5 < alike_found[1]
    assert alike_found.mean() > as_they_are.mean() + 0.1
    every = np.arange(len(labels))
    (one,), (other,) = (judge.fitted(Seeing(), every, (0.1,)) for judge in (plain, equal))
    assert np.array_equal(one.kernel, other.kernel)
    assert one.bias - other.bias == pytest.approx(np.log([MANY / len(labels), FEW / len(labels)]))
    judged = equal.judged(Seeing())
    for losses in judged.losses:
        each = [losses[labels == label].sum() for label in (0, 1)]
        assert losses.mean() == pytest.approx(sum(each) / len(labels))


def test_a_class_of_two_pictures_does_not_halve_what_the_others_learn_from() -> None:
    labels = np.repeat([0, 1, 2], (20, 20, 2))
    folds = grouped_folds(labels, [str(place) for place in range(len(labels))], seed=0)
    assert len(folds) == 5
    for learnt, answered in folds:
        assert (labels[answered] == 2).sum() <= 1 <= (labels[learnt] == 2).sum()
        assert len(learnt) >= 0.75 * len(labels)
