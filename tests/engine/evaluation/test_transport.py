"""A matrix of sets as pure functions: the gap is that of the means, and its interval holds as often as it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evaluation.intervals import exact_interval, paired_counts, paired_interval
from engine.evaluation.predictions_csv import Predictions
from engine.evaluation.transport import Cell, cell_of, gap_on, gap_over_all, lost, overall, right_by_file
from tests.makers.examples import examples


def answers(right: np.ndarray, name: str = "x") -> Predictions:
    """Answers to images of two classes by turns, of which these are right."""
    labels = np.arange(len(right)) % 2
    said = np.where(right, labels, 1 - labels)
    shares = np.where(said[:, None] == np.arange(2), 0.9, 0.1)
    return Predictions(("a", "b"), tuple(f"{name}{n}" for n in range(len(right))), labels, shares)


@st.composite
def matrices(draw: st.DrawFn) -> dict[tuple[str, str], np.ndarray]:
    """Of each model and set, by name, which of the set's images are answered right."""
    names = [f"s{n}" for n in range(draw(st.integers(2, 4)))]
    sizes = {name: draw(st.integers(2, 12)) for name in names}
    flags = {name: st.lists(st.booleans(), min_size=size, max_size=size) for name, size in sizes.items()}
    return {(train, test): np.array(draw(flags[test]), bool) for train in names for test in names}


@given(matrices())
@settings(max_examples=examples(25), deadline=None)
def test_the_gap_is_the_mean_of_the_own_cells_less_that_of_the_others(found: dict[tuple[str, str], np.ndarray]) -> None:
    names = sorted({train for train, _ in found})
    gap = overall({pair: right_by_file(answers(right, pair[1])) for pair, right in found.items()}, names)
    cells = {pair: cell_of(*pair, answers(right, pair[1])) for pair, right in found.items()}
    home = np.mean([cell.accuracy for cell in cells.values() if cell.own])
    elsewhere = np.mean([cell.accuracy for cell in cells.values() if not cell.own])
    assert gap.value == pytest.approx(home - elsewhere)
    assert -1 <= gap.ci[0] <= gap.value <= gap.ci[1] <= 1 and gap.ci[0] < gap.ci[1]
    rows = [lost(cells[name, name], [cells[name, other] for other in names if other != name]) for name in names]
    assert np.mean([row.value for row in rows]) == pytest.approx(gap.value)
    assert all(row.ci[0] <= row.value <= row.ci[1] for row in rows)


@given(matrices())
@settings(max_examples=examples(15), deadline=None)
def test_each_cell_has_the_exact_interval_of_its_images(found: dict[tuple[str, str], np.ndarray]) -> None:
    for (train, test), right in found.items():
        cell = cell_of(train, test, answers(right))
        assert (cell.n, cell.correct) == (len(right), right.sum())
        assert cell.accuracy_ci == exact_interval(int(right.sum()), len(right))


def test_two_models_on_one_set_are_compared_as_pairs() -> None:
    own, other = np.arange(40) < 36, np.arange(40) % 4 > 0
    value, ends = gap_on(own, [other])
    assert value == pytest.approx(0.15) and ends == paired_interval(*paired_counts(own, other))
    one = gap_over_all([(0.15, (0.05, 0.30))])
    assert one.value == 0.15 and one.ci == pytest.approx((0.05, 0.30))


def test_an_image_that_one_model_could_not_read_is_compared_for_none() -> None:
    right = {(a, b): {"1": True, "2": a == b, "3": True} for a in "xy" for b in "xy"}
    del right["y", "x"]["2"]
    assert overall(right, ["x", "y"]).value == pytest.approx((0 + 1 / 3) / 2)


@pytest.mark.parametrize("sets", [2, 3])
def test_the_interval_of_the_gap_holds_the_true_one_at_least_as_often_as_it_says(sets: int) -> None:
    """Models that are right with known probabilities, more often together than apart, on images of known difficulty."""
    random, held, draws = np.random.default_rng(0), 0, 250
    names = [f"s{n}" for n in range(sets)]
    chance = {(a, b): 0.95 if a == b else 0.7 + 0.05 * names.index(b) for a in names for b in names}
    truth = np.mean([p for (a, b), p in chance.items() if a == b]) - np.mean(
        [p for (a, b), p in chance.items() if a != b]
    )
    for _ in range(draws):
        hard = {name: random.random(60) for name in names}
        found = {
            (a, b): dict(enumerate(map(bool, np.where(random.random(60) < 0.5, hard[b], random.random(60)) < p)))
            for (a, b), p in chance.items()
        }
        text = {pair: {f"{pair[1]}{n}": right for n, right in own.items()} for pair, own in found.items()}
        low, high = overall(text, names).ci
        held += bool(low <= truth <= high)
    assert held / draws >= 0.93


def test_a_set_without_images_of_a_class_has_no_balanced_accuracy() -> None:
    some = answers(np.array([True, True, False, True]))
    assert cell_of("x", "y", some).balanced == pytest.approx(0.75)
    one_sided = Predictions(some.classes, some.files[::2], some.labels[::2], some.probabilities[::2])
    cell = cell_of("x", "y", one_sided)
    assert isinstance(cell, Cell) and cell.balanced is None and cell.accuracy == 0.5
