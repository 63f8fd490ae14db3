"""A training told line by line, whoever trains it, until it ends or is left to go on; Ctrl-C asks how to stop it."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from engine.base.cancel import How
from engine.base.errors import CovidTuiError
from engine.base.events import Event, Failed, Finished, Notice, Started
from engine.base.language import tr
from engine.base.typed_files import UnfitError
from engine.runs.directory import Run
from engine.runs.event_log import Timed, read_line
from engine.runs.watch import Tail
from tui.cli.console import put, say
from tui.cli.plain.ask import choose
from tui.cli.progress import Show, reporting
from tui.words.event_text import summary

SECONDS = 0.3
"""Between two looks."""
LEFT_ALONE = tr("The training goes on in the background.")
ABOUT = tr("A training that was stopped can be gone on with, in either way. In the background it goes on by itself.")
HOW: tuple[How | None, ...] = (None, "keep", "now")
STOPS = (
    tr("Go on"), tr("Stop after this batch, keep the best epoch and test it"),
    tr("Stop now, keep the best epoch untested"), tr("Leave it running in the background"),
)  # fmt: skip


class Course(Protocol):
    """A training, and what it has said."""

    def news(self) -> list[Timed]:
        """The events that were not read yet."""
        ...

    def alive(self) -> bool:
        """Will there be more?"""
        ...

    def stop(self, how: How) -> None:
        """Ask it to stop between two steps. Raises RunError where it can't be asked."""
        ...


class Attached:
    """A run on disk, trained by whichever process or by none."""

    def __init__(self, run: Run) -> None:
        self._run, self._tail = run, Tail(run)

    def news(self) -> list[Timed]:
        """The events that were not read yet."""
        found = list[Timed]()
        while more := self._tail.read():
            found += more
        if self._tail.trouble:
            say(self._tail.trouble)
        return found

    def alive(self) -> bool:
        """Is it being trained?"""
        return self._run.state() == "live"

    def stop(self, how: How) -> None:
        """Ask it to stop between two steps."""
        self._run.request_stop(how)


class Own:
    """A training in a process of its own, which hears nothing of this terminal and outlives it."""

    def __init__(self, words: Sequence[str], run: Run | None = None) -> None:
        """`words` is its command line; `run` is the run that it goes on with, if any."""
        self._run, self._offset, self._rest = run, 0, b""
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (as long as the training and this are there)
        self._process = subprocess.Popen(
            [*own_command(), *words, "--json"], stdin=subprocess.DEVNULL, stdout=self._said, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip

    def news(self) -> list[Timed]:
        """The events that were not read yet; what else its process had to say is said at once."""
        found = list[Timed]()
        for line in self._lines():
            with contextlib.suppress(UnfitError):
                timed = read_line(line)
                if timed and isinstance(timed[1], Started):
                    self._run = Run(Path(timed[1].run))
                if timed and not isinstance(timed[1], Failed):  # which its process says in a sentence, too
                    found.append(timed)
                elif not line.startswith(b"{"):
                    say(line.decode("utf-8", "replace").rstrip())
        return found

    def _lines(self) -> Iterable[bytes]:
        while block := os.pread(self._said.fileno(), 2**16, self._offset):
            self._offset += len(block)
            self._rest += block
        *lines, self._rest = self._rest.split(b"\n")
        return lines

    def alive(self) -> bool:
        """Is its process there?"""
        return self._process.poll() is None

    def stop(self, how: How) -> None:
        """Ask it to stop between two steps; before its first one nothing is there to be kept."""
        if self._run:
            self._run.request_stop(how)
        else:
            self._process.terminate()


def own_command() -> list[str]:
    """How this process was started, up to the verb."""
    return [sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]]


def follow(course: Course) -> dict[str, str]:
    """Tell what a training says until it ends or is left; what its warnings advise, by field of the recipe.

    Raises Left where the input ends in the middle of a question.
    """
    advice = dict[str, str]()
    with reporting(as_json=False) as show, _interrupts() as came:
        while True:
            alive = course.alive()  # looked at before the events, so that an end is never missed
            for at, event in course.news():
                _tell(show, event, at)
                advice |= event.advice if isinstance(event, Notice) else {}
            if not alive:
                return advice
            if came:
                came.clear()
                if _left(course):
                    return advice
            time.sleep(SECONDS)


def _tell(show: Show, event: Event, at: float) -> None:
    show(event, at or None)
    for line in summary(event) if isinstance(event, Finished) else ():
        put(line)


def _left(course: Course) -> bool:
    """Ask how to stop it. Is it left to go on by itself?"""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        place = choose(tr("Stop the training?"), STOPS, about=ABOUT)
    except KeyboardInterrupt:
        put()
        return False
    finally:
        signal.signal(signal.SIGINT, before)
    if place == len(STOPS) - 1:
        put(LEFT_ALONE)
        return True
    if how := HOW[max(0, place)]:
        try:
            course.stop(how)
        except CovidTuiError as error:
            say(error)
    return False


@contextlib.contextmanager
def _interrupts() -> Iterator[list[int]]:
    """The SIGINTs that come within the block, which then end nothing by themselves."""
    came = list[int]()

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)
