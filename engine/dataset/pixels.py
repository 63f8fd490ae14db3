"""Every image decoded and resized once, kept as one memory-mapped array of bytes that later runs find again.

A store's name is a hash over the contents of its images, their order and the preprocessing, so that a store can't be
taken for another: moved or renamed files find it, changed ones don't. It is written under a temporary name and appears
whole or not at all; one that is damaged is built anew.
"""

import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from engine.dataset.flattening import READING
from engine.dataset.images import ImageError, Pixels, held, pixel_hash, resize
from engine.dataset.listing import Problem
from engine.dataset.parallel import Pulse, spread
from engine.dataset.scan import Record
from engine.errors import CacheError, DataError
from engine.events import Emit
from engine.files import private_dir, write_json
from engine.stopping import Stop

VERSION = "bilinear-1"
"""Names what happens to the pixels between file and store; a change here makes every older store unfindable."""

_CHUNK = 2**24
_NEW_SECONDS = 60
_ONE_AT_A_TIME = threading.Lock()  # two threads that want the same pixels decode them once


@dataclass(frozen=True, eq=False)
class PixelStore:
    """Resized images: `array` is a read-only np.memmap, uint8, (len(files), size, size, channels)."""

    array: Pixels
    files: tuple[str, ...]
    """The file of each row."""
    channels: int
    """1 when every image is grey; otherwise 3, with grey repeated in all three."""

    @cached_property
    def index(self) -> dict[str, int]:
        """The row of each file."""
        return {file: row for row, file in enumerate(self.files)}

    def rows(self, indices: Sequence[int] | npt.NDArray[np.integer[Any]]) -> Pixels:
        """A copy of the rows at `indices` in that order: uint8 (len(indices), size, size, channels)."""
        return np.asarray(self.array[np.asarray(indices, dtype=np.intp)])


def open_store(
    root: Path,
    records: Sequence[Record],
    size: int,
    cache_dir: Path,
    emit: Emit = lambda event: None,
    stop: Stop | None = None,
    reading: int = READING,
) -> tuple[PixelStore, tuple[Problem, ...]]:
    """The pixels of `records` at `size` x `size`, in their order, from the cache or else from the files under `root`.

    `reading` is what they were scanned by. As pixels are kept by their hash, those of another reading are never taken.
    Files that vanished or changed since the scan are left out and returned as problems. Raises DataError when none is
    left, CacheError when the cache can't be written, Stopped when `stop` is set meanwhile.
    """
    if not records:
        raise DataError(f"There are no images of {root} to decode.")
    channels = 3 if any(record.colour for record in records) else 1
    with _ONE_AT_A_TIME:
        directory = _directory(cache_dir)
        found = _existing(directory, _plan(records, size, channels))
        if found is not None:
            return PixelStore(found, tuple(record.file for record in records), channels), ()
        return _build(root, records, size, channels, directory, emit, stop, reading)


def damaged(cache_dir: Path) -> list[tuple[Path, str]]:
    """The stores in the cache that are not whole, each by the path of its pixels, and why, as part of a sentence."""
    directory = cache_dir / "pixels"
    keys = sorted({path.stem for path in directory.glob("*") if path.suffix in (".u8", ".json") and path.stem})
    found = [(directory / f"{key}.u8", _fault(directory, key)) for key in keys if not key.startswith(".")]
    return [(path, why) for path, why in found if why]


def remove(store: Path) -> None:
    """Remove the store whose pixels lie, or would lie, at the path `store`."""
    store.with_suffix(".json").unlink(missing_ok=True)
    store.unlink(missing_ok=True)


def _fault(directory: Path, key: str) -> str:
    pixels, description = directory / f"{key}.u8", directory / f"{key}.json"
    with suppress(OSError):
        if not description.is_file():  # it follows the pixels within a moment
            return "never finished" if time.time() - pixels.stat().st_mtime > _NEW_SECONDS else ""
    try:
        count, height, width, channels = json.loads(description.read_bytes())["shape"]
    except (OSError, ValueError, KeyError, TypeError):
        return "whose description is damaged"
    whole = _existing(directory, _Plan(key, (count, height, width, channels)))
    return "" if whole is not None else "damaged or cut short"


@dataclass(frozen=True)
class _Plan:
    """The name and extent of a store."""

    key: str
    shape: tuple[int, int, int, int]

    @property
    def bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


def _plan(records: Sequence[Record], size: int, channels: int) -> _Plan:
    digest = hashlib.sha256(f"{VERSION} {size} {channels} {len(records)}".encode())
    for record in records:
        digest.update(bytes.fromhex(record.sha))
    return _Plan(digest.hexdigest(), (len(records), size, size, channels))


