"""Files that are private to the user, either whole or absent, and never written through a link.

A run or a cache may come from somebody else, out of an archive or from a shared disk, and a link in it may lead to
anything that is the user's. So nothing that is written or removed here follows one out of the folder that the user
named: the functions take it as `root`, and on the way from there on no folder may be a link. How the root itself is
reached is the user's affair. A name is looked up once, and what follows is done by descriptors, so that a link that
takes a folder's place meanwhile leads nowhere.
"""

import contextlib
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from engine.base.errors import LinkError
from engine.base.language import tr

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def private_dir(path: Path, root: Path | None = None) -> Path:
    """Make `path` and its missing parents as directories that only the user can enter.

    Raises LinkError where it, or a folder between `root` and it, is a link, or one above is a link to nothing.
    """
    base = root or path
    missing = [folder for folder in (base, *base.parents) if not folder.exists()]
    for folder in reversed(missing):
        if folder.is_symlink():
            raise LinkError(
                tr(
                    "{folder} is a link to {target}, which is not there: delete it, or make that.",
                    folder=folder,
                    target=folder.readlink(),
                )
            )
        folder.mkdir(mode=0o700, exist_ok=True)
    if root:
        with opened(path, root, make=True):
            pass
    return path


@contextlib.contextmanager
def opened(folder: Path, root: Path | None = None, make: bool = False) -> Iterator[int]:
    """A descriptor of `folder`, for what is done in there; `make` makes what is missing below `root`.

    Raises LinkError where it, or a folder between `root` and it, is a link; without a `root`, `folder` may be one.
    """
    base = root or folder
    handle = os.open(base, _FOLDER)
    try:
        place = base
        for name in folder.relative_to(base).parts:
            place = place / name
            if make:
                with _told_as(place), contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=handle)
            below = _open(handle, place, _FOLDER)
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


def open_private(path: Path, mode: str, root: Path | None = None) -> Any:
    """`open` for a file of the user's own: mode 0600 whatever the umask allows others.

    Raises LinkError where `path` is a link or no plain file, where it is to be written and has a second name (a hard
    link), or where a folder between `root` and it is a link.
    """
    with opened(path.parent, root) as folder:

        def opener(_: str, flags: int) -> int:
            return _plain(folder, path, flags)

        if "b" in mode:
            return open(path, mode, opener=opener)
        return open(path, mode, opener=opener, encoding="utf-8", errors="surrogateescape", newline="")


def open_lock(path: Path, root: Path | None = None) -> BinaryIO:
    """The file at `path`, made where it is missing, to be locked and no more: whatever names it has, nothing changes.

    Raises LinkError where it is a link or no plain file, or where a folder between `root` and it is a link.
    """
    with opened(path.parent, root) as folder:
        return os.fdopen(_plain(folder, path, os.O_RDWR | os.O_CREAT, written=False), "r+b")


@contextlib.contextmanager
def replacing(path: Path, root: Path | None = None) -> Iterator[BinaryIO]:
    """A binary file that takes the place of `path` when the block ends well, and vanishes when it does not.

    A link at `path` is replaced, not followed. Raises LinkError where a folder between `root` and it is one.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with opened(path.parent, root) as folder, _passing(folder, part):
        with open(_new(folder, part), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _take_place(folder, part, path)


@contextlib.contextmanager
def replacing_path(path: Path, root: Path | None = None) -> Iterator[Path]:
    """As `replacing`, for writers that want a name: it keeps the suffixes of `path`, as Keras insists on them.

    They look the name up by themselves, so that it is checked before and after them alone.
    """
    part = path.with_name(f".{os.getpid()}.part.{path.name}")
    with opened(path.parent, root) as folder, _passing(folder, part):
        os.close(_new(folder, part))
        yield part
        _settle(_plain(folder, part, os.O_RDWR), 0o600)
        _take_place(folder, part, path)


@contextlib.contextmanager
def replacing_folder(path: Path, root: Path | None = None) -> Iterator[Path]:
    """As `replacing_path`, for writers of a folder: it is new, private and empty, and takes the place of `path`."""
    part, old = (path.with_name(f".{os.getpid()}.part.{kind}{path.name}") for kind in ("", "old."))
    with opened(path.parent, root) as folder, _passing(folder, part, True), _passing(folder, old, True):
        os.mkdir(part.name, 0o700, dir_fd=folder)
        yield part
        for _, _, files, handle in os.fwalk(part.name, dir_fd=folder):
            for name in files:
                _settle(_open(handle, Path(name), os.O_RDONLY), 0o600)
            _settle(os.dup(handle), 0o700)
        with contextlib.suppress(FileNotFoundError):
            os.rename(path.name, old.name, src_dir_fd=folder, dst_dir_fd=folder)
        try:
            _take_place(folder, part, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.rename(old.name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            raise


def remove(path: Path, root: Path | None = None) -> None:
    """Remove a file, or a folder with all that is in it; of a link the link itself. Nothing there is no error.

    Raises LinkError where a folder between `root` and it is a link, OSError where it can't be removed.
    """
    with opened(path.parent, root) as folder, _told_as(path):
        _remove(folder, path.name)


def require_inside(root: Path, names: Iterable[str]) -> None:
    """Raise LinkError where one of these folders below `root` is there and is a link, or no folder."""
    for name in names:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), opened(root / name, root):
            pass


def names_in(folder: int) -> list[str]:
    """The names in the folder that is open as `folder`."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def sync_dir(path: Path) -> None:
    """Make the names in a directory outlive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest_of(path: Path, kind: str = "sha256") -> str:
    """The hash of a file's bytes, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def write_json(path: Path, values: Any, root: Path | None = None) -> None:
    """Write JSON values to `path`, whole or not at all. Raises as `replacing`."""
    with replacing(path, root) as file:
        file.write((json.dumps(values, indent=2, allow_nan=False) + "\n").encode())


