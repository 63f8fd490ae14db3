"""A job's events without a screen: JSON lines, plain lines, or a progress display where stderr is a terminal."""

import contextlib
import errno
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

from engine.base.cancel import Stop
from engine.base.errors import CovidTuiError
from engine.base.events import (
    Audited,
    Batch,
    Emit,
    Epoch,
    Event,
    Notice,
    Progress,
    Resumed,
    Started,
)
from engine.base.streams import Stream
from engine.base.wording import unwritable
from tui.words.event_text import describe, progress_line
from tui.words.safe_text import display_name

SECONDS_BETWEEN_LINES = 5.0
SECONDS_TO_STOP = 25.0

T = TypeVar("T")


class ReaderGone(Exception):
    """Whoever read standard output has left, so that the verb has nothing more to do."""


class Unwritten(CovidTuiError):
    """Standard output, which was to take what the verb found, can't be written."""


@dataclass
class _Finishing:
    """Is there more to do than to fill standard output, so that its loss ends nothing yet?"""

    on: bool = False


_finishing = _Finishing()


def say(text: object) -> None:
    """A line of progress or of a message, on stderr; dropped where that can't be written."""
    with contextlib.suppress(OSError):
        print(display_name(text), file=sys.stderr, flush=True)


def put(text: object = "") -> None:
    """A line of data for a reader, on stdout. Raises ReaderGone or Unwritten where it can't be written."""
    put_raw(display_name(text))


def put_json(values: Any) -> None:
    """A JSON object as one line on stdout; all of it is ASCII, so no foreign character acts on a terminal. Raises as
    `put` does.
    """
    put_raw(json.dumps(values, allow_nan=False))


def put_raw(text: str) -> None:
    """A text of our own, control codes and all, and the end of its line, as `put`."""
    with contextlib.suppress(OSError):
        print(text, flush=True)
    if not _finishing.on:
        require_written()


def require_written() -> None:
    """Raise ReaderGone or Unwritten where something put on stdout was lost; to a terminal that is gone, it is not."""
    number = sys.stdout.lost if isinstance(sys.stdout, Stream) else 0
    if number == errno.EPIPE:
        raise ReaderGone
    if number not in (0, errno.EIO):
        raise Unwritten(unwritable("Standard output", OSError(number, os.strerror(number)), "send it elsewhere"))


@contextlib.contextmanager
def finishing() -> Iterator[None]:
    """The block has other outputs than stdout, and comes to its end without it; only then is raised as by `put`."""
    _finishing.on = True
    try:
        yield
    finally:
        _finishing.on = False
    require_written()


@contextlib.contextmanager
def also_in(place: object) -> Iterator[None]:
    """What the block puts on stdout is kept in `place` too: its loss there is no failure, and is reported on stderr."""
    try:
        yield
    except ReaderGone:
        pass
    except Unwritten as error:
        say(f"covid-tui: {error} The result is kept in {place}.")


@contextlib.contextmanager
def stop_on_signals() -> Iterator[tuple[Stop, list[int]]]:
    """A Stop that SIGINT and SIGTERM set, with the list of those that came; a second one ends the process at once.

    SIGHUP is ignored: when the terminal goes away, the work goes on.
    """
    stop, came = Stop(), list[int]()

    def note(number: int, _: FrameType | None) -> None:
        if came:
            os._exit(128 + number)
        came.append(number)
        stop.request("now")

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield stop, came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def in_thread(work: Callable[[], T], signals: list[int]) -> T:
    """What `work` gives, done in a thread of its own, so that a signal is heard in the middle of a long batch.

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
            say("covid-tui: the work at hand takes too long to wait for its end; what was saved before it is kept.")
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


@contextlib.contextmanager
def reporting(as_json: bool) -> Iterator[Emit]:
    """Where a job's events go for the length of the block."""
    if as_json:
        yield _show_json
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _Bars() as bars:
            yield bars.show
    else:
        yield _Lines().show


def _show_json(event: Event) -> None:
    """An event is progress: whoever does not read it ends no work."""
    with contextlib.suppress(ReaderGone, Unwritten):
        put_json(event.to_dict())


class _Lines:
    """Events as plain lines on stderr; a task in progress speaks every few seconds."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def show(self, event: Event) -> None:
        text = describe(event)
        if text:
            say(text)
        elif isinstance(event, Progress | Batch):
            now = time.monotonic()
            if now - self._told >= SECONDS_BETWEEN_LINES:
                self._told = now
                say(progress_line(event))


class _Bars:
    """Events as lines with bars below them, on stderr: the task or epoch at hand, and the whole training."""

    def __enter__(self) -> "_Bars":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._console = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        self._progress = RichProgress(*columns, console=self._console, transient=True, refresh_per_second=4)
        self._bars: dict[str, Any] = {}
        self._epochs = 0
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        if isinstance(event, Started):
            self._epochs = event.epochs
            self._set("training", 0, event.epochs)
        if isinstance(event, Progress):
            self._set(event.task, event.done, event.total)
        if isinstance(event, Batch):
            note = f"loss {event.loss:.4f}  accuracy {event.accuracy:.4f}  {event.images_per_second:,.0f} images/s"
            self._set(f"epoch {event.epoch}", event.step, event.steps, note)
        if isinstance(event, Epoch):
            self._set("training", event.epoch, self._epochs)
        if isinstance(event, Audited):
            self._set(f"{event.title}, trainings", event.done, event.total)
        if isinstance(event, Resumed):
            self._set("training", event.epoch - 1, self._epochs)
        text = describe(event)
        if text:
            style = "yellow" if isinstance(event, Notice) and event.level == "warning" else None
            self._console.print(display_name(text), style=style)

    def _set(self, name: str, done: int, total: int | None, note: str = "") -> None:
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(display_name(name), total=total, note="")
        self._progress.update(self._bars[name], completed=done, total=total, note=note)
        if done == total:
            self._progress.remove_task(self._bars.pop(name))
