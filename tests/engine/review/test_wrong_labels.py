"""Flipped labels come first, clean ones are left alone, and pictures unlike all others are seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.auto.folds import grouped_folds
from engine.auto.linear import fit_path
from engine.review.neighbours import nearest, unlike
from engine.review.wrong_labels import Answers
from tests.makers.extent import ALL


def clusters(seed: int, count: int = 120, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    return random.normal(size=(classes, 30))[labels] * 1.2 + random.normal(size=(count, 30)), labels


def answers(rows: np.ndarray, labels: np.ndarray) -> Answers:
    names = [str(n) for n in range(len(labels))]
    logits = np.zeros((len(labels), labels.max() + 1))
    for learnt, answered in grouped_folds(labels, names, 0, 10):
        logits[answered] = fit_path(rows[learnt], labels[learnt], logits.shape[1], (0.1,))[-1].logits(rows[answered])
    return Answers(labels, logits, nearest(rows, names, 10)[0])


@settings(max_examples=10 if ALL else 3, deadline=None)
@given(seed=st.integers(0, 1000))
def test_flipped_labels_come_first_and_clean_ones_are_left_alone(seed: int) -> None:
    rows, labels = clusters(seed)
    assert answers(rows, labels).wrong.sum() <= 0.03 * len(labels)
    flipped = np.random.default_rng(seed).choice(len(labels), 6, replace=False)
    wrong = labels.copy()
    wrong[flipped] = (labels[flipped] + 1) % 3
    found = answers(rows, wrong)
    first = np.argsort(found.soundness)[:6]
    assert np.isin(first, flipped).mean() >= 0.8
    assert np.isin(np.nonzero(found.wrong)[0], flipped).mean() >= 0.8


def test_neighbours_are_the_most_alike_and_never_of_the_same_group() -> None:
    random = np.random.default_rng(0)
    rows, groups = random.normal(size=(40, 8)), [str(n // 2) for n in range(40)]
    places, likeness = nearest(rows, groups, 5)
    centred = rows - rows.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    for row in range(40):
        others = [n for n in range(40) if groups[n] != groups[row]]
        best = sorted(others, key=lambda n: -float(unit[row] @ unit[n]))[:5]
        assert places[row].tolist() == best
        assert likeness[row] == pytest.approx(unit[row] @ unit[best].T, abs=1e-5)


def test_an_image_whose_group_is_all_there_is_has_itself_for_a_neighbour() -> None:
    places, likeness = nearest(np.eye(4), ["a", "a", "a", "b"], 2)
    assert places[0].tolist() == [3, 0] and likeness[0, 1] == -1


def test_a_picture_unlike_all_others_is_seen_and_usual_ones_are_not() -> None:
    rows, _ = clusters(1, count=150)
    names = [str(n) for n in range(151)]
    strange = np.zeros((1, 30))
    strange[0, 0] = -60.0
    close = np.vstack([rows * 0.2 + np.arange(1, 31), strange])
    assert unlike(close, names, 10).nonzero()[0].tolist() == [150]


def test_of_few_images_or_of_one_group_none_is_unlike_the_others() -> None:
    assert not unlike(np.eye(3), ["a", "a", "a"], 10).any()
    assert not unlike(np.eye(3), ["a", "b", "c"], 10).any()


def test_a_class_that_nobody_answers_for_is_no_reason_to_doubt() -> None:
    logits = np.array([[3.0, 0.0, -30.0], [2.0, 0.0, -30.0], [0.0, 4.0, -30.0], [0.0, 3.0, -30.0]])
    found = Answers(np.array([0, 0, 1, 1]), logits, np.array([[1], [0], [3], [2]]))
    assert not found.wrong.any()
