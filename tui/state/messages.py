"""How work in a thread reaches the screens: a relay that thins events by time, and the messages that screens hear.

A job may emit ten thousand events a second. They are merged where they are emitted, so that neither memory nor the
screen's message queue grows: the screen learns ten times a second at most, by one message.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from engine.base.events import Batch, Event, Progress

if TYPE_CHECKING:
    from engine.runs.watch import RunView
    from tui.state.jobs import Job

SECONDS_BETWEEN_WAKES = 0.1
MOST_WAITING = 1000


class Relay:
    """Takes events in the thread that emits them and hands them over, thinned, in the screen's thread.

    Of successive `Batch` events of an epoch, and of `Progress` events of a task, the last one stands for all.
    """

    def __init__(self, wake: Callable[["Relay"], None]) -> None:
        """`wake` is called in the emitting thread when the first event waits after a `drain`."""
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: list[Event] = []
        self._woken = False
        self.drained = 0.0
        """When events were last taken, by the monotonic clock."""

    def emit(self, event: Event) -> None:
        """Take an event; called by the job, in its own thread."""
        with self._lock:
            if self._waiting and _replaces(event, self._waiting[-1]):
                self._waiting[-1] = event
            else:
                self._waiting.append(event)
                del self._waiting[:-MOST_WAITING]
        self.wake()

    def wake(self) -> None:
        """Have what there is taken in, be it nothing; called by the job, in its own thread."""
        with self._lock:
            wake, self._woken = not self._woken, True
        if wake:
            self._wake(self)

    def drain(self) -> list[Event]:
        """The events since the last call; called in the screen's thread."""
        with self._lock:
            events, self._waiting, self._woken = self._waiting, [], False
        self.drained = time.monotonic()
        return events

    def due(self) -> float:
        """Seconds until the next `drain` is allowed; 0 when it is now."""
        return max(0.0, self.drained + SECONDS_BETWEEN_WAKES - time.monotonic())


def _replaces(new: Event, old: Event) -> bool:
    if isinstance(new, Batch) and isinstance(old, Batch):
        return new.epoch == old.epoch
    return isinstance(new, Progress) and isinstance(old, Progress) and new.task == old.task


@dataclass
class EventsWaiting(Message, bubble=False):
    """To the app: a relay holds events."""

    relay: Relay

    def can_replace(self, message: Message) -> bool:
        """Two calls to the same relay are one."""
        return isinstance(message, EventsWaiting) and message.relay is self.relay


class _Change(Message, bubble=False):
    """To every screen: something of the session's is new. A later message stands for an earlier one of its kind."""

    def can_replace(self, message: Message) -> bool:
        return type(message) is type(self)


class DataChanged(_Change):
    """`session.data`, `session.scan` or `session.split` is another one, or is being read."""


class ConfigChanged(_Change):
    """`session.config`, the recipe of the next training, is another one."""


class RunsChanged(_Change):
    """The list of runs on disk, or the state of one, is another one."""


@dataclass
class RunChanged(_Change):
    """`view` has heard more of its run."""

    view: "RunView"

    def can_replace(self, message: Message) -> bool:
        """The view itself holds all that happened, so the last message is enough."""
        return isinstance(message, RunChanged) and message.view is self.view


@dataclass
class JobChanged(_Change):
    """`job` has begun, is further, or has ended."""

    job: "Job"

    def can_replace(self, message: Message) -> bool:
        """The job itself holds how far it is."""
        return isinstance(message, JobChanged) and message.job is self.job


@dataclass
class JobEnded(Message, bubble=False):
    """To the app, from a job's thread: the work is over."""

    job: "Job"
