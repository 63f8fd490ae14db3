"""What a class's folders list: images, masks, sources from the workbooks; and what is out of place."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from engine.base.errors import DataError
from engine.base.language import tr
from engine.base.wording import counted
from engine.data.file_names import pair_key
from engine.data.records import Layout, Problem
from engine.data.tables import WORKBOOK, sources_in

IGNORED = frozenset(
    f".{suffix}"
    for suffix in (
        *("txt", "md", "csv", "tsv", "xls", "xlsx", "json", "xml", "html", "htm"),
        *("db", "ini", "yaml", "yml", "toml", "py", "log", "gz"),
    )
)
"""Suffixes of files that may lie among images without being meant as one."""

AS_PUBLISHED = tr("split as published by the folders")


@dataclass(frozen=True, slots=True)
class Folder:
    """A class folder's listing: paths relative to the root; masks and sources by `pair_key` of the image's name."""

    label: str
    images: list[str]
    masks: dict[str, str]
    sources: dict[str, str]
    part: str = ""
    """The part of the split that it lies in, where the folders publish one."""
    patient: str = ""
    """The patient whose images it holds, where the folders tell."""


@dataclass(frozen=True)
class ClassFolders:
    """The listings of the folders with images, those of a class after each other, with what is wrong with them."""

    folders: tuple[Folder, ...]
    layout: Layout
    problems: tuple[Problem, ...]
    others: tuple[str, ...] = ()
    """The files in folders of the classes that were not picked."""


def with_sources(root: Path, folder: Folder, beside: list[str], problems: list[Problem]) -> Folder:
    """`folder` with the sources of its images; `beside` are the files next to it. Adds what does not pair up."""
    sources = _sources(root, folder, beside, problems)
    keys = Counter(map(pair_key, folder.images))
    alone = [file for file in folder.images if pair_key(file) not in folder.masks]
    if folder.masks and alone:
        images = counted(len(folder.images), "image")
        reason = tr(
            "{count} of {images} have no mask; the first is {first}", count=len(alone), images=images, first=alone[0]
        )
        if len(alone) == 1:
            reason = tr("1 of {images} has no mask; the first is {first}", images=images, first=alone[0])
        problems.append(Problem(folder.label, "mask-missing", reason))
    orphans = [mask for key, mask in folder.masks.items() if key not in keys]
    if orphans:
        masks = counted(len(folder.masks), "mask")
        reason = tr(
            "{count} of {masks} have no image; the first is {first}", count=len(orphans), masks=masks, first=orphans[0]
        )
        if len(orphans) == 1:
            reason = tr("1 of {masks} has no image; the first is {first}", masks=masks, first=orphans[0])
        problems.append(Problem(folder.label, "mask-orphan", reason))
    if folder.masks or sources:
        shared = tr("shares its name with another image, and so its mask and source")
        problems.extend(Problem(file, "same-name", shared) for file in folder.images if keys[pair_key(file)] > 1)
    return replace(folder, sources=sources)


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
        reason = tr("{reason}; the sources of its images are not known", reason=exc)
        problems.append(Problem(book, "workbook", reason))
        return {}
    missing = [file for file in folder.images if pair_key(file) not in table]
    if missing:
        reason = tr(
            "does not list {count} of {images}; the first is {first}",
            count=len(missing),
            images=counted(len(folder.images), "image"),
            first=missing[0],
        )
        problems.append(Problem(book, "workbook", reason))
    return table
