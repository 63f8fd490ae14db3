"""Exact resume points: all that decides how a training goes on, written whole or not at all.

A point is a directory with `arrays.npz` (weights, optimizer state, best weights so far) and `state.json` (position,
history, and the SHA-256 of both). It is written under a temporary name, flushed, read back and compared, and only then
takes its name; the last two are kept, so that a damaged newest one costs minutes and not the run. What is removed has
a point's name and nothing but a point's files in it; all else in the folder stays, and a link is no point. Nothing
random is kept: the order of an epoch's images and each view of an image come from (seed, epoch) and (seed, image, view)
alone.
"""

import dataclasses
import errno
import hashlib
import io
import json
import os
import re
import stat
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engine.base.errors import LinkError
from engine.base.events import Epoch, of_kind
from engine.base.files import digest_of, names_in, open_private, opened, private_dir
from engine.base.language import marked, tr
from engine.base.typed_files import MOST_OF_TABLE, Amount, Count, Positive, checked, content, why
from engine.base.typed_files import opened as opened_to_read

FOLDER = "checkpoint"
KEPT = 2
KEPT_FACT = marked("kept activations")
"""The fact of a point that says in which number format the training found its frozen layers' activations."""
ARRAYS, STATE = "arrays.npz", "state.json"
_NAME, _PART = re.compile(r"\d{6,}-\d{8,}"), re.compile(r"\.\d{6,}-\d{8,}\.part")
MOST_BYTES = 2**36
"""More than the weights and the optimizer's state of any of the networks take."""
SHARE_OF_TIME = 0.05
"""Points at the ends of epochs may take this share of the time; a tiny epoch is not worth one of its own."""

Arrays = Mapping[str, Sequence[np.ndarray]]
Shapes = Mapping[str, Sequence[tuple[int, ...]]]


@dataclass(frozen=True)
class Position:
    """Where in a training a point lies, and what its epoch at hand adds up to so far."""

    epoch: Positive
    """The epoch at hand, counted from 1; one more than the last when all are over."""
    step: Count = 0
    """Its training steps that are done."""
    loss: float = 0.0
    """Sum of their losses over the images."""
    right: Amount = 0.0
    """Sum of the images classified rightly."""
    images: Count = 0
    seconds: Amount = 0.0
    """Wall time that the epoch has taken."""


@dataclass(frozen=True)
class Point:
    """A resume point. `arrays` has the groups "trained" and "optimizer", and "best" and "logits" after an epoch."""

    position: Position
    history: tuple[Epoch, ...]
    best: Epoch | None
    seconds: float
    """Wall time of the whole training so far."""
    facts: dict[str, str]
    """What must be so when the training goes on: hashes of the frozen weights and of the images."""
    arrays: dict[str, list[np.ndarray]]


@dataclass(frozen=True)
class Damage:
    """A point that can't be used: which of its files, and why."""

    file: Path
    reason: str


class Keeper:
    """Decides when a running training writes a point, and writes it into the run directory."""

    def __init__(self, run: Path, minutes: float) -> None:
        self.folder = private_dir(run / FOLDER, run)
        self._most = minutes * 60
        self._told = time.monotonic()
        self._cost = 0.0
        with opened(self.folder, run) as folder:
            for name in filter(_PART.fullmatch, names_in(folder)):
                _remove(folder, name)

    def due(self, epoch_over: bool) -> bool:
        """Is a point worth its time now: so many minutes after the last one, or earlier at the end of an epoch?"""
        since = time.monotonic() - self._told
        return since >= self._most or (epoch_over and since * SHARE_OF_TIME >= self._cost)

    def keep(self, point: Point) -> None:
        """Write `point`. Raises OSError where the disk is full or the directory can't be written."""
        began = time.monotonic()
        write(self.folder, point)
        self._told = time.monotonic()
        self._cost = self._told - began


