"""The caches: what lies in them, how large they are, and what goes when they grow beyond their limit.

Each entry of a cache is a folder or a pair of files that can be made again. An entry in use is held by a shared lock
on its `use` file, and is never removed. What bears no name of an entry's is not the cache's and is left alone, and so
is what a link leads to.
"""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.base.errors import LinkError
from engine.base.files import names_in, open_lock, open_private, opened
from engine.base.files import remove as remove_path
from engine.base.locks import require_lock, wait_for_lock

KINDS = ("pixels", "features", "weights")
_PART = r"\..*\d+\.part.*"
_NAMES = {
    "pixels": re.compile(rf"[0-9a-f]{{64}}\..+|\d+-[0-9a-f]+\.tmp|{_PART}"),
    "features": re.compile(r"[0-9a-f]{32}"),
    "weights": re.compile(rf"[a-z0-9]+-imagenet\..+|{_PART}"),
}
"""What the entries of each kind are called."""


@dataclass(frozen=True)
class Entry:
    """One removable thing in a cache: its folder, its size in bytes, and when it was last used (seconds since 1970)."""

    path: Path
    bytes: int
    used: float


def entries(cache: Path, kind: str) -> list[Entry]:
    """The entries of one kind, least recently used first; none where a link stands for their folder."""
    found = []
    with contextlib.suppress(OSError, LinkError), opened(cache / kind, cache) as folder:
        for name in names_in(folder):
            path = cache / kind / name
            if _NAMES[kind].fullmatch(name) or (path / "use").is_file():
                with contextlib.suppress(OSError):
                    found.append(Entry(path, _size(path), _last_use(path)))
    return sorted(found, key=lambda entry: entry.used)


def size(cache: Path, kind: str) -> int:
    """Bytes that one kind of cache takes."""
    return sum(entry.bytes for entry in entries(cache, kind))


def hold(folder: Path) -> BinaryIO:
    """Mark an entry's folder, CACHE/KIND/NAME, as used now and for as long as the returned file is open.

    Raises LinkError where a link stands for it, or for its file.
    """
    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        # Another process may remove the folder before the opening, or between the opening and the lock.
        with contextlib.suppress(FileNotFoundError):
            file: BinaryIO = open_private(folder / "use", "ab", folder.parent.parent)
            wait_for_lock(file, shared=True)
            os.utime(file.fileno())
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), (folder / "use").stat()):
                    return file
            file.close()


def trim(cache: Path, limit: int, room: int = 0) -> int:
    """Remove the least recently used features until `limit` bytes hold them and `room` more; the bytes removed."""
    found = entries(cache, "features")
    excess = sum(entry.bytes for entry in found) + room - limit
    removed = 0
    for entry in found:
        if removed >= excess:
            break
        if remove(entry.path):
            removed += entry.bytes
    return removed


def clear(cache: Path) -> int:
    """Remove every entry that is not in use; the bytes removed."""
    return sum(entry.bytes for kind in KINDS for entry in entries(cache, kind) if remove(entry.path))


def remove(path: Path) -> bool:
    """Remove one entry, CACHE/KIND/NAME, unless it is in use; is it gone? Of a link the link itself is removed."""
    with contextlib.suppress(OSError, LinkError):
        with _alone(path):  # whoever still writes it holds it
            remove_path(path, path.parent.parent)
        return True
    return False


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else uses the entry within the block. A link is no lock of anybody's."""
    mark, root = path / "use" if path.is_dir() else path, path.parent.parent
    with contextlib.ExitStack() as held:
        with contextlib.suppress(LinkError):
            require_lock(held.enter_context(open_lock(mark, root)), tries=1)
        yield


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; a link has none."""
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else (path,)
    about = [file.lstat() for file in files]
    return sum(one.st_size for one in about if stat.S_ISREG(one.st_mode))


def _last_use(path: Path) -> float:
    use = path / "use"
    return use.stat().st_mtime if use.is_file() else path.lstat().st_mtime
