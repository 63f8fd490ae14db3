"""Which folders are the classes: from the listing of a tree to one reading of it, or a sentence on why there is none.

Nothing here touches a disk. Read are CLASS and CLASS/images, alone, in the parts of a split (train/CLASS), around them
(CLASS/train), with a folder for each patient inside, and in folders around all that. Where two readings are possible
and the difference matters, neither is taken.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from engine.base.errors import DataError
from engine.base.language import tr, trn
from engine.data.file_names import natural
from engine.data.folders import refusals
from engine.data.folders.folder_names import alike, difference, look_alike, named_as_patients, numbered_anew
from engine.data.folders.places import Kind, Laid, Place, inner, kind_of, labelled, room_of
from engine.data.folders.refusals import enumerated, few
from engine.data.folders.tree import IMAGE_ROOMS, LEADS_OUT, MASK_ROOMS, NOT_FOLLOWED, Dir, left_out
from engine.data.image.formats import IMAGE_SUFFIXES
from engine.data.part_names import PART_NAMES, part_of
from engine.data.records import Layout, Problem

MOST_LINKS = 20
"""Links of one folder that are told one by one; the rest is counted."""
_PART_ORDER = ("", "train", "validation", "test")


def lay_out(top: Dir, where: Path) -> Laid:
    """The reading of the tree `top`, which lies at `where`. Raises DataError with what was found and what to give."""
    if not top.bearing:
        raise DataError(refusals.nothing(top, where))
    return _Reader(top, where).read()


class _Reader:
    """One reading of a tree, gathered on the way from its top to the folders of the classes."""

    def __init__(self, top: Dir, where: Path) -> None:
        self._top, self._base, self._where = top, top, where
        self._places: list[Place] = []
        self._problems: list[Problem] = []
        self._told: list[str] = []
        self._doubts: list[str] = []
        self._masks = {f.path.casefold(): f for f in top.walk() if MASK_ROOMS & {*f.path.casefold().split("/")}}
        self._masks_used: set[str] = set()

    def read(self) -> Laid:
        """The reading. Raises DataError."""
        base = self._base = self._unwrapped(self._top)
        self._where /= base.path
        kids, room = inner(base), room_of(base)
        of_one_class = room is not base and any(folder.is_masks for folder in base.folders)
        if room is not None and (of_one_class or len(kids) < 2):
            raise DataError(refusals.one_folder(self._where, room is not base, kids))
        parts = [kid for kid in kids if part_of(kid.name)]
        others = [kid for kid in kids if not part_of(kid.name)]
        homes = labelled(parts)
        form = self._by_parts(parts, homes, others) if homes else self._by_classes(parts, others)
        self._beside(published=bool(homes))
        self._unused_masks()
        if base is not self._top:
            self._told.insert(0, tr("The classes were found in {path}.", path=base.path))
        if any(place.patient for place in self._places):
            form = f"{form}/PATIENT"
            self._name_patients()
        self._tell_alike()
        places = sorted(self._places, key=lambda place: (natural(place.label), _PART_ORDER.index(place.part)))
        layout = Layout(form, base.path, tuple(self._told), tuple(self._doubts))
        return Laid(layout, tuple(places), tuple(self._problems))

    def _unwrapped(self, folder: Dir) -> Dir:
        """The first folder from `folder` on downwards that is not merely around another one."""
        while True:
            kids, room = inner(folder), room_of(folder)
            if len(kids) != 1 or room_of(kids[0]) or (room is not None and room is not folder):
                return folder
            if named_as_patients([kid.name for kid in inner(kids[0])], in_class=False):
                return folder
            self._listed(folder)
            self._misplaced(folder)
            folder = kids[0]

    # A split that folders publish

    def _by_parts(self, parts: list[Dir], homes: dict[str, Dir], others: list[Dir]) -> str:
        """The classes in the folders of the parts, where `homes` has them by the part's path; `others` lie beside."""
        classes = {kid.name for home in homes.values() for kid in inner(home) if not part_of(kid.name)}
        twice = [kid.name for kid in others if any(look_alike(kid.name, name) for name in classes)]
        if twice:
            raise DataError(refusals.two_readings(self._where, parts, twice))
        own = sorted((p for p in parts if p.path in homes), key=lambda part: _PART_ORDER.index(part_of(part.name)))
        names = {part_of(part.name) for part in own}
        for part in own:
            home = homes[part.path]
            for folder in (part,) if home is part else (part, home):
                self._listed(folder)
                self._misplaced(folder)
            kids = inner(home)
            self._stray_images(home)
            self._classes(
                home, [kid for kid in kids if not part_of(kid.name)], part_of(part.name) if len(names) > 1 else ""
            )
            for kid in kids:
                if part_of(kid.name):
                    self._unlabelled(kid)
        for part in parts:
            if part.path not in homes:
                self._unlabelled(part)
        for kid in others:
            self._problem(kid, "folder", tr("lies beside the parts of the split, so it is not read"))
        if others:
            text = tr("{names} lies beside the parts of the split and is not read.")
            if len(others) > 1:
                text = tr("{names} lie beside the parts of the split and are not read.")
            self._doubts.append(text.format(names=enumerated([kid.name for kid in others])))
        self._tell_parts(own, names)
        return "PART/CLASS" if len(names) > 1 else "CLASS"

    def _tell_parts(self, own: list[Dir], names: set[str]) -> None:
        if len(names) == 1:
            named = enumerated([part.name for part in own])
            self._told.append(tr("Only {names} has class folders: a split is drawn from its images.", names=named))
            return
        renamed = [part for part in own if part.name.strip().casefold() not in PART_NAMES]
        if renamed:
            read_as = [tr("{folder} is read as {part}", folder=p.name, part=tr(part_of(p.name))) for p in renamed]
            self._told.append(tr("{sentence}.", sentence=enumerated(read_as)))
        self._tell_missing(names)

    def _tell_missing(self, names: set[str]) -> None:
        if "test" not in names:
            self._told.append(
                tr("There is no part with classes to test on: a test is drawn from the images to train on.")
            )
        if "train" not in names:
            self._doubts.append(
                tr("There is no part to train on: the folder serves to test a model, not to train one.")
            )

    def _unlabelled(self, part: Dir) -> None:
        reason = tr(
            "holds images without class folders, so it is not read; `covid-tui predict` takes images without a class"
        )
        self._problem(part, "unlabelled", reason)
        text = tr(
            "{path} holds {count:,} files without class folders, so it is no class and not read; `covid-tui predict` "
            "takes images without a class.",
            path=part.path,
            count=sum(len(folder.files) for folder in part.walk() if not folder.is_masks),
        )
        self._doubts.append(text)

    # Class folders

    def _by_classes(self, parts: list[Dir], others: list[Dir]) -> str:
        """The classes among `others`, beside parts that have no class folders in them."""
        if not others:
            raise DataError(refusals.unlabelled_parts(self._where, parts))
        others = self._no_patients(others)
        for part in parts:
            self._unlabelled(part)
        split = [kid for kid in others if kind_of(kid) == "parts"]
        if split:
            return self._around_parts(split, [kid for kid in others if kid not in split])
        self._classes(self._base, others, "")
        return "CLASS"

    def _no_patients(self, folders: Sequence[Dir]) -> list[Dir]:
        """Those of `folders` that may be classes by their names."""
        if named_as_patients([folder.name for folder in folders], in_class=False):
            raise DataError(refusals.patients(self._where, folders))
        named = [folder for folder in folders if named_as_patients([folder.name], in_class=False)]
        for folder in named:
            self._doubt(folder, tr("is named as the folder of a patient, so it is not taken as a class"))
        return [folder for folder in folders if folder not in named]

    def _around_parts(self, split: list[Dir], others: list[Dir]) -> str:
        """The parts of a split in each class folder of `split`; `others` are folders without."""
        several = [kid for kid in split if labelled(inner(kid))]
        if several:
            raise DataError(refusals.several_datasets(self._where, several))
        if others:
            raise DataError(refusals.unevenly_parted(self._where, split, others))
        names = {part_of(part.name) for kid in split for part in inner(kid)}
        for kid in split:
            self._listed(kid, kid.name)
            self._misplaced(kid)
            for part in inner(kid):
                kind = kind_of(part)
                if kind not in ("images", "patients"):
                    raise DataError(refusals.two_deep(self._where, [part], []))
                self._class(part, kind, kid.name, part_of(part.name) if len(names) > 1 else "")
        if len(names) == 1:
            alone = tr(next(iter(names)))
            self._told.append(
                tr("The class folders hold one part alone ({part}): a split is drawn from it.", part=alone)
            )
            return "CLASS"
        text = tr("The parts of the split lie in the class folders, as {example}, and are taken from there.")
        self._told.append(text.format(example=f"{split[0].name}/{inner(split[0])[0].name}"))
        self._tell_missing(names)
        return "CLASS/PART"

    def _classes(self, inside: Dir, kids: Sequence[Dir], part: str) -> None:
        """Take the folders `kids` of `inside` as classes of `part`, and tell of those that can't be one."""
        kids = self._no_patients(kids)
        kinds = [(kid, kind_of(kid)) for kid in kids]
        good = [(kid, kind) for kid, kind in kinds if kind in ("images", "patients")]
        nests = [kid for kid, kind in kinds if kind in ("nest", "parts")]
        if nests and len(good) < 2:
            raise DataError(refusals.two_deep(self._where, nests, [kid for kid, _ in good]))
        for kid, kind in good:
            self._class(kid, kind, kid.name, part)
        for kid in nests:
            below = few([folder.name for folder in inner(kid)])
            reason = tr("holds images only in folders of its own ({few}), so it is not taken as a class", few=below)
            self._doubt(kid, reason, kid.name)
        for kid in inside.folders:
            if not kid.bearing and inside is not self._base:
                self._empty(kid)

    def _class(self, folder: Dir, kind: Kind, label: str, part: str) -> None:
        """Take `folder` as one of a class, or of a part of it."""
        self._listed(folder, label)
        if kind == "patients":
            for patient in folder.folders:
                if patient.bearing and not patient.is_masks:
                    self._patient(patient, patient, label, part)
                elif not patient.is_masks:
                    self._problem(patient, "empty", tr("the folder holds no images"), label)
            return
        room = room_of(folder) or folder
        deeper = [kid for kid in folder.folders if kid is not room and not kid.is_masks]
        if room is not folder:
            self._listed(room, label)
            for file in folder.files:
                self._problem(file, "misplaced", tr("lies beside the images folder of its class"), label)
            deeper += room.folders
        for kid in deeper:
            self._problem(kid, "folder", tr("folders inside a class folder are not read"), label)
        lost = [kid for kid in deeper if kid.bearing]
        if lost:
            count = sum(len(below.files) for kid in lost for below in kid.walk() if not below.is_masks)
            text = trn(
                "{number} file in folders inside the class folder {path} is not read ({few}).",
                "{number} files in folders inside the class folder {path} are not read ({few}).",
                count,
                path=folder.path,
                few=few([kid.path for kid in lost]),
            )
            self._doubts.append(text)
        self._places.append(Place(label, folder, room, self._masks_of(folder, room, label), part))

    def _patient(self, patient: Dir, folder: Dir, label: str, part: str) -> None:
        """Take `folder`, which is that of a patient or lies in it, and all in it as of that patient."""
        room = room_of(folder)
        self._listed(folder, label)
        if room:
            if room is not folder:
                self._listed(room, label)
                for file in folder.files:
                    self._problem(file, "misplaced", tr("lies beside the images folder of its patient"), label)
            self._places.append(Place(label, patient, room, self._masks_of(folder, room, label), part, patient.name))
        for kid in inner(folder) + (inner(room) if room and room is not folder else []):
            self._patient(patient, kid, label, part)

    def _name_patients(self) -> None:
        """Let patients' names be told apart over the whole folder, and say so."""
        by_class: defaultdict[str, list[str]] = defaultdict(list)
        for place in self._places:
            if place.patient:
                by_class[place.label].append(place.patient)
        first = next(place for place in self._places if place.patient)
        text = tr("The folders inside the class folders, such as {path}, are taken as those of patients.")
        if numbered_anew(by_class.values()):
            self._places = [
                replace(place, patient=f"{place.label}/{place.patient}") if place.patient else place
                for place in self._places
            ]
            text = tr(
                "The folders inside the class folders, such as {path}, are taken as those of patients, who are "
                "numbered in each class anew."
            )
        elif len(by_class) > 1:
            text = tr(
                "The folders inside the class folders, such as {path}, are taken as those of patients; one name in two "
                "classes is one patient."
            )
        self._told.append(text.format(path=first.home.path))

    def _masks_of(self, home: Dir, room: Dir, label: str) -> Dir | None:
        """The masks in the class folder, else in folders of masks that are laid out as those of images."""
        masks = next((folder for folder in home.folders if folder.is_masks), None)
        if masks is None and self._masks:
            mirrored = (self._masks.get(path) for path in self._mirrored(room))
            masks = next((folder for folder in mirrored if folder and folder.pictures), None)
        if masks is not None:
            self._masks_used.add(masks.path)
            self._listed(masks, label)
        return masks

    def _mirrored(self, room: Dir) -> Iterable[str]:
        names = room.path.casefold().split("/")
        places = [place for place, name in enumerate(names) if name in IMAGE_ROOMS]
        for masks in sorted(MASK_ROOMS):
            for place in places:
                yield "/".join([*names[:place], masks, *names[place + 1 :]])
            depth = len(self._base.path.split("/")) if self._base.path else 0
            yield "/".join([*names[:depth], masks, *names[depth:]])

    # What is told

    def _beside(self, published: bool) -> None:
        """What lies beside the class folders, or beside the parts."""
        self._listed(self._base)
        self._misplaced(self._base)
        self._stray_images(self._base)
        for folder in self._base.folders:
            if folder.is_masks:
                continue
            if not folder.bearing and published and part_of(folder.name):
                self._problem(folder, "empty", tr("the folder holds no images, so it is no part of the split"))
            elif not folder.bearing and published:
                self._problem(folder, "folder", tr("lies beside the parts of the split, so it is not read"))
            elif not folder.bearing:
                self._empty(folder)

    def _unused_masks(self) -> None:
        """Folders of masks that belong to no image, but for those in a folder that is told anyway."""
        told = {problem.file for problem in self._problems}
        with_used = {around for path in self._masks_used for around in _itself_and_around(path)}
        for folder in self._masks.values():
            partly = folder.path in with_used
            lonely = folder.pictures if partly else any(below.pictures for below in folder.walk())
            if lonely and folder.path not in self._masks_used and told.isdisjoint(_itself_and_around(folder.path)):
                reason = tr("holds masks that belong to no image, so it is not read")
                if partly:
                    reason = tr("its files are masks that belong to no image, so it is not read")
                self._problem(folder, "folder", reason)
                told.add(folder.path)

    def _empty(self, folder: Dir) -> None:
        if folder.is_masks:
            return
        reasons = tr("; ").join(left_out(folder))
        reason = tr("the folder holds no images, so it is not taken as a class")
        if reasons:
            reason = tr(
                "the folder holds no images, so it is not taken as a class (left out: {reasons})", reasons=reasons
            )
        self._problem(folder, "empty", reason, folder.name)
        if any(why == LEADS_OUT for below in folder.walk() for _, why in below.links):
            text = tr("{path} is not taken as a class. Left out of it: {reasons}.")
            self._doubts.append(text.format(path=folder.path, reasons=reasons))

    def _stray_images(self, folder: Dir) -> None:
        """A folder called images beside class folders is none of them."""
        room = room_of(folder)
        if room is not None and room is not folder:
            self._doubt(room, tr("lies beside the class folders, so the class of its images is not known"))

    def _misplaced(self, folder: Dir) -> None:
        for file in folder.files:
            if _suffix(file) in IMAGE_SUFFIXES:
                self._problem(file, "misplaced", tr("lies beside the class folders, so its class is not known"))

    def _listed(self, folder: Dir, label: str = "") -> None:
        """Tell what could not be listed in a folder that is read."""
        if folder.unreadable:
            reason = tr("the folder can't be read ({reason})", reason=folder.unreadable)
            self._problem(folder, "unreadable", reason, label)
        links = folder.links if len(folder.links) <= MOST_LINKS or not folder.path else folder.links[: MOST_LINKS - 1]
        for name, why in links:
            self._problem(name, "symlink", NOT_FOLLOWED[why], label)
        if len(links) < len(folder.links):
            rest = tr("; ").join(left_out(Dir(folder.path, links=folder.links[len(links) :])))
            reason = tr("holds more links that are not followed: {links}", links=rest)
            self._problem(folder, "symlink", reason, label)

    def _tell_alike(self) -> None:
        """Name the classes that look like one."""
        parts: defaultdict[str, set[str]] = defaultdict(set)
        for place in self._places:
            parts[place.label].add(place.part)
        for names in alike(sorted(parts, key=natural)):
            text = tr(
                "The classes {quoted} look alike and are taken as {count}: they differ in {ways}. Where they are one, "
                "give their folders one name.",
                quoted=enumerated([_quoted(name, parts[name]) for name in names]),
                count=len(names),
                ways=tr(" or ").join(dict.fromkeys(difference(names[0], other) for other in names[1:])),
            )
            self._doubts.append(text)

    def _problem(self, folder: Dir | str, kind: str, reason: str, label: str = "") -> None:
        self._problems.append(Problem(folder.path if isinstance(folder, Dir) else folder, kind, reason, label))

    def _doubt(self, folder: Dir, reason: str, label: str = "") -> None:
        """A problem of a folder that may be meant as a class, and so worth a sentence of its own."""
        self._problem(folder, "folder", reason, label)
        self._doubts.append(tr("{path} {reason}.", path=folder.path, reason=reason))


def _quoted(name: str, parts: Iterable[str]) -> str:
    """The class with the parts in which it is."""
    named = [tr(part) for part in sorted(filter(None, parts), key=_PART_ORDER.index)]
    return tr('"{name}" (in {parts})', name=name, parts=enumerated(named)) if named else tr('"{name}"', name=name)


def _itself_and_around(path: str) -> Iterable[str]:
    names = path.split("/")
    return ("/".join(names[:count]) for count in range(1, len(names) + 1))


def _suffix(file: str) -> str:
    return Path(file).suffix.lower()
