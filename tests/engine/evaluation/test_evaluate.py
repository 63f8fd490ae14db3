"""A run's judgement as a whole: what it keeps, what it forgets with other weights, and where there is no room."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.base.context import Context
from engine.base.errors import RunError
from engine.evaluation.calibration import CALIBRATION, at_temperature, operate, read_calibration
from engine.evaluation.evaluate import evaluate_test, forget_test
from engine.evaluation.metrics import log_loss
from engine.evaluation.predictions_csv import read_predictions
from engine.recipe.config import JudgeConfig
from engine.runs.directory import Run
from tests.conftest import SAMPLE, within


def test_the_run_keeps_what_validation_taught_and_applies_it_to_the_test(trained: dict[str, Any]) -> None:
    run = Run(trained["run"])
    said, taught, test = (
        read_predictions(run),
        read_calibration(run, ("COVID", "Viral Pneumonia")),
        run.read_json("test.json"),
    )
    assert taught is not None and taught.n == 6 and taught.operating.rule == "youden"
    assert taught.calibrated_loss <= taught.loss + 1e-9
    shares = at_temperature(said.probabilities, taught.temperature)
    assert test["calibrated"]["loss"] == pytest.approx(log_loss(said.labels, shares), abs=1e-5)
    at = operate(said.labels == 0, shares[:, 0], taught.operating.threshold, "COVID", "youden")
    assert test["operating"]["sensitivity"] == at.sensitivity and test["operating"]["specificity"] == at.specificity
    assert sum(row["n"] for row in test["curves"]["reliability"]) == test["n"] == len(said.labels)
    assert set(test["curves"]) == {"COVID", "Viral Pneumonia", "reliability"}
    assert "curves" not in trained["events"][-1]["test"] and test["macro"]["f1_ci"] is not None


def test_other_weights_leave_nothing_that_was_measured_of_the_old_ones(tmp_path: Path) -> None:
    assert not forget_test(Run(tmp_path))
    (tmp_path / "external").mkdir()
    measured = ("test.json", "predictions.csv", "calibration.json", "reference.npz", "card.md", "external/x.json")
    for name in (*measured, "split.csv", "best.weights.h5"):
        (tmp_path / name).touch()
    assert forget_test(Run(tmp_path))
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"split.csv", "best.weights.h5"}


def test_a_damaged_calibration_is_named(tmp_path: Path) -> None:
    assert read_calibration(Run(tmp_path), ("a", "b")) is None
    for text in ("{}", '{"temperature": 1}', '{"operating": {"positive": "z"}}'):
        (tmp_path / CALIBRATION).write_text(text)
        with pytest.raises(RunError, match="is damaged"):
            read_calibration(Run(tmp_path), ("a", "b"))


def test_a_rule_without_its_class_is_refused_before_any_run_is_made(few: Path, tmp_path: Path) -> None:
    done = within(tmp_path, ("train", few, "--positive", "Nobody", "--out", tmp_path / "runs"))
    assert done.returncode == 2 and "--positive" in done.stderr and not (tmp_path / "runs").exists()
    done = within(tmp_path, ("train", SAMPLE, "--threshold", "sensitivity=high"))
    assert done.returncode == 2 and "sensitivity=0.95" in done.stderr
    assert JudgeConfig(threshold="sensitivity=0.95").rule == ("sensitivity", 0.95)


def test_a_result_that_has_no_room_ends_in_a_sentence(trained: dict[str, Any], tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(trained["run"], run.path)
    (run.path / "test.json").unlink()
    (run.path / "predictions.csv").unlink()
    (run.path / "predictions.csv").mkdir()
    with pytest.raises(RunError, match=r"predictions\.csv can't be written"):
        evaluate_test(run, Context())


def test_a_folder_where_the_result_should_be_is_named(trained: dict[str, Any], tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(trained["run"], run.path)
    (run.path / "test.json").unlink()
    (run.path / "test.json").mkdir()
    with pytest.raises(RunError, match=r"test\.json can't be read \(it is a folder, not a file\)"):
        evaluate_test(run, Context())
