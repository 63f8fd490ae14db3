"""Pictures that folders have in common: found whatever was done to a copy, and gone from all of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from engine.base.context import Context
from engine.base.errors import DataError
from engine.data.records import Scan
from engine.data.scan import scan
from engine.data.shared_pictures import Apart, apart
from tests.conftest import SAMPLE

LABELS = ("COVID", "Viral Pneumonia")


def pictures(label: str) -> list[Path]:
    return sorted((SAMPLE / label / "images").iterdir())


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Three folders of four pictures of two classes, all different."""
    made = [tmp_path / name for name in ("first", "second", "third")]
    for place, folder in enumerate(made):
        for label in LABELS:
            (folder / label).mkdir(parents=True)
            for path in pictures(label)[4 * place : 4 * place + 4]:
                Image.open(path).save(folder / label / path.name)
    return made


def told(folders: list[Path], *patients: Mapping[str, str]) -> tuple[list[Scan], Apart]:
    scans = [scan(folder) for folder in folders]
    return scans, apart(scans, patients or [{}] * len(scans), Context())


def files(scanned: Scan) -> set[str]:
    return {record.file for record in scanned.records}


def test_folders_with_nothing_in_common_stay_as_they_are(folders: list[Path]) -> None:
    scans, found = told(folders)
    assert [files(one) for one in found.scans] == [files(one) for one in scans]
    assert (found.same_pixels, found.near, found.two_labelled) == (0, 0, 0)
    assert [one.classes for one in found.scans] == [one.classes for one in scans]


def test_a_copy_by_any_name_and_a_changed_copy_are_gone_from_every_folder(folders: list[Path]) -> None:
    first, second, third = folders
    same, changed = (sorted((first / label).iterdir())[0] for label in LABELS)
    Image.open(same).save(second / "COVID" / "another name.bmp")
    Image.open(same).save(third / "COVID" / "and another.png")
    picture = ImageOps.mirror(Image.open(changed).convert("L").resize((210, 210)))
    Image.fromarray((30 + 0.8 * np.asarray(picture, float)).astype(np.uint8)).save(third / LABELS[1] / "near.jpg")
    scans, found = told(folders)
    assert (found.same_pixels, found.near, found.two_labelled) == (1, 1, 0)
    gone = [{f"COVID/{same.name}", f"{LABELS[1]}/{changed.name}"}, {"COVID/another name.bmp"},
            {"COVID/and another.png", f"{LABELS[1]}/near.jpg"}]  # fmt: skip
    assert [set(out.pictures) for out in found.out] == gone
    for before, after, out in zip(scans, found.scans, gone, strict=True):
        assert files(after) == files(before) - out
        assert {name: one.images for name, one in after.classes.items()} == {
            label: sum(record.label == label for record in after.records) for label in LABELS
        }


def test_near_duplicates_within_one_folder_stay_and_are_known(folders: list[Path]) -> None:
    path = sorted((folders[1] / "COVID").iterdir())[0]
    Image.open(path).convert("L").resize((200, 200)).save(path.with_name("small.png"))
    _, found = told(folders)
    assert found.near == 0 and not any(out.pictures for out in found.out)
    (group,) = found.scans[1].near
    assert set(group.files) == {f"COVID/{path.name}", "COVID/small.png"}
    assert not found.scans[0].near and not found.scans[2].near


def test_a_picture_with_one_class_here_and_another_there_is_told(folders: list[Path]) -> None:
    path = sorted((folders[0] / "COVID").iterdir())[0]
    Image.open(path).save(folders[1] / LABELS[1] / path.name)
    _, found = told(folders)
    assert (found.same_pixels, found.two_labelled) == (1, 1)
    assert found.out[1].pictures == (f"{LABELS[1]}/{path.name}",)


def test_all_images_of_a_patient_of_two_folders_are_gone_from_both(folders: list[Path]) -> None:
    own = [sorted(files(scan(folder))) for folder in folders]
    patients = [{own[0][0]: "p1", own[0][1]: "p1", own[0][2]: "p2"}, {own[1][5]: "p1"}, {own[2][0]: "p3"}]
    _, found = told(folders, *patients)
    assert [out.patients for out in found.out] == [(own[0][0], own[0][1]), (own[1][5],), ()]
    assert not any(out.pictures for out in found.out)
    assert files(found.scans[0]) == set(own[0][2:]) and len(files(found.scans[2])) == 8


def test_a_file_that_vanished_since_it_was_scanned_is_named(folders: list[Path]) -> None:
    scans = [scan(folder) for folder in folders]
    (folders[0] / scans[0].records[0].file).unlink()
    with pytest.raises(DataError, match=r"can't be read any more"):
        apart(scans, [{}, {}, {}], Context())
