"""What whoever starts a job hands down to all that it calls: where events go, and the request to stop."""

from dataclasses import dataclass, field

from engine.base.cancel import Stop
from engine.base.events import Emit, Event


def _unheard(event: Event) -> None:
    """What becomes of an event that nobody listens for."""


@dataclass(frozen=True)
class Context:
    """Where a job's events go, and the stop that it looks at between two steps.

    The plain `Context()` is for whoever wants neither: nobody hears its events, and nobody stops it.
    """

    emit: Emit = _unheard
    stop: Stop = field(default_factory=Stop)

    def heard_by(self, emit: Emit) -> "Context":
        """The same stop, with events that go to `emit`."""
        return Context(emit, self.stop)