def write(folder: Path, point: Point) -> Path:
    """Write a point into `folder`, whole or not at all, and remove all but it and the one before.

    What lies ahead of it is removed too: the training went back behind points that it could not use, and those must not
    take the place of the new ones. Raises OSError, and LinkError where `folder` is a link.
    """
    name = f"{point.position.epoch:06d}-{point.position.step:08d}"
    part, path = folder / f".{name}.part", folder / name
    with opened(folder, folder.parent) as inside:
        _remove(inside, part.name)
        os.mkdir(part.name, 0o700, dir_fd=inside)
        try:
            digest = _write_arrays(part / ARRAYS, point.arrays, folder.parent)
            with open_private(part / STATE, "wb", folder.parent) as file:
                file.write(_state(point, digest))
                _sync(file)
            with opened(part, folder.parent) as made:
                os.fsync(made)
            read_back(part)
            _remove(inside, name)
            os.rename(part.name, name, src_dir_fd=inside, dst_dir_fd=inside)
            os.fsync(inside)
        finally:
            _remove(inside, part.name)
        every = _names(inside)
        at = every.index(name)
        for old in (*every[:at], *every[at + KEPT :]):
            _remove(inside, old)
    return path


def remove(path: Path) -> bool:
    """Remove the point at `path`, RUN/checkpoint/NAME, or the half of one, but with nothing else in it; is it gone?

    Of a link the link itself is removed. Raises OSError, and LinkError where the folder is a link.
    """
    with opened(path.parent, path.parent.parent) as folder:
        return _remove(folder, path.name)


def _remove(folder: int, name: str) -> bool:
    """As `remove`, of a name in the folder that is open as `folder`; is it gone?"""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            os.unlink(name, dir_fd=folder)
            return True
        inside = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            with os.scandir(inside) as held:
                files = {entry.name: entry.is_dir(follow_symlinks=False) for entry in held}
            if any(files.values()) or not {ARRAYS, STATE}.issuperset(files):
                return False
            for file in files:
                os.unlink(file, dir_fd=inside)
        finally:
            os.close(inside)
        os.rmdir(name, dir_fd=folder)
        return True
    except FileNotFoundError:
        return True
    except OSError:
        return False


def read_back(path: Path) -> None:
    """Raise OSError where the point just written is not as it was written: it could not be read later either."""
    try:
        _read(path)
    except _DamagedError as error:
        raise OSError(errno.EIO, tr("what was written can't be read back, {error}", error=error)) from error


def points(folder: Path) -> list[Path]:
    """The points in `folder`, newest first; none where that is a link."""
    return _found(folder, linked=False)


def _found(folder: Path, linked: bool) -> list[Path]:
    try:
        with opened(folder, folder.parent) as inside:
            return [folder / name for name in _names(inside, linked)]
    except (OSError, LinkError):
        return []


def _names(folder: int, linked: bool = False) -> list[str]:
    """The names of the points in the folder that is open as `folder`, or of links in their place, newest first."""
    with os.scandir(folder) as entries:
        kinds = {entry.name: entry.is_symlink() if linked else entry.is_dir(follow_symlinks=False) for entry in entries}
    return sorted((name for name, fits in kinds.items() if fits and _NAME.fullmatch(name)), reverse=True)


def newest(folder: Path, *shapes: Shapes) -> tuple[Point | None, list[Damage]]:
    """The newest point below `folder` that is whole, and those that had to be passed over.

    It must fit the network in one of `shapes`, those of the phases of its training.
    """
    damages = [Damage(path / STATE, tr("it is a link, which is not followed")) for path in _found(folder, linked=True)]
    for path in points(folder):
        try:
            return _fitting(_read(path), shapes, path), damages
        except _DamagedError as error:
            damages.append(error.damage)
    return None, damages


def to_bytes(point: Point) -> bytes:
    """A point as it is sent to another worker."""
    arrays = io.BytesIO()
    np.savez(arrays, **_flat(point.arrays))  # type: ignore[arg-type]
    state = _state(point, "")
    return len(state).to_bytes(8, "little") + state + arrays.getvalue()


def from_bytes(message: bytes) -> Point:
    """The point that `to_bytes` wrote."""
    end = 8 + int.from_bytes(message[:8], "little")
    point, _ = _stated(message[8:end])
    return dataclasses.replace(point, arrays=_arrays(io.BytesIO(message[end:])))


@dataclass(frozen=True)
class _Sealed:
    """What state.json holds: a text, and its SHA-256."""

    sha256: str
    state: str