def _plain(folder: int, path: Path, flags: int, written: bool = True) -> int:
    """A descriptor of the plain file of `path`'s name in `folder`; nothing is cut off before it is known to be one."""
    # Without waiting, as nobody may ever write into a pipe that stands in the file's place.
    handle = _open(folder, path, (flags & ~os.O_TRUNC) | os.O_NONBLOCK)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise LinkError(tr("{path} is no plain file: delete it or move it away.", path=path))
        if written and about.st_nlink > 1 and flags & (os.O_WRONLY | os.O_RDWR):
            raise LinkError(
                tr(
                    "{path} has a second name elsewhere (a hard link), and what is written here would change "
                    "there: put a copy of it in its place.",
                    path=path,
                )
            )
        if flags & os.O_TRUNC:
            os.ftruncate(handle, 0)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _open(folder: int, path: Path, flags: int) -> int:
    try:
        return os.open(path.name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    except OSError as error:
        _refuse_other(folder, path, bool(flags & os.O_DIRECTORY))
        error.filename = str(path)
        raise


def _refuse_other(folder: int, path: Path, directory: bool) -> None:
    """Raise LinkError where something else than a directory, or than a plain file, is why it could not be opened."""
    with contextlib.suppress(OSError):
        mode = os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            target = os.readlink(path.name, dir_fd=folder)
            raise LinkError(
                tr(
                    "{path} is a link to {target}, and nothing is written through links: delete it, or put a "
                    "copy of what it leads to in its place.",
                    path=path,
                    target=target,
                )
            )
        if not (stat.S_ISDIR(mode) if directory else stat.S_ISREG(mode)):
            if directory:
                raise LinkError(tr("{path} is no folder: delete it or move it away.", path=path))
            raise LinkError(tr("{path} is no plain file: delete it or move it away.", path=path))


def _new(folder: int, path: Path) -> int:
    """A descriptor of a new file, which was not there before."""
    return _open(folder, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)


def _take_place(folder: int, part: Path, path: Path) -> None:
    with _told_as(path):
        os.replace(part.name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def _settle(handle: int, mode: int) -> None:
    """Write out what is behind the descriptor, give it its mode, and close it."""
    try:
        os.fchmod(handle, mode)
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _passing(folder: int, path: Path, directory: bool = False) -> Iterator[None]:
    """What has this name in `folder` is gone before the block, and after it: a directory where one is written."""
    with _told_as(path):
        _remove(folder, path.name, directory)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            _remove(folder, path.name, directory)


def _remove(folder: int, name: str, directory: bool = True) -> None:
    try:
        about = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISDIR(about.st_mode):
            os.unlink(name, dir_fd=folder)
        elif directory:
            shutil.rmtree(name, dir_fd=folder)
    except FileNotFoundError:
        return


@contextlib.contextmanager
def _told_as(path: Path) -> Iterator[None]:
    """Errors within the block name the whole path, as a name in a descriptor's folder says nothing."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise
