"""Patients: told by a column or a name pattern, kept in one part, and plainly unknown where nothing tells them."""

import json
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from PIL import Image

from engine.audit.material import splits_of
from engine.base.errors import ConfigError
from engine.base.events import Event, Notice
from engine.data.patients import UNKNOWN, patients
from engine.data.records import ClassSummary, Record, Row, Scan
from engine.data.scan import scan as scan_folder
from engine.data.split import Split, draw, for_recipe
from engine.recipe.config import DataConfig, TrainConfig
from tests.conftest import Cli


def scanned(root: Path, who: str = "person") -> Scan:
    """Two classes of 30 images, three of each patient: A/images/person4_A-13.png."""
    records = tuple(
        Record(f"{c}/images/{who}{n // 3}_{c}-{n}.png", c, f"{c}{n}", "PNG", "L", 9, 9, 9, 9.0)
        for c in "AB"
        for n in range(30)
    )
    return Scan(root, records, (), {c: ClassSummary(30) for c in "AB"}, ())


def table(root: Path, header: str, rows: list[str]) -> None:
    (root / "list.csv").write_text("\n".join([header, *rows]), encoding="utf-8-sig")


def test_nothing_that_tells_them_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "broken.csv").write_bytes(b"file\0\xff\n")
    (tmp_path / "A.metadata.xlsx").write_bytes(b"no workbook")
    found = patients(scanned(tmp_path, "batch"))
    assert not found.known and "may lie in two parts" in found.told
    assert found.told.startswith(UNKNOWN) and "broken.csv (holds bytes that are no text)" in found.told
    assert "A.metadata.xlsx (has no column that names files)" in found.told


def test_a_name_pattern_groups(tmp_path: Path) -> None:
    scan = scanned(tmp_path)
    found = patients(scan, r"name:(person\d+)_")
    assert found.of["B/images/person4_B-13.png"] == "person4"
    assert len(set(found.of.values())) == 10 and "10 patients by the pattern" in found.told
    for seed in range(5):
        parts = {row.file: row.part for row in draw(scan, 0.2, 0.2, seed, found.of).rows}
        for who in set(found.of.values()):
            assert len({parts[file] for file, patient in found.of.items() if patient == who}) == 1
        assert set(parts.values()) == {"train", "validation", "test"}


def test_a_column_is_found_by_path_or_name_and_a_usual_one_unasked(tmp_path: Path) -> None:
    scan = scanned(tmp_path)
    files = [record.file for record in scan.records]
    table(tmp_path, "path,PatientID,ward", [f"{file},p{n // 6},w" for n, file in enumerate(files[:-4])])
    found = patients(scan)
    assert found.of[files[0]] == "p0" and len(found.of) == 56 and "4 images name none" in found.told
    assert patients(scan, "ward").of[files[3]] == "w"
    table(tmp_path, "filename,patient", [f"{file.rsplit('/', 1)[1]},p{n}" for n, file in enumerate(files)])
    assert patients(scan).of[files[7]] == "p7"
    assert patients(scan, "none").of == {}


def test_a_workbook_speaks_of_its_own_class(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["FILE NAME", "Patient ID"])
    book.active.append(["person0_B-1", "seven"])
    book.active.append(["person0_A-1", "eight"])
    book.save(tmp_path / "B.metadata.xlsx")
    assert patients(scanned(tmp_path)).of == {"B/images/person0_B-1.png": "seven"}


@pytest.mark.parametrize(
    ("group_by", "words"),
    [("name:(", "no regular expression"), ("name:zebra", "no file name matches"), ("ward", "tables .* have age, path")],
)
def test_what_finds_nobody_is_refused(tmp_path: Path, group_by: str, words: str) -> None:
    table(tmp_path, "path,age", ["A/images/person0_A-0.png,4"])
    with pytest.raises(ConfigError, match=words) as caught:
        patients(scanned(tmp_path), group_by)
    assert "--group-by" in str(caught.value)


