"""A learning curve is measured on whole groups and all classes, out of fold; and says when it can't say anything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.auto.linear import STRENGTHS
from engine.auto.rungs import Judge, Seeing
from engine.auto.subsets import FEWEST, FEWEST_SIZES, LARGEST, NEEDED, drawn, learning_curve, sizes
from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import DataError, Stopped
from engine.base.events import Event, Progress
from engine.base.typed_files import checked, plain
from tests.engine.auto.test_rungs import drawn as images
from tests.engine.auto.test_rungs import judge_of


@given(seed=st.integers(0, 99), groups=st.lists(st.integers(0, 30), min_size=30, max_size=80))
def test_each_beginning_of_a_drawn_order_has_whole_groups_and_the_shares_of_the_classes(
    seed: int, groups: list[int]
) -> None:
    names = np.array([str(group) for group in groups])
    labels = np.array(groups) % 3
    order = drawn(labels, names, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(groups)))
    ordered = names[order]
    changes = (ordered[1:] != ordered[:-1]).sum() + 1
    assert changes == len(set(groups))
    largest = max(np.unique(names, return_counts=True)[1])
    for size in range(1, len(order) + 1):
        for label in range(3):
            share = (labels == label).sum() * size / len(order)
            assert abs((labels[order[:size]] == label).sum() - share) <= 2 * largest + 1


@given(learnt=st.integers(4, 20_000), share=st.floats(0.01, 0.5))
def test_sizes_rise_to_all_that_is_learnt_from_and_keep_the_smallest_class(learnt: int, share: float) -> None:
    found = sizes(learnt, share)
    assert found == sorted(set(found)) and found[-1] == learnt
    assert all(size * share >= FEWEST and size <= LARGEST for size in found[:-1])


def curve_judge(count: int = 60) -> Judge:
    labels, plain_rows = images(count)
    return judge_of(labels, plain_rows)


def test_a_curve_is_the_same_each_time_and_goes_through_a_file() -> None:
    judge, told = curve_judge(), list[Event]()
    chosen = judge.judged(Seeing())
    one = learning_curve(judge, chosen, 0, Context(told.append))
    assert learning_curve(judge, chosen, 0, Context()) == one == checked(plain(one), type(one))
    assert [point.images for point in one.measured][-1] == min(len(learnt) for learnt, _ in judge.folds)
    assert [one.expected(times).images for times in (1, 2, 4)] == [60, 120, 240]
    assert one.expected(1).accuracy <= one.expected(2).accuracy <= one.expected(4).accuracy
    assert one.sentence.startswith("60 images: ") and "240: about" in one.sentence
    last = told[-1]
    assert isinstance(last, Progress) and last.done == last.total == len(told)


def test_what_is_measured_is_out_of_fold() -> None:
    """Labels by lot: a fit that had seen the answered images would be right."""
    random = np.random.default_rng(0)
    judge = judge_of(random.permutation(np.arange(60) % 2), images(60)[1])
    chosen = judge.judged(Seeing())
    curve = learning_curve(judge, chosen, 0, Context())
    assert all(abs(point.accuracy - 0.5) < 0.2 for point in curve.measured)
    assert STRENGTHS[chosen.best] > 0


def test_too_few_images_are_one_sentence() -> None:
    assert FEWEST_SIZES == 3
    judge = curve_judge(3 * (NEEDED - 1))
    with pytest.raises(DataError, match=f"Too few images to say what more .* it takes {NEEDED}"):
        learning_curve(judge, judge.judged(Seeing()), 0, Context())
    enough = curve_judge(3 * NEEDED)
    assert len(learning_curve(enough, enough.judged(Seeing()), 0, Context()).measured) >= FEWEST_SIZES


def test_a_stop_ends_it() -> None:
    judge, stop = curve_judge(), Stop()
    chosen = judge.judged(Seeing())
    stop.request("now")
    with pytest.raises(Stopped):
        learning_curve(judge, chosen, 0, Context(stop=stop))
