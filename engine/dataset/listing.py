"""What a class's folders list: images, masks, sources from the workbooks; and what is out of place."""

import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.dataset.formats import IMAGE_SUFFIXES
from engine.errors import DataError

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
WORKBOOK_BYTES = 64 * 2**20
WORKBOOK_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the folder that can't be used or is in doubt; `kind` is a short word that stays the same.

    Kinds: unreadable, symlink, misplaced, folder, empty, unlabelled, mask-missing, mask-orphan, mask-shape, same-name,
    workbook, label-conflict; and from the pixel store: vanished, changed.
    """

    file: str
    kind: str
    reason: str
    label: str = ""
    """The class that it concerns; empty where it concerns none, or all."""


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


def natural(name: str) -> tuple[tuple[str | int, ...], str]:
    """Sort key by which COVID-2 comes before COVID-10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts)), name


def with_sources(root: Path, folder: Folder, beside: list[str], problems: list[Problem]) -> Folder:
    """`folder` with the sources of its images; `beside` are the files next to it. Adds what does not pair up."""
    sources = _sources(root, folder, beside, problems)
    keys = Counter(map(pair_key, folder.images))
    alone = [file for file in folder.images if pair_key(file) not in folder.masks]
    if folder.masks and alone:
        reason = f"{len(alone)} of {len(folder.images)} images have no mask; the first is {alone[0]}"
        problems.append(Problem(folder.label, "mask-missing", reason))
    orphans = [mask for key, mask in folder.masks.items() if key not in keys]
    if orphans:
        reason = f"{len(orphans)} of {len(folder.masks)} masks have no image; the first is {orphans[0]}"
        problems.append(Problem(folder.label, "mask-orphan", reason))
    if folder.masks or sources:
        shared = "shares its name with another image, and so its mask and source"
        problems.extend(Problem(file, "same-name", shared) for file in folder.images if keys[pair_key(file)] > 1)
    return replace(folder, sources=sources)


def pair_key(file: str) -> str:
    """What pairs an image with its mask and its row in the workbook: its name without folder and image suffix."""
    name = file.rsplit("/", 1)[-1].casefold()
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix}" in IMAGE_SUFFIXES else name


def _sources(root: Path, folder: Folder, beside: list[str], problems: list[Problem]) -> dict[str, str]:
    """The source of each image that the class's metadata workbook names, by `pair_key`."""
    wanted = f"{folder.label}.metadata.xlsx".casefold()
    books = [file for file in beside if file.rsplit("/", 1)[-1].casefold() == wanted]
    book = next(reversed(books), None)  # one beside the class folder itself comes before one above
    if book is None:
        return {}
    try:
        table = _read_workbook(root / book)
    except Exception as exc:  # a damaged workbook makes openpyxl throw nearly any kind
        reason = str(exc) if isinstance(exc, DataError) else f"can't be read as a workbook ({type(exc).__name__})"
        problems.append(Problem(book, "workbook", f"{reason}; the sources of its images are not known"))
        return {}
    missing = [file for file in folder.images if pair_key(file) not in table]
    if missing:
        reason = f"does not list {len(missing)} of {len(folder.images)} images; the first is {missing[0]}"
        problems.append(Problem(book, "workbook", reason))
    return table


def _read_workbook(path: Path) -> dict[str, str]:
    """The URL column by FILE NAME, whatever case and suffix that has. Raises DataError or what openpyxl throws."""
    if not path.is_file():
        raise DataError("is not a file")
    columns: tuple[int, int] | None = None
    table: dict[str, str] = {}
    for row in workbook_rows(path):
        cells = ["" if value is None else str(value).strip() for value in row]
        if columns is None:
            names = [cell.casefold() for cell in cells]
            columns = (names.index("file name"), names.index("url")) if {"file name", "url"} <= {*names} else None
        elif cells[columns[0]] and cells[columns[1]]:
            table[pair_key(cells[columns[0]])] = cells[columns[1]][:500]
    if columns is None:
        raise DataError("has no columns FILE NAME and URL")
    return table


def workbook_rows(path: Path) -> Iterator[Sequence[object]]:
    """The rows of a workbook's first sheet. Raises DataError where it is too large, or what openpyxl throws."""
    import openpyxl

    warnings.filterwarnings("ignore", module=r"openpyxl\.")  # about styles, which are not read
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > WORKBOOK_BYTES:
            raise DataError(f"unfolds into more than {WORKBOOK_BYTES // 2**20} MB")
    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    try:
        yield from book.worksheets[0].iter_rows(max_row=WORKBOOK_ROWS, max_col=32, values_only=True)
    finally:
        book.close()
