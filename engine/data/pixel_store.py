"""Every image decoded and resized once, kept as one memory-mapped array of bytes that later runs find again.

A store's name is a hash over the contents of its images, their order and the preprocessing, so that a store can't be
taken for another: moved or renamed files find it, changed ones don't. It is written under a temporary name and appears
whole or not at all. Each row has a checksum, which is verified whenever the row is read, so that opening a store reads
no pixel; an image whose row is damaged is decoded anew.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from engine.base.checked_rows import RowFile, Sums, checksums, overwrite
from engine.base.context import Context
from engine.base.errors import CacheError, DataError, LinkError
from engine.base.events import Emit, Notice
from engine.base.files import open_private, opened, private_dir, write_json
from engine.base.files import remove as remove_path
from engine.base.language import marked, tr, trn
from engine.base.locks import require_lock, wait_for_lock
from engine.base.wording import FULL, counted, reason, without_stop
from engine.data.image.formats import PIXEL_RULES
from engine.data.image.reader import ImageError, Pixels, held, pixel_hash, resize
from engine.data.parallel import Pulse, spread
from engine.data.records import Problem, Record

VERSION = "bilinear-1"
"""Names what happens to the pixels between file and store; a change here makes every older store unfindable."""
LAYOUT = "2"
"""Names how a store lies on the disk, with the same consequence. Before 2, the file had one checksum."""

_NEW_SECONDS = 60
_TEMPORARY = re.compile(r"\d+-[0-9a-f]{16}\.tmp")
_ONE_AT_A_TIME = threading.Lock()  # two threads that want the same pixels decode them once


class KeptRows:
    """The rows of a store on the disk: each is verified when it is read, and one that is damaged is decoded anew."""

    def __init__(
        self,
        path: Path,
        plan: "_Plan",
        sums: Sums,
        root: Path,
        records: Sequence[Record],
        emit: Emit,
        pixel_rules: int,
    ) -> None:
        self._pixel_rules = pixel_rules
        self._path, self._plan, self._root, self._records, self._emit = path, plan, root, records, emit
        self._file = RowFile(path, plan.row_bytes, sums)
        self._mending = threading.Lock()
        self._given_up = False

    def read(self, rows: npt.NDArray[np.intp]) -> Pixels:
        """The pixels of `rows`; negative ones count from the end. Raises DataError where some can't be had."""
        rows = np.where(rows < 0, rows + len(self._records), rows)
        found, damaged = self._file.read(rows)
        if damaged and not self._given_up:
            with self._mending:
                self._mend()
            found, damaged = self._file.read(rows)
        for place in damaged:
            decoded = self._decoded(int(rows[place]))
            if isinstance(decoded, Problem):
                raise DataError(
                    tr(
                        "{file} {reason}, and its decoded pixels in {path} are damaged: put the file back as it was, "
                        "or scan {root} again.",
                        file=decoded.file,
                        reason=decoded.reason,
                        path=self._path,
                        root=self._root,
                    )
                )
            found[place] = decoded.reshape(-1)
        return found.reshape(len(rows), *self._plan.shape[1:])

    def _mend(self) -> None:
        """Decode every damaged row of the store anew, put it in its place, and say so."""
        decoded = {row: self._decoded(row) for row in self._file.damaged()}
        told = trn(
            "{number} decoded image in {path} was damaged, to be decoded anew.",
            "{number} decoded images in {path} were damaged, to be decoded anew.",
            len(decoded),
            path=self._path,
        )
        good = {row: pixels.reshape(-1) for row, pixels in decoded.items() if not isinstance(pixels, Problem)}
        self._given_up = len(good) < len(decoded)
        try:
            with open_private(self._path, "r+b", self._path.parent.parent) as file:
                overwrite(file, self._plan.row_bytes, list(good), list(good.values()))
            self._given_up |= bool(self._file.read(np.array(list(good), np.intp))[1])
        except (OSError, LinkError) as error:
            self._given_up = True
            why = reason(error) if isinstance(error, OSError) else without_stop(str(error))
            told = trn(
                "{number} decoded image in {path} was damaged, to be decoded anew whenever they are needed, as they "
                "can't be replaced there ({why}).",
                "{number} decoded images in {path} were damaged, to be decoded anew whenever they are needed, as they "
                "can't be replaced there ({why}).",
                len(decoded),
                path=self._path,
                why=why,
            )
        if decoded:
            self._emit(Notice("warning", told))

    def _decoded(self, row: int) -> "Pixels | Problem":
        return _small(self._root, self._records[row], self._plan.shape[1], self._plan.shape[3], self._pixel_rules)


@dataclass(frozen=True, eq=False)
class PixelStore:
    """Resized images: `array` is a read-only np.memmap, uint8, (len(files), size, size, channels), nothing verified."""

    array: Pixels
    files: tuple[str, ...]
    """The file of each row."""
    channels: int
    """1 when every image is grey; otherwise 3, with grey repeated in all three."""
    kept: KeptRows | None = None
    """Reads the rows of `array` and verifies them; None where they lie in memory alone."""

    @cached_property
    def index(self) -> dict[str, int]:
        """The row of each file."""
        return {file: row for row, file in enumerate(self.files)}

    def rows(self, indices: Sequence[int] | npt.NDArray[np.integer[Any]]) -> Pixels:
        """A copy of the rows at `indices` in that order: uint8 (len(indices), size, size, channels).

        Raises DataError where a row is damaged and its file is no more what it was.
        """
        wanted = np.asarray(indices, dtype=np.intp)
        return self.kept.read(wanted) if self.kept else np.asarray(self.array[wanted])


