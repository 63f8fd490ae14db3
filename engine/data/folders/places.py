"""Where the images of a dataset lie, and what one folder of a tree can be by what lies in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.data.folders.folder_names import named_as_patients
from engine.data.folders.tree import IMAGE_ROOMS, Dir
from engine.data.part_names import part_of
from engine.data.records import Layout, Problem

Kind = Literal["images", "patients", "parts", "nest"]
"""What a folder at the place of a class holds: images; folders of patients; parts of a split; other folders."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with images of one class and, where the folders tell, of one part and one patient."""

    label: str
    home: Dir
    """The folder of the class, or of the patient."""
    room: Dir
    """The folder whose files are the images: `home`, or one in it."""
    masks: Dir | None = None
    part: str = ""
    patient: str = ""


@dataclass(frozen=True)
class Laid:
    """A layout with the places of the images, by class and then by part, and what is out of place."""

    layout: Layout
    places: tuple[Place, ...]
    problems: tuple[Problem, ...]


def inner(folder: Dir) -> list[Dir]:
    """The folders in it with pictures, but for its folder of masks and the one of its images."""
    room = room_of(folder)
    return [kid for kid in folder.folders if kid.bearing and not kid.is_masks and kid is not room]


def room_of(folder: Dir) -> Dir | None:
    """The folder whose files are its images: one called images in it, else itself; None where there are none."""
    for kid in folder.folders:
        if kid.name.casefold() in IMAGE_ROOMS and kid.pictures:
            return kid
    return folder if folder.pictures else None


def kind_of(folder: Dir) -> Kind:
    """What a folder with pictures in it holds, where a class is looked for."""
    if room_of(folder):
        return "images"
    names = [kid.name for kid in inner(folder)]
    if all(map(part_of, names)):
        return "parts"
    return "patients" if named_as_patients(names, in_class=True) else "nest"


def labelled(parts: Sequence[Dir]) -> dict[str, Dir]:
    """The folder that holds the class folders, by the path of the part's, for each of `parts` that has some."""
    homes = {part.path: _class_home(part) for part in parts}
    found = {}
    for path, home in homes.items():
        names = [kid.name for kid in inner(home) if not part_of(kid.name)]
        if not names or named_as_patients(names, in_class=False):
            continue
        elsewhere = {kid.name for other, beside in homes.items() if other != path for kid in inner(beside)}
        room = room_of(home)
        # With images of its own, it holds more than one class, or one that another part has too.
        if room is None or len(names) > 1 or names[0] in elsewhere:
            found[path] = home
    return found


def _class_home(part: Dir) -> Dir:
    """The folder in `part` that holds the class folders: itself, or the one in it, as in train/images/CLASS."""
    home, kids = part, inner(part)
    while len(kids) == 1 and room_of(home) is None and kind_of(kids[0]) == "nest":
        home = kids[0]
        kids = inner(home)
    return home
