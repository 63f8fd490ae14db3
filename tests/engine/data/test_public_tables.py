"""The tables of public sets as they come: the right patients, and nobody's where names clash."""

import gzip
import io
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.base.errors import ConfigError
from engine.data.patients import patients
from engine.data.records import ClassSummary, Layout, Record, Scan
from engine.data.scan import scan as scan_folder
from engine.data.subset import subset
from tests.conftest import SAMPLE, Cli

Row = tuple[str, ...]
Truth = dict[str, str]
"""By file, its patient."""
Set = tuple[str, Row, list[Row], Truth]
"""The table's name, its header and rows, and whose image each file in the folder is."""
CLASSES = ("COVID", "Normal")


def scanned(root: Path, files: Sequence[str], base: str = "", others: Sequence[str] = ()) -> Scan:
    """A scan that has these files, the folder before each's name or before its patient's folder being the class."""
    records = tuple(
        Record(file, next(c for c in CLASSES if f"/{c}/" in f"/{file}"), file, "PNG", "L", 9, 9, 9, 9.0)
        for file in files
    )
    layout = Layout(base=base)
    return Scan(root, records, (), {c: ClassSummary(1) for c in CLASSES}, (), layout=layout, others=tuple(others))


def made(file: Callable[[str, int, int], str], row: Callable[[str, int, int], Row], who: Callable[[int], str]) -> Set:
    """Two classes of six patients with two images each; rows of a seventh patient's images, which are not there."""
    every = [(c, p + 50 * (c == "Normal"), k) for c in CLASSES for p in range(7) for k in range(2)]
    truth = {file(c, p, k): who(p) for c, p, k in every if p % 50 < 6}
    return "", (), [row(c, p, k) for c, p, k in every], truth


def nih() -> Set:
    head = ("Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender",
            "View Position", "OriginalImage[Width", "Height]", "OriginalImagePixelSpacing[x", "y]", "")  # fmt: skip
    body = made(
        lambda c, p, k: f"{c}/{p:08}_{k:03}.png",
        lambda c, p, k: (
            f"{p:08}_{k:03}.png",
            "No Finding" if c == "Normal" else "Effusion|Mass",
            *(str(k), str(p), "058Y", "M", "PA", "2682", "2749", "0.143", "0.143", ""),
        ),
        str,
    )
    return "Data_Entry_2017.csv", head, *body[2:]


def nih_by_path() -> Set:
    name, head, rows, truth = nih()
    paths = [(f"images_{number % 3 + 1:03}/images/{row[0]}", *row[1:]) for number, row in enumerate(rows)]
    return name, ("path", *head[1:]), paths, truth


def mimic() -> Set:
    def image(p: int, k: int) -> str:
        return f"02aa804e-bde0afdd-112c0b34-7bc16630-{p:07}{k}"

    body = made(
        lambda c, p, k: f"{c}/{image(p, k)}.jpg",
        lambda c, p, k: (image(p, k), f"{10_000_000 + p}", f"5041426{k}", "CHEST (PA AND LAT)", "PA", "3056", "2544"),
        lambda p: f"{10_000_000 + p}",
    )
    head = (
        "dicom_id",
        "subject_id",
        "study_id",
        "PerformedProcedureStepDescription",
        "ViewPosition",
        "Rows",
        "Columns",
    )
    return "mimic-cxr-2.0.0-metadata.csv", head, *body[2:]


def rsna() -> Set:
    def image(p: int, k: int) -> str:
        return f"0004cfab-14fd-4e49-80ba-{p:011}{k}"

    body = made(
        lambda c, p, k: f"{c}/{image(p, k)}.dcm",
        lambda c, p, k: (image(p, k), "264.0", "152.0", "213.0", "379.0", "1"),
        lambda p: "",
    )
    truth = {file: file.split("/")[1][:-4] for file in body[3]}  # each image is of a patient of its own
    return "stage_2_train_labels.csv", ("patientId", "x", "y", "width", "height", "Target"), body[2], truth


def bimcv() -> Set:
    def image(p: int, k: int) -> str:
        return f"2168401113669640128192070611110103071426{p:05}_04-014-08{k}.png"

    def who(p: int) -> str:
        return f"8398604886942923316379882356814609{p:02}"

    body = made(
        lambda c, p, k: f"{c}/{image(p, k)}",
        lambda c, p, k: (str(7 * p + k), image(p, k), "14", "20140915", f"1608401{p}", who(p), "1930.0", "F", "PA"),
        who,
    )
    head = ("", "ImageID", "ImageDir", "StudyDate_DICOM", "StudyID", "PatientID", "PatientBirth", "PatientSex_DICOM",
            "Projection")  # fmt: skip
    return "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv", head, *body[2:]


