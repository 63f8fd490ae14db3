"""Runs deleted from the disk: never one that is live, and never half of one left behind that still looks whole."""

import errno
import fcntl
import shutil
from collections.abc import Sequence

from engine.errors import RunError
from engine.events import Emit, Progress
from engine.runs import Run
from engine.stopping import Stop


def delete(runs: Sequence[Run], emit: Emit, stop: Stop) -> list[str]:
    """Delete these runs; their names. Raises RunError for one that is live or can't be deleted."""
    done: list[str] = []
    for run in runs:
        if stop.is_set():
            break
        _delete(run)
        done.append(run.name)
        emit(Progress("deleting runs", len(done), len(runs)))
    return done


def _delete(run: Run) -> None:
    if run.path.is_symlink():
        run.path.unlink()
        return
    try:
        # Held while the files go, so that no training can begin in here.
        with (run.path / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (run.path / "config.json").unlink()  # without it nobody takes the directory for a run any more
            shutil.rmtree(run.path)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise RunError(f"{run.name} is live: stop it before you delete it.") from error
        raise RunError(f"{run.path} can't be deleted ({error.strerror}).") from error
