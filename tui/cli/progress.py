"""A job's events without a screen: JSON lines, plain lines, or a progress display where stderr is a terminal."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import Any, Protocol

from engine.base.context import Context
from engine.base.events import (
    Audited,
    Batch,
    Epoch,
    Event,
    Notice,
    Progress,
    Resumed,
    Rung,
    Skipped,
    Started,
)
from engine.base.language import marked, tr
from engine.runs.summary import RunSummary
from tui.cli.console import ReaderGone, Unwritten, put_json, say
from tui.cli.signals import stop_on_signals
from tui.words.event_text import describe, progress_line
from tui.words.numbers import duration
from tui.words.safe_text import display_name

SECONDS_BETWEEN_LINES = 5.0
TRAINING = marked("training")
"""The bar of the whole training."""


class Show(Protocol):
    """Shows an event, which came at the second `at` of any one clock; now when not given."""

    def __call__(self, event: Event, at: float | None = None) -> None: ...


@contextlib.contextmanager
def reporting(as_json: bool) -> Iterator[Show]:
    """Where a job's events go for the length of the block."""
    if as_json:
        yield _show_json
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _Bars() as bars:
            yield bars.show
    else:
        yield _Lines().show


@contextlib.contextmanager
def stoppable(as_json: bool = False) -> Iterator[tuple[Context, list[int]]]:
    """A job's context for the length of the block, whose events are reported and whose stop SIGINT and SIGTERM set.

    With the list of those signals that came.
    """
    with stop_on_signals() as (stop, signals), reporting(as_json) as emit:
        yield Context(emit, stop), signals


def _show_json(event: Event, at: float | None = None) -> None:
    """An event is progress: whoever does not read it ends no work."""
    with contextlib.suppress(ReaderGone, Unwritten):
        put_json(event.to_dict())


class _Lines:
    """Events as plain lines on stderr; a task in progress speaks every few seconds."""

    def __init__(self) -> None:
        self._last, self._run = time.monotonic(), RunSummary()

    def show(self, event: Event, at: float | None = None) -> None:
        self._run.fold(event, at)
        text = describe(event)
        if text:
            say(text)
        elif isinstance(event, Progress | Batch):
            now = time.monotonic()
            if now - self._last >= SECONDS_BETWEEN_LINES:
                self._last = now
                say(progress_line(event, self._run.seconds_left()))


class _Bars:
    """Events as lines with bars below them, on stderr: the task or epoch at hand, and the whole training."""

    def __enter__(self) -> "_Bars":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._console = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        self._progress = RichProgress(*columns, console=self._console, transient=True, refresh_per_second=4)
        self._bars: dict[str, Any] = {}
        self._run = RunSummary()
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event, at: float | None = None) -> None:
        self._run.fold(event, at)
        if isinstance(event, Started):
            self._set(TRAINING, 0, event.epochs)
        if isinstance(event, Progress):
            self._set(event.title, event.done, event.total)
        if isinstance(event, Batch):
            note = tr(
                "loss {loss:.4f}  accuracy {accuracy:.4f}  {rate:,.0f} images/s",
                loss=event.loss,
                accuracy=event.accuracy,
                rate=event.images_per_second,
            )
            self._set(tr("epoch {number}", number=event.epoch), event.step, event.steps, note)
        if isinstance(event, Epoch | Rung | Skipped):
            self._set(TRAINING, self._run.done, self._epochs)
        left = self._run.seconds_left()
        if TRAINING in self._bars and left is not None:
            self._set(TRAINING, self._run.done, self._epochs, tr("{time} left", time=duration(left)))
        if isinstance(event, Audited):
            self._set(tr("{title}, trainings", title=event.title), event.done, event.total)
        if isinstance(event, Resumed):
            self._set(TRAINING, event.epoch - 1, self._epochs)
        text = describe(event)
        if text:
            style = "yellow" if isinstance(event, Notice) and event.level == "warning" else None
            self._console.print(display_name(text), style=style)

    @property
    def _epochs(self) -> int:
        return self._run.started.epochs if self._run.started else 0

    def _set(self, name: str, done: int, total: int | None, note: str = "") -> None:
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(display_name(tr(name)), total=total, note="")
        self._progress.update(self._bars[name], completed=done, total=total, note=note)
        if done == total:
            self._progress.remove_task(self._bars.pop(name))
