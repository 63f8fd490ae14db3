"""A matrix of layouts, made by program: how each is read, with which classes, parts and patients, and what is said."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.errors import DataError
from engine.data.file_names import natural
from engine.data.folders.class_folders import class_folders
from engine.data.folders.class_listing import ClassFolders
from engine.data.folders.folder_names import named_as_patients
from engine.data.folders.layout import lay_out
from engine.data.folders.tree import MASK_ROOMS, Dir
from engine.data.part_names import part_of
from tests.makers.examples import examples

PAIR = "{COVID,Normal}"
PATIENTS = "{patient001,patient002,patient003}"


def expanded(pattern: str) -> Iterator[str]:
    """The paths that a pattern names: {A,B} is each of several, {1..3} each of a series."""
    pieces = re.split(r"\{([^}]*)\}", pattern)
    choices = [[piece] if place % 2 == 0 else list(_choices(piece)) for place, piece in enumerate(pieces)]
    yield from map("".join, product(*choices))


def _choices(piece: str) -> Iterator[str]:
    series = re.fullmatch(r"(\d+)\.\.(\d+)", piece)
    yield from (map(str, range(int(series[1]), int(series[2]) + 1)) if series else piece.split(","))


def grow(root: Path, *patterns: str) -> Path:
    """Files of these names, the suffix deciding what they seem to hold; a name that ends in a slash is a folder's."""
    for pattern in patterns:
        for name in expanded(pattern):
            path = root / name
            (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
            if not name.endswith("/"):
                path.write_bytes(b"\x89PNG\r\n\x1a\n" if path.suffix in ("", ".png") else b"text")
    return root


def counted(found: ClassFolders) -> dict[str, dict[str, int]]:
    """Images by class and part."""
    counts: dict[str, Counter[str]] = {}
    for folder in found.folders:
        counts.setdefault(folder.label, Counter())[folder.part] += len(folder.images)
    return {label: dict(own) for label, own in counts.items()}


@dataclass(frozen=True)
class Read:
    """A layout that is read: the counts by class and part, and words of what is said and of what is out of place."""

    patterns: tuple[str, ...]
    classes: dict[str, dict[str, int]]
    layout: str = "CLASS"
    base: str = ""
    told: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    masks: int = 0
    patients: int = 0


def both(**parts: int) -> dict[str, dict[str, int]]:
    """So many images by part in each of the classes COVID and Normal; `drawn` for no part."""
    own = {"" if part == "drawn" else part: count for part, count in parts.items()}
    return {"COVID": own, "Normal": own}


SPLIT = both(train=3, test=2)
TEST_DRAWN = "a test is drawn from the images to train on"
AS_PATIENTS = "The folders inside the class folders, such as COVID/patient001, are taken as those of patients"

READ = {
    "plain": Read((f"{PAIR}/{{1..3}}.png",), both(drawn=3)),
    "images and masks": Read((f"{PAIR}/{{images,masks}}/{{1..3}}.png",), both(drawn=3), masks=6),
    "Images and MASKS": Read((f"{PAIR}/{{Images,MASKS}}/{{1..3}}.png",), both(drawn=3), masks=6),
    "one of each": Read(
        ("COVID/{images,masks}/1.png", "Normal/{1..2}.png"), {"COVID": {"": 1}, "Normal": {"": 2}}, masks=1
    ),
    "masks in a plain class": Read((f"{PAIR}/{{1..3}}.png", f"{PAIR}/mask/{{1..3}}.png"), both(drawn=3), masks=6),
    "masks laid out as images": Read(
        (f"{{images,masks}}/{PAIR}/{{1..3}}.png",), both(drawn=3), base="images", masks=6,
        told=("The classes were found in images.",),
    ),
    "masks beside the classes": Read((f"{PAIR}/{{1..3}}.png", f"masks/{PAIR}/{{1..3}}.png"), both(drawn=3), masks=6),
    "masks of nobody": Read(
        (f"{PAIR}/{{1..3}}.png", "masks/{1..3}.png"), both(drawn=3), problems=(("masks", "folder"),)
    ),
    "numbers": Read(("{0,1,2}/{1..3}.png",), {name: {"": 3} for name in "012"}),
    "one class": Read(("only/1.png",), {"only": {"": 1}}),
    "no suffix": Read((f"{PAIR}/IM00000{{1..3}}",), both(drawn=3)),
    "train and test": Read((f"train/{PAIR}/{{1..3}}.png", f"test/{PAIR}/{{4..5}}.png"), SPLIT, "PART/CLASS"),
    "TRAIN and Test, images and masks": Read(
        (f"TRAIN/{PAIR}/{{images,masks}}/{{1..3}}.png", f"Test/{PAIR}/{{images,masks}}/{{4..5}}.png"), SPLIT,
        "PART/CLASS", masks=10,
    ),
    "train, valid and test": Read(
        (f"train/{PAIR}/{{1..3}}.png", f"{{valid,test}}/{PAIR}/{{4..5}}.png"),
        both(train=3, validation=2, test=2), "PART/CLASS",
    ),
    "training_set and test_set": Read(
        (f"training_set/{PAIR}/{{1..3}}.png", f"test_set/{PAIR}/{{4..5}}.png"), SPLIT, "PART/CLASS",
        told=("training_set is read as train and test_set is read as test.",),
    ),
    "train data and Validation-Images": Read(
        (f"train data/{PAIR}/{{1..3}}.png", f"Validation-Images/{PAIR}/{{4..5}}.png"), both(train=3, validation=2),
        "PART/CLASS", told=("train data is read as train and Validation-Images is read as validation.", TEST_DRAWN),
    ),
    "train and val": Read(
        (f"train/{PAIR}/{{1..3}}.png", f"val/{PAIR}/{{4..5}}.png"), both(train=3, validation=2), "PART/CLASS",
        told=(TEST_DRAWN,),
    ),
    "val and test": Read(
        (f"val/{PAIR}/{{1..3}}.png", f"test/{PAIR}/{{4..5}}.png"), both(validation=3, test=2), "PART/CLASS",
        doubts=("There is no part to train on",),
    ),
    "train alone": Read(
        (f"train/{PAIR}/{{1..3}}.png",), both(drawn=3), base="train", told=("The classes were found in train.",)
    ),
    "test empty": Read(
        (f"train/{PAIR}/{{1..3}}.png", f"val/{PAIR}/{{4..5}}.png", "test/"), both(train=3, validation=2),
        "PART/CLASS", told=(TEST_DRAWN,), problems=(("test", "empty"),),
    ),
    "test without classes": Read(
        (f"train/{PAIR}/{{1..3}}.png", f"val/{PAIR}/{{4..5}}.png", "test/{1..4}.png"), both(train=3, validation=2),
        "PART/CLASS", told=(TEST_DRAWN,), problems=(("test", "unlabelled"),),
        doubts=("test holds 4 files without class folders, so it is no class and not read; `covid-tui predict` takes",),
    ),
    "train with classes, test without": Read(
        (f"train/{PAIR}/{{1..3}}.png", "test/{1..4}.png"), both(drawn=3), problems=(("test", "unlabelled"),),
        told=("Only train has class folders: a split is drawn from its images.",), doubts=("test holds 4 files",),
    ),
    "classes beside a test without": Read(
        (f"{PAIR}/{{1..3}}.png", "Test/{1..4}.png"), both(drawn=3), problems=(("Test", "unlabelled"),),
        doubts=("Test holds 4 files without class folders",),
    ),
    "a split beside picture folders": Read(
        (f"train/{PAIR}/{{1..3}}.png", f"test/{PAIR}/{{4..5}}.png", "{figures,samples}/{1..4}.png", "docs/a.txt"),
        SPLIT, "PART/CLASS", doubts=("figures and samples lie beside the parts of the split and are not read.",),
        problems=(("docs", "folder"), ("figures", "folder"), ("samples", "folder")),
    ),
    "a split beside a copy of itself": Read(
        (f"{{.,chest_xray}}/train/{PAIR}/{{1..3}}.png", f"{{.,chest_xray}}/test/{PAIR}/{{4..5}}.png"), SPLIT,
        "PART/CLASS", doubts=("chest_xray lies beside the parts",), problems=(("chest_xray", "folder"),),
    ),
    "the split in the classes": Read(
        (f"{PAIR}/train/{{1..3}}.png", f"{PAIR}/test/{{4..5}}.png"), SPLIT, "CLASS/PART",
        told=("The parts of the split lie in the class folders, as COVID/test, and are taken from there.",),
    ),
    "train alone in the classes": Read(
        (f"{PAIR}/train/{{1..3}}.png",), both(drawn=3),
        told=("The class folders hold one part alone (train): a split is drawn from it.",),
    ),
    "images around a split": Read(
        (f"images/train/{PAIR}/{{1..3}}.png", f"images/test/{PAIR}/{{4..5}}.png", "labels/train/1.txt"), SPLIT,
        "PART/CLASS", base="images", told=("The classes were found in images.",),
    ),
    "images in a split": Read(
        (f"train/{{images,masks}}/{PAIR}/{{1..3}}.png", f"test/{{images,masks}}/{PAIR}/{{4..5}}.png"), SPLIT,
        "PART/CLASS", masks=10,
    ),
    "train in train": Read(
        (f"train/train/{PAIR}/{{1..3}}.png", f"test/test/{PAIR}/{{4..5}}.png"), SPLIT, "PART/CLASS"
    ),
    "one folder around": Read(
        (f"data/{PAIR}/{{1..3}}.png", "readme.txt"), both(drawn=3), base="data",
        told=("The classes were found in data.",),
    ),
    "an archive unpacked": Read(
        (f"x/chest_xray/train/{PAIR}/{{1..3}}.png", f"x/chest_xray/test/{PAIR}/{{4..5}}.png",
         f"x/__MACOSX/chest_xray/train/{PAIR}/._{{1..3}}.png", "x/.DS_Store"), SPLIT, "PART/CLASS",
        base="x/chest_xray", told=("The classes were found in x/chest_xray.",),
    ),
    "patients": Read(
        ("COVID/{patient001,patient002}/{1..2}.png", "Normal/{patient002,patient007}/{1..2}.png"), both(drawn=4),
        "CLASS/PATIENT", told=(f"{AS_PATIENTS}; one name in two classes is one patient.",), patients=3,
    ),
    "patients counted in each class": Read(
        (f"{PAIR}/{PATIENTS}/{{1..2}}.png",), both(drawn=6), "CLASS/PATIENT",
        told=(f"{AS_PATIENTS}, who are numbered in each class anew.",), patients=6,
    ),
    "patients by hashes, with studies": Read(
        ("COVID/{0a1b2c3d4e,77aa88bb99}/study{1..2}/view.png", "Normal/{1234567f,99aabbcc}/images/{1..2}.png"),
        both(drawn=4), "CLASS/PATIENT", told=("such as COVID/0a1b2c3d4e,",), patients=4,
    ),
    "patients in one class": Read(
        (f"COVID/{PATIENTS}/1.png", "Normal/{1..3}.png"), both(drawn=3), "CLASS/PATIENT", told=(f"{AS_PATIENTS}.",),
        patients=3,
    ),
    "patients in parts": Read(
        ("train/COVID/p100{1..3}/1.png", "train/Normal/p200{1..3}/1.png", "test/COVID/p100{3..4}/1.png",
         "test/Normal/p200{8..9}/1.png"), SPLIT, "PART/CLASS/PATIENT", patients=9,
        told=("such as train/COVID/p1001, are taken as those of patients",),
    ),
    "patients' masks": Read(
        (f"{PAIR}/{PATIENTS}/{{images,masks}}/1.png",), both(drawn=3), "CLASS/PATIENT", patients=6, masks=6,
        told=(AS_PATIENTS,),
    ),
    "images beside the classes": Read(
        (f"{PAIR}/{{1..3}}.png", "images/{1..3}.png"), both(drawn=3), problems=(("images", "folder"),),
        doubts=("images lies beside the class folders, so the class of its images is not known.",),
    ),
    "images beside the classes of a part": Read(
        (f"train/{PAIR}/{{1..3}}.png", f"test/{PAIR}/{{4..5}}.png", "test/images/1.png"), SPLIT, "PART/CLASS",
        doubts=("test/images lies beside the class folders",), problems=(("test/images", "folder"),),
    ),
    "folders in a class": Read(
        (f"{PAIR}/{{1..3}}.png", "COVID/more/{1..2}.png", "stray.png", "Empty/", "notes/a.txt"), both(drawn=3),
        doubts=("2 files in folders inside the class folder COVID are not read (COVID/more).",),
        problems=(("COVID/more", "folder"), ("Empty", "empty"), ("notes", "empty"), ("stray.png", "misplaced")),
    ),
    "an old copy two deep beside two classes": Read(
        (f"{PAIR}/{{1..3}}.png", "old/{bacterial,viral}/{1..2}.png"), both(drawn=3), problems=(("old", "folder"),),
        doubts=("old holds images only in folders of its own (bacterial, viral), so it is not taken as a class.",),
    ),
    "two that look alike": Read(
        ("{COVID,covid,Normal}/{1..3}.png",), {"COVID": {"": 3}, "covid": {"": 3}, "Normal": {"": 3}},
        doubts=('The classes "COVID" and "covid" look alike and are taken as 2: they differ in upper and lower case.',),
    ),
    "two that look alike in two parts": Read(
        (f"train/{PAIR}/1.png", "test/{COVID ,Normal}/1.png"),
        {"COVID": {"train": 1}, "COVID ": {"test": 1}, "Normal": {"train": 1, "test": 1}}, "PART/CLASS",
        doubts=('"COVID" (in train) and "COVID " (in test) look alike and are taken as 2: they differ in blanks.',),
    ),
}  # fmt: skip

REFUSED = {
    "nothing": ((), "has no images in it; give a folder that holds one folder of images for each class."),
    "texts": (
        ("notes/{a,b}.txt", ".hidden/1.png"),
        r"no class folder with images. Left out: 2 files of kinds that are no images \[.txt\] \(the first is "
        r"notes/a.txt\); 1 hidden file or folder \(.hidden\).",
    ),
    "masks alone": (("masks/{1..2}.png",), r"Left out: 1 folder of masks \(masks\)"),
    "a flat folder": (
        ("{1..3}.png",),
        "holds images but no class folders; put those of each class into a folder of its own, or, where it is the "
        "folder of one class, give the one above it.",
    ),
    "a class": (("{images,masks}/{1..3}.png",), "is the folder of one class; give the folder above it."),
    "a flat folder with a class": (
        ("{1..3}.png", "more/1.png"), "holds images and, beside them, the folder more with more; put those of each"
    ),
    "parts without classes": (
        ("{train,test}/{1..3}.png",), "holds test and train, parts of a split, but no class folders in them; put the"
    ),
    "parts with images and masks, without classes": (
        ("{train,test}/{images,masks}/{1..3}.png",), "holds test and train, parts of a split, but no class folders"
    ),
    "patients": (
        (f"{PATIENTS}/{{1..2}}.png",),
        r"are named as those of patients \(patient001, patient002, patient003\), not of classes; give the folder above",
    ),
    "patients in parts": (
        (f"{{train,valid}}/{PATIENTS}/study1/view.png",),
        r"holds train and valid with folders that are named as those of patients \(patient001, .*\), not of classes; "
        "sort the patients into class folders",
    ),
    "a split beside its classes": (
        (f"{{train,test}}/{PAIR}/1.png", "{covid,Normal}/2.png"),
        r"holds a split \(test and train\) and, beside it, folders named as its classes \(covid and Normal\); it is "
        "not known which are meant. Move covid and Normal away to take the split as it is, or the split to have one ",
    ),
    "a split in one class alone": (
        ("COVID/{train,test}/1.png", "Normal/1.png"),
        r"class folders with the parts of a split in them \(COVID\) and others without \(Normal\); lay all of them out",
    ),
    "several datasets": (
        (f"{{one,two}}/{{train,test}}/{PAIR}/1.png",), r"holds several datasets \(one, two\); give one of them."
    ),
    "hospitals around classes": (
        (f"{{Hanoi,Lima}}/{PAIR}/1.png",),
        r"has images two folders deep, in Hanoi, Lima \(which hold COVID, Normal\); it is not known which of the "
        r"folders are the classes\. Put all images of a class into one folder, as CLASS/\*.png, or give the one folder",
    ),
    "one class two deep": (
        ("Normal/1.png", "Pneumonia/{bacterial,viral}/1.png"),
        r"two folders deep, in Pneumonia \(which hold bacterial, viral\), and one deep in Normal; it is not known",
    ),
    "one class two deep in parts": (
        ("{train,test}/Normal/1.png", "{train,test}/Pneumonia/{bacterial,viral}/1.png"),
        "two folders deep, in Pneumonia",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_a_layout_is_read_as_what_it_is(name: str, tmp_path: Path) -> None:
    wanted = READ[name]
    found = class_folders(grow(tmp_path / "data", *wanted.patterns))
    assert counted(found) == wanted.classes
    layout = found.layout
    assert (layout.form, layout.base) == (wanted.layout, wanted.base)
    for said, words in ((layout.remarks, wanted.told), (layout.doubts, wanted.doubts)):
        assert len(said) == len(words), said
        assert all(part in text for part, text in zip(words, said, strict=True)), said
    assert sorted((problem.file, problem.kind) for problem in found.problems) == sorted(wanted.problems)
    assert sum(len(folder.masks) for folder in found.folders) == wanted.masks
    assert len({folder.patient for folder in found.folders} - {""}) == wanted.patients
    labels = [folder.label for folder in found.folders]
    assert labels == sorted(labels, key=list(counted(found)).index), "those of a class come after each other"


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_be_read_in_two_ways_or_none_is_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    patterns, words = REFUSED[name]
    root = grow(tmp_path / "data", *patterns)
    root.mkdir(exist_ok=True)
    with pytest.raises(DataError, match=words) as caught:
        class_folders(root)
    sentence = str(caught.value)
    assert sentence.startswith(str(root)) and "\n" not in sentence and sentence.endswith(".")


NAMES = (
    "COVID",
    "Normal",
    "covid ",
    "train",
    "Test",
    "val_set",
    "images",
    "Masks",
    "patient1",
    "patient2",
    "p10001",
    "x",
)
Tree = dict[str, Any]
"""What a folder holds: the number of images under "", and folders by name."""
trees = st.recursive(
    st.fixed_dictionaries({"": st.integers(0, 2)}),
    lambda inner: st.builds(
        lambda count, folders: {"": count, **folders},
        st.integers(0, 1),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    ),
    max_leaves=14,
)


def built(tree: Tree, path: str = "") -> Dir:
    """The listing that such a folder gives, without a disk."""
    below = f"{path}/" if path else ""
    files = tuple(f"{below}{number}.png" for number in range(tree[""]))
    folders = [built(inner, f"{below}{name}") for name, inner in tree.items() if name]
    return Dir.of(path, files, tuple(sorted(folders, key=lambda folder: natural(folder.path))), pictures=bool(files))


@settings(max_examples=examples(600), deadline=None)
@given(trees)
def test_no_image_is_lost_in_silence_and_no_part_or_patient_becomes_a_class(tree: Tree) -> None:
    """Each is read, or is a mask, or it or a folder around it is told with its reason."""
    top = built(tree)
    try:
        found = lay_out(top, Path("data"))
    except DataError as error:
        assert str(error).startswith("data") and str(error).endswith(".")
        return
    read = [file for place in found.places for file in place.room.files]
    assert len(read) == len(set(read)) and read, "each is read once"
    masks = {file for place in found.places if place.masks for file in place.masks.files}
    told = {problem.file for problem in found.problems}
    for folder in top.walk():
        for file in {*folder.files} - {*read} - masks:
            around = {file.rsplit("/", count)[0] for count in range(file.count("/") + 1)}
            assert around & told, file
    labels = {place.label for place in found.places}
    assert not any(map(part_of, labels)) and not any(label.casefold() in MASK_ROOMS for label in labels)
    assert not any(named_as_patients([label], in_class=False) for label in labels)
