"""The frozen prefix's activations, computed once and kept on disk.

A store holds one prefix's output under one augmentation policy: `rows` has the activations, `index` says which image
and view each row belongs to and is written after its rows. So a store that was left half filled, or cut off in the
middle of a write, is simply filled on from its last whole entry.

A cache changes speed, never results. Each entry of the index has a checksum of its row, which is verified whenever the
row is read from the disk, and one of its own; both depend on the store's origin, and the second on the place, so that
no row is taken for another. What fails is computed anew by whoever needs it. What is kept is exact in the format that
`FreezePlan.kept_format` chooses by itself, but for feature maps computed in float32, which are kept in float16: that
moves VGG16's logits by up to 0.0006 of 18.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.base.cache import hold
from engine.base.checked_rows import Bytes, RowFile, Sums
from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.events import Notice
from engine.base.files import open_private, private_dir, write_json
from engine.base.language import tr
from engine.base.locks import try_lock
from engine.base.wording import counted
from engine.training.feature_file import (
    EMPTY,
    LAYOUT,
    Key,
    Origin,
    Writer,
    described,
    number_format,
    read_index,
    stored,
)

HELD = 256 * 2**20
"""Bytes of a store that are held in memory once they are read and verified; a larger one is read from the disk."""
CHECKED = 2**24
"""Bytes that are read at a time where many rows are checked."""
Append = Callable[[Sequence[Key], np.ndarray], None]


class FeatureStore:
    """Activations of one origin on disk, found by (pixel hash, view)."""

    def __init__(self, cache: Path, origin: Origin) -> None:
        self.origin = origin
        self.folder = private_dir(cache / "features" / origin.key[:32], cache)
        self._cache = cache
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
            described(self.folder)
        except ValueError:
            write_json(self.folder / "context.json", {"layout": LAYOUT, **vars(origin)}, cache)
        self.refresh()

    @staticmethod
    def there(cache: Path, origin: Origin) -> bool:
        """Is there a store of this origin already?"""
        return (cache / "features" / origin.key[:32]).is_dir()

    def refresh(self, again: bool = False) -> None:
        """Learn of the rows that this or another process has written: where a file grew, or `again` in any case."""
        written = self._written()
        if written == self._known and not again:
            return
        self._known = written
        entries = read_index(self.folder, self.origin).entries
        self._slots = {entry[0]: slot for slot, entry in enumerate(entries) if entry and entry[0] != EMPTY}
        before, self._sums = self._sums, np.array([entry[1] if entry else 0 for entry in entries], np.uint64)
        self._file = None
        if len(entries):
            self._file = RowFile(self.folder / "rows", self.origin.row_bytes, self._sums, self.origin.seed)
        self._hold(before)

    def _hold(self, before: Sums) -> None:
        """Make room in memory for the rows, those read already staying, if all together are few enough."""
        held, have, count = self._held, self._have, len(self._sums)
        if count * self.origin.row_bytes > HELD:
            self._held = None
            return
        self._held, self._have = np.empty((count, self.origin.row_bytes), np.uint8), np.zeros(count, bool)
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
            raise ValueError(f"of {counted(len(keys), 'row')}, missing or damaged: {len(damaged)}")
        return found

    def locate(self, keys: Sequence[Key]) -> np.ndarray:
        """The rows of `keys`, -1 where none is known; they stay theirs as the store grows."""
        return np.array([self._slots.get(key, -1) for key in keys], np.intp)

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """The activations in `rows`, (n, *shape) in the stored format, and the places of those that are damaged.

        What stands at those places means nothing.
        """
        if self._file is None:
            raw, damaged = np.zeros((len(rows), self.origin.row_bytes), np.uint8), list(range(len(rows)))
        elif self._held is None:
            raw, damaged = self._file.read(rows)
        else:
            raw, damaged = self._through_memory(self._file, self._held, rows)
        return raw.view(number_format(self.origin.dtype)).reshape(len(rows), *self.origin.shape), damaged

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
        step = max(1, CHECKED // self.origin.row_bytes)
        for start in range(0, len(keys), step):
            part = rows[start : start + step]
            found += [keys[start + place] for place in self.take(part)[1] if part[place] >= 0]
        return found

    def stored(self, activations: np.ndarray) -> np.ndarray:
        """Activations (n, *shape) as the store would give them back. Raises RunError where it can't hold them."""
        return stored(activations, self.origin.dtype)

    @contextlib.contextmanager
    def filling(self, context: Context) -> Iterator[Append]:
        """Hold the store for writing; waits, and says so, while another process fills it.

        Yields `append(keys, activations)`, which also replaces what is kept of a key. Entries that were cut off or
        damaged are told of.
        """
        with open_private(self.folder / "lock", "w", self._cache) as lock:
            _wait_for(lock, context)
            for name in ("rows", "index"):
                open_private(self.folder / name, "ab", self._cache).close()
            index = read_index(self.folder, self.origin)
            with (
                open_private(self.folder / "rows", "r+b", self._cache) as rows,
                open_private(self.folder / "index", "r+b", self._cache) as entries,
            ):
                writer = Writer(self.origin, index, rows, entries)
                if index.lost:
                    text = tr(
                        "{count:,} of the activations kept in {folder} were cut off or damaged: those that are needed "
                        "are computed anew.",
                        count=index.lost,
                        folder=self.folder,
                    )
                    context.emit(Notice("warning", text))
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


def _wait_for(lock: Any, context: Context) -> None:
    told = False
    while not try_lock(lock, tries=1):
        if context.stop.is_set():
            raise Stopped(tr("Stopped while another training filled the feature cache."))
        if not told:
            context.emit(
                Notice(
                    "info",
                    tr(
                        "Another training fills {parent}, which this one needs: it is waited for.",
                        parent=Path(lock.name).parent,
                    ),
                )
            )
            told = True
        time.sleep(0.2)
