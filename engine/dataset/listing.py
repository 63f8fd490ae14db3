"""What a dataset's folders list: images and masks by class, sources from the workbooks, and what is out of place."""

import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from engine.dataset.formats import IMAGE_SUFFIXES
from engine.dataset.names import natural, pair_key
from engine.dataset.tables import WORKBOOK, sources_in
from engine.errors import ConfigError, DataError
from engine.wording import counted, not_a_path, noun

IGNORED = frozenset(
    f".{suffix}"
    for suffix in (
        *("txt", "md", "csv", "tsv", "xls", "xlsx", "json", "xml", "html", "htm"),
        *("db", "ini", "yaml", "yml", "toml", "py", "log"),
    )
)
"""Suffixes of files that may lie among images without being meant as one."""

PART_NAMES = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What folders and tables call the parts of a split, whatever the case."""
AS_PUBLISHED = "split as published by the folders"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the folder that can't be used or is in doubt; `kind` is a short word that stays the same.

    Kinds: unreadable, symlink, misplaced, folder, empty, mask-missing, mask-orphan, mask-shape, same-name, workbook,
    label-conflict, pose; and from the pixel store: vanished, changed.
    """

    file: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A class folder's listing: paths relative to the root; masks and sources by `pair_key` of the image's name."""

    label: str
    images: list[str]
    masks: dict[str, str]
    sources: dict[str, str]
    part: str = ""
    """The part of the split that it lies in, where the folders publish one."""


def class_folders(
    root: Path, classes: tuple[str, ...], problems: list[Problem], follow_links: bool = False
) -> list[Folder]:
    """The listings of the class folders to use; adds what is wrong with the picked ones to `problems`.

    Where `root` holds the folders of a published split (train and test at least), and these the class folders, there
    is a listing for each class and part, those of a class after each other. Links are followed within `root`, and out
    of it where `follow_links` says so.
    """
    try:
        home = None if follow_links else root.resolve()
        files, names = _entries(root, "", home, problems)
    except FileNotFoundError as exc:
        raise DataError(not_a_path(str(root)) or f"{root} does not exist; check the path.") from exc
    except NotADirectoryError as exc:
        raise DataError(f"{root} is a file; give the folder that holds the class folders.") from exc
    except (OSError, RuntimeError, ValueError) as exc:
        raise DataError(f"{root} can't be read as a folder: {getattr(exc, 'strerror', None) or exc}.") from exc
    if "images" in map(str.casefold, names) and {"images", "masks"} >= set(map(str.casefold, names)):
        raise DataError(f"{root} is the folder of one class; give the folder above it.")
    rooms = _published(root, home, names)
    if rooms:
        return _by_part(root, home, classes, rooms, files, names, problems)
    found: dict[str, Folder] = {}
    troubles: dict[str, list[Problem]] = {name: [] for name in names}
    for name in names:
        folder = _class_folder(root, name, home, troubles[name])
        if folder.images:
            found[name] = folder
        else:
            troubles[name].append(Problem(name, "empty", "the folder holds no images, so it is not taken as a class"))
    if not found:
        raise DataError(_why_no_class(root, home, files, names))
    _check_picked(root, classes, list(found))
    for name in classes or names:
        problems.extend(troubles[name])
    _misplaced(files, problems)
    return [_with_sources(root, found[name], files, problems) for name in classes or found]


def _published(root: Path, home: Path | None, names: list[str]) -> dict[str, list[str]]:
    """The class folders in each part's folder, by that folder, where they publish a split; else empty.

    They do where a folder for train and one for test hold class folders, and no folder beside the parts' is a class.
    """
    rooms: dict[str, list[str]] = {}
    for name in names:
        with suppress(OSError):
            inner = _entries(root, name, home, [])[1]
            layout = {Path(folder).name.casefold() for folder in inner} & {"images", "masks"}
            if name.casefold() in PART_NAMES and not layout:
                rooms[name] = inner if any(_class_folder(root, folder, home, []).images for folder in inner) else []
            elif _class_folder(root, name, home, []).images:
                return {}
    parts = {PART_NAMES[name.casefold()] for name, inner in rooms.items() if inner}
    return {name: inner for name, inner in rooms.items() if inner} if {"train", "test"} <= parts else {}


def _by_part(
    root: Path,
    home: Path | None,
    classes: tuple[str, ...],
    rooms: dict[str, list[str]],
    files: list[str],
    names: list[str],
    problems: list[Problem],
) -> list[Folder]:
    """The listings by class, and within one by part, of a split that folders publish."""
    found: dict[str, list[Folder]] = {}
    troubles: dict[str, list[Problem]] = {}
    for room in sorted(rooms, key=lambda name: list(PART_NAMES).index(name.casefold())):
        own_files = [f"{room}/{file}" for file in _entries(root / room, "", home, [])[0]]
        beside = [*files, *own_files]
        _misplaced(own_files, problems)
        for inner in rooms[room]:
            label, own = inner.rsplit("/", 1)[-1], troubles.setdefault(inner.rsplit("/", 1)[-1], [])
            folder = replace(_class_folder(root, inner, home, own), label=label, part=PART_NAMES[room.casefold()])
            if folder.images:
                found.setdefault(label, []).append(_with_sources(root, folder, beside, own))
            else:
                own.append(Problem(inner, "empty", "the folder holds no images, so it is not taken as a class"))
    ordered = sorted(found, key=natural)
    _check_picked(root, classes, ordered)
    for name in classes or troubles:
        problems.extend(troubles[name])
    beside_parts = [name for name in names if name not in rooms]
    problems.extend(
        Problem(name, "folder", "lies beside the parts of the split, so it is not read") for name in beside_parts
    )
    _misplaced(files, problems)
    return [folder for name in classes or ordered for folder in found[name]]


def _misplaced(files: list[str], problems: list[Problem]) -> None:
    for file in files:
        if Path(file).suffix.lower() in IMAGE_SUFFIXES:
            problems.append(Problem(file, "misplaced", "lies beside the class folders, so its class is not known"))


def _check_picked(root: Path, classes: tuple[str, ...], found: list[str]) -> None:
    for name in classes:
        if name not in found:
            raise ConfigError(f'{root} has no class "{name}"; it has {", ".join(found)}.')
        if classes.count(name) > 1:
            raise ConfigError(f'The class "{name}" is named twice; name each class once.')


def _why_no_class(root: Path, home: Path | None, files: list[str], names: list[str]) -> str:
    if not files and not names:
        return f"{root} has no images in it; give a folder that holds one folder of images for each class."
    for name in names:
        with suppress(OSError):
            inner = _entries(root / name, "", home, [])[1]
            if any(_class_folder(root / name, folder, home, []).images for folder in inner):
                return f"{root} has no class folder with images, but {root / name} has: give that folder."
    if any(Path(file).suffix.lower() in IMAGE_SUFFIXES for file in files):
        return f"{root} holds images but no class folders; put the images of each class into a folder of its own."
    return f"{root} has no class folder with images; lay it out as CLASS/images/*.png or CLASS/*.png."


def _class_folder(root: Path, label: str, home: Path | None, problems: list[Problem]) -> Folder:
    """What the folder `root`/`label` lists."""

    def listed(folder: str) -> tuple[list[str], list[str]]:
        try:
            return _entries(root, folder, home, problems)
        except OSError as exc:
            problems.append(Problem(folder, "unreadable", f"the folder can't be read ({exc.strerror})"))
            return [], []

    files, inner = listed(label)
    rooms = {Path(folder).name.casefold(): folder for folder in inner}
    images, deeper = files, [folder for name, folder in rooms.items() if name not in ("images", "masks")]
    if "images" in rooms:
        images, more = listed(rooms["images"])
        deeper += more
        problems.extend(Problem(file, "misplaced", "lies beside the images folder of its class") for file in files)
    problems.extend(Problem(folder, "folder", "folders inside a class folder are not read") for folder in deeper)
    masks = listed(rooms["masks"])[0] if "masks" in rooms else []
    return Folder(label, images, {pair_key(mask): mask for mask in masks}, {})


def _with_sources(root: Path, folder: Folder, beside: list[str], problems: list[Problem]) -> Folder:
    """`folder` with the sources of its images; `beside` are the files next to it. Adds what does not pair up."""
    sources = _sources(root, folder, beside, problems)
    keys = Counter(map(pair_key, folder.images))
    alone = [file for file in folder.images if pair_key(file) not in folder.masks]
    if folder.masks and alone:
        have = noun(len(alone), "has", "have")
        reason = f"{len(alone)} of {counted(len(folder.images), 'image')} {have} no mask; the first is {alone[0]}"
        problems.append(Problem(folder.label, "mask-missing", reason))
    orphans = [mask for key, mask in folder.masks.items() if key not in keys]
    if orphans:
        have = noun(len(orphans), "has", "have")
        reason = f"{len(orphans)} of {counted(len(folder.masks), 'mask')} {have} no image; the first is {orphans[0]}"
        problems.append(Problem(folder.label, "mask-orphan", reason))
    if folder.masks or sources:
        shared = "shares its name with another image, and so its mask and source"
        problems.extend(Problem(file, "same-name", shared) for file in folder.images if keys[pair_key(file)] > 1)
    return replace(folder, sources=sources)


def _entries(root: Path, folder: str, home: Path | None, problems: list[Problem]) -> tuple[list[str], list[str]]:
    """Files and folders in `root`/`folder`, relative to `root`, in natural order, without hidden and ignored ones.

    Links that lead out of `home` become problems; None lets them lead anywhere.
    """
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(root / folder) as entries:
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith((".", "~$", "__")):
                continue
            if entry.is_symlink() and (reason := _why_not_followed(Path(entry.path), home)):
                problems.append(Problem(name, "symlink", reason))
            elif entry.is_dir():
                folders.append(name)
            elif not folder or Path(entry.name).suffix.lower() not in IGNORED:
                files.append(name)
    return sorted(files, key=natural), sorted(folders, key=natural)


def _why_not_followed(link: Path, home: Path | None) -> str | None:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return "the link points to nothing"
    if home is None or target.is_relative_to(home):
        return None
    return "the link leads out of the folder, so it is not followed; --follow-links reads it too"


def _sources(root: Path, folder: Folder, beside: list[str], problems: list[Problem]) -> dict[str, str]:
    """The source of each image that the class's metadata workbook names, by `pair_key`."""
    wanted = f"{folder.label}{WORKBOOK}".casefold()
    books = [file for file in beside if file.rsplit("/", 1)[-1].casefold() == wanted]
    book = next(reversed(books), None)  # one beside the class folder itself comes before one above
    if book is None:
        return {}
    try:
        table = sources_in(root / book, folder.images)
    except DataError as exc:
        problems.append(Problem(book, "workbook", f"{exc}; the sources of its images are not known"))
        return {}
    missing = [file for file in folder.images if pair_key(file) not in table]
    if missing:
        reason = f"does not list {len(missing)} of {counted(len(folder.images), 'image')}; the first is {missing[0]}"
        problems.append(Problem(book, "workbook", reason))
    return table
