"""Rows of one length in one file, each with its checksum: what is read is what was written, or is named as damaged.

The checksum is xxh3 of 64 bits, as a row is checked each time that it is read from the disk: of what Python can call it
is among the fastest on rows from 1 kB to 400 kB, seven times as fast as zlib's CRC32 (`python -m benchmarks.checksum`).
"""

import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import xxhash

Bytes = npt.NDArray[np.uint8]
Sums = npt.NDArray[np.uint64]
_SOME = 2**24
"""Bytes that are read at a time where a whole file is checked."""


def checksums(rows: Bytes, seed: int = 0) -> Sums:
    """The checksum of each of rows (n, bytes); another `seed` (64 bits) gives other ones."""
    flat, length = np.ascontiguousarray(rows).reshape(-1).data, rows.shape[1]
    digest = xxhash.xxh3_64_intdigest
    return np.array([digest(flat[k * length : (k + 1) * length], seed) for k in range(len(rows))], np.uint64)


class RowFile:
    """The rows of `length` bytes in the file `path`, whose checksums are `sums`.

    It reads by calls, not by a mapping: there, a file cut short or a bad sector would end the process. The file stays
    open as long as this lives, so that rows can still be read when it is removed. Raises OSError where it is not there.
    """

    def __init__(self, path: Path, length: int, sums: Sums, seed: int = 0) -> None:
        self.length, self.sums, self.seed = length, sums, seed
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._file)

    def read(self, rows: npt.NDArray[np.intp]) -> tuple[Bytes, list[int]]:
        """The bytes of `rows`, (n, length), and the places among them whose row is damaged or no row of the file."""
        found = np.empty((len(rows), self.length), np.uint8)
        flat, length, seed, file = found.reshape(-1).data, self.length, self.seed, self._file
        known = (rows >= 0) & (rows < len(self.sums))
        sums = self.sums[np.where(known, rows, 0)].tolist() if len(self.sums) else [0] * len(rows)
        damaged = [] if known.all() else np.flatnonzero(~known).tolist()
        digest, read = xxhash.xxh3_64_intdigest, os.preadv
        for place, row in enumerate(rows.tolist()):
            into = flat[place * length : (place + 1) * length]
            if not known[place]:
                continue
            try:
                whole = read(file, (into,), row * length) == length
            except OSError:  # a sector that can't be read
                whole = False
            if not whole or digest(into, seed) != sums[place]:
                damaged.append(place)
        return found, sorted(damaged)

    def damaged(self) -> list[int]:
        """The rows that are damaged, of all."""
        some, count = max(1, _SOME // self.length), len(self.sums)
        parts = (np.arange(start, min(start + some, count)) for start in range(0, count, some))
        return [int(part[place]) for part in parts for place in self.read(part)[1]]


def overwrite(file: BinaryIO, length: int, rows: Sequence[int], contents: Sequence[Bytes]) -> None:
    """Write these contents in place of rows of a file that is open for writing. Raises OSError."""
    for row, content in zip(rows, contents, strict=True):
        file.seek(row * length)
        file.write(content.tobytes())
    file.flush()
    os.fsync(file.fileno())
