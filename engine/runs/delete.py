"""Runs deleted from the disk: never one that is live, and never half of one left behind that still looks whole."""

import contextlib
from collections.abc import Sequence

from engine.base.context import Context
from engine.base.errors import LinkError, RunError
from engine.base.events import Progress
from engine.base.files import open_lock, remove
from engine.base.locks import try_lock
from engine.runs.directory import Run


def delete(runs: Sequence[Run], context: Context) -> list[str]:
    """Delete these runs, of a link the link alone; their names. Raises RunError for one that is live or can't be."""
    done: list[str] = []
    for run in runs:
        if context.stop.is_set():
            break
        _delete(run)
        done.append(run.name)
        context.emit(Progress("deleting runs", len(done), len(runs)))
    return done


def _delete(run: Run) -> None:
    try:
        if run.path.is_symlink():
            run.path.unlink()
            return
        with contextlib.ExitStack() as held:
            # Held while the files go, so that no training can begin in here; behind a link none can anyway.
            with contextlib.suppress(LinkError):
                if not try_lock(held.enter_context(open_lock(run.path / "lock", run.path.parent))):
                    raise RunError(f"{run.name} is live: stop it before you delete it.")
            # Without its recipe nobody takes the directory for a run any more.
            for path in (run.path / "config.json", run.path):
                remove(path, run.path.parent)
    except OSError as error:
        raise RunError(f"{run.path} can't be deleted ({error.strerror}).") from error