def _build(
    root: Path,
    records: Sequence[Record],
    size: int,
    channels: int,
    directory: Path,
    emit: Emit,
    stop: Stop | None,
    reading: int,
) -> tuple[PixelStore, tuple[Problem, ...]]:
    problems: list[Problem] = []
    kept: list[Record] = []
    pulse = Pulse(emit, "decode", len(records))
    whole = _plan(records, size, channels).bytes

    def small(record: Record) -> Pixels | Problem:
        return _small(root, record, size, channels, reading)

    with _no_space_told(directory, whole), _temporary(directory) as (file, path):
        checksum = 0
        with closing(spread(small, records, stop)) as results:
            for done, (record, result) in enumerate(zip(records, results, strict=True), start=1):
                if isinstance(result, Problem):
                    problems.append(result)
                else:
                    kept.append(record)
                    checksum = zlib.crc32(result.data, checksum)
                    file.write(result.data)
                pulse(done)
        if not kept:
            raise DataError(f"None of the {len(records)} images in {root} is as it was when scanned; scan it again.")
        file.flush()
        os.fsync(file.fileno())
        plan = _plan(kept, size, channels)
        path.replace(directory / f"{plan.key}.u8")
        write_json(directory / f"{plan.key}.json", _meta(plan, checksum))  # last: pixels without it are not finished
    return PixelStore(_mapped(directory, plan), tuple(record.file for record in kept), channels), tuple(problems)


def _small(root: Path, record: Record, size: int, channels: int, reading: int) -> Pixels | Problem:
    """The resized pixels of one record, (size, size, channels), or why it is left out."""
    try:
        with held(root / record.file, reading) as image:
            if pixel_hash(image.pixels) != record.sha:
                return Problem(record.file, "changed", "has other pixels than when it was scanned")
            small = resize(image.pixels, size)
    except ImageError as exc:
        return Problem(record.file, "vanished", f"could be read by the scan, but no more: {exc.reason}")
    if small.ndim == 2:
        small = small[..., None] if channels == 1 else np.repeat(small[..., None], channels, axis=2)
    return np.ascontiguousarray(small)


def _existing(directory: Path, plan: _Plan) -> Pixels | None:
    """The store of `plan` if it is there and whole."""
    try:
        text = (directory / f"{plan.key}.json").read_text(encoding="utf-8")
        meta = json.loads(text)
        if meta != _meta(plan, meta["checksum"]):
            return None
        array = _mapped(directory, plan)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return array if _checksum(array) == meta["checksum"] else None


def _meta(plan: _Plan, checksum: int) -> dict[str, Any]:
    values = {"version": VERSION, "key": plan.key, "shape": list(plan.shape), "bytes": plan.bytes, "checksum": checksum}
    return {**values, "meta_checksum": hashlib.sha256(json.dumps(values).encode()).hexdigest()}


def _mapped(directory: Path, plan: _Plan) -> Pixels:
    """The pixels of `plan`, mapped read-only. Raises ValueError when the file has another size."""
    path = directory / f"{plan.key}.u8"
    if path.stat().st_size != plan.bytes:
        raise ValueError(f"{path} is not {plan.bytes} bytes long")
    return np.memmap(path, dtype=np.uint8, mode="r", shape=plan.shape)


def _checksum(array: Pixels) -> int:
    flat = array.reshape(-1)
    checksum = 0
    for start in range(0, flat.size, _CHUNK):
        checksum = zlib.crc32(flat[start : start + _CHUNK].data, checksum)
    return checksum


def _directory(cache_dir: Path) -> Path:
    """The folder of the stores, the owner's alone, cleared of what a killed process left unfinished."""
    directory = cache_dir / "pixels"
    try:
        private_dir(directory).chmod(0o700)
        for path in directory.glob("*.tmp"):
            _remove_if_abandoned(path)
    except OSError as exc:
        raise CacheError(
            f"The cache folder {directory} can't be used ({exc.strerror}); make it writable or choose another."
        ) from exc
    return directory


def _remove_if_abandoned(path: Path) -> None:
    """Remove a temporary file whose writer is dead: it is not new, and nobody holds a lock on it."""
    with suppress(OSError), path.open("rb") as file:
        if time.time() - path.stat().st_mtime < _NEW_SECONDS:
            return
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()


@contextmanager
def _temporary(directory: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A new locked file, readable by the owner alone, gone afterwards unless it was renamed."""
    path = directory / f"{os.getpid()}-{secrets.token_hex(8)}.tmp"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield file, path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _no_space_told(directory: Path, wanted: int) -> Iterator[None]:
    """Turns a full disk into a CacheError, before the work where that can be known."""
    free = shutil.disk_usage(directory).free
    megabytes = f"{wanted / 1e6:.0f} MB of decoded images"
    sentence = f"There is no space in {directory} for {megabytes}; free some, or move the cache (COVID_TUI_CACHE)."
    if free < wanted:
        raise CacheError(sentence)
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise CacheError(sentence) from exc
        raise CacheError(f"The decoded images can't be written to {directory} ({exc.strerror}).") from exc
