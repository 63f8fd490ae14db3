"""Why a tree can't be read as classes, a sentence each: what was found, and what to give.

None of them advises what would turn patients or the parts of a split into classes.
"""

from collections.abc import Sequence
from pathlib import Path

from engine.base.language import tr, trn
from engine.base.wording import listing
from engine.data.folders.folder_names import named_as_patients
from engine.data.folders.places import inner
from engine.data.folders.tree import Dir, left_out
from engine.data.part_names import part_of


def nothing(top: Dir, where: Path) -> str:
    """There is no image: what was left out instead."""
    masks = [folder for folder in top.walk() if folder.is_masks and folder.pictures]
    reasons = left_out(top)
    if masks:
        of_masks = trn(
            "{number} folder of masks ({first})", "{number} folders of masks ({first})", len(masks), first=masks[0].path
        )
        reasons = (of_masks, *reasons)
    if not reasons:
        return tr(
            "{where} has no images in it; give a folder that holds one folder of images for each class.", where=where
        )
    return tr(
        "{where} has no class folder with images. Left out: {reasons}.", where=where, reasons=tr("; ").join(reasons)
    )


def one_folder(where: Path, roomed: bool, beside: Sequence[Dir]) -> str:
    """It holds images itself (`roomed`: in a folder called images), so it may be that of a class, part or patient."""
    if beside:
        return tr(
            "{where} holds images and, beside them, the folder {more} with more; put those of each class into a folder "
            "of its own.",
            where=where,
            more=few([folder.name for folder in beside]),
        )
    if part_of(where.absolute().name):
        return tr(
            "{where} holds images but no class folders; put those of each class into a folder of its own; "
            "`covid-tui predict` takes images without a class.",
            where=where,
        )
    if roomed:
        return tr("{where} is the folder of one class; give the folder above it.", where=where)
    return tr(
        "{where} holds images but no class folders; put those of each class into a folder of its own, or, where it is "
        "the folder of one class, give the one above it.",
        where=where,
    )


def unlabelled_parts(where: Path, parts: Sequence[Dir]) -> str:
    """There are parts of a split, but none holds classes."""
    names = enumerated([part.name for part in parts])
    below = [kid.name for part in parts for kid in inner(part)]
    if below and named_as_patients(below, in_class=False):
        return tr(
            "{where} holds {names} with folders that are named as those of patients ({few}), not of classes; sort the "
            "patients into class folders, as PART/CLASS/PATIENT/*.png.",
            where=where,
            names=names,
            few=few(below),
        )
    return tr(
        "{where} holds {names}, parts of a split, but no class folders in them; put the images of each class into a "
        "folder of its own there, or, where {folder} is a class, give the folder above it; `covid-tui predict` takes "
        "images without a class.",
        where=where,
        names=names,
        folder=where.absolute().name,
    )


def patients(where: Path, folders: Sequence[Dir]) -> str:
    """Patients stand where classes should."""
    return tr(
        "{where} holds folders that are named as those of patients ({few}), not of classes; give the folder above it, "
        "where that holds the class folders.",
        where=where,
        few=few([kid.name for kid in folders]),
    )


def several_datasets(where: Path, folders: Sequence[Dir]) -> str:
    """Each of several folders holds the parts of a split with classes."""
    return tr(
        "{where} holds several datasets ({few}); give one of them.",
        where=where,
        few=few([folder.name for folder in folders]),
    )


def unevenly_parted(where: Path, split: Sequence[Dir], others: Sequence[Dir]) -> str:
    """Some class folders hold the parts of a split, others don't."""
    return tr(
        "{where} holds class folders with the parts of a split in them ({parted}) and others without ({others}); lay "
        "all of them out in one way, as PART/CLASS/*.png or CLASS/*.png.",
        where=where,
        parted=few([kid.name for kid in split]),
        others=few([kid.name for kid in others]),
    )


def two_readings(where: Path, parts: Sequence[Dir], twice: Sequence[str]) -> str:
    """Beside the parts of a split lie folders named as the classes in it."""
    return tr(
        "{where} holds a split ({parts}) and, beside it, folders named as its classes ({classes}); it is not known "
        "which are meant. Move {classes} away to take the split as it is, or the split to have one drawn.",
        where=where,
        parts=enumerated([part.name for part in parts]),
        classes=enumerated(twice),
    )


def two_deep(where: Path, nests: Sequence[Dir], good: Sequence[Dir]) -> str:
    """Images lie a folder deeper than classes do, and nothing says what the folders around them are."""
    values = {
        "where": where,
        "nests": few([nest.name for nest in nests]),
        "below": few(list(dict.fromkeys(kid.name for nest in nests for kid in inner(nest)))),
    }
    if good:
        return tr(
            "{where} has images two folders deep, in {nests} (which hold {below}), and one deep in {others}; it is not "
            "known which of the folders are the classes. Put all images of a class into one folder, as CLASS/*.png, or "
            "give the one folder whose folders are the classes.",
            others=few([kid.name for kid in good]),
            **values,
        )
    return tr(
        "{where} has images two folders deep, in {nests} (which hold {below}); it is not known which of the folders "
        "are the classes. Put all images of a class into one folder, as CLASS/*.png, or give the one folder whose "
        "folders are the classes.",
        **values,
    )


def few(names: Sequence[str]) -> str:
    """The first names."""
    first = listing(names[:3])
    return tr("{names}, ...", names=first) if len(names) > 3 else first


def enumerated(names: Sequence[str]) -> str:
    """All of the names, of which there is at least one."""
    return tr("{names} and {last}", names=listing(names[:-1]), last=names[-1]) if len(names) > 1 else names[0]
