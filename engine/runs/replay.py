"""A run's events played back: which of them are due, at a speed that can be changed, paused and skipped.

The time between two events is that of their stamps in the log. Where a run was gone on with, the time in which nobody
trained it is left out.
"""

import bisect
import itertools
from collections.abc import Sequence

from engine.base.errors import ConfigError, RunError
from engine.base.events import Batch, Epoch, Failed, Finished, Interrupted, Rung, Started
from engine.base.language import tr
from engine.runs.directory import Run
from engine.runs.event_log import Timed
from engine.runs.watch import Tail

USUAL_SPEED = 10.0
SLOWEST, FASTEST = 0.25, 4096.0
"""How many times as fast as the training itself."""
LONGEST_IDLE = 1.0
"""Seconds that are left of a time in which no process trained the run."""
_AT_WORK = (Batch, Epoch, Rung, Finished, Interrupted, Failed)


def require_speed(speed: float) -> None:
    """Raise ConfigError for a speed outside SLOWEST..FASTEST."""
    if not SLOWEST <= speed <= FASTEST:
        raise ConfigError(
            tr(
                "--speed is {speed:g}: use a number from {slowest:g} to {fastest:g}.",
                speed=speed,
                slowest=SLOWEST,
                fastest=FASTEST,
            )
        )


class Replay:
    """The events of one run, played back. `now` is everywhere the second of any one clock that does not go back."""

    def __init__(self, events: Sequence[Timed], speed: float, now: float) -> None:
        self._events, self._offsets = tuple(events), offsets(events)
        self.speed, self.paused = speed, False
        self._done, self._at, self._since = 0, 0.0, now

    @property
    def seconds(self) -> float:
        """How long the training took, without what is left out."""
        return self._offsets[-1] if self._offsets else 0.0

    @property
    def over(self) -> bool:
        """Have all events been due?"""
        return self._done == len(self._events)

    def position(self, now: float) -> float:
        """How many seconds of the training have been played, at most all."""
        passed = 0.0 if self.paused else (now - self._since) * self.speed
        return min(self.seconds, self._at + passed)

    def due(self, now: float) -> tuple[Timed, ...]:
        """The events up to now that were not given before, oldest first, each with its own time."""
        first, self._done = self._done, max(self._done, bisect.bisect_right(self._offsets, self.position(now)))
        return self._events[first : self._done]

    def pause(self, now: float) -> None:
        """Stand still, or go on."""
        self._hold(now)
        self.paused = not self.paused

    def change_speed(self, factor: float, now: float) -> bool:
        """Play so many times as fast as until now; False where that is not possible."""
        if not SLOWEST <= self.speed * factor <= FASTEST:
            return False
        self._hold(now)
        self.speed *= factor
        return True

    def jump(self, now: float, *, to_end: bool) -> None:
        """To the end, or back to the beginning, from where it plays on."""
        self._at, self._since = self.seconds if to_end else 0.0, now
        self.paused = False
        self._done = self._done if to_end else 0

    def _hold(self, now: float) -> None:
        self._at, self._since = self.position(now), now


def offsets(events: Sequence[Timed]) -> list[float]:
    """For each event the seconds from the first one, with LONGEST_IDLE at most where nobody trained the run."""
    gaps = [max(0.0, at - before) for (before, _), (at, _) in itertools.pairwise(events)]
    idle, before = list[int](), False
    for place, (_, event) in enumerate(events):
        if isinstance(event, _AT_WORK):
            idle, before = [place], True
        elif isinstance(event, Started) and before:  # another process began, and its first words came before this one
            for gap in idle:
                gaps[gap] = min(gaps[gap], LONGEST_IDLE)
            idle = []
        elif before:
            idle.append(place)
    return list(itertools.accumulate(gaps, initial=0.0)) if events else []


def recorded(run: Run) -> list[Timed]:
    """The events of a run that is not live, training steps thinned where there are many.

    Raises RunError where it is live, or has none that can be read.
    """
    if run.state() == "live":
        raise RunError(tr("{name} is being trained now: `covid-tui attach {name}` shows it.", name=run.name))
    tail, found = Tail(run), list[Timed]()
    while more := tail.read():
        found += more
    if not found:
        raise RunError(tail.trouble or tr("{name} has no events that could be played back.", name=run.name))
    return found
