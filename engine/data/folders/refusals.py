"""Why a tree can't be read as classes, a sentence each: what was found, and what to give.

None of them advises what would turn patients or the parts of a split into classes.
"""

from collections.abc import Sequence
from pathlib import Path

from engine.data.folders.folder_names import named_as_patients
from engine.data.folders.places import inner
from engine.data.folders.tree import Dir, left_out
from engine.data.part_names import part_of

PREDICT = "`covid-tui predict` takes images without a class"
_OWN_FOLDER = "put those of each class into a folder of its own"


def nothing(top: Dir, where: Path) -> str:
    """There is no image: what was left out instead."""
    masks = [folder for folder in top.walk() if folder.is_masks and folder.pictures]
    reasons = left_out(top)
    if masks:
        reasons = (f"{len(masks):,} folder{'s' * (len(masks) > 1)} of masks ({masks[0].path})", *reasons)
    if not reasons:
        return f"{where} has no images in it; give a folder that holds one folder of images for each class."
    return f"{where} has no class folder with images. Left out: {'; '.join(reasons)}."


def one_folder(where: Path, roomed: bool, beside: Sequence[Dir]) -> str:
    """It holds images itself (`roomed`: in a folder called images), so it may be that of a class, part or patient."""
    found = f"{where} holds images but no class folders"
    if beside:
        more = few([folder.name for folder in beside])
        return f"{where} holds images and, beside them, the folder {more} with more; {_OWN_FOLDER}."
    if part_of(where.absolute().name):
        return f"{found}; {_OWN_FOLDER}; {PREDICT}."
    if roomed:
        return f"{where} is the folder of one class; give the folder above it."
    return f"{found}; {_OWN_FOLDER}, or, where it is the folder of one class, give the one above it."


def unlabelled_parts(where: Path, parts: Sequence[Dir]) -> str:
    """There are parts of a split, but none holds classes."""
    names = enumerated([part.name for part in parts])
    below = [kid.name for part in parts for kid in inner(part)]
    if below and named_as_patients(below, in_class=False):
        return (
            f"{where} holds {names} with folders that are named as those of patients ({few(below)}), not of classes; "
            "sort the patients into class folders, as PART/CLASS/PATIENT/*.png."
        )
    return (
        f"{where} holds {names}, parts of a split, but no class folders in them; put the images of each class into a "
        f"folder of its own there, or, where {where.absolute().name} is a class, give the folder above it; {PREDICT}."
    )


def patients(where: Path, folders: Sequence[Dir]) -> str:
    """Patients stand where classes should."""
    return (
        f"{where} holds folders that are named as those of patients ({few([kid.name for kid in folders])}), not of "
        "classes; give the folder above it, where that holds the class folders."
    )


def several_datasets(where: Path, folders: Sequence[Dir]) -> str:
    """Each of several folders holds the parts of a split with classes."""
    return f"{where} holds several datasets ({few([folder.name for folder in folders])}); give one of them."


def unevenly_parted(where: Path, split: Sequence[Dir], others: Sequence[Dir]) -> str:
    """Some class folders hold the parts of a split, others don't."""
    return (
        f"{where} holds class folders with the parts of a split in them ({few([kid.name for kid in split])}) and "
        f"others without ({few([kid.name for kid in others])}); lay all of them out in one way, as PART/CLASS/*.png or "
        "CLASS/*.png."
    )


def two_readings(where: Path, parts: Sequence[Dir], twice: Sequence[str]) -> str:
    """Beside the parts of a split lie folders named as the classes in it."""
    return (
        f"{where} holds a split ({enumerated([part.name for part in parts])}) and, beside it, folders named as its "
        f"classes ({enumerated(twice)}); it is not known which are meant. Move {enumerated(twice)} away to take the "
        "split as it is, or the split to have one drawn."
    )


def two_deep(where: Path, nests: Sequence[Dir], good: Sequence[Dir]) -> str:
    """Images lie a folder deeper than classes do, and nothing says what the folders around them are."""
    below = few(list(dict.fromkeys(kid.name for nest in nests for kid in inner(nest))))
    beside = f", and one deep in {few([kid.name for kid in good])}" if good else ""
    return (
        f"{where} has images two folders deep, in {few([nest.name for nest in nests])} (which hold {below}){beside}; "
        "it is not known which of the folders are the classes. Put all images of a class into one folder, as "
        "CLASS/*.png, or give the one folder whose folders are the classes."
    )


def few(names: Sequence[str]) -> str:
    """The first names."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def enumerated(names: Sequence[str]) -> str:
    """All of the names, of which there is at least one."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
