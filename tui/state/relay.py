"""How a job's events come from its thread to the screen: merged where they are emitted, and handed over in one go.

A job may emit ten thousand events a second. They are merged in the emitting thread, so that neither memory nor the
screen's message queue grows. This is the one place that decides how often the screen learns of work, be it of this
process or, through the disk, of another one.
"""

import threading
import time
from collections.abc import Callable

from engine.base.events import Batch, Event, Progress

SECONDS_BETWEEN_HANDOVERS = 0.25
"""Four times a second a curve is drawn and a bar moves: more is work for the processors that train."""
SECONDS_AT_MOST = 1.0
"""While keys come, what a key does is painted first, and of the work no less than once a second is heard."""
SECONDS_BETWEEN_LOOKS = 0.5
"""So often run directories are looked at for what other processes have written."""
MOST_WAITING = 1000


class Relay:
    """Takes events in the thread that emits them and hands them over, merged, in the screen's thread.

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

    def due(self, typed: float = 0.0) -> float:
        """Seconds until the next `drain` is allowed, where the last key came at `typed`; 0 when it is now."""
        allowed = max(self.drained, typed) + SECONDS_BETWEEN_HANDOVERS
        return max(0.0, min(allowed, self.drained + SECONDS_AT_MOST) - time.monotonic())


def _replaces(new: Event, old: Event) -> bool:
    if isinstance(new, Batch) and isinstance(old, Batch):
        return new.epoch == old.epoch
    return isinstance(new, Progress) and isinstance(old, Progress) and new.task == old.task
