"""Tables as public sets bring them are read, whatever separates and encodes them; none can ask for much."""

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.base.errors import ConfigError, DataError
from engine.data.file_names import Matcher
from engine.data.patients import UNKNOWN, patients
from engine.data.records import ClassSummary, Record, Scan
from engine.data.tables import read_rows, sources_in, tables
from engine.data.workbook import workbook_rows
from tests.conftest import ROOT, SAMPLE
from tests.makers import bombs
from tests.makers.examples import examples

MB = 2**20
MOST_MB, MOST_SECONDS = 200, 12.0
"""Memory beyond that of a scan without tables, and processor time (on any machine), that a hostile table may take."""


def folder(root: Path, name: Callable[[str, int, int], str]) -> Scan:
    """Two classes of six patients with two images each, `name` of class, patient and image."""
    files = [(c, name(c, p, k)) for c in ("COVID", "Normal") for p in range(6) for k in range(2)]
    records = tuple(Record(f"{c}/{file}", c, f"{c}{file}", "PNG", "L", 9, 9, 9, 9.0) for c, file in files)
    return Scan(root, records, (), {c: ClassSummary(12) for c in ("COVID", "Normal")}, ())


def person(c: str, p: int) -> int:
    return p + (50 if c == "Normal" else 0)


def rows(of: Callable[[str, int, int], str]) -> str:
    return "".join(of(c, p, k) + "\n" for c in ("COVID", "Normal") for p in range(6) for k in range(2))


def nih(root: Path) -> Scan:
    def name(c: str, p: int, k: int) -> str:
        return f"{person(c, p):08}_{k:03}.png"

    text = rows(lambda c, p, k: f"{name(c, p, k)},{c}|Mass,0,{person(c, p)},058Y,M")
    head = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender\n"
    (root / "Data_Entry_2017.csv").write_text(head + text)
    return folder(root, name)


def mimic(root: Path) -> Scan:
    def name(c: str, p: int, k: int) -> str:
        return f"02aa804e-{person(c, p):03}{k}"

    text = rows(lambda c, p, k: f"{name(c, p, k)},{10_000_000 + person(c, p)},500,PA")
    (root / "mimic-cxr-2.0.0-metadata.csv").write_text("dicom_id,subject_id,study_id,ViewPosition\n" + text)
    return folder(root, lambda c, p, k: f"{name(c, p, k)}.jpg")


def ieee8023(root: Path) -> Scan:
    text = rows(lambda c, p, k: f'{person(c, p)},0,M,{c},PA,images,{c}-{p}-{k}.jpg,"a, ""b""\nc"')
    (root / "metadata.csv").write_text("patientid,offset,sex,finding,view,folder,filename,notes\n" + text)
    return folder(root, lambda c, p, k: f"{c}-{p}-{k}.jpg")


def vindr(root: Path) -> Scan:
    """With the index column that pandas writes, several rows an image, and other columns that look like names."""
    text = rows(lambda c, p, k: f"1,{c}{p}_{k},{person(c, p)},R1\n2,{c}{p}_{k},{person(c, p)},R2")
    (root / "annotations.csv").write_text(",image_id,Patient_ID,rad_id\n" + text)
    return folder(root, lambda c, p, k: f"{c}{p}_{k}.dicom")


def simple(root: Path, name: str, separator: str, encoding: str, before: str = "") -> Scan:
    text = rows(lambda c, p, k: f"{c}{p}_{k}_é.png{separator}Nr {person(c, p)}")
    (root / name).write_text(f"{before}file{separator}patient\n{text}", encoding=encoding)
    return folder(root, lambda c, p, k: f"{c}{p}_{k}_é.png")


def excel(root: Path) -> Scan:
    book = openpyxl.Workbook()
    book.active.append(["Radiographs of the ward"])
    book.active.append(["File name", "Patient no.", "Patient ID"])
    for c in ("COVID", "Normal"):
        for p in range(6):
            for k in range(2):
                book.active.append([f"{c}{p}_{k}", p, float(person(c, p))])
    book.save(root / "list.xlsx")
    return folder(root, lambda c, p, k: f"{c}{p}_{k}.png")


