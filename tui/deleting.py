"""Runs deleted from the disk: never one that is live, and never half of one left behind that still looks whole."""

import errno
import fcntl
import os
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from engine.errors import RunError
from engine.events import Emit, Progress
from engine.files import open_private
from engine.runs import CONFIG, Run
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
        with open_private(run.path / "lock", "ab") if _is_file(run.path / "lock") else nullcontext() as lock:
            if lock is not None:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_file(run.path / CONFIG):  # without it nobody takes the directory for a whole run any more
                (run.path / CONFIG).unlink(missing_ok=True)
            shutil.rmtree(run.path)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise RunError(f"{run.name} is live: stop it before you delete it.") from error
        raise RunError(f"{run.path} can't be deleted ({error.strerror}).") from error


def _is_file(path: Path) -> bool:
    """Is it a plain file, or may it become one? What else lies there, as in a damaged run, holds no lock."""
    return not os.path.lexists(path) or (path.is_file() and not path.is_symlink())
