"""How long a ladder still takes: by the pace of what is done, for all that is left."""

import time

import pytest

from engine.auto.outlook import Outlook, fit_units
from engine.base.context import Context
from engine.base.events import Event, Notice, Progress, Rung, TimeLeft
from engine.runs.forecast import CLOSING, IMAGE, Work

RUNG = Rung(1, "last layer", ("block5_pool",), False, False, 0.1, 10, 9, 0.9, (0.5, 1.0), 0.3, None, None, True, 8.0)


def test_what_is_left_takes_as_long_as_what_is_done() -> None:
    work = Work(pace=2.0, left=10)
    assert (work.seconds_left, work.known) == (20, None)
    work.did(4, 2.0)
    assert (work.left, work.seconds_left, work.known) == (6, 3, 0.5)
    work.did(4, 6.0)
    assert work.seconds_left == pytest.approx(2)
    work.did(4, 0.0)
    assert work.left == 0 and work.seconds_left == 0


def test_images_are_counted_as_they_pass_and_all_else_is_handed_on() -> None:
    told: list[Event] = []
    outlook = Outlook(Context(told.append))
    outlook.images.left = 20
    assert outlook.seconds == pytest.approx(20 * IMAGE + CLOSING)
    heard = outlook.heard()
    others = [Notice("info", "a"), Progress("decode", 3, 4)]
    for event in (*others, Progress("frozen layers", 0, 10), Progress("frozen layers", 8, 10),
                  Progress("frozen layers, view 2", 0, 10), Progress("frozen layers, view 2", 10, 10)):  # fmt: skip
        heard.emit(event)
    assert [event for event in told if not isinstance(event, TimeLeft | Progress)] == others[:1]
    # What passes first waits until the layers are made ready: no pace, and nothing that would be told by it.
    assert sum(isinstance(event, TimeLeft) for event in told) == 1
    assert outlook.images.left == 2 and outlook.images.done == 10


def test_two_parts_under_one_name_are_both_counted() -> None:
    outlook = Outlook(Context())
    outlook.images.left = 30
    heard = outlook.heard()
    for done, total in ((0, 20), (20, 20), (0, 10), (10, 10)):
        heard.emit(Progress("frozen layers", done, total))
    assert outlook.images.left == 0


def test_a_rung_counts_by_its_fits_alone() -> None:
    outlook = Outlook(Context())
    outlook.rungs, outlook.images.seconds = [10.0, 40.0, 8.0], 3.0
    outlook.heard().emit(RUNG)
    assert outlook.rungs == [40.0, 8.0] and outlook.seconds == pytest.approx(48 * 5.0 / 10 + CLOSING)
    outlook.heard().emit(RUNG)
    assert outlook.rungs == [8.0] and outlook.seconds == pytest.approx(8 * 13.0 / 50 + CLOSING)


def test_the_seconds_of_what_passes_first_are_no_fits_and_no_pace() -> None:
    outlook = Outlook(Context())
    outlook.images.left, outlook.rungs = 8, [10.0, 40.0]
    heard = outlook.heard()
    heard.emit(Progress("frozen layers", 0, 10))
    time.sleep(0.3)
    for event in (Progress("frozen layers", 10, 10), RUNG):
        heard.emit(event)
    assert outlook.images.left == 0 and outlook.images.known is None
    assert outlook.fits.seconds <= RUNG.seconds - 0.3


def test_fits_are_solved_in_the_lesser_of_rows_and_columns() -> None:
    assert fit_units(100, 1000, 5) == fit_units(100, 10**6, 5) == 5 * 100 * 100
    assert fit_units(10_000, 1000, 5) == 5 * 10_000 * 1000
