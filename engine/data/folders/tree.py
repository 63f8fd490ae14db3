"""What lies below a folder, read once and to a bounded depth: files that may be images, and what is left aside.

Scan and predict both list here, so that they cannot disagree about which files there are.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.base.cancel import Stop
from engine.base.errors import DataError, Stopped
from engine.base.language import tr, trn
from engine.base.wording import listing, not_a_path
from engine.data.file_names import natural
from engine.data.folders.class_listing import IGNORED
from engine.data.image.formats import IMAGE_SUFFIXES, begins_as_image

DEPTH = 8
"""So many folders deep a dataset is looked into: two around it, part, class, patient, study, images, and one more."""
MOST_FOLDERS = 200_000
IMAGE_ROOMS = frozenset(("images", "image", "imgs", "img"))
MASK_ROOMS = frozenset(("masks", "mask", "lung masks", "lung_masks", "lung-masks", "lungmasks"))
LEADS_OUT, NOWHERE, BACK = "leads out", "nowhere", "back"
NOT_FOLLOWED = {
    LEADS_OUT: tr("the link leads out of the folder, so it is not followed; --follow-links reads it too"),
    NOWHERE: tr("the link points to nothing"),
    BACK: tr("the link leads back to a folder above it, so it is not followed"),
}
"""Why a link is not followed, in words."""
_HIDDEN = (".", "~$", "__", "@eaDir")
_SNIFFED = 50
"""Of a folder whose files have other suffixes than images have, so many are looked into to see whether they are any."""


@dataclass(frozen=True, slots=True)
class Dir:
    """A folder as listed: paths are relative to the folder at the top, in natural order, "" at the top itself."""

    path: str
    files: tuple[str, ...] = ()
    """Those that may be images, as all that are neither hidden nor of a suffix that no image has."""
    folders: tuple["Dir", ...] = ()
    others: tuple[str, ...] = ()
    """Files of a suffix that may lie among images without being meant as one."""
    hidden: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """Links that are not followed, each with the reason, a key of NOT_FOLLOWED."""
    unreadable: str = ""
    """Why the folder can't be listed, where it can't."""
    too_deep: bool = False
    """Was it not listed, as it lies too deep?"""
    pictures: bool = False
    """Is at least one of the files an image, by suffix or content?"""
    bearing: bool = False
    """Are there pictures in it or below, but for those in folders of masks?"""

    @classmethod
    def of(cls, path: str, files: tuple[str, ...], folders: tuple["Dir", ...], pictures: bool, **rest: Any) -> "Dir":
        """A folder with these files, of which some are `pictures`, and folders."""
        bearing = pictures or any(folder.bearing and not folder.is_masks for folder in folders)
        return cls(path, files, folders, pictures=pictures, bearing=bearing, **rest)

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def is_masks(self) -> bool:
        """Does its name say that it holds masks?"""
        return self.name.casefold() in MASK_ROOMS

    def walk(self) -> Iterator["Dir"]:
        """Itself and all folders below, each before those in it."""
        yield self
        for folder in self.folders:
            yield from folder.walk()


def look(root: Path, follow_links: bool = False, stop: Stop | None = None, depth: int = DEPTH) -> Dir:
    """The tree below `root`, `depth` folders deep. Raises DataError where there is none, Stopped.

    Links are followed within `root`, and out of it where `follow_links` says so, but never in a circle. Folders that
    can't be read are listed with the reason.
    """
    try:
        real = os.path.realpath(root, strict=True)
        os.scandir(root).close()
    except FileNotFoundError as exc:
        raise DataError(not_a_path(str(root)) or tr("{root} does not exist; check the path.", root=root)) from exc
    except NotADirectoryError as exc:
        raise DataError(tr("{root} is a file; give the folder that holds the class folders.", root=root)) from exc
    except (OSError, RuntimeError, ValueError) as exc:
        why = getattr(exc, "strerror", None) or exc
        raise DataError(tr("{folder} can't be read as a folder: {reason}.", folder=root, reason=why)) from exc
    return _Look(root, None if follow_links else real, stop).listed("", (real,), depth)


class _Look:
    """One look through a tree. `home` is what no link may lead out of; None lets them lead anywhere."""

    def __init__(self, root: Path, home: str | None, stop: Stop | None) -> None:
        self._root, self._home, self._stop = root, home, stop
        self._folders = 0

    def listed(self, path: str, reals: tuple[str, ...], depth: int) -> Dir:
        """The folder; `reals` are where it really lies, and where the links stood that led here."""
        self._folders += 1
        if self._folders > MOST_FOLDERS:
            raise DataError(
                tr(
                    "{root} holds more than {most:,} folders; give one nearer to the images.",
                    root=self._root,
                    most=MOST_FOLDERS,
                )
            )
        if self._stop is not None and self._stop.is_set():
            raise Stopped(tr("The reading of the folder was stopped; nothing was changed."))
        files, others, hidden = list[str](), list[str](), list[str]()
        folders, links = list[tuple[str, str]](), list[tuple[str, str]]()
        try:
            with os.scandir(self._root / path) as entries:
                for entry in entries:
                    name = f"{path}/{entry.name}" if path else entry.name
                    if entry.name.startswith(_HIDDEN):
                        hidden.append(name)
                        continue
                    target = ""
                    if entry.is_symlink():
                        target, reason = self._followed(entry, reals)
                        if reason:
                            links.append((name, reason))
                            continue
                    if _is_dir(entry):
                        folders.append((name, target))
                    else:
                        (others if _suffix(entry.name) in IGNORED else files).append(name)
        except OSError as exc:
            return Dir(path, unreadable=exc.strerror or type(exc).__name__)
        files.sort(key=natural)
        inner = []
        for name, target in sorted(folders, key=lambda folder: natural(folder[0])):
            below = (target, *reals) if target else (f"{reals[0]}/{_name(name)}", *reals[1:])
            inner.append(self.listed(name, below, depth - 1) if depth else Dir(name, too_deep=True))
        return Dir.of(
            path,
            tuple(files),
            tuple(inner),
            pictures=self._has_pictures(files),
            others=tuple(sorted(others, key=natural)),
            hidden=tuple(sorted(hidden, key=natural)),
            links=tuple(sorted(links, key=lambda link: natural(link[0]))),
        )

    def _followed(self, link: "os.DirEntry[str]", reals: tuple[str, ...]) -> tuple[str, str]:
        """Where the link really leads, and why it is not followed, empty where it is."""
        try:
            target = os.path.realpath(link.path, strict=True)
        except (OSError, RuntimeError):
            return "", NOWHERE
        if self._home is not None and not _within(target, self._home):
            return "", LEADS_OUT
        if any(_within(real, target) for real in reals):
            return "", BACK
        return target, ""

    def _has_pictures(self, files: list[str]) -> bool:
        if any(_suffix(file) in IMAGE_SUFFIXES for file in files):
            return True
        return any(is_image(self._root / file) for file in files[:_SNIFFED])


def is_image(path: Path) -> bool:
    """Does the file begin as an image of a format that is read, whatever its name? Never waits on a pipe."""
    with suppress(OSError, ValueError):
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            return begins_as_image(file.read(256) or b"")
    return False


@dataclass(frozen=True)
class Pictures:
    """The image files below a folder, and what is left out, each a phrase with count and first name."""

    files: tuple[Path, ...]
    left_out: tuple[str, ...]


def pictures(root: Path, follow_links: bool = False, stop: Stop | None = None, depth: int = 4 * DEPTH) -> Pictures:
    """The image files below `root` as a scan would take them, whatever layout they lie in. Raises as `look` does."""
    top = look(root, follow_links, stop, depth)
    files, masks, foreign = sorted_files(top, root)
    told = left_out(top, foreign)
    if masks:
        masked = trn(
            "{number} file in a folder of masks ({first})",
            "{number} files in folders of masks (the first is {first})",
            len(masks),
            first=masks[0],
        )
        told = (masked, *told)
    return Pictures(tuple(root / file for file in files), told)


def sorted_files(top: Dir, root: Path) -> tuple[list[str], list[str], list[str]]:
    """The files of the tree below `root`: images, files in folders of masks, and those whose content is no image."""
    files, masks, foreign = list[str](), list[str](), list[str]()
    for folder in top.walk():
        masked = any(part.casefold() in MASK_ROOMS for part in folder.path.split("/"))
        for file in folder.files:
            picture = not masked and (_suffix(file) in IMAGE_SUFFIXES or is_image(root / file))
            (masks if masked else files if picture else foreign).append(file)
    return files, masks, foreign


def left_out(top: Dir, foreign: list[str] | None = None) -> tuple[str, ...]:
    """What is not read in the tree, why, how many, and the first of each kind, as phrases.

    `foreign` are the files whose content is no image; None takes those of folders that hold no picture.
    """
    folders = list(top.walk())
    if foreign is None:
        foreign = [file for folder in folders if not folder.pictures for file in folder.files]
    links = [link for folder in folders for link in folder.links]
    others = [file for folder in folders for file in folder.others]
    closed = [f"{folder.path} ({folder.unreadable})" for folder in folders if folder.unreadable]
    deep = [folder.path for folder in folders if folder.too_deep]
    hidden = [name for folder in folders for name in folder.hidden]
    return (*_links(links), *_folders(closed, deep), *_files(foreign, others, hidden))


def _links(links: list[tuple[str, str]]) -> Iterator[str]:
    out, nowhere, back = ([name for name, why in links if why == reason] for reason in (LEADS_OUT, NOWHERE, BACK))
    if out:
        yield trn(
            "{number} link that leads out of the folder ({first}), which --follow-links reads too",
            "{number} links that lead out of the folder (the first is {first}), which --follow-links reads too",
            len(out),
            first=out[0],
        )
    if nowhere:
        yield trn(
            "{number} link that points to nothing ({first})",
            "{number} links that point to nothing (the first is {first})",
            len(nowhere),
            first=nowhere[0],
        )
    if back:
        yield trn(
            "{number} link that leads back to a folder above ({first})",
            "{number} links that lead back to a folder above (the first is {first})",
            len(back),
            first=back[0],
        )


def _folders(closed: list[str], deep: list[str]) -> Iterator[str]:
    if closed:
        yield trn(
            "{number} folder that can't be read ({first})",
            "{number} folders that can't be read (the first is {first})",
            len(closed),
            first=closed[0],
        )
    if deep:
        yield trn(
            "{number} folder that lies too deep ({first})",
            "{number} folders that lie too deep (the first is {first})",
            len(deep),
            first=deep[0],
        )


def _files(foreign: list[str], others: list[str], hidden: list[str]) -> Iterator[str]:
    if foreign:
        yield trn(
            "{number} file whose content is no image ({first})",
            "{number} files whose content is no image (the first is {first})",
            len(foreign),
            first=foreign[0],
        )
    if others:
        yield trn(
            "{number} file of a kind that is no image ({first})",
            "{number} files of kinds that are no images [{suffixes}] (the first is {first})",
            len(others),
            first=others[0],
            suffixes=listing(suffix for suffix, _ in Counter(map(_suffix, others)).most_common(4)),
        )
    if hidden:
        yield trn(
            "{number} hidden file or folder ({first})",
            "{number} hidden files and folders (the first is {first})",
            len(hidden),
            first=hidden[0],
        )


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _suffix(name: str) -> str:
    stem, dot, suffix = _name(name).rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def _is_dir(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
