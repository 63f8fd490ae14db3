"""The frozen prefix's activations, computed once and kept on disk.

A store holds one prefix's output under one augmentation policy: `rows` has the activations, `index` says which image
and view each row belongs to and is written after its rows. So a store that was left half filled, or cut off in the
middle of a write, is simply filled on from its last whole entry.

A cache changes speed, never results. Each entry of the index has a checksum of its row, which is verified whenever the
row is read from the disk, and one of its own; both depend on the store's context, and the second on the place, so that
no row is taken for another. What fails is computed anew by whoever needs it. What is kept is exact in the format that
`FreezePlan.kept_format` chooses by itself, but for feature maps computed in float32, which are kept in float16.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from engine.caches import hold
from engine.checkedrows import Bytes, RowFile, Sums, checksums
from engine.errors import RunError, Stopped
from engine.events import Emit, Notice
from engine.files import open_private, private_dir, write_json
from engine.stopping import Stop

LAYOUT = 2
"""Names how a store lies on the disk; a change makes every older one unfindable. Before 2, rows had no checksum."""
HELD = 256 * 2**20
"""Bytes of a store that are held in memory once they are read and verified; a larger one is read from the disk."""
CHECKED = 2**24
"""Bytes that are read at a time where many rows are checked."""
_ENTRY = struct.Struct("<32siQI")
"""An entry of the index: SHA-256 of the pixels, view, checksum of the row, checksum of the entry."""

Key = tuple[str, int]
"""SHA-256 of an image's pixels, and a view."""
Append = Callable[[Sequence[Key], np.ndarray], None]
_EMPTY: Key = ("0" * 64, -(2**31))
"""Stands in the index where a damaged entry stood, until its row is used again."""


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
        """SHA-256 over everything here, and over the layout of the files."""
        return hashlib.sha256(json.dumps({"layout": LAYOUT, **vars(self)}, sort_keys=True).encode()).hexdigest()

    @property
    def seed(self) -> int:
        """What makes the checksums of this context's rows differ from another's; 64 bits."""
        return int(self.key[-16:], 16)

    @property
    def row_bytes(self) -> int:
        """Bytes that one image's activations take."""
        return int(np.prod(self.shape)) * number_format(self.dtype).itemsize


def number_format(name: str) -> np.dtype[Any]:
    """NumPy's format of that name, bfloat16 among them."""
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


