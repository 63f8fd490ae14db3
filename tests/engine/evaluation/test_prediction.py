"""A decision between classes."""

import numpy as np

from engine.evaluation.calibration import operate
from engine.evaluation.prediction import decide


def test_a_decision_of_many_classes_is_for_or_against_one() -> None:
    at = operate(np.array([True, False]), np.array([0.9, 0.1]), 0.4, "b", "0.4")
    assert decide("abc", np.array([0.5, 0.4, 0.1]), at).says == "b"
    assert decide("abc", np.array([0.6, 0.3, 0.1]), at).says == "not b"
    assert decide("ab", np.array([0.7, 0.3]), at).says == "a"
