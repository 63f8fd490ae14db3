"""How long a ladder still takes: what is left of each kind of work, at the pace that this run has in it."""

import time
from dataclasses import dataclass, field

from engine.base.context import Context
from engine.base.events import FILL, Event, Progress, Rung, TimeLeft
from engine.runs.forecast import CLOSING, IMAGE, Work

FIT = 1.2e-6
"""Seconds of a unit of fitting, until a run knows better; see `fit_units`."""


@dataclass(eq=False)
class Outlook:
    """What is left of a ladder, told after each piece of work."""

    context: Context
    """Where it is told, and where the events go on that it hears."""
    images: Work = field(default_factory=lambda: Work(IMAGE))
    """Images through the frozen layers, the test's among them."""
    fits: Work = field(default_factory=lambda: Work(FIT))
    rungs: list[float] = field(default_factory=list)
    """Units of fitting of each rung that is still to be judged, and of the last fit; see `fit_units`."""
    steps: Work = field(default_factory=lambda: Work(0.0))
    """Of training layers, in seconds as estimated."""
    _at: float = field(default_factory=time.monotonic)
    _passed: tuple[str, int] = ("", 0)
    """The task of the last progress in the frozen layers, and how far it was."""
    _filled: float = 0.0
    """Seconds in the frozen layers up to the last rung."""
    _ready: bool = False
    """Has anything passed the frozen layers? What passes first waits until they are made ready, and tells no pace."""

    def heard(self) -> Context:
        """The context for whoever computes: what passes the frozen layers is counted."""
        return self.context.heard_by(self._hear)

    @property
    def seconds(self) -> float:
        """All that is left."""
        self.fits.left = sum(self.rungs)
        return self.images.seconds_left + self.fits.seconds_left + self.steps.seconds_left + CLOSING

    def tell(self) -> None:
        """Say how much is left."""
        self.context.emit(TimeLeft(round(self.seconds, 1)))

    def _hear(self, event: Event) -> None:
        self.context.emit(event)
        now = time.monotonic()
        if isinstance(event, Rung) and self.rungs:
            self.fits.did(self.rungs.pop(0), max(0.0, event.seconds - (self.images.seconds - self._filled)))
            self._filled = self.images.seconds
            self.tell()
        elif isinstance(event, Progress) and event.task.startswith(FILL):
            task, before = self._passed
            if event.task == task and event.done > before:
                if self._ready:
                    self.images.did(event.done - before, now - self._at)
                    self.tell()
                else:
                    self.images.passed(event.done - before)
                    self._ready, self._filled = True, self._filled - (now - self._at)  # they are no fits either
            self._at, self._passed = now, (event.task, event.done)


def fit_units(rows: int, columns: int, folds: int) -> float:
    """The work of a path of fits in each fold, which solves in the lesser of rows and columns."""
    return float(folds * rows * min(rows, columns))
