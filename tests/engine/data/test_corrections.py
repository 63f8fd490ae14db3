"""Corrections change labels and leave images out wherever the images lie, and nothing else: no part, no file."""

import csv
import dataclasses
import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.audit.material import splits_of
from engine.base.errors import DataError
from engine.data.corrections import (
    COLUMNS,
    DECISIONS,
    Correction,
    corrected,
    read_corrections,
    write_corrections,
)
from engine.data.corrections_file import CorrectionsFile
from engine.data.divided import divided
from engine.data.records import Scan
from engine.data.scan import scan
from engine.recipe.config import DataConfig, TrainConfig
from tests.makers.folders import put

CLASSES = ("A", "B")
EACH = 12


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    root = tmp_path_factory.mktemp("folder")
    random = np.random.default_rng(0)
    for label in CLASSES:
        for number in range(EACH):
            put(root, f"{label}/{label}-{number}.png", random.integers(0, 255, (20, 16), dtype=np.uint8))
    return scan(root)


def about(found: Scan, place: int, decision: str, to: str = "") -> Correction:
    record = found.records[place]
    return Correction(record.file, record.sha, record.label, decision, to)  # type: ignore[arg-type]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20)
MADE = st.builds(
    lambda sha, label, how, to, note: Correction("f", sha, label, how, to if how == "relabel" else "", note),
    st.text(string.hexdigits, min_size=1), TEXT.filter(str.strip), st.sampled_from(DECISIONS),
    TEXT.filter(str.strip), TEXT,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(MADE, max_size=6, unique_by=lambda one: one.key))
def test_what_was_written_is_read_again(tmp_path: Path, made: list[Correction]) -> None:
    file = tmp_path / "corrections.csv"
    write_corrections(file, made)
    assert list(read_corrections(file)) == made


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_each_decision_does_what_it_says_and_no_image_changes_its_part(scanned: Scan, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, 2 * EACH - 1), max_size=4, unique=True))
    made = []
    for place in places:
        decision = data.draw(st.sampled_from(DECISIONS))
        other = next(name for name in CLASSES if name != scanned.records[place].label)
        made.append(about(scanned, place, decision, other if decision == "relabel" else ""))
    found, applied = corrected(scanned, made)
    of = {one.file: one for one in made}
    gone = {file for file, one in of.items() if one.decision == "leave-out"}
    labels = {record.file: record.label for record in found.records}
    assert set(labels) == {record.file for record in scanned.records} - gone == set(labels) - gone
    for record in scanned.records:
        if record.file not in gone:
            one = of.get(record.file)
            assert labels[record.file] == (one.to if one and one.to else record.label)
    assert [own.images for own in found.classes.values()] == [list(labels.values()).count(name) for name in CLASSES]
    assert set(applied.left_out) == gone and applied.idle == 0
    assert len(applied.relabelled) + len(gone) + applied.confirmed == len(made)


def test_a_correction_moves_no_image_from_one_part_to_another(scanned: Scan, tmp_path: Path) -> None:
    file = tmp_path / "corrections.csv"
    made = [about(scanned, 0, "relabel", "B"), about(scanned, 15, "relabel", "A"), about(scanned, 3, "leave-out")]
    write_corrections(file, made)
    wanted = DataConfig(val_share=0.25, test_share=0.25)
    before = {row.file: row.part for row in divided(scanned, wanted, 0).split.rows}
    used = divided(scanned, dataclasses.replace(wanted, corrections=file), 0)
    after = {row.file: row for row in used.split.rows}
    assert {file: row.part for file, row in after.items()} == {
        file: part for file, part in before.items() if file != scanned.records[3].file
    }
    assert after[scanned.records[0].file].label == "B" and after[scanned.records[15].file].label == "A"
    assert any("2 images relabelled, 1 left out" in notice.text for notice in used.notices)


def test_the_split_of_a_corrected_run_serves_again_with_the_same_corrections(scanned: Scan, tmp_path: Path) -> None:
    file, manifest = tmp_path / "corrections.csv", tmp_path / "split.csv"
    write_corrections(file, [about(scanned, 0, "relabel", "B"), about(scanned, 3, "leave-out")])
    wanted = DataConfig(val_share=0.25, test_share=0.25, corrections=file)
    first = divided(scanned, wanted, 0)
    first.split.write(manifest)
    for gone_ok in (False, True):
        again = divided(scanned, dataclasses.replace(wanted, split=manifest), 7, gone_ok)
        assert again.split == first.split and again.scan == first.scan


