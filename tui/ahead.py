"""Makes the screens that nobody has opened yet, one at a time, while nobody presses a key and no work is under way.

A first visit takes no longer than a later one then.
"""

import time
from typing import TYPE_CHECKING, Any

from tui.host.private_apis import draw_hidden, make_hidden
from tui.screens.frame import MODES

if TYPE_CHECKING:
    from textual.app import App
    from textual.worker import Worker

    from tui.state.session import Session

SECONDS_BETWEEN = 0.05
"""From one step to the next."""
SECONDS_STILL = 0.5
"""Without a key or the mouse, before a screen is made: it takes up to a fifth of a second, in which no key is heard."""

MOST_DRAWS = 8
"""Times that a screen is drawn, as what it shows comes bit by bit; one that never rests is left to its visit."""


class ScreensAhead:
    """The screens of a workbench that are still to be made."""

    def __init__(self, app: "App[Any]", session: "Session") -> None:
        self._app, self._session = app, session
        self._left, self._draws = list(MODES), dict[str, int]()

    def begin(self, imported: "Worker[None]") -> None:
        """As soon as the screens are imported."""
        self._imported = imported
        self._timer = self._app.set_interval(SECONDS_BETWEEN, self._look)

    def _look(self) -> None:
        if not self._app.is_running:
            return  # it closes, and screens are gone already
        session = self._session
        working = any(not job.over for job in session.jobs.values()) or (session.training and session.training.alive)
        if not self._imported.is_finished or working or time.monotonic() - session.typed < SECONDS_STILL:
            return
        if self._left:
            mode = self._left.pop(0)
            self._draws[mode] = MOST_DRAWS
            make_hidden(self._app, mode)
        elif drawn := next((mode for mode, left in self._draws.items() if left and draw_hidden(self._app, mode)), None):
            self._draws[drawn] -= 1
        else:
            self._timer.stop()
