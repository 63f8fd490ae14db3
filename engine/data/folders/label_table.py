"""Classes from a table, for images that lie in no class folders: which image is of which, and what is left out.

A cell is one class. Where it names several, as NIH's "Effusion|Mass", no single one is right, so the image is left out
and counted; so is an image that the table says nothing of.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.base.errors import ConfigError, DataError
from engine.base.language import tr, trn
from engine.base.wording import counted, listing
from engine.data.file_names import natural, pair_key
from engine.data.folders.class_listing import ClassFolders, Folder
from engine.data.folders.folder_names import alike
from engine.data.folders.tree import NOT_FOLLOWED, Dir, sorted_files
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
        raise DataError(tr("{root} holds no images.", root=root))
    try:
        said = table.cells(column, ((file, "") for file in files))
    except DataError as error:
        raise DataError(tr("{path} {reason}.", path=table.path, reason=error)) from None
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
    links = [link for folder in top.walk() for link in folder.links[:MOST_TOLD]]
    problems = [Problem(name, "symlink", NOT_FOLLOWED[why]) for name, why in links]
    said_twice = tr('has several classes in its cell ("{cell}"), so it is not read')
    problems += _told([(file, said_twice.format(cell=cell)) for file, cell in several.items()])
    unsaid = tr("has no class in {table}, so it is not read", table=table.name)
    problems += _told([(file, unsaid) for file in nothing])
    return ClassFolders(folders, layout, tuple(problems), (*several, *nothing))


def _table(root: Path, wanted: LabelTable) -> Table:
    """The table, which lies at its path from here, or from `root` on. Raises DataError."""
    places = [wanted.path, *([] if wanted.path.is_absolute() else [root / wanted.path])]
    table = next((found for place in places if (found := table_at(place))), None)
    if table is None:
        raise DataError(
            tr(
                "{path} is no file, neither here nor in {root}; check the path given with --labels.",
                path=wanted.path,
                root=root,
            )
        )
    if table.reason:
        raise DataError(
            tr(
                "{path} {reason}; --labels takes a table that names the image files.",
                path=table.path,
                reason=table.reason,
            )
        )
    return table


def _column(table: Table, asked: str) -> str:
    """The column of classes. Raises ConfigError."""
    plain = {plain_column(name): name for name in reversed(table.columns)}
    found = asked if asked and table.place(asked) is not None else ""
    if not asked:
        found = next((plain[name] for name in LABEL_COLUMNS if name in plain), "")
    if not found:
        have = listing(list(filter(None, table.columns))[:_SHOWN])
        if asked:
            said = tr('{path} has no column "{column}"; it has {have}. --label-column names one.')
        else:
            said = tr("{path} has no column of a usual name for classes; it has {have}. --label-column names one.")
        raise ConfigError(said.format(path=table.path, column=asked, have=have))
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
    return tr(
        'The classes are those of the column "{column}" of {table}: {images} of {classes}.',
        column=column,
        table=table.name,
        images=counted(sum(map(len, by_class.values())), "image"),
        classes=counted(len(by_class), "class", "classes"),
    )


def _doubts(
    table: Table, said: Column, several: dict[str, str], nothing: list[str], classes: Iterable[str]
) -> Iterator[str]:
    """A sentence on each kind of what was left out, and on classes that look like one."""
    if several:
        yield trn(
            '{number} image has several classes and is left out: their cells name more than one, such as "{first}".',
            '{number} images have several classes and are left out: their cells name more than one, such as "{first}".',
            len(several),
            first=next(iter(several.values())),
        )
    if nothing:
        yield _unlabelled(table, said, nothing)
    if said.lost:
        yield _lost(table, said)
    for names in alike(sorted(classes, key=natural)):
        quoted = tr(" and ").join(tr('"{name}"', name=name) for name in names)
        yield tr("The classes {quoted} look alike and are taken as {count}.", quoted=quoted, count=len(names))


def _unlabelled(table: Table, said: Column, nothing: list[str]) -> str:
    if said.torn:
        return trn(
            "{number} image has no class in {table} and is left out ({torn:,} of them as its rows say two things); the "
            "first is {first}.",
            "{number} images have no class in {table} and are left out ({torn:,} of them as its rows say two things); "
            "the first is {first}.",
            len(nothing),
            table=table.name,
            torn=said.torn,
            first=nothing[0],
        )
    return trn(
        "{number} image has no class in {table} and is left out; the first is {first}.",
        "{number} images have no class in {table} and are left out; the first is {first}.",
        len(nothing),
        table=table.name,
        first=nothing[0],
    )


def _lost(table: Table, said: Column) -> str:
    text = trn(
        "{number} of the {rows:,} rows of {table} names no image of this folder",
        "{number} of the {rows:,} rows of {table} name no image of this folder",
        said.lost,
        rows=said.rows,
        table=table.name,
    )
    if said.unclear:
        text = tr("{sentence}, {unclear:,} of the names fit several", sentence=text, unclear=said.unclear)
    if said.first:
        text = tr("{sentence}; the first names {first}", sentence=text, first=said.first)
    return tr("{sentence}.", sentence=text)


def _told(left: list[tuple[str, str]]) -> list[Problem]:
    """A problem for each image that is left out, but no more than MOST_TOLD: the last one counts the rest."""
    shown = left if len(left) <= MOST_TOLD else left[: MOST_TOLD - 1]
    found = [Problem(file, "unlabelled", reason) for file, reason in shown]
    if len(shown) < len(left):
        file, reason = left[len(shown)]
        more = tr("{reason}; nor are {count:,} more", reason=reason, count=len(left) - MOST_TOLD)
        found.append(Problem(file, "unlabelled", more))
    return found


def _fits_nothing(root: Path, table: Table, column: str, said: Column) -> str:
    text = tr("None of the {rows:,} rows of {path} names an image of {root}; the first names {first}.")
    if not said.rows:
        text = tr("{path} has no rows.")
    elif said.named:
        text = tr('The column "{column}" of {path} is empty, or says two things, for every image of {root}.')
    elif said.unclear:
        text = tr("The names in {path} fit several images of {root} each: write paths in their place.")
    return text.format(column=column, path=table.path, root=root, rows=said.rows, first=said.first)


def _no_classes(table: Table, column: str, count: int) -> str:
    text = tr('Each cell of the column "{column}" of {path} names several classes: none is left to learn.')
    if count:
        text = tr(
            'The column "{column}" of {path} has {count:,} different values, which are no classes: name another one '
            "with --label-column (at most {most} classes)."
        )
    return text.format(column=column, path=table.path, count=count, most=MOST_CLASSES)