PUBLIC: dict[str, Callable[[Path], Scan]] = {
    "NIH": nih,
    "MIMIC": mimic,
    "ieee8023": ieee8023,
    "VinDr": vindr,
    "a workbook below a title": excel,
    "semicolons, Windows": lambda root: simple(root, "patients.csv", ";", "cp1252"),
    "semicolons, said": lambda root: simple(root, "patients.csv", ";", "utf-8-sig", "sep=;\n"),
    "tabs": lambda root: simple(root, "patients.tsv", "\t", "utf-8"),
    "bars": lambda root: simple(root, "patients.csv", "|", "utf-8"),
    "UTF-16, as Excel's Unicode text": lambda root: simple(root, "patients.csv", "\t", "utf-16"),
    "UTF-16 without a mark": lambda root: simple(root, "patients.csv", ",", "utf-16-be"),
    "UTF-32": lambda root: simple(root, "patients.csv", ",", "utf-32"),
    "an empty line first": lambda root: simple(root, "patients.csv", ",", "utf-8", "\n\n"),
}


@pytest.mark.parametrize("kind", PUBLIC)
def test_patients_are_found_in_tables_as_public_sets_bring_them(tmp_path: Path, kind: str) -> None:
    scan = PUBLIC[kind](tmp_path)
    found = patients(scan)
    assert len(found.of) == 24, found.told
    who = [found.of[record.file] for record in scan.records]
    assert who[::2] == who[1::2] and len(set(who)) == 12, "two images each"


def test_where_the_patient_names_the_file_each_image_is_a_patient_and_a_column_is_found_by_any_writing(
    tmp_path: Path,
) -> None:
    text = rows(lambda c, p, k: f"0004cfab-{c}{p}{k},{c}")  # as RSNA has it
    (tmp_path / "stage_2_detailed_class_info.csv").write_text("patientId,class\n" + text + text)
    rsna = folder(tmp_path, lambda c, p, k: f"0004cfab-{c}{p}{k}.dcm")
    assert len(set(patients(rsna).of.values())) == 24
    scan = nih(tmp_path)
    for written in ("Patient ID", "patient id", "patient_id", "PATIENTID", "Follow-up #", "follow_up"):
        assert len(patients(scan, written).of) == 24, written


def test_rows_of_another_folder_are_not_taken_by_their_bare_name(tmp_path: Path) -> None:
    (tmp_path / "meta.csv").write_text("path,patient\n" + "".join(f"Viral/{n}.png,{n // 2}\n" for n in range(12)))
    scan = folder(tmp_path, lambda c, p, k: f"{2 * p + k}.png" if c == "COVID" else f"n{2 * p + k}.png")
    found = patients(scan)
    assert not found.known and found.missed.startswith("Tables looked at: meta.csv")
    assert "meta.csv (none of its 12 rows names a file of this folder; the first names Viral/0.png)" in found.told
    with pytest.raises(ConfigError, match=r"none of its 12 rows names a file of this folder"):
        patients(scan, "patient")


def test_bare_names_that_two_classes_share_name_nobody(tmp_path: Path) -> None:
    (tmp_path / "meta.csv").write_text("file,patient\n" + "".join(f"{n}.png,{n // 2}\n" for n in range(12)))
    found = patients(folder(tmp_path, lambda c, p, k: f"{2 * p + k}.png"))
    assert not found.known and "12 of the names in it fit several files of this folder" in found.told


def test_rows_that_disagree_on_a_file_are_counted_and_not_believed(tmp_path: Path) -> None:
    scan = simple(tmp_path, "patients.csv", ",", "utf-8")
    with (tmp_path / "patients.csv").open("a", encoding="utf-8") as file:
        file.write("COVID0_0_é.png,Nr 99\n")
    found = patients(scan)
    assert len(found.of) == 23 and "of 1 image the tables name two patients" in found.told


def test_where_no_table_helps_each_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "ages.csv").write_text("file,age\nCOVID0_0.png,4\n")
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "bytes.csv").write_bytes(bytes(range(256)))
    (tmp_path / "old.xlsx").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(b"x" * 99))
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04" + b"x" * 99)
    (tmp_path / "folder.csv").mkdir()
    found = patients(folder(tmp_path, lambda c, p, k: f"{c}{2 * p + k}.png"))
    told = found.told
    assert found.missed == "", "none has a column for patients"
    assert told.startswith(UNKNOWN)
    for words in (
        "ages.csv (has no column that names a patient)",
        "notes.csv (has no column that names files)",
        "empty.csv (has no column that names files)",
        "bytes.csv (holds bytes that are no text)",
        "old.xlsx (is a workbook of the old kind: save it as .xlsx or CSV)",
        "broken.xlsx (can't be read as a workbook (BadZipFile))",
    ):
        assert words in told
    assert "folder.csv" not in told


