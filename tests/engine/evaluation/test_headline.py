"""The headline of a result: its numbers are rounded in one way, and its baseline is beaten by the whole interval."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.result import Validated
from engine.evaluation.headline import Headline, percent, percents, points
from engine.evaluation.intervals import exact_interval
from tests.makers.fake import TEST
from tui.words.headline import accuracy, headline
from tui.words.numbers import as_interval, as_share

EARLY = Validated(accuracy=0.9, loss=0.2)
"""The validation result of an early version."""


def test_a_sentence_has_the_count_the_interval_and_the_baseline() -> None:
    assert Headline.of(TEST).sentence() == ("65/66 = 98.5% (95% interval 91.8% to 100.0%); always saying COVID: 50.0%")
    assert headline("test", TEST) == "test 65/66 = 98.5% (91.8 to 100.0); always COVID 50.0%"
    assert accuracy(TEST) == "98.5% (91.8 to 100.0)" and accuracy(TEST, "-") == "98.5% (91.8-100.0)"


def test_what_is_not_known_is_left_out() -> None:
    assert Headline.of(EARLY).sentence() == "90.0%"
    assert headline("validation", EARLY) == "validation 90.0%"
    assert accuracy(EARLY) == "90.0%" and accuracy(None) == "-"
    assert not Headline.of(Validated(accuracy=1.0, loss=None)).beats_baseline


@settings(deadline=None)
@given(st.integers(1, 5000), st.data())
def test_every_wording_rounds_alike(n: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, n))
    ends = exact_interval(correct, n)
    result = Validated(
        n=n, correct=correct, accuracy=correct / n, accuracy_ci=ends, loss=0.1, baseline=0.729, baseline_class="COVID"
    )
    one = Headline.of(result)
    share, whole, short = percent(correct / n), percents(ends), points(ends)
    assert whole.replace("%", "") == short
    assert one.sentence() == f"{correct:,}/{n:,} = {share} (95% interval {whole}); always saying COVID: 72.9%"
    assert headline("test", result) == f"test {correct:,}/{n:,} = {share} ({short}); always COVID 72.9%"
    assert accuracy(result) == as_share(correct / n, ends) == f"{share} ({short})"
    assert as_interval(ends) == whole and one.beats_baseline == (ends[0] > 0.729)
