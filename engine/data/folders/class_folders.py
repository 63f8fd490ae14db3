"""The class folders of a dataset, read once: which images are of which class, part and patient, and how that was read.

`tree` lists what there is, `layout` says what it means, and here the images of a class get their masks and sources.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from engine.base.cancel import Stop
from engine.base.errors import ConfigError, DataError
from engine.base.language import tr
from engine.base.wording import in_turn, listing
from engine.data.file_names import pair_key
from engine.data.folders.class_listing import ClassFolders, Folder, with_sources
from engine.data.folders.label_table import labelled_files
from engine.data.folders.layout import lay_out
from engine.data.folders.places import Place
from engine.data.folders.refusals import few
from engine.data.folders.tree import DEPTH, Dir, look
from engine.data.records import Problem
from engine.data.tables import SUFFIXES
from engine.recipe.config import LabelTable


def class_folders(
    root: Path,
    classes: tuple[str, ...] = (),
    follow_links: bool = False,
    stop: Stop | None = None,
    table: LabelTable | None = None,
) -> ClassFolders:
    """The folders in `root` with images of the picked `classes`, in this order, or of all.

    There is one for each class, or one for each of its parts and patients where the folders tell those. With `table`
    a table says the classes, whatever the folders are. Links are followed within `root`, and out of it where
    `follow_links` says so. Raises DataError where `root` is no folder with class folders, or the table is of no use,
    ConfigError for a class that it doesn't have, Stopped.
    """
    if table:
        return _labelled(root, classes, look(root, follow_links, stop, 4 * DEPTH), table)
    top = look(root, follow_links, stop)
    try:
        laid = lay_out(top, root)
    except DataError as error:
        beside = [file for file in top.others if file.casefold().endswith(SUFFIXES)]
        hint = (
            tr("Where {files} says the class of each image, name it with --labels.", files=few(beside))
            if beside
            else ""
        )
        raise DataError(in_turn(str(error), hint)) from None
    labels = tuple(dict.fromkeys(place.label for place in laid.places))
    _check_picked(root, classes, labels)
    problems = [problem for problem in laid.problems if not classes or problem.label in ("", *classes)]
    folders: list[Folder] = []
    for label in classes or labels:
        own = [place for place in laid.places if place.label == label]
        for _, places in groupby(own, key=lambda place: place.part):
            found, troubles = _paired(root, top, list(places))
            folders += found
            problems += [replace(problem, label=label) for problem in troubles]
    picked = classes or labels
    others = tuple(file for place in laid.places if place.label not in picked for file in place.room.files)
    return ClassFolders(tuple(folders), laid.layout, tuple(problems), others)


def _labelled(root: Path, classes: tuple[str, ...], top: Dir, table: LabelTable) -> ClassFolders:
    """The files of the tree by the classes that a table gives them. Raises DataError, ConfigError."""
    found = labelled_files(root, top, table)
    _check_picked(root, classes, tuple(dict.fromkeys(folder.label for folder in found.folders)))
    picked = [folder for label in classes or [""] for folder in found.folders if label in ("", folder.label)]
    problems = list(found.problems)
    folders = tuple(with_sources(root, folder, [], problems) for folder in picked)
    others = [file for folder in found.folders if folder not in picked for file in folder.images]
    return replace(found, folders=folders, problems=tuple(problems), others=(*found.others, *others))


def _check_picked(root: Path, classes: tuple[str, ...], found: Sequence[str]) -> None:
    for name in classes:
        if name not in found:
            raise ConfigError(
                tr('{root} has no class "{name}"; it has {found}.', root=root, name=name, found=listing(found))
            )
        if classes.count(name) > 1:
            raise ConfigError(tr('The class "{name}" is named twice; name each class once.', name=name))


def _paired(root: Path, top: Dir, places: list[Place]) -> tuple[list[Folder], list[Problem]]:
    """The listings of one class and part, with masks and sources, and what does not pair up."""
    problems: list[Problem] = []
    beside = _files_beside(top, places[0].home.path)
    folders = [_folder(place) for place in places]
    if not any(folder.patient for folder in folders):
        return [with_sources(root, folder, beside, problems) for folder in folders], problems
    every = [file for folder in folders for file in folder.images]
    sources = with_sources(root, Folder(places[0].label, every, {}, {}), beside, problems).sources
    paired = [with_sources(root, folder, [], problems) if folder.masks else folder for folder in folders]
    return [replace(folder, sources=sources) for folder in paired], problems


def _folder(place: Place) -> Folder:
    masks = {pair_key(file): file for file in place.masks.files} if place.masks else {}
    return Folder(place.label, list(place.room.files), masks, {}, place.part, place.patient)


def _files_beside(top: Dir, path: str) -> list[str]:
    """The files of the folders around `path`, from the top on, those of suffixes that no image has among them."""
    found, folder = [*top.files, *top.others], top
    names = path.split("/")
    for depth in range(1, len(names)):
        folder = next(kid for kid in folder.folders if kid.path == "/".join(names[:depth]))
        found += [*folder.files, *folder.others]
    return found