@dataclass(frozen=True)
class _Stated:
    """What that text holds."""

    position: Position
    history: tuple[dict[str, Any], ...]
    """Values of Epoch, which `of_kind` makes of them: a loss that grew beyond all bounds is no number of its type."""
    best: dict[str, Any] | None
    seconds: Amount
    facts: dict[str, str]
    arrays_sha256: str


class _DamagedError(Exception):
    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(reason)
        self.damage = Damage(file, reason)


def _write_arrays(path: Path, arrays: Arrays, root: Path) -> str:
    """Write the arrays to an uncompressed .npz; the SHA-256 of the file."""
    with open_private(path, "wb", root) as file:
        hashed = _Hashed(file)
        np.savez(hashed, **_flat(arrays))  # type: ignore[arg-type]
        _sync(file)
    return hashed.hexdigest()


def _flat(arrays: Arrays) -> dict[str, np.ndarray]:
    return {f"{group}/{number}": array for group, values in arrays.items() for number, array in enumerate(values)}


class _Hashed(io.RawIOBase):
    """A file to write to that hashes what passes; it can't seek, so that the hash is the file's."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest = file, hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def hexdigest(self) -> str:
        """SHA-256 of what has been written."""
        return self._digest.hexdigest()


def _state(point: Point, digest: str) -> bytes:
    values = {
        "position": dataclasses.asdict(point.position),
        "history": [dataclasses.asdict(epoch) for epoch in point.history],
        "best": point.best and dataclasses.asdict(point.best),
        "seconds": point.seconds,
        "facts": point.facts,
        "arrays_sha256": digest,
    }
    text = json.dumps(values)
    return json.dumps({"sha256": hashlib.sha256(text.encode()).hexdigest(), "state": text}).encode()


def _read(path: Path) -> Point:
    """The point in the directory `path`. Raises _DamagedError where a file of it is not what was written."""
    state = path / STATE
    try:
        point, digest = _stated(content(state, MOST_OF_TABLE))
    except (OSError, ValueError, RecursionError) as error:
        raise _DamagedError(state, why(error)) from error
    return dataclasses.replace(point, arrays=_read_arrays(path / ARRAYS, digest))


def _stated(data: bytes) -> tuple[Point, str]:
    """The point without its arrays, and their SHA-256. Raises ValueError, RecursionError where `data` is damaged."""
    outer = checked(json.loads(data), _Sealed)
    if hashlib.sha256(outer.state.encode("utf-8", "surrogatepass")).hexdigest() != outer.sha256:
        raise ValueError(tr("its SHA-256 differs"))
    values = checked(json.loads(outer.state), _Stated)
    point = Point(
        position=values.position,
        history=tuple(of_kind(Epoch, epoch) for epoch in values.history),
        best=of_kind(Epoch, values.best) if values.best else None,
        seconds=values.seconds,
        facts=values.facts,
        arrays={},
    )
    return point, values.arrays_sha256


def _read_arrays(path: Path, digest: str) -> dict[str, list[np.ndarray]]:
    try:
        with opened_to_read(
            path, MOST_BYTES
        ):  # a plain file; what is read below has the digest, so nobody else wrote it
            pass
        if digest_of(path) != digest:
            raise ValueError(tr("its SHA-256 differs"))
        return _arrays(path)
    except (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise _DamagedError(path, why(error)) from error


def _arrays(file: Path | io.BytesIO) -> dict[str, list[np.ndarray]]:
    """The groups of arrays in an .npz."""
    arrays: dict[str, list[np.ndarray]] = {}
    with np.load(file, allow_pickle=False) as stored:
        for name in stored.files:  # in the order in which they were written
            arrays.setdefault(name.split("/")[0], []).append(stored[name])
    return arrays


def _fitting(point: Point, shapes: Sequence[Shapes], path: Path) -> Point:
    there = {group: [array.shape for array in arrays] for group, arrays in point.arrays.items()}
    if not any(all(there.get(group) == list(own) for group, own in phase.items()) for phase in shapes):
        groups = tr(" and ").join(shapes[0])
        raise _DamagedError(path / ARRAYS, tr("its {groups} arrays are those of another network", groups=groups))
    return point


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def digest(parts: Iterator[bytes]) -> str:
    """SHA-256 over all `parts`."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()
