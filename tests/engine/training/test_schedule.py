"""The learning rates: the report's to the digit, and Keras's own schedule for as long as one looks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.training.schedule import learning_rate

REPORT = [1e-4, 9.045085e-05, 6.545085e-05, 3.454915e-05, 9.549150e-06, 8e-05, 7.804226e-05, 7.236068e-05]


def rates(start: float, epochs: int) -> list[float]:
    return [learning_rate(start, epoch) for epoch in range(1, epochs + 1)]


def test_the_first_eight_rates_are_the_reports() -> None:
    assert rates(1e-4, 8) == pytest.approx(REPORT, rel=1e-6)


def test_the_rates_are_those_of_keras() -> None:
    from engine.base.runtime import tensorflow

    keras = tensorflow().keras.optimizers.schedules.CosineDecayRestarts(1e-4, 5, t_mul=2.0, m_mul=0.8)
    # In float32 Keras rounds the epoch's place in its period, which shows most where the rate is near zero.
    assert rates(1e-4, 150) == pytest.approx([float(keras(e)) for e in range(150)], rel=1e-4, abs=1e-9)


@given(st.floats(1e-8, 10), st.integers(1, 10_000))
def test_a_rate_is_never_above_the_first_nor_below_zero(start: float, epoch: int) -> None:
    assert 0 < learning_rate(start, epoch) <= start
