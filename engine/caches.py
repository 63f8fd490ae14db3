"""The caches: what lies in them, how large they are, and what goes when they grow beyond their limit.

Each entry of a cache is a folder or a pair of files that can be made again. An entry in use is held by a shared lock
on its `use` file, and is never removed.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.files import open_private

KINDS = ("pixels", "features", "weights")


@dataclass(frozen=True)
class Entry:
    """One removable thing in a cache: its folder, its size in bytes, and when it was last used (seconds since 1970)."""

    path: Path
    bytes: int
    used: float


def entries(cache: Path, kind: str) -> list[Entry]:
    """The entries of one kind, least recently used first."""
    found = []
    with contextlib.suppress(OSError):
        for path in (cache / kind).iterdir():
            with contextlib.suppress(OSError):
                found.append(Entry(path, _size(path), _last_use(path)))
    return sorted(found, key=lambda entry: entry.used)


def size(cache: Path, kind: str) -> int:
    """Bytes that one kind of cache takes."""
    return sum(entry.bytes for entry in entries(cache, kind))


def hold(folder: Path) -> BinaryIO:
    """Mark an entry's folder as used now and for as long as the returned file is open."""
    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        # Another process may remove the folder before the opening, or between the opening and the lock.
        with contextlib.suppress(FileNotFoundError):
            file: BinaryIO = open_private(folder / "use", "ab")
            fcntl.flock(file, fcntl.LOCK_SH)
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
    """Remove one entry, unless it is in use; is it gone?"""
    with contextlib.suppress(OSError):
        if path.is_file():
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # whoever still writes it holds it
                path.unlink()
        else:
            with _alone(path):
                shutil.rmtree(path)
        return True
    return False


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with open_private(folder / "use", "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _last_use(path: Path) -> float:
    use = path / "use"
    return use.stat().st_mtime if use.is_file() else path.stat().st_mtime