class FeatureStore:
    """Activations of one context on disk, found by (pixel hash, view)."""

    def __init__(self, cache: Path, context: Context) -> None:
        self.context = context
        self.folder = private_dir(cache / "features" / context.key[:32])
        self._use = hold(self.folder)
        self._slots: dict[Key, int] = {}
        self._sums: Sums = np.zeros(0, np.uint64)
        self._file: RowFile | None = None
        self._held: Bytes | None = None
        self._have = np.zeros(0, bool)
        self._known = (0, 0)
        self.given_up = False
        """Set where damaged rows can't be replaced: they are not to be tried again."""
        try:
            _described(self.folder)
        except ValueError:
            write_json(self.folder / "context.json", {"layout": LAYOUT, **vars(context)})
        self.refresh()

    def refresh(self, again: bool = False) -> None:
        """Learn of the rows that this or another process has written: where a file grew, or `again` in any case."""
        written = self._written()
        if written == self._known and not again:
            return
        self._known = written
        entries = _read_index(self.folder, self.context).entries
        self._slots = {entry[0]: slot for slot, entry in enumerate(entries) if entry and entry[0] != _EMPTY}
        before, self._sums = self._sums, np.array([entry[1] if entry else 0 for entry in entries], np.uint64)
        self._file = None
        if len(entries):
            self._file = RowFile(self.folder / "rows", self.context.row_bytes, self._sums, self.context.seed)
        self._hold(before)

    def _hold(self, before: Sums) -> None:
        """Make room in memory for the rows, those read already staying, if all together are few enough."""
        held, have, count = self._held, self._have, len(self._sums)
        if count * self.context.row_bytes > HELD:
            self._held = None
            return
        self._held, self._have = np.empty((count, self.context.row_bytes), np.uint8), np.zeros(count, bool)
        both = min(len(before), count)
        if held is not None and both:
            same = np.flatnonzero(have[:both] & (before[:both] == self._sums[:both]))
            self._held[same], self._have[same] = held[same], True

    def missing(self, keys: Iterable[Key]) -> list[Key]:
        """Those of `keys` whose activations are not kept yet, each once."""
        return [key for key in dict.fromkeys(keys) if key not in self._slots]

    def read(self, keys: Sequence[Key]) -> np.ndarray:
        """The activations of `keys`, (n, *shape) in the stored format.

        Raises ValueError where one was never written or is damaged.
        """
        found, damaged = self.take(self.locate(keys))
        if damaged:
            raise ValueError(f"{len(damaged)} of {len(keys)} rows are missing or damaged")
        return found

    def locate(self, keys: Sequence[Key]) -> np.ndarray:
        """The rows of `keys`, -1 where none is known; they stay theirs as the store grows."""
        return np.array([self._slots.get(key, -1) for key in keys], np.intp)

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """The activations in `rows`, (n, *shape) in the stored format, and the places of those that are damaged.

        What stands at those places means nothing.
        """
        if self._file is None:
            raw, damaged = np.zeros((len(rows), self.context.row_bytes), np.uint8), list(range(len(rows)))
        elif self._held is None:
            raw, damaged = self._file.read(rows)
        else:
            raw, damaged = self._through_memory(self._file, self._held, rows)
        return raw.view(number_format(self.context.dtype)).reshape(len(rows), *self.context.shape), damaged

    def _through_memory(self, file: RowFile, held: Bytes, rows: np.ndarray) -> tuple[Bytes, list[int]]:
        known = (rows >= 0) & (rows < len(held))
        at = np.where(known, rows, 0)
        fresh = np.unique(at[known & ~self._have[at]])
        if len(fresh):
            read, damaged = file.read(fresh)
            whole = np.delete(np.arange(len(fresh)), damaged)
            held[fresh[whole]], self._have[fresh[whole]] = read[whole], True
        there = known & self._have[at]
        return held[at], [] if there.all() else np.flatnonzero(~there).tolist()

    def damaged(self, keys: Sequence[Key]) -> list[Key]:
        """Those of `keys` that are kept, but damaged; each is read."""
        found, rows = [], self.locate(keys)
        step = max(1, CHECKED // self.context.row_bytes)
        for start in range(0, len(keys), step):
            part = rows[start : start + step]
            found += [keys[start + place] for place in self.take(part)[1] if part[place] >= 0]
        return found

    def stored(self, activations: np.ndarray) -> np.ndarray:
        """Activations (n, *shape) as the store would give them back. Raises RunError where it can't hold them."""
        return _stored(activations, self.context.dtype)

    @contextlib.contextmanager
    def filling(self, stop: Stop, emit: Emit = lambda event: None) -> Iterator[Append]:
        """Hold the store for writing; waits, and says so, while another process fills it.

        Yields `append(keys, activations)`, which also replaces what is kept of a key. Entries that were cut off or
        damaged are told of.
        """
        with open_private(self.folder / "lock", "w") as lock:
            _wait_for(lock, stop, emit)
            for name in ("rows", "index"):
                open_private(self.folder / name, "ab").close()
            index = _read_index(self.folder, self.context)
            with (
                open_private(self.folder / "rows", "r+b") as rows,
                open_private(self.folder / "index", "r+b") as entries,
            ):
                writer = _Writer(self.context, index, rows, entries)
                if index.lost:
                    lost = f"{index.lost:,} of the activations kept in {self.folder} were cut off or damaged"
                    emit(Notice("warning", f"{lost}: those that are needed are computed anew."))
                self.refresh(again=True)
                yield writer.append
        self.refresh(again=True)

    def _written(self) -> tuple[int, int]:
        """Bytes of index and rows, which only grow but where a crash left a torn end."""
        sizes = []
        for name in ("index", "rows"):
            try:
                sizes.append((self.folder / name).stat().st_size)
            except FileNotFoundError:
                sizes.append(0)
        return sizes[0], sizes[1]


@dataclass(frozen=True)
class _Index:
    """What the index says of each row: its key and checksum, None where the entry is damaged."""

    entries: list[tuple[Key, int] | None]
    """Up to the last good one."""
    lost: int
    """Rows that have no good entry, and entries that have no whole row."""


class _Writer:
    """Writes rows and their entries into the open files of a store that nobody else writes.

    What lies beyond the last good entry, which a crash cut off, is taken off; a damaged entry before it is made empty,
    and its row is used first.
    """

    def __init__(self, context: Context, index: _Index, rows: Any, entries: Any) -> None:
        self._context, self._rows, self._entries = context, rows, entries
        self._end = len(index.entries)
        rows.truncate(self._end * context.row_bytes)
        entries.truncate(self._end * _ENTRY.size)
        self._own = {entry[0]: slot for slot, entry in enumerate(index.entries) if entry}
        self._own.pop(_EMPTY, None)
        self._free = [slot for slot, entry in enumerate(index.entries) if not entry or entry[0] == _EMPTY]
        for slot, entry in enumerate(index.entries):
            if entry is None:
                self._name(slot, [_EMPTY], [0])

    def append(self, keys: Sequence[Key], activations: np.ndarray) -> None:
        """Write the activations of `keys`, (n, *shape). Raises OSError, and RunError for what can't be kept."""
        stored = _stored(activations, self._context.dtype)
        raw = np.frombuffer(stored.tobytes(), np.uint8).reshape(len(keys), self._context.row_bytes)
        sums = checksums(raw, self._context.seed).tolist()
        slots = np.array([self._slot(key) for key in keys])
        together = np.split(np.arange(len(keys)), np.flatnonzero(np.diff(slots) != 1) + 1)
        for part in together:
            self._rows.seek(int(slots[part[0]]) * self._context.row_bytes)
            self._rows.write(raw[part].tobytes())
        self._rows.flush()
        os.fsync(self._rows.fileno())  # a power cut may lose the index's end, never a row that it names
        for part in together:
            self._name(int(slots[part[0]]), [keys[place] for place in part], [sums[place] for place in part])
        self._own.update(zip(keys, slots.tolist(), strict=True))

    def _slot(self, key: Key) -> int:
        if key in self._own:
            return self._own[key]
        if self._free:
            return self._free.pop(0)
        self._end += 1
        return self._end - 1

    def _name(self, first: int, keys: Sequence[Key], sums: Sequence[int]) -> None:
        seed = self._context.seed
        named = [_entry(slot, *own, seed) for slot, own in enumerate(zip(keys, sums, strict=True), start=first)]
        self._entries.seek(first * _ENTRY.size)
        self._entries.write(b"".join(named))
        self._entries.flush()


def excess(folder: Path) -> int:
    """Bytes of the store in `folder` beyond its last whole entry, which a crash cut off.

    Raises ValueError where its context.json is damaged.
    """
    return sum(max(0, there - whole) for there, whole in _lengths(folder).values())


def take_off_excess(folder: Path) -> None:
    """Cut the store in `folder`, which nobody may be filling, after its last whole entry. Raises as `excess` does."""
    for path, (there, whole) in _lengths(folder).items():
        if there > whole:
            os.truncate(path, whole)


def damaged_rows(folder: Path) -> list[int]:
    """The rows of the store in `folder` that are damaged, each being read, or have a damaged entry before the last.

    Raises ValueError where its context.json is damaged.
    """
    context = _described(folder)
    entries = _read_index(folder, context).entries
    if not entries:
        return []
    sums = np.array([entry[1] if entry else 0 for entry in entries], np.uint64)
    bad = set(RowFile(folder / "rows", context.row_bytes, sums, context.seed).damaged())
    bad |= {slot for slot, entry in enumerate(entries) if entry is None}
    return sorted(bad - {slot for slot, entry in enumerate(entries) if entry and entry[0] == _EMPTY})


def take_out_damaged(folder: Path) -> None:
    """Empty the entries of damaged rows, so that they are computed anew where they are needed. Raises as above."""
    context = _described(folder)
    damaged = damaged_rows(folder)
    if damaged:
        with open_private(folder / "index", "r+b") as file:
            for slot in damaged:
                file.seek(slot * _ENTRY.size)
                file.write(_entry(slot, _EMPTY, 0, context.seed))


def _described(folder: Path) -> Context:
    """The context that the folder's context.json describes. Raises ValueError where it is damaged, or of old."""
    try:
        values = json.loads((folder / "context.json").read_bytes())
        layout = values.pop("layout", 1)
        if layout == LAYOUT:
            context = Context(**{**values, "shape": tuple(values["shape"])})
            if context.key[:32] == folder.name:
                return context
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        layout = LAYOUT
    if layout != LAYOUT:
        raise ValueError("of another version, which this one never reads")
    raise ValueError("whose context.json is damaged or missing")


def _lengths(folder: Path) -> dict[Path, tuple[int, int]]:
    """The length of each file of a store, and how much of it is whole entries."""
    context = _described(folder)
    count = len(_read_index(folder, context).entries)
    wanted = {folder / "rows": count * context.row_bytes, folder / "index": count * _ENTRY.size}
    return {path: (path.stat().st_size, whole) for path, whole in wanted.items() if path.is_file()}


def _read_index(folder: Path, context: Context) -> _Index:
    try:
        raw = (folder / "index").read_bytes()
        rows = (folder / "rows").stat().st_size // context.row_bytes
    except FileNotFoundError:
        return _Index([], 0)
    named = len(raw) // _ENTRY.size
    entries: list[tuple[Key, int] | None] = []
    for slot, (sha, view, total, check) in enumerate(_ENTRY.iter_unpack(raw[: min(named, rows) * _ENTRY.size])):
        good = check == _check(slot, sha, view, total, context.seed)
        entries.append(((sha.hex(), view), total) if good else None)
    while entries and entries[-1] is None:
        entries.pop()
    return _Index(entries, max(named, rows) - len(entries) + entries.count(None))


def _entry(slot: int, key: Key, total: int, seed: int) -> bytes:
    raw = bytes.fromhex(key[0])
    return _ENTRY.pack(raw, key[1], total, _check(slot, raw, key[1], total, seed))


def _check(slot: int, sha: bytes, view: int, total: int, seed: int) -> int:
    return zlib.crc32(struct.pack("<QQ32siQ", seed, slot, sha, view, total))


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
