"""The one door to the files that a user names for a result: nothing is written over unasked, and no input ever."""

import contextlib
import csv
import errno
import io
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from engine.base.errors import ConfigError, CovidTuiError
from engine.base.escape import to_cell
from engine.base.files import private_dir, sync_dir
from engine.base.language import tr
from engine.base.wording import FULL, reason, unwritable

_ANOTHER = tr("name another file")
_OPEN = re.compile(r"/dev/(stdout|stderr|fd/[0-9]{1,6})|/proc/self/(fd/[0-9]{1,6})")
"""The names by which a process finds what it has open."""


def require_new(path: Path, suffix: str, force: bool, inputs: Iterable[Path] = (), beside: bool = False) -> None:
    """Raise ConfigError unless a result can be written to `path`; to be called before the work that makes it.

    Without `force` nothing may be there. With it, a file whose name ends in `suffix` may be replaced, but none that
    belongs to a run, and none of `inputs`: by whatever name or link, a file is known by its identity, and a file below
    a folder among them counts as read, unless files that end so are `beside` what is read there. A device or a pipe
    is written into as it stands.
    """
    try:
        found = _status(path)
        if found and stat.S_ISDIR(found.st_mode):
            raise ConfigError(tr("{path} is a folder: name a file in it.", path=path))
        if found and any(_same(path, own) for own in inputs):
            raise ConfigError(
                tr("{path} is one of the files that this command reads: {another}.", path=path, another=_ANOTHER)
            )
        if found and _takes(path, found):
            return
        if found:
            _require_replaceable(path, found, suffix, force, () if beside else inputs)
        _require_room(path)
    except (OSError, ValueError) as error:
        told = error if isinstance(error, OSError) else OSError(str(error))  # a name with a null byte
        raise ConfigError(unwritable(path, told, _ANOTHER)) from error


def require_folder(folder: Path) -> None:
    """Make `folder` if it is missing. Raises ConfigError where it can't take a file; called before long work."""
    try:
        with tempfile.TemporaryFile(dir=private_dir(folder.absolute())):
            pass
    except OSError as error:
        raise ConfigError(
            tr(
                "{folder} can't take a result ({reason}): choose another folder with --out.",
                folder=folder,
                reason=reason(error),
            )
        ) from error


@contextlib.contextmanager
def writing(path: Path, force: bool) -> Iterator[BinaryIO]:
    """A binary file that becomes `path`, whole or not at all, when the block ends well.

    What has come to `path` since `require_new` allowed it stays, unless `force` is given: the result then gets a name
    beside it. Raises ConfigError there and where the file can't be written, CovidTuiError where its disk is full.
    """
    with _told(path):
        found = _status(path)
        if found and _takes(path, found):
            own = _OPEN.fullmatch(str(path))
            with os.fdopen(os.dup(_number(own[1] or own[2])), "wb") if own else path.open("wb") as file:
                yield file
            return
        with _placed(path, force) as (file, taken):
            yield file
    if taken != [path]:
        raise ConfigError(
            tr(
                "{path} came to be while this command was at work, and stays: the result is in {place}.",
                path=path,
                place=taken[0],
            )
        )


def write_beside(path: Path, data: bytes) -> Path:
    """Write `data` as a new file, whole or not at all, and give its path: `path`, or where that is taken a name with a
    number, so that nothing is ever written over. Raises ConfigError where it can't be written, CovidTuiError where the
    disk is full.
    """
    with _told(path):
        with _placed(path, force=False) as (file, taken):
            file.write(data)
        return taken[0]


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the system says against a file at `path`, as an error in a sentence."""
    try:
        yield
    except OSError as error:
        kind = CovidTuiError if error.errno in FULL else ConfigError
        raise kind(unwritable(path, error, _ANOTHER)) from error


@contextlib.contextmanager
def _placed(path: Path, force: bool) -> Iterator[tuple[BinaryIO, list[Path]]]:
    """A file that is put in place, whole, when the block ends well, and a list that has its path then."""
    handle, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    taken = list[Path]()
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, taken
            file.flush()
            os.fsync(file.fileno())
        taken.append(_put_in_place(Path(part), path, force))
        sync_dir(path.parent)
    finally:
        Path(part).unlink(missing_ok=True)


def write_table(path: Path, header: Iterable[str], lines: Iterable[Iterable[str]], force: bool) -> None:
    """Write texts as CSV, whole or not at all; `force` replaces a file. Raises as `writing` does."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(map(to_cell, line) for line in lines)
    with writing(path, force) as file:
        file.write(text.getvalue().encode())


def _status(path: Path) -> os.stat_result | None:
    """What is at `path`, a link being followed unless it leads nowhere; None where nothing is."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat()
    with contextlib.suppress(FileNotFoundError):
        return path.lstat()
    return None


def _takes(path: Path, found: os.stat_result) -> bool:
    """Is it a device or a pipe, or one of the names by which a process finds what it has open?"""
    if stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode):
        return True
    return bool(_OPEN.fullmatch(str(path)))


def _number(name: str) -> int:
    return {"stdout": 1, "stderr": 2}.get(name) or int(name.rpartition("/")[2])


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):
        return False


def _require_replaceable(path: Path, found: os.stat_result, suffix: str, force: bool, inputs: Iterable[Path]) -> None:
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        raise ConfigError(tr("{path} is no file that can be replaced: {another}.", path=path, another=_ANOTHER))
    if not force:
        raise ConfigError(
            tr("{path} exists already: give --force to replace it, or {another}.", path=path, another=_ANOTHER)
        )
    if path.suffix.lower() != suffix:
        raise ConfigError(
            tr(
                "{path} exists, and is not replaced as its name does not end in {suffix}: {another}.",
                path=path,
                suffix=suffix,
                another=_ANOTHER,
            )
        )
    if run := run_of(path):
        raise ConfigError(tr("{path} belongs to the run {run}: {another}.", path=path, run=run, another=_ANOTHER))
    for folder in inputs:
        if _below(path, folder):
            raise ConfigError(
                tr(
                    "{path} lies in {folder}, which this command reads: {another}, or remove it first.",
                    path=path,
                    folder=folder,
                    another=_ANOTHER,
                )
            )


def run_of(path: Path) -> Path | None:
    """The run directory that `path` lies in, if any."""
    for folder in path.resolve().parents:
        if (folder / "config.json").is_file() and (folder / "events.jsonl").is_file():
            return folder
    return None


def _below(path: Path, folder: Path) -> bool:
    parents = {*path.resolve().parents, *(path.parent.resolve() / "x").parents}  # of a link, and of what it leads to
    return any(_same(parent, folder) for parent in parents if folder.is_dir())


def _require_room(path: Path) -> None:
    """Raise ConfigError or OSError where no file can be made in the folder of `path`."""
    if not path.parent.is_dir():
        raise ConfigError(
            tr("There is no folder {parent}: make it, or {another}.", parent=path.parent, another=_ANOTHER)
        )
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def _put_in_place(part: Path, path: Path, force: bool) -> Path:
    """Give `part` the name `path`, or where that is taken and not to be replaced, one beside it; gives the name."""
    if force:
        return part.replace(path)
    for number in range(1, 1000):
        taken = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        try:
            os.link(part, taken)
            return taken
        except FileExistsError:
            continue
        except OSError:  # a disk without hard links
            if not os.path.lexists(taken):
                return part.replace(taken)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