def covid_chestxray() -> Set:
    def image(p: int, k: int) -> str:
        return f"ryct.20202{p:03}.fig{k}-day{k}.jpeg"

    body = made(
        lambda c, p, k: f"{c}/{image(p, k)}",
        lambda c, p, k: (
            *(str(p), "0", "M", "65", "Pneumonia/Viral/COVID-19", "Y", "PA", "X-ray", "January 22, 2020", "Cho Ray"),
            *("images", image(p, k), "10.1056/x", 'Seen "twice", then\nnot; again'),
        ),
        str,
    )
    head = ("patientid", "offset", "sex", "age", "finding", "survival", "view", "modality", "date", "location",
            "folder", "filename", "doi", "clinical_notes")  # fmt: skip
    return "metadata.csv", head, *body[2:]


def chexpert_with_patients() -> Set:
    body = made(
        lambda c, p, k: f"{c}/patient{p:05}/study{k}/view1_frontal.jpg",
        lambda c, p, k: (f"CheXpert-v1.0-small/train/patient{p:05}/study{k}/view1_frontal.jpg", f"patient{p:05}", "68"),
        lambda p: f"patient{p:05}",
    )
    return "train.csv", ("Path", "Patient", "Age"), *body[2:]


def ranzcr() -> Set:
    body = made(
        lambda c, p, k: f"{c}/1.2.826.0.1.3680043.8.498.{p:06}{k}.jpg",
        lambda c, p, k: (f"1.2.826.0.1.3680043.8.498.{p:06}{k}", "0", f"ec89415d{p}"),
        lambda p: f"ec89415d{p}",
    )
    return "train.csv", ("StudyInstanceUID", "ETT - Abnormal", "PatientID"), *body[2:]


SETS = {
    "NIH": nih, "NIH by path": nih_by_path, "MIMIC": mimic, "RSNA": rsna, "BIMCV": bimcv, "ieee8023": covid_chestxray,
    "CheXpert": chexpert_with_patients, "RANZCR": ranzcr,
}  # fmt: skip
WRITTEN = {
    "commas": (",", "utf-8", False), "semicolons": (";", "cp1252", False), "tabs": ("\t", "utf-8-sig", False),
    "UTF-16": ("\t", "utf-16", False), "packed": (",", "utf-8", True),
}  # fmt: skip


def write(root: Path, name: str, rows: Sequence[Row], written: str) -> None:
    separator, encoding, packed = WRITTEN[written]
    text = io.StringIO(newline="")
    for row in rows:
        cells = (f'"{cell.replace(chr(34), 2 * chr(34))}"' if set('";,\t\n') & set(cell) else cell for cell in row)
        text.write(separator.join(cells) + "\r\n")
    content = text.getvalue().encode(encoding)
    (root / f"{name}{'.gz' * packed}").write_bytes(gzip.compress(content) if packed else content)


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("kind", SETS)
def test_the_patients_of_public_sets_are_right_however_the_table_is_written(
    tmp_path: Path, kind: str, written: str
) -> None:
    name, head, rows, truth = SETS[kind]()
    write(tmp_path, name, [head, *rows], written)
    found = patients(scanned(tmp_path, list(truth)))
    assert found.of == truth, found.told
    assert len(set(truth.values())) == (24 if kind == "RSNA" else 12)


def test_a_table_beside_the_class_folders_is_found_where_these_lie_deeper(tmp_path: Path) -> None:
    name, head, rows, truth = nih()
    (tmp_path / "x" / "chest_xray").mkdir(parents=True)
    write(tmp_path / "x", name, [head, *rows], "commas")
    files = [f"x/chest_xray/train/{file}" for file in truth]
    assert patients(scanned(tmp_path, files, "x/chest_xray")).of == dict(zip(files, truth.values(), strict=True))


def test_the_radiography_databases_workbooks_name_files_in_their_own_case_and_no_patients(tmp_path: Path) -> None:
    for label, written in (("COVID", "COVID"), ("Normal", "NORMAL")):
        (tmp_path / label / "images").mkdir(parents=True)
        book = openpyxl.Workbook()
        book.active.append(["FILE NAME", "FORMAT", "SIZE", "URL"])
        for n in range(1, 4):
            Image.effect_noise((40, 40), 40 + n).save(tmp_path / label / "images" / f"{label}-{n}.png")
            book.active.append([f"{written}-{n}", "PNG", "256*256", f"https://example.org/{label}/{n % 2}"])
        book.save(tmp_path / f"{label}.metadata.xlsx")
    found = scan_folder(tmp_path)
    assert {r.file: r.source for r in found.records}["Normal/images/Normal-2.png"] == "https://example.org/Normal/0"
    assert all(record.source for record in found.records)
    told = patients(found).told
    assert "Normal.metadata.xlsx (has no column that names a patient)" in told
    assert patients(scan_folder(SAMPLE, ("COVID", "Normal"))).of == {}


