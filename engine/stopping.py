"""How a job is asked to stop: between two steps, and never by force."""

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
