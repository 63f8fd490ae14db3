"""Classes from a table: a flat folder with a CSV trains as class folders do, and what is left out is told."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from engine.base.context import Context
from engine.base.errors import ConfigError, DataError
from engine.data.folders import label_table
from engine.data.patients import patients
from engine.data.records import Scan
from engine.data.scan import scan
from engine.recipe.config import DataConfig, LabelTable, TrainConfig
from engine.recipe.fields import parts
from engine.training.data import scanned
from tests.conftest import Cli


def put(root: Path, *files: str) -> None:
    for number, file in enumerate(files):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((40, 40), 20 + number).save(root / file)


def table(root: Path, rows: Sequence[Sequence[str]], name: str = "labels.csv", separator: str = ",") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("\n".join(separator.join(row) for row in rows), encoding="utf-8")
    return root / name


def labelled(root: Path, path: Path, column: str = "", classes: tuple[str, ...] = ()) -> Scan:
    return scan(root, classes, labels=LabelTable(path, column))


def nih(root: Path) -> Path:
    """Twelve patients with two images each, in two folders; two of them with two findings, one image unknown."""
    names = [f"{p:08}_{k:03}.png" for p in range(1, 13) for k in range(2)]
    put(root, *(f"images_{number % 2 + 1:03}/images/{name}" for number, name in enumerate(names)))
    put(root, "images_001/images/00000099_000.png")
    finding = ("No Finding", "No Finding", "Mass", "Mass", "Mass", "Effusion|Mass")
    rows = [(name, finding[int(name[:8]) % 6], str(int(name[:8]))) for name in names]
    rows += [("00000077_000.png", "Mass", "77"), ("00000077_001.png", "Mass", "77")]
    return table(root, [("Image Index", "Finding Labels", "Patient ID"), *rows], "Data_Entry_2017.csv")


def test_a_flat_folder_with_nihs_own_table_has_its_classes_and_patients_and_says_what_it_left_out(
    tmp_path: Path,
) -> None:
    found = labelled(tmp_path, nih(tmp_path))
    assert {name: one.images for name, one in found.classes.items()} == {"Mass": 12, "No Finding": 8}
    truth = {record.file: str(int(record.file.rsplit("/", 1)[1][:8])) for record in found.records}
    assert patients(found).of == truth and len(set(truth.values())) == 10
    said = " ".join(found.layout.doubts)
    assert "4 images have several classes and are left out" in said and '"Effusion|Mass"' in said
    assert "1 image has no class in Data_Entry_2017.csv and is left out" in said and "00000099_000.png" in said
    assert (
        "2 of the 26 rows of Data_Entry_2017.csv name no image of this folder; the first names 00000077_000.png" in said
    )
    assert '"finding labels" of Data_Entry_2017.csv: 20 images of 2 classes' in found.layout.remarks[0]
    left = {problem.file for problem in found.problems if problem.kind == "unlabelled"}
    assert len(left) == 5 and left == set(found.others)
    only = labelled(tmp_path, tmp_path / "Data_Entry_2017.csv", "Finding Labels", ("No Finding",))
    assert list(only.classes) == ["No Finding"] and len(only.others) == 5 + 12


def test_the_recipe_has_it_so_that_scan_train_and_the_form_read_a_folder_alike(tmp_path: Path, cli: Cli) -> None:
    path = nih(tmp_path)
    recipe = TrainConfig(data=DataConfig(labels=path, label_column="Finding Labels"))
    data = scanned(tmp_path, recipe, Context())
    facts = json.loads(cli("scan", tmp_path, "--labels", path, "--label-column", "Finding Labels", "--json").stdout)
    assert {name: one["images"] for name, one in facts["classes"].items()} == {"Mass": 12, "No Finding": 8}
    assert facts["layout"]["layout"] == "TABLE" and facts["patients"]["patients"] == 10
    assert {name: one.images for name, one in data.scan.classes.items()} == {"Mass": 12, "No Finding": 8}
    assert {row.part for row in data.split.rows} == {"train", "validation", "test"}
    fields = {field.name: field for part in parts(TrainConfig) if part.name == "data" for field in part.fields}
    assert fields["labels"].parse(str(path)) == path and fields["label_column"].parse("x") == "x"
    beside = cli("scan", tmp_path, "--labels", "Data_Entry_2017.csv")
    assert beside.returncode == 0 and "12" in beside.stdout, "a path from the folder on is enough"


def test_cells_with_several_classes_are_known_by_bars_lists_and_classes_of_other_cells(tmp_path: Path) -> None:
    cells = ("COVID", "ARDS", "COVID, ARDS", "Pneumonia, viral", "['COVID']", "['COVID', 'ARDS']", "ARDS|COVID", "A|A")
    put(tmp_path, *(f"x{n}.png" for n in range(len(cells))))
    rows = [(f"x{n}.png", cell) for n, cell in enumerate(cells)]
    found = labelled(tmp_path, table(tmp_path, [("file", "label"), *rows], "labels.tsv", "\t"))
    assert {record.file: record.label for record in found.records} == {
        "x0.png": "COVID", "x1.png": "ARDS", "x3.png": "Pneumonia, viral", "x4.png": "COVID", "x7.png": "A",
    }  # fmt: skip
    assert "3 images have several classes" in found.layout.doubts[0]


def test_parts_of_a_split_in_the_folders_and_masks_are_kept(tmp_path: Path) -> None:
    files = [f"{part}/images/x{part}{n}.png" for part in ("train", "valid", "test") for n in range(4)]
    put(tmp_path, *files, *(file.replace("/images/", "/masks/") for file in files))
    rows = [("file", "class"), *((file, "ab"[n % 2]) for n, file in enumerate(files))]
    found = labelled(tmp_path, table(tmp_path, rows))
    assert found.published and {record.part for record in found.records} == {"train", "validation", "test"}
    assert all(record.mask == record.file.replace("/images/", "/masks/") for record in found.records)


def test_names_that_repeat_are_no_images_class_and_rows_that_disagree_neither(tmp_path: Path) -> None:
    put(tmp_path, "a/1.png", "b/1.png", "a/2.png", "a/3.png", "b/4.png", "b/5.png")
    rows = [("1.png", "X"), ("2.png", "X"), ("3.png", "X"), ("3.png", "Y"), ("b/4.png", "Y"), ("c/5.png", "X")]
    found = labelled(tmp_path, table(tmp_path, [("path", "label"), *rows]))
    assert {record.file: record.label for record in found.records} == {"a/2.png": "X", "b/4.png": "Y"}
    said = " ".join(found.layout.doubts)
    assert "4 images have no class in labels.csv and are left out (1 of them as its rows say two things)" in said
    assert "2 of the 6 rows of labels.csv name no image of this folder, 1 of the names fit several" in said


def test_what_is_left_out_of_thousands_is_told_in_few_lines(tmp_path: Path) -> None:
    put(tmp_path, *(f"x{n}.png" for n in range(60)))
    found = labelled(tmp_path, table(tmp_path, [("file", "label"), *((f"x{n}.png", "ab"[n % 2]) for n in range(6))]))
    told = [problem for problem in found.problems if problem.kind == "unlabelled"]
    assert len(told) == label_table.MOST_TOLD and "nor are 34 more" in max(told, key=lambda one: len(one.reason)).reason
    assert "54 images have no class" in " ".join(found.layout.doubts)


@pytest.mark.parametrize(
    ("rows", "column", "words"),
    [
        ([("file", "x"), ("1.png", "a")], "", "no column of a usual name for classes; it has file, x. --label-column"),
        ([("file", "label"), ("1.png", "a")], "ward", 'no column "ward"; it has file, label'),
        ([("x", "label"), ("1.png", "a")], "", "has no column that names files; --labels takes a table that names"),
        (
            [("file", "label"), ("9.png", "a")],
            "",
            r"None of the 1 rows of .* names an image of .*; the first names 9.png",
        ),
        ([("file", "label"), ("1.png", "nan")], "", "is empty, or says two things, for every image"),
        ([("file", "label"), ("1.png", "a|b")], "", "names several classes: none is left to learn"),
        ([("file", "label"), *((f"{n}.png", f"id {n}") for n in range(60))], "", "has 60 different values"),
    ],
)
def test_a_table_that_does_not_help_is_refused_in_a_sentence(
    tmp_path: Path, rows: list[tuple[str, ...]], column: str, words: str
) -> None:
    put(tmp_path, *(f"{n}.png" for n in range(60)) if len(rows) > 50 else ("1.png",))
    with pytest.raises((ConfigError, DataError), match=words):
        labelled(tmp_path, table(tmp_path, rows), column)


def test_no_table_and_a_column_without_one_are_refused_and_a_flat_folder_is_told_of_its_table(tmp_path: Path) -> None:
    put(tmp_path, "1.png", "2.png")
    with pytest.raises(DataError, match="no file, neither here nor in"):
        labelled(tmp_path, Path("nowhere.csv"))
    with pytest.raises(ConfigError, match="--label-column goes with --labels"):
        DataConfig(label_column="x")
    table(tmp_path, [("file", "label"), ("1.png", "a")])
    with pytest.raises(DataError, match=r"Where labels.csv says the class of each image, name it with --labels\."):
        scan(tmp_path)
