"""Classes from a table, for images that lie in no class folders: which image is of which, and what is left out.

A cell is one class. Where it names several, as NIH's "Effusion|Mass", no single one is right, so the image is left out
and counted; so is an image that the table says nothing of.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.base.errors import ConfigError, DataError
from engine.base.wording import counted, noun
from engine.data.file_names import natural, pair_key
from engine.data.folders.class_listing import ClassFolders, Folder
from engine.data.folders.folder_names import alike
from engine.data.folders.tree import Dir, sorted_files
from engine.data.part_names import part_of
from engine.data.records import Layout, Problem
from engine.data.tables import Column, Table, plain_column, table_at
from engine.recipe.config import LabelTable

LABEL_COLUMNS = (
    *("label", "labels", "class", "classname", "finding", "findings", "findinglabels", "diagnosis", "category"),
    *("target", "disease"),
)
"""Columns that are taken to hold the class without being asked for, the likeliest first, as `plain_column` has them."""
MOST_CLASSES = 50
"""Different values beyond which a column is none of classes."""
MOST_TOLD = 20
"""Images of each kind left out that are told one by one; the rest is counted."""
_SHOWN = 8


def labelled_files(root: Path, top: Dir, wanted: LabelTable) -> ClassFolders:
    """The images in the tree `top` below `root` by class, as the table gives them; files that it gives none are others.

    Raises DataError where the table can't be used or fits nothing, ConfigError where it lacks the column.
    """
    table = _table(root, wanted)
    column = _column(table, wanted.column)
    files, masks, _ = sorted_files(top, root)
    if not files:
        raise DataError(f"{root} holds no images.")
    try:
        said = table.cells(column, ((file, "") for file in files))
    except DataError as error:
        raise DataError(f"{table.path} {error}.") from None
    if not said.of:
        raise DataError(_fits_nothing(root, table, column, said))
    meant = _meanings(said.of.values())
    by_class: defaultdict[str, list[str]] = defaultdict(list)
    for file in files:
        if len(names := meant.get(said.of.get(file, ""), ())) == 1:
            by_class[names[0]].append(file)
    if len(by_class) > MOST_CLASSES or not by_class:
        raise DataError(_no_classes(table, column, len(by_class)))
    several = {file: cell for file, cell in said.of.items() if len(meant[cell]) > 1}
    nothing = [file for file in files if file not in said.of]
    folders = tuple(_folders(by_class, files, masks))
    layout = Layout(
        "TABLE",
        remarks=(_remark(table, column, by_class),),
        doubts=tuple(_doubts(table, said, several, nothing, by_class)),
    )
    problems = [Problem(name, "symlink", why) for folder in top.walk() for name, why in folder.links[:MOST_TOLD]]
    problems += _told([(file, f'has several classes in its cell ("{cell}")') for file, cell in several.items()])
    problems += _told([(file, f"has no class in {table.name}") for file in nothing])
    return ClassFolders(folders, layout, tuple(problems), (*several, *nothing))


def _table(root: Path, wanted: LabelTable) -> Table:
    """The table, which lies at its path from here, or from `root` on. Raises DataError."""
    places = [wanted.path, *([] if wanted.path.is_absolute() else [root / wanted.path])]
    table = next((found for place in places if (found := table_at(place))), None)
    if table is None:
        raise DataError(f"{wanted.path} is no file, neither here nor in {root}; check the path given with --labels.")
    if table.reason:
        raise DataError(f"{table.path} {table.reason}; --labels takes a table that names the image files.")
    return table


def _column(table: Table, asked: str) -> str:
    """The column of classes. Raises ConfigError."""
    plain = {plain_column(name): name for name in reversed(table.columns)}
    found = asked if asked and table.place(asked) is not None else ""
    if not asked:
        found = next((plain[name] for name in LABEL_COLUMNS if name in plain), "")
    if not found:
        lacks = f'no column "{asked}"' if asked else "no column of a usual name for classes"
        have = ", ".join(list(filter(None, table.columns))[:_SHOWN])
        raise ConfigError(f"{table.path} has {lacks}; it has {have}. --label-column names one.")
    return found


def _meanings(cells: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """By cell, the classes that it names: a list as Python writes it, or pieces between bars.

    Commas, semicolons and plus signs part them where each piece is a class of other cells.
    """
    every = set(cells)
    plain = {cell: _listed(cell) for cell in every}
    alone = {names[0] for names in plain.values() if len(names) == 1}
    found = {}
    for cell, names in plain.items():
        pieces = tuple(_pieces(cell, "[,;+]"))
        found[cell] = pieces if len(pieces) > 1 and alone.issuperset(pieces) else names
    return found


def _listed(cell: str) -> tuple[str, ...]:
    if cell.startswith("[") and cell.endswith("]"):
        return tuple(dict.fromkeys(piece.strip("'\"") for piece in _pieces(cell[1:-1], ",")))
    return tuple(dict.fromkeys(_pieces(cell, r"\|")))


def _pieces(text: str, separator: str) -> Iterator[str]:
    return filter(None, (" ".join(piece.split()) for piece in re.split(separator, text)))


def _folders(by_class: dict[str, list[str]], files: list[str], masks: list[str]) -> Iterator[Folder]:
    """A listing for each class and part. Parts are those of a split where each labelled image lies in one."""
    parts = {
        file: next(filter(None, map(part_of, file.split("/")[:-1])), "") for own in by_class.values() for file in own
    }
    published = len(set(parts.values())) > 1 and all(parts.values())
    times = Counter(map(pair_key, files))
    of_key = {pair_key(mask): mask for mask in masks}
    for label in sorted(by_class, key=natural):
        own: defaultdict[str, list[str]] = defaultdict(list)
        for file in by_class[label]:
            own[parts[file] if published else ""].append(file)
        for part in sorted(own, key=("", "train", "validation", "test").index):
            keys = [key for key in map(pair_key, own[part]) if key in of_key and times[key] == 1]
            yield Folder(label, own[part], {key: of_key[key] for key in keys}, {}, part)


def _remark(table: Table, column: str, by_class: dict[str, list[str]]) -> str:
    several = counted(sum(map(len, by_class.values())), "image")
    classes = counted(len(by_class), "class", "classes")
    return f'The classes are those of the column "{column}" of {table.name}: {several} of {classes}.'


def _doubts(
    table: Table, said: Column, several: dict[str, str], nothing: list[str], classes: Iterable[str]
) -> Iterator[str]:
    """A sentence on each kind of what was left out, and on classes that look like one."""
    if several:
        first = next(iter(several.values()))
        yield f'{_left_out(len(several), "several classes")}: their cells name more than one, such as "{first}".'
    if nothing:
        torn = f" ({said.torn:,} of them as its rows say two things)" if said.torn else ""
        yield f"{_left_out(len(nothing), f'no class in {table.name}')}{torn}; the first is {nothing[0]}."
    if said.lost:
        which = f"; the first names {said.first}" if said.first else ""
        unclear = f", {said.unclear:,} of the names fit several" if said.unclear else ""
        name = noun(said.lost, "names", "name")
        yield f"{said.lost:,} of the {said.rows:,} rows of {table.name} {name} no image of this folder{unclear}{which}."
    for names in alike(sorted(classes, key=natural)):
        quoted = " and ".join(f'"{name}"' for name in names)
        yield f"The classes {quoted} look alike and are taken as {len(names)}."


def _left_out(count: int, which: str) -> str:
    return f"{counted(count, 'image')} {noun(count, 'has', 'have')} {which} and {noun(count, 'is', 'are')} left out"


def _told(left: list[tuple[str, str]]) -> list[Problem]:
    """A problem for each image that is left out, but no more than MOST_TOLD: the last one counts the rest."""
    shown = left if len(left) <= MOST_TOLD else left[: MOST_TOLD - 1]
    found = [Problem(file, "unlabelled", f"{reason}, so it is not read") for file, reason in shown]
    if len(shown) < len(left):
        file, reason = left[len(shown)]
        found.append(
            Problem(file, "unlabelled", f"{reason}, so it is not read; nor are {len(left) - MOST_TOLD:,} more")
        )
    return found


def _fits_nothing(root: Path, table: Table, column: str, said: Column) -> str:
    if not said.rows:
        return f"{table.path} has no rows."
    if said.named:
        return f'The column "{column}" of {table.path} is empty, or says two things, for every image of {root}.'
    if said.unclear:
        return f"The names in {table.path} fit several images of {root} each: write paths in their place."
    return f"None of the {said.rows:,} rows of {table.path} names an image of {root}; the first names {said.first}."


def _no_classes(table: Table, column: str, count: int) -> str:
    if not count:
        return f'Each cell of the column "{column}" of {table.path} names several classes: none is left to learn.'
    return (
        f'The column "{column}" of {table.path} has {count:,} different values, which are no classes: name another one '
        f"with --label-column (at most {MOST_CLASSES} classes)."
    )
