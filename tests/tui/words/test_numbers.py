"""Numbers for people: what is known is shown, what is not known is a dash, and no format claims more than it should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.wording import small_percent
from tui.words.numbers import (
    as_interval,
    as_number,
    as_number_within,
    as_share,
    as_size,
    duration,
    histogram_line,
    two_percents,
)

SHARES = st.floats(0, 1)


def test_what_is_not_known_is_a_dash() -> None:
    unknown = (as_share(None), as_interval(None), as_number(None), as_number_within(None, (0.0, 1.0)))
    assert set(unknown) == {"-"} and as_number_within(0.5, None) == "-" and duration(None) == ""


def test_each_has_its_one_format() -> None:
    assert as_share(0.98437) == "98.4%" and as_share(0.984, (0.9681, 0.9934)) == "98.4% (96.8 to 99.3)"
    assert as_share(0.984, (0.9681, 0.9934), 0) == "98.4% (97 to 99)"
    assert as_interval((0.9681, 1.0)) == "96.8% to 100.0%"
    assert as_number(2, 0) == "2" and as_number(0.12345) == "0.123"
    assert as_number_within(0.912, (0.88, 0.94)) == "0.912 (0.880 to 0.940)"


@given(SHARES)
def test_a_share_reads_back_as_itself_to_the_digit_shown(share: float) -> None:
    assert float(as_share(share).removesuffix("%")) == pytest.approx(100 * share, abs=0.05 + 1e-9)


@given(SHARES)
def test_only_no_share_at_all_is_called_none(share: float) -> None:
    assert (small_percent(share) == "0%") == (share == 0)


@given(SHARES)
def test_two_parts_of_a_whole_add_up_to_it_as_shown(share: float) -> None:
    assert sum(int(part.removesuffix("%")) for part in two_percents(share)) == 100


@given(st.floats(0, 1e18))
def test_a_size_keeps_three_digits_and_a_unit(count: float) -> None:
    figures, unit = as_size(count).split()
    value = float(figures.replace(",", "")) * {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
    assert value == pytest.approx(count, rel=0.06, abs=0.5) or count < 1e6
    assert value == pytest.approx(count, rel=0.5, abs=0.5)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1 h 30"), (86_400, "24 h 00")],
)
def test_a_time_span_is_a_few_characters(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_no_time_span_is_longer_than_twelve_characters(one: float, other: float) -> None:
    assert max(len(duration(one)), len(duration(other))) <= 12


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=64))
def test_a_histogram_has_a_character_a_count_and_blanks_only_for_nothing(counts: list[int]) -> None:
    line = histogram_line(counts)
    assert len(line) == len(counts)
    assert [sign == " " for sign in line] == [count == 0 for count in counts]
    if max(counts):
        assert line[counts.index(max(counts))] == "█"
    levels = [" ▁▂▃▄▅▆▇█".index(sign) for sign in line]
    assert all(levels[a] <= levels[b] for a in range(len(counts)) for b in range(len(counts)) if counts[a] <= counts[b])