def test_a_workbook_reads_as_the_usual_reader_reads_it(tmp_path: Path) -> None:
    """The one reader against openpyxl, cell by cell: texts, numbers, gaps, formatted and spoken text, many rows."""
    book = openpyxl.Workbook()
    for n in range(300):
        book.active.append([f"COVID-{n}", None, n, n / 8, f" x{n % 7} ", "", 10_000_000 + n, 'a&<b>"é😀'])
    book.active["K5"] = "far"
    book.create_sheet("other").append(["not this one"])
    book.save(tmp_path / "x.xlsx")
    theirs = openpyxl.load_workbook(tmp_path / "x.xlsx", read_only=True).worksheets[0].iter_rows(values_only=True)
    expected = [["" if cell is None else str(cell).strip() for cell in row] for row in theirs]
    ours = list(workbook_rows(tmp_path / "x.xlsx"))
    assert [row + [""] * (11 - len(row)) for row in ours] == [row + [""] * (11 - len(row)) for row in expected]
    for path in sorted(SAMPLE.glob("*.metadata.xlsx")):
        theirs = openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True)
        assert [tuple(row) for row in workbook_rows(path)] == [tuple(map(str, row)) for row in theirs]


def test_rich_and_spoken_texts_and_prefixed_names_are_read(tmp_path: Path) -> None:
    strings = "<x:sst><x:si><x:r><x:t>FILE </x:t></x:r><x:r><x:t>NAME</x:t></x:r><x:rPh><x:t>no</x:t></x:rPh></x:si>"
    bombs.write(tmp_path / "x.xlsx", sharedStrings=f"{strings}<x:si><x:t>URL</x:t></x:si></x:sst>")
    assert list(workbook_rows(tmp_path / "x.xlsx")) == [["FILE NAME", "URL"], ["COVID-1", "u"]]


CHILD = """
import json, sys, time
from pathlib import Path
from engine.data.patients import patients
from engine.data.scan import scan
began = time.process_time()
found = scan(Path(sys.argv[1]))
told = patients(found).told
print(json.dumps({
    "seconds": time.process_time() - began, "told": told, "images": len(found.records),
    "peak": int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024,
    "problems": [[problem.file, problem.kind, problem.reason] for problem in found.problems],
}))
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two classes of two images."""
    root = tmp_path_factory.mktemp("small")
    for label in ("COVID", "Normal"):
        (root / label).mkdir()
        for n in (1, 2):
            (root / label / f"{label}-{n}.png").write_bytes(
                (SAMPLE / label / "images" / f"{label}-{n}.png").read_bytes()
            )
    return root


def measured(root: Path) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", CHILD, root], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def usual(small: Path) -> float:
    """MB that a scan without tables takes at most."""
    peak = measured(small)["peak"]
    assert isinstance(peak, float)
    return peak


LONG = {
    *("shared texts", "empty shared texts", "line ends", "character codes"),  # daily: wide characters, one endless text
    *("millions of rows", "far cells", "many attributes"),  # daily: empty rows, one endless tag
    *("many comments", "one endless name"),  # daily: one endless comment, one endless tag
    *("sixty megabytes of zeros", "zeros in a part nobody names", "packed by bzip2"),  # daily: four gigabytes, lzma
}
"""What takes long to be read as far as to its limit, which others reach daily too."""


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow if kind in LONG else ()) for kind in bombs.MAKERS]
)
def test_a_workbook_bomb_takes_little_and_ends_nothing(small: Path, usual: float, kind: str) -> None:
    path = small / "COVID.metadata.xlsx"
    try:
        bombs.MAKERS[kind](path)
        found = measured(small)
    finally:
        path.unlink(missing_ok=True)
    assert found["images"] == 4, "the scan goes on"
    assert isinstance(found["peak"], float) and found["peak"] < usual + MOST_MB
    assert isinstance(found["seconds"], float) and found["seconds"] < MOST_SECONDS
    ((file, what, reason),) = found["problems"]
    assert (file, what) == ("COVID.metadata.xlsx", "workbook")
    harmless = kind in ("a huge dimension", "far row numbers")
    assert harmless == ("does not list 1 of 2 images" in reason), reason


