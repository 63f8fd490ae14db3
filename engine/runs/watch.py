"""Runs as a screen sees them: those of this process, and those of others followed on disk."""

import bisect
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.base.cancel import How
from engine.base.errors import CovidTuiError
from engine.base.events import Batch, Event, Failed, Finished, Interrupted, Notice, Resumed, Started
from engine.base.language import tr
from engine.base.result import Tested
from engine.base.typed_files import UnfitError, opened, why
from engine.recipe.config import TrainConfig
from engine.runs.directory import CONFIG, Run, State, all_runs, state_at
from engine.runs.event_log import FILE, LONGEST_LINE, MOST_BYTES, Timed, read_line
from engine.runs.summary import KEPT_NOTICES, RunSummary

KEPT_POINTS = 2000
READ_AT_ONCE = 2**20
MOST_STEPS = 200
"""Of more training steps than this in one reading, only some are looked at: a curve could not show more."""
STEP = b'{"event": "batch"'


@dataclass
class Points:
    """A curve that never grows beyond KEPT_POINTS: when it is full, every second point goes."""

    x: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)

    def add(self, x: float, loss: float, accuracy: float) -> None:
        """Append a point; values that are not numbers are for the drawing to leave out."""
        for values, value in zip((self.x, self.loss, self.accuracy), (x, loss, accuracy), strict=True):
            values.append(value)
            if len(values) > KEPT_POINTS:
                del values[1::2]

    def cut(self, x: float) -> None:
        """Forget what lies beyond `x`."""
        count = bisect.bisect_right(self.x, x)
        for values in (self.x, self.loss, self.accuracy):
            del values[count:]


@dataclass(eq=False)
class RunView(RunSummary):
    """A run as a screen follows it, live or not: its summary, its curve and its log, in bounded memory.

    Events are folded in in the screen's thread.
    """

    path: Path | None = None
    """The run directory; None until a training of this process has made it."""
    state: State = "live"
    own: bool = False
    """Is it this process that trains it?"""
    points: Points = field(default_factory=Points)
    """By training step; x counts in epochs."""
    log: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT_NOTICES))
    """What happened, without epochs, steps and how far a task is."""
    stopping: How | None = None
    """What this workbench asked the run to do."""
    heard: float = field(default_factory=time.monotonic)
    """When the last event came, by the monotonic clock."""

    def gone_on(self) -> "RunView":
        """A view of the same run for the process that resumes it."""
        view = RunView(self.path, own=True)
        view.take_over(self)
        view.points = Points(list(self.points.x), list(self.points.loss), list(self.points.accuracy))
        view.log.extend(self.log)
        return view

    @property
    def name(self) -> str:
        """The run's name; empty until its directory is made."""
        return self.path.name if self.path else ""

    @property
    def live(self) -> bool:
        """Is it training?"""
        return self.state == "live"

    def seconds_left(self) -> float | None:
        """As of the summary; None for one that is not live."""
        return super().seconds_left() if self.live else None

    def fold(self, event: Event, at: float | None = None) -> None:
        """Take in the next event, which came at the second `at`; now when not given."""
        super().fold(event, at)
        self.heard = time.monotonic()
        if isinstance(event, Started | Resumed | Notice | Finished | Interrupted | Failed):
            self.log.append(event)
        match event:
            case Started():
                self.path = self.path or Path(event.run)  # where it was found outranks where it was made
                self.state = "live"
            case Resumed():
                self.points.cut(event.epoch - 1 + event.step / (self.started.steps if self.started else 1))
            case Batch():
                self.points.add(event.epoch - 1 + event.step / event.steps, event.loss, event.accuracy)
            case Finished() | Interrupted() | Failed():
                self.state = state_at(event)


class Tail:
    """The events of a run directory as they are appended, by this process or another."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.trouble = ""
        """What of the events can't be read, as a sentence: the last that was met."""
        self._offset = 0

    def read(self) -> list[Timed]:
        """The whole events appended since the last call, READ_AT_ONCE bytes of them at most, thinned where many.

        One that is damaged is passed over, and `trouble` says so.
        """
        events: list[Timed] = []
        while not events and (lines := self._more()):
            for line in thinned(lines):
                try:
                    if (timed := read_line(line)) is not None:
                        events.append(timed)
                except UnfitError as error:
                    self.trouble = tr(
                        "{path} is damaged: in a line of it, {error}.", path=self.run.path / FILE, error=error
                    )
        return events

    def _more(self) -> list[bytes]:
        """The next whole lines; what is longer than any event is none."""
        try:
            with opened(self.run.path / FILE, MOST_BYTES) as file:
                file.seek(self._offset)
                lines = file.read(READ_AT_ONCE)
                if len(lines) == READ_AT_ONCE and b"\n" not in lines:
                    lines += file.read(LONGEST_LINE)
        except FileNotFoundError:
            return []
        except OSError as error:
            self.trouble = tr("{path} can't be read ({why}).", path=self.run.path / FILE, why=why(error))
            return []
        whole = lines.rfind(b"\n") + 1 or (len(lines) if len(lines) > LONGEST_LINE else 0)
        self._offset += whole
        return lines[:whole].split(b"\n") if whole else []