def test_the_folds_of_an_audit_have_corrected_labels_too(scanned: Scan, tmp_path: Path) -> None:
    file = tmp_path / "corrections.csv"
    write_corrections(file, [about(scanned, 0, "relabel", "B"), about(scanned, 3, "leave-out")])
    config = TrainConfig(data=DataConfig(val_share=0.25, test_share=0.25, corrections=file))
    for folds in (1, 3):
        labelled, splits = splits_of(scanned, config, folds, lambda event: None)
        assert len(splits) == folds
        for one in splits:
            assert {row.file: row.label for row in one.rows} == {r.file: r.label for r in labelled.records}
            assert len(one.rows) == 2 * EACH - 1


def test_a_folder_that_was_mended_since_leaves_a_correction_nothing_to_do(scanned: Scan) -> None:
    other = dataclasses.replace(about(scanned, 0, "relabel", "B"), label="C")
    found, applied = corrected(scanned, [other, dataclasses.replace(about(scanned, 1, "leave-out"), sha="0" * 64)])
    assert found.records == scanned.records and applied.idle == 2
    assert "2 corrections found no image with that label here" in applied.sentence


def test_corrections_that_leave_a_part_without_a_class_are_refused(scanned: Scan, tmp_path: Path) -> None:
    file = tmp_path / "corrections.csv"
    write_corrections(file, [about(scanned, place, "leave-out") for place in range(EACH)])
    with pytest.raises(DataError, match='After the corrections the part "train" has no image of class "A"'):
        divided(scanned, DataConfig(val_share=0.25, test_share=0.25, corrections=file), 0)


def test_a_table_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "corrections.csv"
    for text, why in (
        ("sha,label\na,b\n", "lacks the column decision"),
        ("sha,label,decision\na,b,erase\n", "line 2 has the decision 'erase'"),
        ("sha,label,decision,to\na,b,relabel,\n", "line 2 needs a sha, and a label under 'to'"),
    ):
        file.write_text(text)
        with pytest.raises(DataError, match=why):
            read_corrections(file)
    with pytest.raises(DataError, match="does not exist"):
        read_corrections(tmp_path / "none.csv")


def test_two_reviewers_at_one_table_lose_nothing(tmp_path: Path) -> None:
    one, other = (CorrectionsFile(tmp_path / "corrections.csv") for _ in range(2))
    one.decide(Correction("a", "1", "A", "keep"))
    other.decide(Correction("b", "2", "A", "relabel", "B"))
    step = one.decide(Correction("b", "2", "A", "unsure"))
    assert step.before and step.before.to == "B" and [*other.read()] == [("1", "A"), ("2", "A")]
    assert other.steps()[-1] == step and one.take_back(step) and not other.take_back(step)
    assert other.read()["2", "A"] == step.before


def test_nothing_that_was_written_by_hand_is_lost(tmp_path: Path) -> None:
    """Columns and rows of one's own, a table without the columns that a review adds, and rows with one key."""
    file = CorrectionsFile(tmp_path / "corrections.csv")
    mine = ["who,sha,label,decision,to,", "me,1,A,keep,,old", "me,1,A,unsure,,newer", "=you,2,A,relabel,B,why"]
    file.path.write_text("\n".join(mine) + "\n")
    step = file.decide(Correction("f", "1", "A", "leave-out", note="a, note"))
    other = file.decide(Correction("g", "3", "A", "keep"))
    header, *rows = cells(file.path)
    assert header[:6] == mine[0].split(",") and {*COLUMNS} <= {*header}
    assert [row[:6] for row in rows[:2]] == [line.split(",") for line in (mine[1], mine[3])]
    assert rows[2][:6] == ["me", "1", "A", "leave-out", "", "newer"] and rows[3][1] == "3"
    assert file.take_back(step)
    assert file.read()["1", "A"].decision == "unsure" and cells(file.path)[-1][:6] == mine[2].split(",")
    rows = cells(file.path)
    rows[-2][0] = "mine by now"
    file.path.write_text("\n".join(",".join(row) for row in rows) + "\n")
    assert not file.take_back(other) and file.read()["3", "A"].decision == "keep", "its row holds a word of somebody"


def cells(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return [*csv.reader(file)]


def test_a_damaged_file_of_what_was_replaced_costs_no_decision(tmp_path: Path) -> None:
    file = CorrectionsFile(tmp_path / "corrections.csv")
    file.decide(Correction("a\udcff", "1", "A", "keep"))
    assert [step.after.file for step in file.steps()] == ["a\udcff"]
    file.undo_path.write_text("{")
    assert file.steps() == () and len(file.read()) == 1
    step = file.decide(Correction("b", "2", "A", "keep"))
    assert file.steps() == (step,)