def sparse(path: Path, head: bytes, size: int) -> None:
    """A file of so many bytes that takes none of the disk: zeros after its head."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)


def repeated(head: str, line: str, size: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.write(head.encode())
            for _ in range(size // MB):
                file.write(line.encode() * (MB // len(line)))

    return make


TABLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "an endless line": (repeated("file,patient\n", "x", 100 * MB), "has a line of more than 1,048,576 characters"),
    "gigabytes of nothing": (lambda path: sparse(path, b"", 3 * 1024 * MB), "holds bytes that are no text"),
    "a field without end": (repeated('file,patient\n"', "x\n", 60 * MB), "can't be read as CSV (field larger than"),
    "millions of rows": (repeated("file,patient\n", "x,1\n", 60 * MB), "has more than 1,000,000 rows"),
    "a row about one file, again and again": (
        lambda path: path.write_text("file,patient\n" + "".join(f"COVID-1,{n:0490}\n" for n in range(90_000))),
        "says more of the files than 64 MB hold",
    ),
    "very many columns": (repeated("file,patient", ",x", 60 * MB), "has a line of more than"),
    "large and plain": (repeated("file,patient\n", "x" * 1022 + ",1\n", 300 * MB), "is larger than 256 MB"),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow if kind == "large and plain" else ()) for kind in TABLES]
)
def test_a_hostile_csv_takes_little_and_is_told(small: Path, usual: float, kind: str) -> None:
    make, words = TABLES[kind]
    try:
        make(small / "list.csv")
        found = measured(small)
    finally:
        (small / "list.csv").unlink()
    assert isinstance(found["peak"], float) and found["peak"] < usual + MOST_MB
    assert isinstance(found["seconds"], float) and found["seconds"] < MOST_SECONDS
    assert words in str(found["told"]) and found["images"] == 4


def test_what_is_no_file_is_no_table_and_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "device.csv").symlink_to("/dev/zero")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nothing")
    began = time.monotonic()
    assert tables(folder(tmp_path, lambda c, p, k: f"{p}.png")) == []
    for name in ("pipe.csv", "folder.csv", "device.csv"):
        with pytest.raises(DataError, match="not a file"):
            next(read_rows(tmp_path / name))
    assert time.monotonic() - began < 5


def test_a_workbooks_rows_with_folders_must_fit_as_well(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("FILE NAME", "URL"), ("Viral/1.png", "theirs"), ("COVID\\2.PNG", "ours"), ("3", "bare")):
        book.active.append(row)
    book.save(tmp_path / "COVID.metadata.xlsx")
    files = [f"COVID/images/{n}.png" for n in range(1, 5)]
    assert sources_in(tmp_path / "COVID.metadata.xlsx", files) == {"2": "ours", "3": "bare"}


_ANY = st.text(st.characters(), max_size=12)


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400) | _ANY.map(lambda text: ("file,patient\n" + text).encode("utf-8", "replace")))
def test_whatever_bytes_a_table_holds_it_is_read_or_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    for start in (b"", b"\xff\xfe", b"\0\0\xfe\xff", b"\xef\xbb\xbf", b"PK\x03\x04", b"sep=;\n"):
        (tmp_path / "t.csv").write_bytes(start + content)
        for row in _rows_or_refusal(tmp_path / "t.csv"):
            assert all(isinstance(cell, str) for cell in row)
        patients(
            Scan(tmp_path, (Record("A/1.png", "A", "s", "PNG", "L", 9, 9, 9, 9.0),), (), {"A": ClassSummary(1)}, ())
        )


def _rows_or_refusal(path: Path) -> list[list[str]]:
    try:
        return [row for _, row in read_rows(path)]
    except DataError as error:
        assert str(error)
        return []


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(_ANY.filter(lambda name: "\0" not in name and name.strip("/. ")), max_size=5), _ANY)
def test_whatever_a_name_is_matching_it_ends_in_files_that_are_there(names: list[str], written: str) -> None:
    files = {f"A/{name.replace('/', '-')}" for name in names}
    assert set(Matcher(files, Path("/x")).find(written)) <= files
    assert all(Matcher(files).find(file) == [file] for file in files)


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**6), bits=st.integers(1, 255), cut=st.integers(0, 10**6) | st.none())
def test_a_damaged_workbook_is_read_or_refused_in_a_sentence(
    tmp_path: Path, place: int, bits: int, cut: int | None
) -> None:
    bombs.write(tmp_path / "x.xlsx", zipfile.ZIP_STORED)
    data = bytearray((tmp_path / "x.xlsx").read_bytes())
    data[place % len(data)] ^= bits
    (tmp_path / "x.xlsx").write_bytes(data[: cut % len(data) if cut is not None else None])
    assert len(_rows_or_refusal(tmp_path / "x.xlsx")) <= 2