def open_store(
    root: Path,
    records: Sequence[Record],
    size: int,
    cache_dir: Path,
    context: Context | None = None,
    pixel_rules: int = PIXEL_RULES,
) -> tuple[PixelStore, tuple[Problem, ...]]:
    """The pixels of `records` at `size` x `size`, in their order, from the cache or else from the files under `root`.

    `pixel_rules` is what they were scanned by. As pixels are kept by their hash, those by other rules are never taken.
    Files that vanished or changed since the scan are left out and returned as problems. Raises DataError when none is
    left, CacheError when the cache can't be written, Stopped when the stop is set meanwhile.
    """
    if not records:
        raise DataError(tr("There are no images of {root} to decode.", root=root))
    context = context or Context()
    channels = 3 if any(record.colour for record in records) else 1
    with _ONE_AT_A_TIME:
        directory = _directory(cache_dir)
        plan = _plan(records, size, channels)
        sums = _sums(directory, plan)
        if sums is not None:
            return _opened(directory, plan, sums, root, records, context.emit, pixel_rules), ()
        if plan.pixels(directory).exists() or plan.description(directory).exists():
            text = tr(
                "The decoded images in {path} are damaged or were never finished: they are decoded anew.",
                path=plan.pixels(directory),
            )
            context.emit(Notice("warning", text))
        return _build(root, records, size, channels, directory, context, pixel_rules)


def damaged(cache_dir: Path) -> list[tuple[Path, str]]:
    """The stores in the cache that are not whole, each by the path of its pixels, and why, as part of a sentence."""
    directory = cache_dir / "pixels"
    if directory.is_symlink():
        return []
    keys = sorted({path.stem for path in directory.glob("*") if path.suffix in (".u8", ".json") and path.stem})
    found = [(directory / f"{key}.u8", _fault(directory, key)) for key in keys if not key.startswith(".")]
    return [(path, why) for path, why in found if why]


def remove(store: Path) -> None:
    """Remove the store whose pixels lie, or would lie, at the path `store`, CACHE/pixels/KEY.u8."""
    for path in (store.with_suffix(".json"), store):
        remove_path(path, store.parent.parent)


def _fault(directory: Path, key: str) -> str:
    pixels, description = directory / f"{key}.u8", directory / f"{key}.json"
    with suppress(OSError):
        if not description.is_file():  # it follows the pixels within a moment
            return tr("never finished") if time.time() - pixels.stat().st_mtime > _NEW_SECONDS else ""
    try:
        described = json.loads(description.read_bytes())
        if "checksums" not in described and "checksum" in described:
            return tr("of an earlier version, which this one never reads")
        count, height, width, channels = described["shape"]
        plan = _Plan(key, (count, height, width, channels))
        sums = _sums(directory, plan)
        damaged = len(RowFile(pixels, plan.row_bytes, sums).damaged()) if sums is not None else 0
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return tr("whose description is damaged")
    if sums is None:
        return tr("damaged or cut short")
    return tr("of which {damaged:,} are damaged", damaged=damaged) if damaged else ""


@dataclass(frozen=True)
class _Plan:
    """The name and extent of a store."""

    key: str
    shape: tuple[int, int, int, int]

    @property
    def bytes(self) -> int:
        return self.shape[0] * self.row_bytes

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.shape[1:], dtype=np.int64))

    def pixels(self, directory: Path) -> Path:
        return directory / f"{self.key}.u8"

    def description(self, directory: Path) -> Path:
        return directory / f"{self.key}.json"


def _plan(records: Sequence[Record], size: int, channels: int) -> _Plan:
    digest = hashlib.sha256(f"{VERSION} {LAYOUT} {size} {channels} {len(records)}".encode())
    for record in records:
        digest.update(bytes.fromhex(record.sha))
    return _Plan(digest.hexdigest(), (len(records), size, size, channels))


def _build(
    root: Path,
    records: Sequence[Record],
    size: int,
    channels: int,
    directory: Path,
    context: Context,
    pixel_rules: int,
) -> tuple[PixelStore, tuple[Problem, ...]]:
    problems: list[Problem] = []
    kept: list[Record] = []
    pulse = Pulse(context.emit, marked("decode"), len(records))
    whole = _plan(records, size, channels).bytes

    def small(record: Record) -> Pixels | Problem:
        return _small(root, record, size, channels, pixel_rules)

    with _no_space_told(directory, whole), _temporary(directory) as (file, path):
        sums: list[Sums] = []
        with closing(spread(small, records, context.stop)) as results:
            for done, (record, result) in enumerate(zip(records, results, strict=True), start=1):
                if isinstance(result, Problem):
                    problems.append(result)
                else:
                    kept.append(record)
                    sums.append(checksums(result.reshape(1, -1)))
                    file.write(result.data)
                pulse(done)
        if not kept:
            images = counted(len(records), "image")
            raise DataError(
                tr("None of the {images} in {root} is as it was when scanned; scan it again.", images=images, root=root)
            )
        file.flush()
        os.fsync(file.fileno())
        plan, every = _plan(kept, size, channels), np.concatenate(sums)
        path.replace(plan.pixels(directory))
        # Last, as pixels without it are not finished.
        write_json(plan.description(directory), _meta(plan, every), directory.parent)
    return _opened(directory, plan, every, root, kept, context.emit, pixel_rules), tuple(problems)


