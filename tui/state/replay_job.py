"""A run played back on the Train screen: its own view of the run, which is fed as time goes by."""

import time
from collections.abc import Callable
from pathlib import Path

from engine.runs.directory import State
from engine.runs.replay import Replay
from engine.runs.watch import RunView
from tui.state.host import Host

SECONDS_BETWEEN_LOOKS = 1 / 15


class ReplayJob:
    """A replay under way, or at its end. Only for the screen's thread."""

    def __init__(self, path: Path, replay: Replay, state: State, host: Host, show: Callable[[RunView], None]) -> None:
        """`state` is the run's own, which the view has at the end; `show` is called whenever there is something new."""
        self.replay, self.view, self.left = replay, RunView(path), False
        self._path, self._state, self._host, self._show = path, state, host, show
        self._waits = False

    def play(self) -> None:
        """Take in what is due, and come back for the rest."""
        for at, event in self.replay.due(time.monotonic()):
            self.view.fold(event, at)
        if self.replay.over:
            self.view.state = self._state
        self._show(self.view)
        if not (self.replay.over or self.replay.paused or self._waits):
            self._waits = True
            self._host.set_timer(SECONDS_BETWEEN_LOOKS, self._go_on)

    def _go_on(self) -> None:
        self._waits = False
        if not (self.left or self.replay.paused):
            self.play()

    def pause(self) -> None:
        """Stand still, or go on; at the end, play it once more."""
        now = time.monotonic()
        if self.replay.over:
            self.view = RunView(self._path)
            self.replay.jump(now, to_end=False)
        else:
            self.replay.pause(now)
        self.play()

    def change_speed(self, factor: float) -> bool:
        """Play so many times as fast; False where that is not possible."""
        changed = self.replay.change_speed(factor, time.monotonic())
        self.play()
        return changed

    def end(self) -> None:
        """To the end at once."""
        self.replay.jump(time.monotonic(), to_end=True)
        self.play()
