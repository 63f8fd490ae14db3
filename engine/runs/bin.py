"""Runs deleted and brought back: what is deleted lies in a bin, under a hidden name in the folder of the runs.

A run goes there, and comes back, by one renaming within its folder. So there is never half of one, a link in it or to
it leads where it led, and a disk without any room is no hindrance. No listing of runs shows the bin. What lies in it
longer than KEPT_DAYS goes for good when somebody asks for that (`covid-tui doctor --repair`).
"""

import calendar
import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.base.context import Context
from engine.base.errors import LinkError, RunError
from engine.base.events import Progress
from engine.base.files import names_in, open_lock, opened, remove
from engine.base.language import tr
from engine.base.locks import try_lock
from engine.base.wording import reason
from engine.runs.directory import IN_BIN, Run

KEPT_DAYS = 30
"""Days for which a deleted run can be brought back, at least."""
DAY = 86_400
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_MOST_NAMES = 10_000


@dataclass(frozen=True)
class Deleted:
    """A run in the bin: where it lies, the name that it had, and when it was deleted, in seconds since 1970."""

    path: Path
    name: str
    at: float

    def is_old(self, now: float) -> bool:
        """Has it lain there for KEPT_DAYS?"""
        return now - self.at >= KEPT_DAYS * DAY

    @property
    def date(self) -> str:
        """The day when it was deleted, as in 2026-11-29, by the local clock."""
        return time.strftime("%Y-%m-%d", time.localtime(self.at))

    def to_dict(self) -> dict[str, str | float]:
        """As JSON values."""
        return {"run": self.name, "path": str(self.path), "deleted": self.at}

    def size(self) -> int:
        """Bytes that its files take; 0 for a link."""
        if self.path.is_symlink():
            return 0
        found = 0
        for _, _, names, handle in os.fwalk(self.path):
            for name in names:
                with contextlib.suppress(OSError):
                    about = os.stat(name, dir_fd=handle, follow_symlinks=False)
                    found += about.st_size if stat.S_ISREG(about.st_mode) else 0
        return found


def delete(runs: Sequence[Run], context: Context) -> list[Deleted]:
    """Put these runs into the bin, of a link the link alone. Raises RunError for one that is live or can't be moved.

    What one call deletes, one `undo` brings back.
    """
    done = list[Deleted]()
    # In thousandths, as it stands in the names, and never that of the deletion before.
    before = max((one.at for folder in {run.path.parent for run in runs} for one in in_bin(folder)), default=0.0)
    at = max(int(time.time() * 1000), round(before * 1000) + 1) / 1000
    for run in runs:
        if context.stop.is_set():
            break
        done.append(_delete(run, at))
        context.emit(Progress(tr("deleting runs"), len(done), len(runs)))
    return done


def _delete(run: Run, at: float) -> Deleted:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(at)) + f"-{round(at * 1000) % 1000:03d}"
    place = Deleted(run.path.with_name(f".bin-{stamp}-{run.name}"), run.name, at)
    try:
        with _still(run):
            if os.path.lexists(place.path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            run.path.rename(place.path)
    except OSError as error:
        raise RunError(tr("{path} can't be deleted ({reason}).", path=run.path, reason=reason(error))) from error
    return place


@contextlib.contextmanager
def _still(run: Run) -> Iterator[None]:
    """No training begins in the run within the block; behind a link none can. Raises RunError where one is at work."""
    with contextlib.ExitStack() as held:
        if not run.path.is_symlink():
            try:
                lock = held.enter_context(open_lock(run.path / "lock", run.path.parent))
            except LinkError:  # nobody takes a lock through it
                lock = None
            except OSError as error:
                if error.errno not in _NO_ROOM:  # where not even that has room, no training has it either
                    raise
                lock = None
            if lock and not try_lock(lock):
                raise RunError(tr("{name} is live: stop it before you delete it.", name=run.name))
        yield


def in_bin(out: Path) -> list[Deleted]:
    """The deleted runs of the folder `out`, the last deleted first; none where it can't be looked into."""
    try:
        with opened(out) as folder:
            names = names_in(folder)
    except OSError:
        return []
    found = [
        Deleted(out.absolute() / name, parts["name"], at)
        for name in names
        if (parts := IN_BIN.fullmatch(name)) and (at := _seconds(parts["stamp"])) is not None
    ]
    return sorted(found, key=lambda one: (-one.at, one.name))


def undo(out: Path, context: Context) -> list[Run]:
    """Bring back the runs that were deleted last, together; none where the bin is empty.

    One whose name another run has by now gets a number behind it. Raises RunError where they can't be moved.
    """
    there = in_bin(out)
    return [_bring_back(one) for one in there if one.at == there[0].at]


def _bring_back(one: Deleted) -> Run:
    try:
        for number in range(1, _MOST_NAMES):
            path = one.path.with_name(one.name if number == 1 else f"{one.name}-{number}")
            if _is_free(path, one.path.is_symlink()):
                one.path.rename(path)
                return Run(path)
    except OSError as error:
        raise RunError(tr("{path} can't be brought back ({reason}).", path=one.path, reason=reason(error))) from error
    raise RunError(tr("{folder} already holds ten thousand runs named {name}.", folder=one.path.parent, name=one.name))


def _is_free(path: Path, for_link: bool) -> bool:
    """Can a run have this name? For a folder an empty one is put there, so that nobody takes the name meanwhile."""
    if for_link or os.path.lexists(path):
        return not os.path.lexists(path)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_ROOM:  # where a folder has no room, nobody else makes one either
            raise
    return True


def empty(one: Deleted) -> int:
    """Remove a deleted run from the disk for good; the bytes that it took. Raises RunError where it can't be."""
    size = one.size()
    try:
        # What is half removed must not be brought back, so it first loses its name; `repair` finds what is left of it.
        going = one.path.with_name(f".bin.{one.path.lstat().st_ino}.{os.getpid()}.part")
        one.path.rename(going)
        remove(going, going.parent)
    except OSError as error:
        raise RunError(tr("{path} can't be removed ({reason}).", path=one.path, reason=reason(error))) from error
    return size


def _seconds(stamp: str) -> float | None:
    """Seconds since 1970 of a name's stamp, in UTC; None for one that is no time: what has it was not deleted here."""
    day, clock, thousandths = stamp.split("-")
    try:
        return calendar.timegm(time.strptime(day + clock, "%Y%m%d%H%M%S")) + int(thousandths) / 1000
    except ValueError:
        return None
