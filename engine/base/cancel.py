"""How a job is asked to stop: between two steps, and never by force."""

import time
from typing import Literal

How = Literal["keep", "now"]


class Stop:
    """A request to stop. "keep" ends a training early and still tests its best weights; "now" saves them and returns.

    Setting it takes no lock, so that a signal handler may do it.
    """

    def __init__(self) -> None:
        self._how: How | None = None

    def request(self, how: How) -> None:
        """Ask the job to stop; "now" outranks an earlier "keep"."""
        if self._how != "now":
            self._how = how

    def is_set(self) -> bool:
        """Has anybody asked, in either way?"""
        return self._how is not None

    @property
    def now(self) -> bool:
        """Is it "now" that was asked for?"""
        return self._how == "now"


class Deadline(Stop):
    """The stop of one job of several: who stops them all, or the end of their time, stops the one at hand at once."""

    def __init__(self, outer: Stop, until: float | None) -> None:
        """`until` is by the monotonic clock; None for no end."""
        super().__init__()
        self._outer, self._until = outer, until

    @property
    def over(self) -> bool:
        """Is the time used up?"""
        return self._until is not None and time.monotonic() >= self._until

    def fresh(self) -> "Deadline":
        """The same for the next job, which nobody has asked to stop yet."""
        return Deadline(self._outer, self._until)

    def is_set(self) -> bool:
        """Has anybody asked, or is the time over?"""
        return super().is_set() or self._outer.is_set() or self.over

    @property
    def now(self) -> bool:
        """Is the job to be left as it is, to go on another time?"""
        return super().now or self._outer.is_set() or self.over