def _opened(
    directory: Path, plan: _Plan, sums: Sums, root: Path, records: Sequence[Record], emit: Emit, pixel_rules: int
) -> PixelStore:
    rows = KeptRows(plan.pixels(directory), plan, sums, root, tuple(records), emit, pixel_rules)
    return PixelStore(_mapped(directory, plan), tuple(record.file for record in records), plan.shape[3], rows)


def _small(root: Path, record: Record, size: int, channels: int, pixel_rules: int) -> Pixels | Problem:
    """The resized pixels of one record, (size, size, channels), or why it is left out."""
    try:
        with held(root / record.file, pixel_rules) as image:
            if pixel_hash(image.pixels) != record.sha:
                return Problem(record.file, "changed", tr("has other pixels than when it was scanned"))
            small = resize(image.pixels, size)
    except ImageError as exc:
        reason = tr("could be read by the scan, but no more: {reason}", reason=exc.reason)
        return Problem(record.file, "vanished", reason)
    if small.ndim == 2:
        small = small[..., None] if channels == 1 else np.repeat(small[..., None], channels, axis=2)
    return np.ascontiguousarray(small)


def _sums(directory: Path, plan: _Plan) -> Sums | None:
    """The checksums of the rows of the store of `plan`, if it is there, as long as it must be, and well described."""
    try:
        meta = json.loads(plan.description(directory).read_bytes())
        sums = np.frombuffer(bytes.fromhex(meta["checksums"]), "<u8").astype(np.uint64)
        whole = plan.pixels(directory).stat().st_size == plan.bytes and len(sums) == plan.shape[0]
        return sums if whole and meta == _meta(plan, sums) else None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _meta(plan: _Plan, sums: Sums) -> dict[str, Any]:
    values = {"version": VERSION, "key": plan.key, "shape": list(plan.shape), "bytes": plan.bytes}
    values |= {"checksums": sums.astype("<u8").tobytes().hex()}
    return {**values, "meta_checksum": hashlib.sha256(json.dumps(values).encode()).hexdigest()}


def _mapped(directory: Path, plan: _Plan) -> Pixels:
    """The pixels of `plan`, mapped read-only."""
    return np.memmap(plan.pixels(directory), dtype=np.uint8, mode="r", shape=plan.shape)


def _directory(cache_dir: Path) -> Path:
    """The folder of the stores, the owner's alone, cleared of what a killed process left unfinished."""
    directory = cache_dir / "pixels"
    try:
        with opened(private_dir(directory, cache_dir), cache_dir) as folder:
            os.fchmod(folder, 0o700)
        for path in directory.glob("*.tmp"):
            if _TEMPORARY.fullmatch(path.name):
                _remove_if_abandoned(path)
    except OSError as exc:
        raise CacheError(
            tr(
                "The cache folder {folder} can't be used ({reason}); make it writable or choose another.",
                folder=directory,
                reason=reason(exc),
            )
        ) from exc
    return directory


def _remove_if_abandoned(path: Path) -> None:
    """Remove a temporary file whose writer is dead: it is not new, and nobody holds a lock on it."""
    root = path.parent.parent
    with suppress(OSError, LinkError), open_private(path, "rb", root) as file:
        if time.time() - os.fstat(file.fileno()).st_mtime < _NEW_SECONDS:
            return
        require_lock(file, tries=1)
        remove_path(path, root)


@contextmanager
def _temporary(directory: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A new locked file, readable by the owner alone, gone afterwards unless it was renamed."""
    path = directory / f"{os.getpid()}-{secrets.token_hex(8)}.tmp"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            wait_for_lock(descriptor)
            yield file, path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _no_space_told(directory: Path, wanted: int) -> Iterator[None]:
    """Turns a full disk into a CacheError, before the work where that can be known."""
    free = shutil.disk_usage(directory).free
    sentence = tr(
        "There is no space in {folder} for {megabytes:.0f} MB of decoded images; free some, or move the cache "
        "(COVID_TUI_CACHE).",
        folder=directory,
        megabytes=wanted / 1e6,
    )
    if free < wanted:
        raise CacheError(sentence)
    try:
        yield
    except OSError as exc:
        if exc.errno in FULL:
            raise CacheError(sentence) from exc
        raise CacheError(
            tr("The decoded images can't be written to {folder} ({reason}).", folder=directory, reason=reason(exc))
        ) from exc
