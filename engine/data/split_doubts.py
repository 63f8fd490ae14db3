"""What is wrong with a split, or between it and the folder that it is used on: a sentence each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from engine.base.language import tr, trn
from engine.base.wording import counted, listing
from engine.data.folders.folder_names import difference, look_alike
from engine.data.given_split import Listed, few
from engine.data.records import Row, Scan

MOST_TOLD = 10
"""Leaks that are named one by one where a training or a scan tells of them; all of them are counted."""


def too_few(name: str, scanned: Scan, distinct: int, least: int) -> str:
    """The class has fewer pictures, of which `distinct` are its own, than there are parts."""
    images, values = scanned.classes[name].images, {"name": name, "root": scanned.root, "least": least}
    if images >= least:
        return trn(
            'Class "{name}" in {root} has {images} images, of which {number} differs from each other and from all '
            "other classes; each class needs at least {least}, for train, validation and test.",
            'Class "{name}" in {root} has {images} images, of which {number} differ from each other and from all '
            "other classes; each class needs at least {least}, for train, validation and test.",
            distinct,
            images=images,
            **values,
        )
    return trn(
        'Class "{name}" in {root} has {number} image; each class needs at least {least}, for train, validation and '
        "test.",
        'Class "{name}" in {root} has {number} images; each class needs at least {least}, for train, validation and '
        "test.",
        images,
        **values,
    )


def lacks(where: Path, part: str, lacking: str, there: Sequence[str]) -> str:
    """That the part lacks a class, and which of those that it has looks like that one, where one does."""
    for name in there:
        if look_alike(lacking, name):
            return tr(
                '{root} puts no image of class "{name}" into the part "{part}", but of "{other}": the two differ in '
                "{difference}. Where they are one class, give its folders one name.",
                root=where,
                name=lacking,
                part=tr(part),
                other=name,
                difference=difference(lacking, name),
            )
    return tr('{root} puts no image of class "{name}" into the part "{part}".', root=where, name=lacking, part=tr(part))


def disagreements(root: Path, found: Listed, rows: Iterable[Row]) -> Iterator[str]:
    """What the split found lists and the folder lacks, and the other way round; `rows` are those that are used."""
    path = found.path
    if found.elsewhere:
        yield tr(
            "{path} lists {images} of classes that are not used here; left out: {few}.",
            path=path,
            images=counted(len(found.elsewhere), "image"),
            few=few(found.elsewhere),
        )
    if found.unlisted:
        yield tr(
            "{path} does not list {images} of {root}; left out: {few}.",
            path=path,
            images=counted(len(found.unlisted), "image"),
            root=root,
            few=few(found.unlisted),
        )
    gone = (*found.missing, *found.unclear)
    if gone:
        yield tr(
            "{root} has lost {images} since {path} was written: {few}. The rest goes on.",
            root=root,
            images=counted(len(gone), "image"),
            path=path,
            few=few(gone),
        )
    before = {row.file: row.sha for row in found.rows}
    changed = [row.file for row in rows if before[row.file] not in ("", row.sha)]
    if changed:
        yield tr(
            "Since {path} was written, {images} got other pixels: {few}.",
            path=path,
            images=counted(len(changed), "image"),
            few=few(changed),
        )


def torn(where: Path, patients: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """How many patients have images in two parts, where some have."""
    if patients:
        yield trn(
            "{root} has images of {number} patient in two parts or more.",
            "{root} has images of {number} patients in two parts or more.",
            len(patients),
            root=where,
        )


def leaking(path: Path, found: Sequence[Sequence[str]], rows: Iterable[Row]) -> Iterator[str]:
    """The files of each picture that lies in two parts, at most MOST_TOLD of them, and how many there are."""
    parts = {row.file: row.part for row in rows}
    for group in found[:MOST_TOLD]:
        yield tr(
            "{path} puts the same picture into two parts, so its result looks better than it is: {named}.",
            path=path,
            named=listing(tr("{file} ({part})", file=file, part=tr(parts[file])) for file in group),
        )
    if len(found) > MOST_TOLD:
        yield tr(
            "{path} puts {pictures} into two parts in all; `covid-tui scan --csv FILE` writes a list of them.",
            path=path,
            pictures=counted(len(found), "picture"),
        )
