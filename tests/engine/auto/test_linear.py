"""Logistic regression by a path: the optimum that another solver finds, in fewer rows than columns and in more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from engine.auto.linear import ABSENT, fit_path
from tests.makers.examples import examples


def drawn(seed: int, rows: int, columns: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, rows - classes)])
    middles = random.normal(size=(classes, columns))
    return middles[labels] + random.normal(size=(rows, columns)) * random.uniform(0.5, 3, columns) + 5, labels


@settings(max_examples=examples(30), deadline=None)
@given(
    seed=st.integers(0, 1000),
    rows=st.integers(8, 60),
    columns=st.integers(1, 90),
    classes=st.integers(2, 4),
    strength=st.sampled_from([1.0, 0.1, 0.01]),
)
def test_it_is_the_optimum(seed: int, rows: int, columns: int, classes: int, strength: float) -> None:
    """Of two classes, which have one column there, the penalty on the kernel is twice as large."""
    learnt, labels = drawn(seed, rows, columns, classes)
    ours = fit_path(learnt, labels, classes, (3.0, strength))[-1].logits(learnt)
    variances = learnt.var(axis=0)
    standard = (learnt - learnt.mean(axis=0)) / np.sqrt(variances + np.median(variances))
    other = LogisticRegression(C=(2 if classes == 2 else 1) / (strength * rows), max_iter=20_000, tol=1e-10)
    theirs = other.fit(standard, labels).decision_function(standard)
    if classes == 2:
        assert ours[:, 1] - ours[:, 0] == pytest.approx(theirs, abs=2e-3)
    else:
        middle = ours.mean(axis=1, keepdims=True) - theirs.mean(axis=1, keepdims=True)
        assert ours - middle == pytest.approx(theirs, abs=2e-3)


def test_columns_that_are_always_the_same_change_nothing() -> None:
    rows, labels = drawn(0, 40, 5, 3)
    flat = np.column_stack([rows, np.full(40, 7.0), np.zeros(40)])
    one, other = fit_path(rows, labels, 3)[-1], fit_path(flat, labels, 3, layers=(5, 2))[-1]
    assert other.kernel[:5] == pytest.approx(one.kernel, abs=1e-4)
    assert not other.kernel[5:].any()


def test_a_channel_that_was_hardly_active_says_little_of_an_image_in_which_it_is() -> None:
    rows, labels = drawn(0, 40, 30, 2)
    rows[:, 0] = 0
    rows[labels == 1, 0] = 1e-3
    (fit,) = fit_path(rows, labels, 2, (0.01,))
    bright = rows[:1] + np.eye(1, 30) * rows[:, 1:].std()
    assert np.abs(fit.logits(bright) - fit.logits(rows[:1])).max() < 0.5


def test_a_class_without_images_is_never_said() -> None:
    rows, labels = drawn(0, 40, 5, 2)
    for fit in fit_path(rows, np.where(labels == 1, 2, 0), 3):
        assert fit.bias[1] == ABSENT and not fit.kernel[:, 1].any()
        assert (fit.logits(rows).argmax(axis=1) != 1).all()


def test_twice_the_same_is_the_same_to_the_bit() -> None:
    rows, labels = drawn(2, 50, 200, 3)
    for one, other in zip(fit_path(rows, labels, 3), fit_path(rows, labels, 3), strict=True):
        assert np.array_equal(one.kernel, other.kernel) and np.array_equal(one.bias, other.bias)
