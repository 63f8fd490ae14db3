"""How kept activations lie on the disk: rows, an index that names them, and what tells damaged ones.

`index` has an entry for each row of `rows`, written after its row. It holds the row's checksum, and one of its own that
depends on the place, and both depend on the origin, so that no row and no entry is taken for another.
"""

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from engine.base.checked_rows import RowFile, checksums
from engine.base.errors import RunError
from engine.base.files import open_private
from engine.base.language import tr

LAYOUT = 3
"""Names how a store lies on the disk; a change makes every older one unfindable. Before 2, rows had no checksum; before
3, it was not said what computed them."""
ENTRY = struct.Struct("<32siQI")
"""An entry of the index: SHA-256 of the pixels, view, checksum of the row, checksum of the entry."""

Key = tuple[str, int]
"""SHA-256 of an image's pixels, and a view."""
EMPTY: Key = ("0" * 64, -(2**31))
"""Stands in the index where a damaged entry stood, until its row is used again."""


@dataclass(frozen=True)
class Origin:
    """All that decides the activations of a given image and view."""

    prefix: str
    """SHA-256 of the prefix's weights and structure."""
    preprocessing: str
    """From the file's pixels to the network's input."""
    size: int
    precision: str
    engine: str
    """What computed them (`engine.base.engines.identity`)."""
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
        """What makes the checksums of this origin's rows differ from another's; 64 bits."""
        return int(self.key[-16:], 16)

    @property
    def row_bytes(self) -> int:
        """Bytes that one image's activations take."""
        return int(np.prod(self.shape)) * number_format(self.dtype).itemsize


def number_format(name: str) -> np.dtype[Any]:
    """NumPy's format of that name, bfloat16 among them."""
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


@dataclass(frozen=True)
class Index:
    """What the index says of each row: its key and checksum, None where the entry is damaged."""

    entries: list[tuple[Key, int] | None]
    """Up to the last good one."""
    lost: int
    """Rows that have no good entry, and entries that have no whole row."""


class Writer:
    """Writes rows and their entries into the open files of a store that nobody else writes.

    What lies beyond the last good entry, which a crash cut off, is taken off; a damaged entry before it is made empty,
    and its row is used first.
    """

    def __init__(self, origin: Origin, index: Index, rows: Any, entries: Any) -> None:
        self._origin, self._rows, self._entries = origin, rows, entries
        self._end = len(index.entries)
        rows.truncate(self._end * origin.row_bytes)
        entries.truncate(self._end * ENTRY.size)
        self._own = {entry[0]: slot for slot, entry in enumerate(index.entries) if entry}
        self._own.pop(EMPTY, None)
        self._free = [slot for slot, entry in enumerate(index.entries) if not entry or entry[0] == EMPTY]
        for slot, entry in enumerate(index.entries):
            if entry is None:
                self._name(slot, [EMPTY], [0])

    def append(self, keys: Sequence[Key], activations: np.ndarray) -> None:
        """Write the activations of `keys`, (n, *shape). Raises OSError, and RunError for what can't be kept."""
        kept = stored(activations, self._origin.dtype)
        raw = np.frombuffer(kept.tobytes(), np.uint8).reshape(len(keys), self._origin.row_bytes)
        sums = checksums(raw, self._origin.seed).tolist()
        slots = np.array([self._slot(key) for key in keys])
        together = np.split(np.arange(len(keys)), np.flatnonzero(np.diff(slots) != 1) + 1)
        for part in together:
            self._rows.seek(int(slots[part[0]]) * self._origin.row_bytes)
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
        seed = self._origin.seed
        named = [_entry(slot, *own, seed) for slot, own in enumerate(zip(keys, sums, strict=True), start=first)]
        self._entries.seek(first * ENTRY.size)
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
            with open_private(path, "r+b", folder.parent.parent) as file:
                file.truncate(whole)


def damaged_rows(folder: Path) -> list[int]:
    """The rows of the store in `folder` that are damaged, each being read, or have a damaged entry before the last.

    Raises ValueError where its context.json is damaged.
    """
    origin = described(folder)
    entries = read_index(folder, origin).entries
    if not entries:
        return []
    sums = np.array([entry[1] if entry else 0 for entry in entries], np.uint64)
    bad = set(RowFile(folder / "rows", origin.row_bytes, sums, origin.seed).damaged())
    bad |= {slot for slot, entry in enumerate(entries) if entry is None}
    return sorted(bad - {slot for slot, entry in enumerate(entries) if entry and entry[0] == EMPTY})


def take_out_damaged(folder: Path) -> None:
    """Empty the entries of damaged rows, so that they are computed anew where they are needed. Raises as above."""
    origin = described(folder)
    damaged = damaged_rows(folder)
    if damaged:
        with open_private(folder / "index", "r+b", folder.parent.parent) as file:
            for slot in damaged:
                file.seek(slot * ENTRY.size)
                file.write(_entry(slot, EMPTY, 0, origin.seed))


def described(folder: Path) -> Origin:
    """The origin that the folder's context.json describes. Raises ValueError where it is damaged, or of old."""
    try:
        values = json.loads((folder / "context.json").read_bytes())
        layout = values.pop("layout", 1)
        if layout == LAYOUT:
            origin = Origin(**{**values, "shape": tuple(values["shape"])})
            if origin.key[:32] == folder.name:
                return origin
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        layout = LAYOUT
    if layout != LAYOUT:
        raise ValueError(tr("of another version, which this one never reads"))
    raise ValueError(tr("whose context.json is damaged or missing"))


def _lengths(folder: Path) -> dict[Path, tuple[int, int]]:
    """The length of each file of a store, and how much of it is whole entries."""
    origin = described(folder)
    count = len(read_index(folder, origin).entries)
    wanted = {folder / "rows": count * origin.row_bytes, folder / "index": count * ENTRY.size}
    return {path: (path.stat().st_size, whole) for path, whole in wanted.items() if path.is_file()}


def read_index(folder: Path, origin: Origin) -> Index:
    try:
        raw = (folder / "index").read_bytes()
        rows = (folder / "rows").stat().st_size // origin.row_bytes
    except FileNotFoundError:
        return Index([], 0)
    named = len(raw) // ENTRY.size
    entries: list[tuple[Key, int] | None] = []
    for slot, (sha, view, total, check) in enumerate(ENTRY.iter_unpack(raw[: min(named, rows) * ENTRY.size])):
        good = check == _check(slot, sha, view, total, origin.seed)
        entries.append(((sha.hex(), view), total) if good else None)
    while entries and entries[-1] is None:
        entries.pop()
    return Index(entries, max(named, rows) - len(entries) + entries.count(None))


def _entry(slot: int, key: Key, total: int, seed: int) -> bytes:
    raw = bytes.fromhex(key[0])
    return ENTRY.pack(raw, key[1], total, _check(slot, raw, key[1], total, seed))


def _check(slot: int, sha: bytes, view: int, total: int, seed: int) -> int:
    return zlib.crc32(struct.pack("<QQ32siQ", seed, slot, sha, view, total))


def stored(activations: np.ndarray, dtype: str) -> np.ndarray:
    """The activations in the format that they are kept in. Raises RunError where it can't hold them."""
    with np.errstate(over="ignore"):
        kept = activations.astype(number_format(dtype))
    if not np.isfinite(kept).all():
        raise RunError(
            tr("The frozen layers give values that {dtype} can't hold: use --feature-dtype float32.", dtype=dtype)
        )
    return kept