@pytest.mark.parametrize("empty", ["", "nan", "N/A", "None", "unknown", "-", " NA "])
def test_a_cell_that_says_nothing_is_no_patient_who_has_all_such_images(tmp_path: Path, empty: str) -> None:
    rows = [(f"{c}/x{n}.png", "p1" if n < 2 else empty) for c in CLASSES for n in range(6)]
    write(tmp_path, "list.csv", [("path", "patient"), *rows], "commas")
    found = patients(scanned(tmp_path, [row[0] for row in rows]))
    assert found.of == {f"{c}/x{n}.png": "p1" for c in CLASSES for n in range(2)}


def test_a_bare_name_that_a_class_left_out_or_a_damaged_file_has_too_names_nobody(tmp_path: Path, cli: Cli) -> None:
    for label in (*CLASSES, "Viral"):
        (tmp_path / label).mkdir()
        for n in range(3):
            Image.effect_noise((40, 40), 40 + n).save(tmp_path / label / f"{n}.png")
            Image.effect_noise((40, 40), 50 + n).save(tmp_path / label / f"{label}{n}.png")
    for label in ("Viral", "Normal"):  # so that of the files called 2.png only one can be used
        (tmp_path / label / "2.png").write_text("no picture")
    rows = [(f"{n}.png", f"p{n}") for n in range(3)] + [("COVID1.png", "q"), ("Normal1.png", "q")]
    write(tmp_path, "list.csv", [("file", "patient"), *rows], "commas")
    right = {"COVID/COVID1.png": "q", "Normal/Normal1.png": "q"}
    assert patients(scan_folder(tmp_path)).of == right
    assert patients(scan_folder(tmp_path, CLASSES)).of == right
    assert patients(subset(scan_folder(tmp_path), CLASSES)).of == right
    assert patients(subset(scan_folder(tmp_path), ("COVID",))).of == {"COVID/COVID1.png": "q"}
    assert "2 patients by" not in cli("scan", tmp_path, "--classes", "COVID,Viral").stdout


@pytest.mark.parametrize(
    "paths",
    [
        *(["Viral/{n}.png"], ["Viral/images/{n}.png"], ["/home/me/Viral/{n}.png"], ["Viral\\{n}.png"]),
        *(["train/patient{n}/study1/view1.jpg"], ["Viral/{n:08}_000.png"], ["a/{n:08}_000.png", "b/{n:08}_000.png"]),
    ],
)
def test_rows_of_other_folders_are_not_taken_by_the_names_that_they_share(tmp_path: Path, paths: list[str]) -> None:
    """Files whose names are in the table too, in one of the two classes, or numbered through in both."""
    rows = [(path.format(n=n), f"wrong {path} {n}") for path in paths for n in range(24)]
    write(tmp_path, "list.csv", [("path", "patient"), *rows], "commas")
    below = paths[0].replace("\\", "/").split("Viral/")[-1].split("train/")[-1].split("a/")[-1]
    one = [f"COVID/{below.format(n=n)}" for n in range(12)] + [f"Normal/n{n}.png" for n in range(12)]
    found = patients(scanned(tmp_path, one))
    assert not found.of and "none of its" in found.told
    with pytest.raises(ConfigError, match="none of its"):
        patients(scanned(tmp_path, one), "patient")
    through = [f"{CLASSES[n >= 12]}/{below.format(n=n)}" for n in range(24)]
    if ":08" not in below or len(paths) > 1:  # a number of eight digits is taken as no chance
        assert not patients(scanned(tmp_path, through)).of


@settings(deadline=None)  # on a busy machine
@given(seed=st.integers(0, 100_000))
def test_however_rows_are_written_no_file_gets_another_files_patient(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    dice = random.Random(seed)
    root = tmp_path_factory.mktemp("set")
    images, rows, files = dice.choice(["", "images/"]), [], []
    for label in CLASSES:
        for n in range(8):
            name = dice.choice([f"{n}", f"{label}-{n}", f"{n:08}_000", f"p{n}/{n}"]) + dice.choice([".png", ".JPG"])
            file = f"{label}/{images}{name}"
            files.append(file)
            before = dice.choice(["", "./", "data/", "C:\\set\\", "/x/y/"])
            written = f"{before}{file}" if dice.random() < 0.7 else f"{before}{label.lower()}/{name}"
            rows.append((written.replace("/", dice.choice("/\\")), file))
            for other in ("Viral", "Lung_Opacity", "normals"):
                rows.append((f"{before}{other}/{images}{name}", "of another"))
    dice.shuffle(rows)
    write(root, "list.csv", [("path", "patient"), *rows], "commas")
    found = patients(scanned(root, files), "patient").of
    assert found and all(found[file] == file for file in found)
