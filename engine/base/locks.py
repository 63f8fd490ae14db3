"""Locks between processes, by flock: they end with the process that holds them, however that ends."""

import errno
import fcntl
import time
from pathlib import Path
from typing import Any

from engine.base.errors import LinkError
from engine.base.files import open_private
from engine.base.language import tr

TRIES = 20
SECONDS_BETWEEN_TRIES = 0.01
_HELD = (errno.EAGAIN, errno.EACCES)


def try_lock(file: Any, tries: int = TRIES) -> bool:
    """Hold the open file alone until it is closed; False where another process holds it. Raises other OSErrors.

    Whoever looks by `is_locked` holds a shared lock for an instant, so that one refusal proves nothing: it is asked
    `tries` times, over some 0.2 s.
    """
    for left in reversed(range(tries)):
        if _flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return True
        if left:
            time.sleep(SECONDS_BETWEEN_TRIES)
    return False


def require_lock(file: Any, tries: int = TRIES) -> None:
    """As `try_lock`, but raises BlockingIOError where another process holds the file."""
    if not try_lock(file, tries):
        raise BlockingIOError(errno.EAGAIN, tr("another process holds it"), getattr(file, "name", None))


def wait_for_lock(file: Any, shared: bool = False) -> None:
    """Hold the open file until it is closed, alone or (`shared`) with others that do, as soon as that can be."""
    fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)


def is_locked(path: Path) -> bool:
    """Does any process hold the file at `path` alone? Not one that is missing, nor one that can't be opened."""
    try:
        with open_private(path, "rb") as file:
            return not _flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (OSError, LinkError):  # a link is no lock, as nobody takes one through it
        return False


def _flock(file: Any, how: int) -> bool:
    """Is the lock taken? Only what this very call refuses says that another holds it."""
    try:
        fcntl.flock(file, how)
    except OSError as error:
        if error.errno not in _HELD:
            raise
        return False
    return True
