"""What a run promises comes from its answers to its own calibration images, and is measured on its test."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.base.context import Context
from engine.base.errors import RunError
from engine.data.split import Split
from engine.evaluation.calibration import read_calibration
from engine.evaluation.conformal import LEVELS
from engine.evaluation.evaluate import evaluate_test
from engine.evaluation.promised import Asked, read_promised
from engine.evaluation.refusal import RISKS
from engine.evaluation.result_files import read_test
from engine.runs.directory import SPLIT, Run

CLASSES = ("COVID", "Viral Pneumonia")


@pytest.fixture
def run(trained: dict[str, Any], tmp_path: Path) -> Run:
    """A copy of the trained run."""
    shutil.copytree(trained["run"], tmp_path / "r")
    return Run(tmp_path / "r")


def test_a_training_measures_its_promises_on_the_test(run: Run) -> None:
    test = read_test(run)
    assert [one.level for one in test.sets] == [*LEVELS] and [one.risk for one in test.refusals] == [*RISKS]
    for one in test.sets:
        assert sum(one.sizes) == one.every.n == test.n == sum(own.n for own in one.classes.values())
        assert one.every.coverage is not None and one.every.coverage_ci is not None
        low, high = one.every.coverage_ci
        assert low <= one.every.coverage <= high
    assert test.sets[-1].short == {"COVID": 3, "Viral Pneumonia": 3} and test.sets[-1].every.coverage == 1
    assert all(one.threshold is None and one.answered == 0 for one in test.refusals)  # of six images


def test_another_folder_is_measured_alike(run: Run, trained: dict[str, Any]) -> None:
    before = read_test(run)
    (run.path / "test.json").unlink()
    assert evaluate_test(run, Context()).sets == before.sets


def test_what_is_promised_is_said_with_why_it_may_be_approximate(run: Run) -> None:
    promised = read_promised(run, CLASSES, read_calibration(run, CLASSES))
    assert promised and not promised.out_of_fold
    sentences = promised.sentences(Asked(0.95, 0.05))
    assert len(sentences) == 3 and "can't be promised" in sentences[0] and "chose the epoch" in sentences[2]


def test_without_the_calibration_answers_nothing_is_promised_and_damaged_ones_are_named(run: Run) -> None:
    taught = read_calibration(run, CLASSES)
    assert read_promised(run, CLASSES, None) is None
    with pytest.raises(RunError, match=r"validation.csv is of other classes"):
        read_promised(run, ("COVID", "Normal"), taught)
    (run.path / "validation.csv").write_text("file,class")
    with pytest.raises(RunError, match=r"validation.csv can't be read"):
        read_promised(run, CLASSES, taught)
    (run.path / "validation.csv").unlink()
    assert read_promised(run, CLASSES, taught) is None


def test_where_patients_are_known_the_accuracy_has_an_interval_by_them(run: Run) -> None:
    assert read_test(run).by_patient is None
    split = Split.read(run.path / SPLIT)
    tested = [row.file for row in split.rows if row.part == "test"]
    numbers = {file: str(place // 3 + 1) for place, file in enumerate(tested)}
    Split(tuple(replace(row, patient=numbers.get(row.file, "")) for row in split.rows)).write(run.path / SPLIT)
    (run.path / "test.json").unlink()
    test = evaluate_test(run, Context())
    assert test.by_patient and test.by_patient.patients == 2
    low, high = test.by_patient.accuracy_ci
    assert low <= test.accuracy <= high and high - low > test.accuracy_ci[1] - test.accuracy_ci[0]
