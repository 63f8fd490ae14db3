"""Likeness of an image to the training images by three plain measures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.level_likeness import FAR, LEAST_SD, MEASURES, Measure, likeness, training_levels

LEVELS = st.lists(st.floats(0, 255), min_size=1, max_size=30)


@given(LEVELS, st.floats(0, 255))
def test_unlike_is_what_lies_more_than_three_deviations_from_the_mean(levels: list[float], value: float) -> None:
    column = np.array(levels)
    found = likeness({"mean level": value}, training_levels({"mean level": column}))
    far = abs(value - np.mean(column)) - FAR * max(LEAST_SD["mean level"], np.std(column))
    if abs(far) > 1e-6:
        assert found.unlike == (far > 0) == bool(found.caution)
    assert found.images == len(levels)


@given(LEVELS)
def test_the_training_images_themselves_are_nearly_all_alike(levels: list[float]) -> None:
    trained = training_levels({"mean level": np.array(levels)})
    unlike = sum(likeness({"mean level": value}, trained).unlike for value in levels)
    assert unlike <= len(levels) / FAR**2  # Chebyshev


def test_a_caution_names_each_measure_that_is_unlike_with_its_usual_range() -> None:
    column = np.array([90.0, 110.0])
    trained: dict[Measure, np.ndarray] = {
        "mean level": column, "sd of levels": column / 2, "width/height": np.array([1.0, 1.0]),
    }  # fmt: skip
    found = likeness({"mean level": 100.0, "sd of levels": 3.0, "width/height": 2.5}, training_levels(trained))
    assert [one.measure for one in found.measures] == list(MEASURES) and not found.unchecked
    assert found.caution == (
        "looks unlike the training images (sd of levels 3, usually 35 to 65; width/height 2.50, usually 0.94 to 1.06)"
    )
    told = found.to_dict()
    assert told["unlike"] and [one["unlike"] for one in told["measures"]] == [False, True, True]
    assert told["measures"][1]["value"] == pytest.approx(3.0) and told["images"] == 2
