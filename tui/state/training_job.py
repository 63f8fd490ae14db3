"""A training in a thread of this process. It belongs to no screen, so that it outlives the one that started it."""

import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.base.cancel import How, Stop
from engine.base.context import Context
from engine.base.errors import CovidTuiError
from engine.base.events import Failed
from engine.recipe.config import TrainConfig
from engine.runs.directory import Run
from engine.runs.watch import RunView
from tui.state.relay import Relay
from tui.words.recipe_terms import in_recipe_terms

NICENESS = 5

Work = Callable[[Path, TrainConfig, Context], Any]


def _train(folder: Path, config: TrainConfig, context: Context) -> Any:
    from engine.jobs import train

    return train.train(folder, config, context)


def going_on(run: Run) -> Work:
    """The work of resuming `run`."""

    def work(folder: Path, config: TrainConfig, context: Context) -> Any:
        from engine.jobs import train

        return train.resume(run, config, context, folder)

    return work


def _give_way() -> None:
    """Let the screen's thread go first: TensorFlow's threads inherit what the thread that starts them is content with.

    Elsewhere than on Linux the call would concern the whole process.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


class TrainingJob:
    """One training: its thread, its stop and, in the screen's thread, its view."""

    def __init__(
        self,
        folder: Path,
        config: TrainConfig,
        wake: Callable[[Relay], None],
        log: Callable[[str], None],
        work: Work | None = None,
        view: RunView | None = None,
    ) -> None:
        """`log` takes the traceback of an error of the program's own; `view` is what is known of the run so far."""
        self.folder, self.config = folder, config
        self.stop = Stop()
        self.view = view or RunView(own=True)
        self.relay = Relay(wake)
        self._work, self._log = work or _train, log
        self._ended = self._over = False
        # Not a daemon: a process that is told to leave while it trains must not take the training with it.
        self.thread = threading.Thread(target=self._run, name="training", daemon=False)

    def start(self) -> None:
        """Begin."""
        self.thread.start()

    @property
    def alive(self) -> bool:
        """Is there still work to do?"""
        return not self._over

    def request_stop(self, how: How) -> None:
        """Ask it to stop between two steps."""
        self.stop.request(how)

    def wait(self) -> None:
        """Wait until it ends; signals are still answered meanwhile."""
        while self.thread.is_alive():
            self.thread.join(0.5)

    def _run(self) -> None:
        _give_way()
        try:
            self._work(self.folder, self.config, Context(self._emit, self.stop))
        except CovidTuiError as error:
            self._fail(in_recipe_terms(error))
        except Exception as error:
            self._log(traceback.format_exc())
            self._fail(in_recipe_terms(error))
        finally:
            self._over = True
            self.relay.wake()  # its last event came while it was still at work

    def _emit(self, event: Any) -> None:
        self._ended = self._ended or isinstance(event, Failed)
        self.relay.emit(event)

    def _fail(self, reason: str) -> None:
        if not self._ended:  # an error before the run directory exists has been told to nobody yet
            self.relay.emit(Failed(reason))