def test_a_split_that_is_given_is_checked_for_them_too(tmp_path: Path) -> None:
    scan, by_name = scanned(tmp_path), r"name:(person\d+_.)"
    of, manifest = patients(scan, by_name).of, tmp_path / "split.csv"

    def given(apart: bool) -> Split:
        """A third to test, either image by image, which parts every patient, or patient by patient."""
        numbers = [n if apart else n // 3 for n in range(len(scan.records))]
        parts = ["test" if number % 3 == 0 else "train" for number in numbers]
        rows = (Row(r.file, r.label, part, r.sha) for r, part in zip(scan.records, parts, strict=True))
        return Split(tuple(rows))

    given(apart=False).write(manifest)
    split, told = for_recipe(scan, DataConfig(split=manifest, group_by=by_name), 0)
    held: dict[str, set[str]] = {}
    for row in split.rows:
        held.setdefault(of[row.file], set()).add(row.part)
    assert split.files("validation") and all(len(parts) == 1 for parts in held.values()), "drawn patient by patient"
    assert not any("in two parts" in notice.text for notice in told)
    given(apart=True).write(manifest)
    _, told = for_recipe(scan, DataConfig(split=manifest, group_by=by_name), 0)
    assert any(f"{manifest} has images of 20 patients in two parts" in notice.text for notice in told)
    with pytest.raises(ConfigError, match="no table"):
        for_recipe(scan, DataConfig(split=manifest, group_by="ward"), 0)
    going_on, told = for_recipe(scan, DataConfig(split=manifest, group_by="ward"), 0, gone_ok=True)
    assert going_on.rows and not any("patients" in notice.text for notice in told), "it was told when the run began"


def test_a_runs_split_numbers_the_patients_and_names_none(tmp_path: Path) -> None:
    scan, by_name = scanned(tmp_path), r"name:(person\d+_.)"
    of, manifest = patients(scan, by_name).of, tmp_path / "split.csv"
    split, _ = for_recipe(scan, DataConfig(group_by=by_name), 0)
    pairs = {(of[row.file], row.patient) for row in split.rows}
    assert len(pairs) == len({who for who, _ in pairs}) == len({number for _, number in pairs}) == len(set(of.values()))
    assert all(number.isdigit() for _, number in pairs)
    split.write(manifest)
    assert Split.read(manifest) == split
    going_on, _ = for_recipe(scan, DataConfig(split=manifest), 0, gone_ok=True)
    assert going_on == split
    alone, _ = for_recipe(scan, DataConfig(group_by="none"), 0)
    assert not any(row.patient for row in alone.rows)


def test_an_audits_folds_say_what_is_known_of_them(tmp_path: Path) -> None:
    unasked = "The names seem to tell patients, but are not asked: 20 patients"
    for by_name, words in ((r"name:(person\d+)_", "10 patients by the pattern"), ("", unasked)):
        told: list[Event] = []
        splits_of(scanned(tmp_path), TrainConfig(data=DataConfig(group_by=by_name)), 3, told.append)
        assert any(isinstance(event, Notice) and words in event.text for event in told)


def test_a_table_outside_of_the_folder_is_read_only_where_links_are_followed(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for label in "AB":
        (root / label).mkdir(parents=True)
        for n in range(3):
            Image.new("L", (8, 8), n + 10 * ord(label) % 200).save(root / label / f"{label}{n}.png")
    (tmp_path / "list.csv").write_text("file,patient\n" + "".join(f"A{n},p\n" for n in range(3)))
    (root / "list.csv").symlink_to(tmp_path / "list.csv")
    assert any(problem.kind == "symlink" and problem.file == "list.csv" for problem in scan_folder(root).problems)
    assert not patients(scan_folder(root)).known
    assert set(patients(scan_folder(root, follow_links=True)).of) == {f"A/A{n}.png" for n in range(3)}


def test_a_scan_lists_those_whom_a_split_has_in_two_parts(tmp_path: Path, cli: Cli) -> None:
    random, root, manifest = np.random.default_rng(0), tmp_path / "data", tmp_path / "split.csv"
    for label in "AB":
        (root / label).mkdir(parents=True)
        for n in range(4):
            picture = random.integers(0, 255, (32, 32), np.uint8)
            Image.fromarray(picture).save(root / label / f"{label}{n // 2}_{n}.png")
    files = ("A/A0_0", "A/A0_1", "A/A1_2", "A/A1_3", "B/B0_0", "B/B0_1", "B/B1_2", "B/B1_3")

    def told(parts: str, *group_by: str) -> tuple[list[dict[str, object]] | None, str]:
        """What is told of a split that has the files in parts of these first letters."""
        rows = (
            Row(f"{file}.png", file[0], {"r": "train", "e": "test"}[p]) for file, p in zip(files, parts, strict=True)
        )
        Split(tuple(rows)).write(manifest)
        shown, facts = (cli("scan", root, "--split", manifest, *group_by, *form) for form in ((), ("--json",)))
        assert shown.returncode == facts.returncode == 0
        return json.loads(facts.stdout)["patients"]["in_two_parts"], shown.stdout

    by_name = ("--group-by", r"name:(.\d+)_")
    apart, shown = told("rerrrrer", *by_name)
    assert apart == [
        {"patient": "A0", "images": [{"file": "A/A0_0.png", "part": "train"}, {"file": "A/A0_1.png", "part": "test"}]},
        {"patient": "B1", "images": [{"file": "B/B1_2.png", "part": "test"}, {"file": "B/B1_3.png", "part": "train"}]},
    ]
    assert f"! LEAKS: {manifest} has images of 2 patients in two parts or more" in shown
    assert "\n  A0: A/A0_0.png (train), A/A0_1.png (test)\n" in shown and "A1:" not in shown
    apart, shown = told("eerrrree", *by_name)
    words = f"{manifest} has no patient in two parts; 8 of 8 images have a known patient, 4 in all."
    assert apart == [] and words in shown
    apart, shown = told("rerrrrer")
    assert apart is None and "patients in two parts" not in shown and UNKNOWN in shown
