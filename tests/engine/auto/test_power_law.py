"""What fewer images say of more: no error without doubt, no gain from nothing, and a band that holds what is true."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.auto.curve import COVERED
from engine.auto.power_law import Seen, fitted, seen
from tests.makers.examples import examples

SIZES = (40, 57, 80, 113, 160)
ALL = 200
FOLDS, DRAWS = 5, 3


def shared(draws: int = DRAWS) -> float:
    """How many times fewer images the fits of overlapping training sets count as."""
    return 1 / draws + FOLDS / (FOLDS - 1)


@given(n=st.integers(2, 60), wrong=st.integers(0, 60))
def test_answers_that_are_one_each_count_as_so_many_images_as_their_overlap_leaves(n: int, wrong: int) -> None:
    answers = np.tile((np.arange(n) < min(wrong, n)).astype(float), (2, 1))
    found = seen(answers, np.arange(n), DRAWS, FOLDS)
    assert found.errors == pytest.approx(min(wrong, n) / n)
    assert found.counted == pytest.approx(n / shared(), rel=0.01)
    assert seen(answers, np.arange(n), 1, FOLDS).counted < found.counted


@given(seed=st.integers(0, 99))
def test_images_of_one_group_say_no_more_than_one(seed: int) -> None:
    wrong = np.random.default_rng(seed).uniform(size=(3, 40)).round()
    alone = seen(wrong, np.arange(40), DRAWS, FOLDS)
    twice = seen(np.repeat(wrong, 2, axis=1), np.repeat(np.arange(40), 2), DRAWS, FOLDS)
    assert twice.counted == pytest.approx(alone.counted, rel=0.1)
    assert (np.diag(twice.noise) >= 0.9 * np.diag(alone.noise) - 1 / 40**2).all()


@settings(max_examples=examples(10), deadline=None)
@given(
    shares=st.lists(st.floats(0, 0.6), min_size=5, max_size=5), counted=st.floats(5, 500), noise=st.floats(0.01, 0.1)
)
def test_more_images_never_cost_and_bands_are_in_order(shares: list[float], counted: float, noise: float) -> None:
    law = fitted(SIZES, Seen(ALL, np.array(shares), counted, noise**2 * np.eye(4)))
    before = (1.0, 1.0, 1.0)
    for times in (0.5, 1.0, 2.0, 4.0):
        low, middle, high = now = law.error(times)
        assert 0 < low <= middle <= high <= 1
        assert all(new <= old + 1e-9 for new, old in zip(now, before, strict=True))
        before = now


@pytest.mark.parametrize(("floor", "exponent"), [(0.0, 0.5), (0.3, 0.7), (0.9, 0.5)])
def test_a_law_that_is_measured_well_goes_on(floor: float, exponent: float) -> None:
    def truth(times: float) -> float:
        return float(0.1 * (floor + (1 - floor) * times**-exponent))

    errors = np.array([truth(size / ALL) for size in SIZES])
    law = fitted(SIZES, Seen(ALL, errors, 5000.0, 1e-6 * np.eye(4)))
    for times in (1, 2, 4):
        low, middle, high = law.error(times)
        assert middle == pytest.approx(truth(times), rel=0.15)
        # The law without a floor is a corner of the grid, which others lie above.
        assert 0.97 * low <= truth(times) <= high


def test_without_a_mistake_the_error_is_not_none() -> None:
    law = fitted(SIZES, seen(np.zeros((5, 60)), np.arange(60), DRAWS, FOLDS))
    _, middle, high = law.error(1)
    assert 0 < middle < 0.03 < high < 0.1


def test_the_band_holds_the_truth_as_often_as_it_says() -> None:
    """Images of unequal difficulty, each wrong with a probability that falls with the number learnt from."""
    random = np.random.default_rng(0)
    held = []
    for _ in range(25):
        n, floor, exponent = int(random.integers(40, 300)), random.uniform(0, 0.95), random.uniform(0.05, 1)
        hard = np.minimum(random.exponential(0.12, n), 0.9)
        sizes = [round(0.8 * n * 2 ** (-step / 2)) for step in (4, 3, 2, 1, 0)]
        falls = [floor + (1 - floor) * (size / n) ** -exponent for size in sizes]
        draws = random.uniform(size=(DRAWS, 1, n))  # an image that is hard to learn from few is so from more
        wrong = (draws < np.minimum(np.array(falls)[None, :, None] * hard, 1)).mean(axis=0)
        law = fitted(sizes, seen(wrong, np.arange(n), DRAWS, FOLDS))
        for times in (2, 4):
            low, _, high = law.error(times)
            held.append(low <= 0.12 * (floor + (1 - floor) * times**-exponent) <= high)
    assert np.mean(held) >= COVERED
