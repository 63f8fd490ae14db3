"""The frozen prefix's activations, computed once and kept on disk.

A store holds one prefix's output under one augmentation policy, in files that only grow: `rows` has the activations,
`index` says which image and view each row belongs to and is written after its rows. So a store that was left half
filled, or cut off in the middle of a write, is simply filled on from its last whole entry.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import mmap
import os
import struct
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.caches import hold
from engine.errors import RunError, Stopped
from engine.events import Emit, Notice
from engine.files import open_private, private_dir, write_json
from engine.stopping import Stop

_ENTRY = struct.Struct("<32siI")
MAPPED = 256 * 2**20
"""Bytes of a larger store that has been read are handed back to the system's cache, so that memory stays flat."""

Key = tuple[str, int]
"""SHA-256 of an image's pixels, and a view."""


@dataclass(frozen=True)
class Context:
    """All that decides the activations of a given image and view."""

    prefix: str
    """SHA-256 of the prefix's weights and structure."""
    preprocessing: str
    """From the file's pixels to the network's input."""
    size: int
    precision: str
    augmentation: dict[str, Any] | None
    """The policy and the seed, or None for images as they are."""
    dtype: str
    shape: tuple[int, ...]

    @property
    def key(self) -> str:
        """SHA-256 over everything here."""
        return hashlib.sha256(json.dumps(vars(self), sort_keys=True).encode()).hexdigest()

    @property
    def row_bytes(self) -> int:
        """Bytes that one image's activations take."""
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


class FeatureStore:
    """Activations of one context on disk, found by (pixel hash, view)."""

    def __init__(self, cache: Path, context: Context) -> None:
        self.context = context
        self.folder = private_dir(cache / "features" / context.key[:32], cache)
        self._cache = cache
        self._use = hold(self.folder)
        self._rows: dict[Key, int] = {}
        self._data: Any = None
        self._known = (0, 0)
        if not (self.folder / "context.json").is_file():
            write_json(self.folder / "context.json", vars(context), cache)
        self.refresh()

    def refresh(self) -> None:
        """Learn of the rows that this or another process has written."""
        written = self._written()
        if written == self._known:
            return
        self._known = written
        self._rows = {key: row for row, key in enumerate(_whole_entries(self.folder, self.context.row_bytes))}
        count = len(self._rows)
        self._data = None
        if count:
            shape = (count, *self.context.shape)
            self._data = np.memmap(self.folder / "rows", self.context.dtype, mode="r", shape=shape)

    def missing(self, keys: Iterable[Key]) -> list[Key]:
        """Those of `keys` whose activations are not kept yet, each once."""
        return [key for key in dict.fromkeys(keys) if key not in self._rows]

    def read(self, keys: Sequence[Key]) -> np.ndarray:
        """The activations of `keys`, (n, *shape) in the stored format; all must have been written."""
        return self.take(self.locate(keys))

    def locate(self, keys: Sequence[Key]) -> np.ndarray:
        """The rows of `keys`, all of which must have been written; they stay theirs as the store grows."""
        return np.array([self._rows[key] for key in keys], np.intp)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The activations in `rows`, (n, *shape) in the stored format."""
        if self._data is None:
            raise KeyError("the store is empty")
        taken = np.asarray(self._data[rows])
        if self._data.nbytes > MAPPED:
            self._data._mmap.madvise(mmap.MADV_DONTNEED)
        return taken

    @contextlib.contextmanager
    def filling(self, stop: Stop, emit: Emit = lambda event: None) -> Any:
        """Hold the store for writing; waits, and says so, while another process fills it.

        Yields `append(keys, activations)`.
        """
        with open_private(self.folder / "lock", "w", self._cache) as lock:
            _wait_for(lock, stop, emit)
            entries = _whole_entries(self.folder, self.context.row_bytes)
            with (
                open_private(self.folder / "rows", "ab", self._cache) as rows,
                open_private(self.folder / "index", "ab", self._cache) as index,
            ):
                # Whatever lies beyond the last whole entry was cut off by a crash.
                rows.truncate(len(entries) * self.context.row_bytes)
                index.truncate(len(entries) * _ENTRY.size)

                def append(keys: Sequence[Key], activations: np.ndarray) -> None:
                    rows.write(_stored(activations, self.context.dtype).tobytes())
                    rows.flush()
                    os.fsync(rows.fileno())  # a power cut may lose the index's end, never a row that it names
                    index.write(b"".join(_entry(*key) for key in keys))
                    index.flush()

                self.refresh()
                yield append
        self.refresh()

    def _written(self) -> tuple[int, int]:
        """Bytes of index and rows, which only grow but where a crash left a torn end."""
        sizes = []
        for name in ("index", "rows"):
            try:
                sizes.append((self.folder / name).stat().st_size)
            except FileNotFoundError:
                sizes.append(0)
        return sizes[0], sizes[1]


def excess(folder: Path) -> int:
    """Bytes of the store in `folder` beyond its last whole entry, which a crash cut off.

    Raises ValueError where its context.json is damaged.
    """
    return sum(max(0, there - whole) for there, whole in _lengths(folder).values())


def take_off_excess(folder: Path) -> None:
    """Cut the store in `folder`, which nobody may be filling, after its last whole entry. Raises as `excess` does."""
    for path, (there, whole) in _lengths(folder).items():
        if there > whole:
            with open_private(path, "r+b", folder.parent.parent) as file:
                file.truncate(whole)


def _lengths(folder: Path) -> dict[Path, tuple[int, int]]:
    """The length of each file of a store, and how much of it is whole entries."""
    try:
        context = Context(**json.loads((folder / "context.json").read_bytes()))
        if context.key[:32] != folder.name:
            raise ValueError
        row_bytes = context.row_bytes
    except (OSError, ValueError, TypeError):
        raise ValueError("whose context.json is damaged or missing") from None
    count = len(_whole_entries(folder, row_bytes))
    wanted = {folder / "rows": count * row_bytes, folder / "index": count * _ENTRY.size}
    return {path: (path.stat().st_size, whole) for path, whole in wanted.items() if path.is_file()}


def _whole_entries(folder: Path, row_bytes: int) -> list[Key]:
    try:
        index = (folder / "index").read_bytes()
        room = (folder / "rows").stat().st_size // row_bytes
    except FileNotFoundError:
        return []
    keys: list[Key] = []
    for sha, view, check in _ENTRY.iter_unpack(index[: len(index) // _ENTRY.size * _ENTRY.size]):
        if len(keys) == room or check != zlib.crc32(sha + struct.pack("<i", view)):
            break
        keys.append((sha.hex(), view))
    return keys


def _entry(sha: str, view: int) -> bytes:
    raw = bytes.fromhex(sha)
    return _ENTRY.pack(raw, view, zlib.crc32(raw + struct.pack("<i", view)))


def _stored(activations: np.ndarray, dtype: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        stored = activations.astype(dtype)
    if not np.isfinite(stored).all():
        raise RunError(f"The frozen layers give values that {dtype} can't hold: use --feature-dtype float32.")
    return stored


def _wait_for(lock: Any, stop: Stop, emit: Emit) -> None:
    told = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        if stop.is_set():
            raise Stopped("Stopped while another training filled the feature cache.")
        if not told:
            emit(
                Notice(
                    "info", f"Another training fills {Path(lock.name).parent}, which this one needs: it is waited for."
                )
            )
            told = True
        time.sleep(0.2)
