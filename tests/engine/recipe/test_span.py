"""Spans of time as they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import ConfigError
from engine.recipe.plans import SweepConfig
from engine.recipe.span import MOST, seconds_of, span


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("2h", 7200), ("25", 1500), ("1.5 h", 5400)])
def test_a_span_is_read_and_a_bare_number_is_minutes(text: str, seconds: float) -> None:
    assert seconds_of(text, "--budget", '"auto"') == seconds


@pytest.mark.parametrize("text", ["", "0", "5x", "-3m", "1e3s", "m", "99999h", "\u0665m", "inf"])
def test_what_is_none_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match=r'--budget is ".*": give a time such as 90s, 5m or 2h, or "auto".'):
        seconds_of(text, "--budget", '"auto"')


@given(st.floats(0.1, MOST / 2))
def test_what_is_said_is_enough_and_little_more(seconds: float) -> None:
    said = seconds_of(span(seconds), "--budget", "")
    assert seconds <= said <= max(seconds + 60, 1.2 * seconds)


def test_a_sweep_without_a_budget_has_no_limit() -> None:
    assert SweepConfig().limit is None and SweepConfig(budget="0").limit is None
    assert SweepConfig(budget="9m").limit == 540
