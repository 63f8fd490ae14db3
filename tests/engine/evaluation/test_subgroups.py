"""A test by groups: the right images in each, intervals as references have them, small groups told, nobody named."""

import json
import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from engine.base.errors import ConfigError, DataError, RunError
from engine.data.split import Split
from engine.evaluation.evaluate import forget_test
from engine.evaluation.predictions_csv import read_predictions
from engine.evaluation.resampling import clustered_share
from engine.evaluation.subgroups import SMALL, measure_subgroups, read_subgroups
from engine.report.sections import write_card
from engine.runs.directory import Run
from tests.conftest import Cli
from tests.makers import made
from tests.makers.dicoms import MARK, identified, ramp

SEXES = ("F", "M")
Row = dict[str, str]


@pytest.fixture
def told(tmp_path: Path) -> tuple[Run, list[Row]]:
    """A run with 240 test images of as many people, right more often for men, and what their table says of each."""
    dice, folder = np.random.default_rng(0), tmp_path / "data"
    folder.mkdir()
    lines, rows = [], []
    for n in range(240):
        label, sex = made.CLASSES[n % 2], SEXES[n // 2 % 2]
        right = dice.random() < (0.95 if sex == "M" else 0.7)
        sure = dice.uniform(0.55, 1)
        share = sure if right == (label == made.CLASSES[0]) else 1 - sure
        file = f"{label}/{n:04}.png"
        lines.append((file, label, [share, 1 - share]))
        age = ("012Y", "30", "45.0", "067Y", "89")[n % 5] if n < 200 else ("", "nan", "412")[n % 3]
        rows.append({
            "path": file, "Patient ID": f"p{n}", "Patient Gender": sex if n >= 8 else ("", "O")[n % 2],
            "Patient Age": age, "View Position": ("PA", "AP", "LL")[min(n // 110, 2)], "Scan Date": "x",
            "Note": f"seen by doctor {n}, on the ward and so forth", "Visit": f"2020-01-{n % 9 + 1:02}",
            "Ward": str(n % 20),
        })  # fmt: skip
    head = list(rows[0])
    text = "\n".join(",".join(f'"{row[name]}"' for name in head) for row in rows)
    (folder / "list.csv").write_text(f"{','.join(head)}\n{text}\n")
    return made.finished_run(tmp_path / "runs", "run", folder, lines, threshold=0.5), rows


def test_each_group_has_its_images_with_shares_areas_and_intervals_as_references_have_them(
    told: tuple[Run, list[Row]],
) -> None:
    run, rows = told
    (sex,) = measure_subgroups(run, ["sex"]).fields
    shares = {line[0]: float(line[3]) for line in _lines(run)}
    count = {value: sum(row["Patient Gender"] == value for row in rows) for value in SEXES}
    assert {group.value: group.n for group in sex.groups} == count
    for group in sex.groups:
        own = [row["path"] for row in rows if row["Patient Gender"] == group.value]
        truth = np.array([file.startswith(made.CLASSES[0]) for file in own])
        said = np.array([shares[file] > 0.5 for file in own])
        right = int((truth == said).sum())
        assert group.accuracy == pytest.approx(right / len(own))
        ends = binomtest(right, len(own)).proportion_ci(0.95, "exact")
        assert group.accuracy_ci == pytest.approx((ends.low, ends.high))
        first = group.classes[made.CLASSES[0]]
        assert first.sensitivity == pytest.approx(said[truth].mean())
        assert first.specificity == pytest.approx(1 - said[~truth].mean())
        assert first.auc == pytest.approx(roc_auc_score(truth, [shares[file] for file in own]))
    assert sex.told_by == 'the column "patientgender" of list.csv' and sex.unknown == 4 and sex.hidden == 4
    assert any("Not shown are 4 images" in text for text in sex.warnings)
    assert any("Of 4 of 240 test images nothing tells sex" in text for text in sex.warnings)


def test_the_worst_groups_gap_has_an_interval_that_knows_that_the_worst_was_picked(
    told: tuple[Run, list[Row]],
) -> None:
    run, _ = told
    (sex,) = measure_subgroups(run, ["sex"]).fields
    by = {group.value: group for group in sex.groups}
    gap = next(gap for gap in sex.gaps if gap.measure == "accuracy")
    assert gap.worst == "F" and gap.gap == pytest.approx(by["M"].accuracy - by["F"].accuracy) and gap.gap_ci[0] > 0
    low, high = (
        binomtest(round(one.accuracy * one.n), one.n).proportion_ci(0.975, "exact") for one in (by["F"], by["M"])
    )
    down = math.hypot(by["M"].accuracy - high.low, low.high - by["F"].accuracy)
    up = math.hypot(high.high - by["M"].accuracy, by["F"].accuracy - low.low)
    assert gap.gap_ci == pytest.approx((gap.gap - down, gap.gap + up))


def test_ages_are_banded_and_small_groups_are_told_and_never_the_worst(told: tuple[Run, list[Row]]) -> None:
    run, rows = told
    age, view = measure_subgroups(run, ["age", "view"]).fields
    assert [group.value for group in age.groups] == ["under 18", "18 to 39", "40 to 59", "60 to 79", "80 and over"]
    assert [group.n for group in age.groups] == [40] * 5 and age.unknown == 40
    small = [group for group in view.groups if group.small]
    assert [group.value for group in small] == ["LL"] and small[0].n == sum(
        r["View Position"] == "LL" for r in rows
    ) < SMALL
    assert any("Too few images to say how good it is for view LL (20)" in text for text in view.warnings)
    assert all(gap.worst != "LL" for gap in view.gaps) and view.gaps


def test_where_no_table_tells_them_dicom_headers_tell_the_fields_that_were_named_and_nothing_else(
    tmp_path: Path,
) -> None:
    folder, lines, picture = tmp_path / "data", [], ramp()
    for n in range(80):
        label, right = made.CLASSES[n % 2], n % 5 > 0
        file, share = f"{label}/{n:04}.dcm", 0.9 if right == (n % 2 == 0) else 0.1
        sex = {"PatientSex": "MF"[n // 2 % 2]} if n % 8 else {"PatientSex": ""}
        machine = {"ManufacturerModelName": f"Röhre {n // 40}"} if n % 4 else {"ManufacturerModelName": "\x1b[2J"}
        identified(
            folder / file, picture, SpecificCharacterSet="ISO_IR 192", PatientAge=("019Y", "065Y")[n // 40],
            Manufacturer="Works", **sex, **machine,
        )  # fmt: skip
        lines.append((file, label, [share, 1 - share]))
    run = made.finished_run(tmp_path / "runs", "run", folder, lines, threshold=0.5)
    age, sex_field, machine_field = measure_subgroups(run, ["age", "sex", "machine"]).fields
    assert {group.value: group.n for group in age.groups} == {"18 to 39": 40, "60 to 79": 40}
    assert {group.value: group.n for group in sex_field.groups} == {"M": 30, "F": 40} and sex_field.unknown == 10
    assert {group.value: group.n for group in machine_field.groups} == {"Röhre 0": 30, "Röhre 1": 30, "Works": 20}
    assert {one.told_by for one in (age, sex_field, machine_field)} == {"the DICOM headers"}
    kept = (run.path / "subgroups.json").read_text()
    assert not any(trace in kept for trace in (MARK, "ZQ7", "054Y", "065Y", "19700102", ".dcm"))
    with pytest.raises(ConfigError, match="nor does a DICOM header of them name it"):
        measure_subgroups(made.finished_run(tmp_path / "other", "run", tmp_path, lines), ["sex"])
    with pytest.raises(DataError, match="none can't be read as a folder: "):
        measure_subgroups(made.finished_run(tmp_path / "third", "run", tmp_path / "none", lines), ["sex"])


def test_what_is_kept_names_no_image_and_nobody_and_goes_with_the_test(told: tuple[Run, list[Row]]) -> None:
    run, rows = told
    result = measure_subgroups(run, ["sex", "age", "view"])
    kept = (run.path / "subgroups.json").read_text()
    assert read_subgroups(run) == result
    assert not any(row[name] in kept for row in rows for name in ("path", "Patient ID", "Note", "Visit"))
    (run.path / "subgroups.json").write_text('{"n": 0}')
    with pytest.raises(RunError, match="--by FIELDS` measures the groups anew"):
        read_subgroups(run)
    forget_test(run)
    assert not (run.path / "subgroups.json").exists() and read_subgroups(run) is None


def test_where_patients_have_several_images_the_intervals_of_shares_go_by_patient(
    told: tuple[Run, list[Row]],
) -> None:
    run, _ = told
    alone = {group.value: group for group in measure_subgroups(run, ["sex"]).fields[0].groups}
    split, said = Split.read(run.path / "split.csv"), read_predictions(run)
    assert said.files == tuple(row.file for row in split.rows)
    people = np.argsort(np.argsort(said.right, kind="stable")) // 8  # of most, all images are right, or all are wrong
    rows = (replace(row, patient=str(who)) for row, who in zip(split.rows, people, strict=True))
    Split(tuple(rows)).write(run.path / "split.csv")
    result = measure_subgroups(run, ["sex"])
    assert result.patients == 30 and "240 images are of 30 patients" in result.fields[0].warnings[-1]
    values = np.array([row["Patient Gender"] for row in told[1]])
    for group in result.fields[0].groups:
        chosen = values == group.value
        own = np.unique(people[chosen], return_inverse=True)[1]
        (low, high), before = group.accuracy_ci, alone[group.value].accuracy_ci
        assert (low, high) == pytest.approx(clustered_share(said.right[chosen], own))
        assert group.accuracy == alone[group.value].accuracy and high - low > 1.2 * (before[1] - before[0])


@pytest.mark.parametrize(
    ("field", "words"),
    [
        *(("Patient ID", "may identify people"), ("path", "may identify"), ("Scan Date", "may identify")),
        *(("Visit", "holds dates"), ("Note", "different values"), ("Ward", "has 20 different values")),
        ("colour", "no table beside the images"),
    ],
)
def test_a_field_that_may_identify_or_that_nothing_tells_is_refused(
    told: tuple[Run, list[Row]], field: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        measure_subgroups(told[0], [field])
    assert not (told[0].path / "subgroups.json").exists()


def test_the_command_shows_them_and_the_card_has_them(told: tuple[Run, list[Row]], cli: Cli) -> None:
    run, _ = told
    shown = cli("evaluate", run.path, "--by", "sex,age")
    assert shown.returncode == 0, shown.stderr
    assert 'by sex, from the column "patientgender" of list.csv:' in shown.stdout and "80 and over" in shown.stdout
    facts = json.loads(cli("evaluate", run.path, "--by", "sex", "--json").stdout)["subgroups"]
    assert {group["value"] for group in facts["fields"][0]["groups"]} == set(SEXES)
    assert cli("evaluate", run.path, "--by", "sex", "--on", run.path).returncode == 2
    for path in write_card(run):
        card = path.read_text()
        assert "Results by groups" in card and "The test was measured by sex" in card
        assert f"{facts['fields'][0]['gaps'][0]['gap']:+.3f}" in card and "Not shown are 4 images" in card


def _lines(run: Run) -> list[list[str]]:
    rows: defaultdict[str, list[str]] = defaultdict(list)
    for line in (run.path / "predictions.csv").read_text().splitlines()[1:]:
        rows[line] = line.split(",")
    return list(rows.values())
