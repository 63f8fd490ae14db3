"""Files that are private to the user and are either whole or absent, whatever happens while they are written."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO


def private_dir(path: Path) -> Path:
    """Make `path` and its missing parents as directories that only the user can enter."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    return path


def open_private(path: Path, mode: str) -> Any:
    """`open` for a file of the user's own: mode 0600 whatever the umask allows others; a pipe is not waited for."""

    def handle(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_NONBLOCK, 0o600)

    if "b" in mode:
        return open(path, mode, opener=handle)
    return open(path, mode, opener=handle, encoding="utf-8", errors="surrogateescape", newline="")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A binary file that takes the place of `path` when the block ends well, and vanishes when it does not."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open_private(part, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_dir(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_path(path: Path) -> Iterator[Path]:
    """As `replacing`, for writers that want a name: it keeps the suffixes of `path`, as Keras insists on them."""
    part = path.with_name(f".{os.getpid()}.part.{path.name}")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.chmod(0o600)
        part.replace(path)
        sync_dir(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """As `replacing_path`, for writers of a folder: it is new, private and empty, and takes the place of `path`."""
    part, old = (path.with_name(f".{os.getpid()}.part.{kind}{path.name}") for kind in ("", "old."))
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        yield part
        for file in part.rglob("*"):
            file.chmod(0o700 if file.is_dir() else 0o600)
            with file.open("rb") if file.is_file() else contextlib.nullcontext() as opened:
                os.fsync(opened.fileno()) if opened else sync_dir(file)
        sync_dir(part)
        with contextlib.suppress(FileNotFoundError):
            path.rename(old)
        part.rename(path)
        sync_dir(path.parent)
    finally:
        for left in (part, old):
            shutil.rmtree(left, ignore_errors=True)


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


def write_json(path: Path, values: Any) -> None:
    """Write JSON values to `path`, whole or not at all."""
    with replacing(path) as file:
        file.write((json.dumps(values, indent=2, allow_nan=False) + "\n").encode())
