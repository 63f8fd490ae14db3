"""Links planted in a folder as somebody else may have packed it, and a picture of all that lies outside."""

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

Plant = Literal["link", "nowhere", "hard"]
Picture = dict[str, tuple[object, ...]]


def picture(*folders: Path) -> Picture:
    """Every name below the folders with its kind, mode, time of change, and content."""
    found: Picture = {}
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            about = path.lstat()
            content: object = None
            if stat.S_ISREG(about.st_mode):
                content = path.read_bytes()
            elif stat.S_ISLNK(about.st_mode):
                content = path.readlink()
            found[str(path)] = (stat.filemode(about.st_mode), about.st_mtime_ns, content)
    return found


def plant(path: Path, outside: Path, kind: Plant) -> None:
    """Move what is at `path` to `outside`, and put in its place a link to it, to nothing there, or a second name of it.

    A folder out there also holds what a user has in folders, some of it under names like ours.
    """
    moved = outside / path.name
    if path.is_dir():
        shutil.copytree(path, moved, symlinks=True)
        shutil.rmtree(path)
        for name in ("Documents/letter.txt", "000000-00000000/notes.txt", "000001-00000000/arrays.npz", "old.json",
                     "99999999-0123456789abcdef.tmp", ".99999999.part.model.keras", ".000001-00000000.part/arrays.npz",
                     "card.md", f"{'0' * 64}.u8", f"{'0' * 32}/rows"):  # fmt: skip
            own = moved / name
            if not own.exists():
                own.parent.mkdir(parents=True, exist_ok=True)
                own.write_text("the user's own")
    else:
        shutil.copy2(path, moved)
        path.unlink()
    for own in (moved, *moved.rglob("*")):
        os.utime(own, (1e9, 1e9))
    if kind == "hard":
        os.link(moved, path)
    else:
        path.symlink_to(moved if kind == "link" else outside / "nothing")


def planted(
    base: Path, into: Path, kinds: tuple[Plant, ...] = ("link", "nowhere", "hard"), only: Iterable[Path] = ()
) -> Iterator[tuple[str, Path]]:
    """A copy of the folder `base` for each place in it, or of `only`, and each kind: what is planted, and the copy.

    The copies lie in `into`/NUMBER, and what the links lead to in `into`/NUMBER-outside.
    """
    chosen = [path.relative_to(base).as_posix() for path in only or base.rglob("*")]
    for number, (place, kind) in enumerate((place, kind) for place in sorted(chosen) for kind in kinds):
        if kind == "hard" and (base / place).is_dir():
            continue
        copy, outside = into / str(number) / base.name, into / f"{number}-outside"
        shutil.copytree(base, copy, symlinks=True)
        outside.mkdir()
        plant(copy / place, outside, kind)
        yield f"{place} as a {kind}", copy
