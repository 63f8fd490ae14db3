"""Prediction sets keep their promise for images drawn as the calibration images were, and say so where they can't."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.errors import ConfigError
from engine.evaluation.calibration import softmax
from engine.evaluation.conformal import (
    LEVELS,
    Possible,
    calibration_scores,
    covered,
    least_images,
    promise,
    require_level,
)
from engine.evaluation.predictions_csv import Predictions
from tests.makers.examples import examples

CLASSES = ("A", "B", "C")


def answers(n: int, random: np.random.Generator, apart: float = 1.5, classes: tuple[str, ...] = CLASSES) -> Predictions:
    """Of a model that is far too sure and leans to the last class."""
    labels = random.permutation(np.arange(n) % len(classes))
    logits = random.normal(0, 1, (n, len(classes))) + apart * np.eye(len(classes))[labels]
    logits[:, -1] += 0.7
    return Predictions(classes, tuple(map(str, range(n))), labels, softmax(4 * logits))


def part(said: Predictions, places: np.ndarray) -> Predictions:
    return Predictions(
        said.classes, tuple(said.files[k] for k in places), said.labels[places], said.probabilities[places]
    )


@pytest.mark.parametrize("level", LEVELS)
def test_over_a_hundred_resplits_the_coverage_of_each_class_is_within_two_points_of_the_promised(level: float) -> None:
    random = np.random.default_rng(7)
    said = answers(1500, random)
    found = []
    for _ in range(100):
        order = random.permutation(1500)
        scores = calibration_scores(part(said, order[:900]), CLASSES, 2.0)
        one = covered(scores, part(said, order[900:]), level)
        assert not one.short and sum(one.sizes) == one.every.n == 600
        found.append([one.every.covered / one.every.n, *(own.covered / own.n for own in one.classes.values())])
    assert np.abs(np.mean(found, axis=0) - level).max() < 0.02


@given(st.integers(0, 10_000), st.sampled_from(LEVELS), st.integers(6, 60))
@settings(max_examples=examples(60), deadline=None)
def test_a_set_is_what_the_definition_says(seed: int, level: float, n: int) -> None:
    random = np.random.default_rng(seed)
    said, new = answers(n, random), answers(9, random)
    scores = calibration_scores(said, CLASSES, 1.0)
    for row in new.probabilities:
        possible = scores.possible(row, level)
        for k, name in enumerate(CLASSES):
            own = said.probabilities[said.labels == k, k]
            p = (1 + sum(value <= row[k] + 1e-8 for value in own)) / (len(own) + 1)
            assert possible.p[name] == pytest.approx(p)
            assert (name in possible.classes) == (p > 1 - level + 1e-9)
        for wider in LEVELS:
            if wider > level:
                assert set(possible.classes) <= set(possible.at(wider).classes)


def test_a_class_with_too_few_images_is_never_ruled_out_and_nothing_is_promised_of_it() -> None:
    assert [least_images(level) for level in (0.5, 0.8, 0.9, 0.95, 0.99)] == [1, 4, 9, 19, 99]
    random = np.random.default_rng(0)
    scores = calibration_scores(answers(27, random), CLASSES, 1.0)  # nine of each
    sure_of_none = np.array([0.0, 0.0, 1.0])
    enough, short = scores.possible(sure_of_none, 0.9), scores.possible(sure_of_none, 0.95)
    assert not enough.short and enough.to_dict()["promised"]
    assert (
        short.short == {"A": 9, "B": 9, "C": 9} and not short.to_dict()["promised"] and set(short.classes) == {*CLASSES}
    )
    assert "drawn as the 27 calibration images" in promise(scores, 0.9)
    assert "can't be promised: it takes 19" in promise(scores, 0.95) and "A (9)" in promise(scores, 0.95)


def test_the_sets_in_words() -> None:
    counts = {"COVID": 99, "Normal": 99}
    said = Possible(0.9, {"COVID": 0.4, "Normal": 0.05}, counts)
    assert said.says == "COVID" and said.at(0.99).says == "COVID or Normal: can't tell"
    assert Possible(0.8, {"COVID": 0.02, "Normal": 0.05}, counts).says == "none of these"
    assert [said.next_level, said.at(0.99).next_level, said.at(0.85).next_level] == [0.95, 0.8, 0.9]
    assert json.loads(json.dumps(said.to_dict()))["classes"] == ["COVID"]


@pytest.mark.parametrize("none", [0.4, 1.0, 90, float("nan")])
def test_what_is_no_level_is_refused(none: float) -> None:
    with pytest.raises(ConfigError, match="--level"):
        require_level(none)