def thinned(lines: list[bytes]) -> list[bytes]:
    """`lines` with about MOST_STEPS training steps at most; the last step before anything else always stays."""
    every = sum(line.startswith(STEP) for line in lines) // MOST_STEPS
    if every < 2:
        return lines
    return [
        line
        for place, (line, after) in enumerate(zip(lines, [*lines[1:], b""], strict=True))
        if place % every == 0 or not (line.startswith(STEP) and after.startswith(STEP))
    ]


Hindrance = Literal["live", "events", "recipe", "all epochs", "patience", "ladder"]
"""What keeps a run from being gone on with: it is live; its events or its recipe can't be read; or how it ended."""


@dataclass(eq=False)
class Entry:
    """A run on disk and what is known of it."""

    run: Run
    view: RunView
    config: TrainConfig | None
    """None where config.json is damaged or of another version."""
    created: float
    folder: str = ""
    """The folder of X-rays that it was trained on."""
    trouble: str = ""
    """What of it can't be read, as a sentence."""

    @property
    def test(self) -> Tested | None:
        """What its test gave; None where it has no result, or its test part is shut."""
        return self.view.test

    @property
    def hindrance(self) -> Hindrance | None:
        """What keeps the run from being gone on with; None where its recipe is not through, however it was stopped."""
        if self.view.live:
            return "live"
        if self.view.state == "damaged":
            return "events"
        if self.config is None:
            return "recipe"
        end = self.view.result
        return None if end is None or end.ended == "stopped" else end.ended


@dataclass(frozen=True)
class News:
    """What a look at a run directory brought: an entry where the run is new, else its new events and its state."""

    path: Path
    entry: Entry | None
    events: tuple[Timed, ...]
    state: State | None
    """None where the directory is gone."""
    trouble: str = ""


class Library:
    """All runs under a folder. `look` reads the disk in a thread of its own; `take` keeps what it found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.halt = threading.Event()
        self._entries: dict[Path, Entry] = {}
        self._tails: dict[Path, Tail] = {}
        self._seen: dict[Path, tuple[int, State]] = {}

    def entries(self) -> list[Entry]:
        """The runs, newest first. For the screen's thread."""
        return sorted(self._entries.values(), key=lambda entry: (entry.created, entry.run.name), reverse=True)

    def get(self, path: Path) -> Entry | None:
        """The run in the directory `path`. For the screen's thread."""
        return self._entries.get(path)

    def take(self, news: Iterable[News]) -> list[RunView]:
        """Fold in what `look` found; the views that changed. For the screen's thread."""
        changed = []
        for item in news:
            if item.state is None:
                self._entries.pop(item.path, None)
                continue
            entry = self._entries.setdefault(item.path, item.entry) if item.entry else self._entries[item.path]
            for at, event in item.events:
                entry.view.fold(event, at)
            entry.view.state, entry.trouble = item.state, item.trouble or entry.trouble
            changed.append(entry.view)
        return changed

    def look(self) -> list[News]:
        """Read what is new on disk. For the thread that watches."""
        found = {run.path: run for run in all_runs(self.folder)}
        gone = [path for path in self._tails if path not in found]
        for path in gone:
            del self._tails[path], self._seen[path]
        looked = []
        for run in found.values():
            with contextlib.suppress(CovidTuiError, OSError, ValueError):  # one that can't be read hides no other
                looked.append(self._look(run))
        return [News(path, None, (), None) for path in gone] + [item for item in looked if item]

    def _look(self, run: Run) -> News | None:
        size = _size(run)
        was = self._seen.get(run.path)
        if was and was[0] == size and was[1] != "live":
            return None
        state = run.state()  # the lock is looked at before the events, so that an end is never missed
        entry = None
        if not was:
            self._tails[run.path] = Tail(run)
            config, folder, trouble = _recipe(run)
            entry = Entry(run, RunView(run.path), config, _created(run), folder, trouble)
        events: list[Timed] = []
        while more := self._tails[run.path].read():
            if entry:
                for at, event in more:
                    entry.view.fold(event, at)
            else:
                events += more
        self._seen[run.path] = size, state
        if entry or events or (was and was[1] != state):
            return News(run.path, entry, tuple(events), state, self._tails[run.path].trouble)
        return None

    def follow(self, tell: Callable[[list[News]], None], complain: Callable[[Exception], None], seconds: float) -> None:
        """Look every so many seconds and tell what is new, until `halt` is set; what hinders that is told once."""
        told = ""
        while not self.halt.is_set():
            try:
                if news := self.look():
                    tell(news)
            except CovidTuiError as error:
                if str(error) != told:
                    complain(error)
                told = str(error)
            except OSError:
                pass
            self.halt.wait(seconds)


def _recipe(run: Run) -> tuple[TrainConfig | None, str, str]:
    """A run's recipe and its folder of X-rays, as far as they can be read, and why they can't."""
    config, folder = None, ""
    try:
        config, folder = run.config(), str(run.folder())
    except CovidTuiError as error:
        return config, folder, str(error)
    return config, folder, ""


def _created(run: Run) -> float:
    try:
        return (run.path / CONFIG).lstat().st_mtime
    except OSError:
        return 0.0


def _size(run: Run) -> int:
    try:
        return (run.path / FILE).stat().st_size
    except OSError:
        return -1
