"""Signals: the first asks the work to stop, a second ends the process, and a terminal that goes away ends nothing."""

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import FrameType
from typing import Any, TypeVar

from engine.base.cancel import How, Stop
from engine.base.errors import CovidTuiError
from engine.base.language import tr
from tui.cli.console import say

SECONDS_TO_STOP = 25.0

T = TypeVar("T")


def heed(request: Callable[[How], None], deaf: float = 0.0) -> tuple[list[int], dict[signal.Signals, Any]]:
    """Let the first SIGINT or SIGTERM request a stop now, and a second end the process at once; SIGHUP is ignored.

    In the first `deaf` seconds none of them counts. Gives the list of those that will have come, and the handlers that
    were there before.
    """
    since, came = time.monotonic(), list[int]()

    def note(number: int, _: FrameType | None) -> None:
        if time.monotonic() - since < deaf:
            return
        if came:
            os._exit(128 + number)
        came.append(number)
        request("now")

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return came, before


@contextlib.contextmanager
def stop_on_signals() -> Iterator[tuple[Stop, list[int]]]:
    """A Stop that SIGINT and SIGTERM set, with the list of those that came, heeded for the length of the block."""
    stop = Stop()
    came, before = heed(stop.request)
    try:
        yield stop, came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def in_thread(work: Callable[[], T], signals: list[int]) -> T:
    """What `work` gives, done in another thread, so that a signal is heard in the middle of a long batch.

    The process ends SECONDS_TO_STOP after the first signal at the latest, whatever `work` is at: a training is then
    resumed from its last resume point.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, name="work", daemon=True).start()
    deadline = math.inf
    while True:
        try:
            return done.result(timeout=0.5)
        except TimeoutError:
            if done.done():
                raise
        if signals:
            deadline = min(deadline, time.monotonic() + SECONDS_TO_STOP)
        if time.monotonic() > deadline:
            say(tr("covid-tui: the work at hand takes too long to wait for its end; what was saved before it is kept."))
            os._exit(128 + signals[0])


def until_stopped(work: Callable[[], T], signals: list[int]) -> tuple[T | None, int]:
    """What `work` gives, done by `in_thread`; None and the exit code where a signal stopped it."""
    try:
        return in_thread(work, signals), 0
    except CovidTuiError as error:
        if not signals:
            raise
        say(error)
        return None, 128 + signals[0]
