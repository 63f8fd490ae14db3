"""The verb `evaluate`: every measure with its interval; a signal ends it, as it ends `predict`, in a sentence."""

import hashlib
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from engine.base.typed_files import plain_object
from engine.evaluation.prevalence import at_prevalence, rates_of
from engine.evaluation.result_files import read_test
from engine.runs.directory import Run
from tests.conftest import SAMPLE, Cli, Start
from tui.words.worth import worth_lines


def test_evaluate_shows_every_measure_with_its_interval(trained: dict[str, Any], cli: Cli) -> None:
    shown = cli("evaluate", "trained", "--out", trained["out"]).stdout
    for word in ("precision", "F1", "MCC", "mean of classes", "calibration: error", "threshold: COVID from"):
        assert word in shown
    assert "95% interval" in shown and "sensitivity" in shown


@pytest.mark.parametrize(
    ("verb", "number", "code"),
    [pytest.param("predict", signal.SIGTERM, 143, marks=pytest.mark.slow), ("evaluate", signal.SIGINT, 130)],
)
def test_a_signal_ends_the_verb_with_its_own_code(
    trained: dict[str, Any], start: Start, tmp_path: Path, verb: str, number: signal.Signals, code: int
) -> None:
    """The images are many, so that the signal comes while they are looked at."""
    for label in ("COVID", "Viral Pneumonia"):
        (tmp_path / label).mkdir()
        for n in range(25):
            shutil.copy(SAMPLE / label / "images" / f"{label}-1.png", tmp_path / label / f"{n}.png")
    run, images = trained["run"], tmp_path
    arguments = ["predict", images, "--run", run, "--json"] if verb == "predict" else ["evaluate", run, "--on", images]
    with start(*arguments) as process:
        assert (process.stdout if verb == "predict" else process.stderr).readline()
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == code and "was stopped" in said and "Traceback" not in said


def test_the_test_part_is_opened_once(trained: dict[str, Any], cli: Cli) -> None:
    path = trained["run"] / "test.json"
    before = path.stat().st_mtime_ns
    done = cli("evaluate", trained["run"], "--json")
    shown = json.loads(done.stdout)
    assert shown["accuracy"] == trained["events"][-1]["test"]["accuracy"] and path.stat().st_mtime_ns == before


def test_evaluate_on_another_folder_measures_its_known_classes(
    trained: dict[str, Any], cli: Cli, tmp_path: Path
) -> None:
    for label in ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for path in sorted((SAMPLE / label / "images").iterdir())[:3]:
            shutil.copy(path, tmp_path / "images" / label)
    shutil.copytree(trained["run"], tmp_path / "run")  # which keeps the result
    done = cli("evaluate", tmp_path / "run", "--on", tmp_path / "images", "--json")
    shown = json.loads(done.stdout)
    assert (done.returncode, shown["n"]) == (0, 6)
    assert "Normal" in done.stderr and "Lung_Opacity" in done.stderr


def test_a_prevalence_says_what_the_answers_are_worth_there(trained: dict[str, Any], cli: Cli) -> None:
    plain = json.loads(cli("evaluate", trained["run"], "--json").stdout)
    told = json.loads(cli("evaluate", trained["run"], "--prevalence", "0.02", "--json").stdout)
    worth, curve = told.pop("at_prevalence"), told.pop("decision_curve")
    rates = rates_of(read_test(Run(trained["run"])))
    assert rates and told == plain and curve["prevalence"] == 0.02 and curve["points"][0]["everyone"] < 0.02
    assert worth == json.loads(json.dumps(plain_object(at_prevalence(rates, "COVID", 0.02))))
    shown = cli("evaluate", trained["run"], "--prevalence", "0.02").stdout
    assert all(line in shown for line in worth_lines(at_prevalence(rates, "COVID", 0.02))) and "net benefit" in shown
    refused = cli("evaluate", trained["run"], "--prevalence", "2")
    assert refused.returncode == 2 and "give a share between 0 and 1" in refused.stderr


@pytest.mark.slow
def test_a_frozen_model_is_recalibrated_on_local_images_and_both_are_told(
    trained: dict[str, Any], cli: Cli, tmp_path: Path
) -> None:
    for label in ("COVID", "Viral Pneumonia"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for path in sorted((SAMPLE / label / "images").iterdir())[:12]:
            shutil.copy(path, tmp_path / "images" / label)
    shutil.copytree(trained["run"], tmp_path / "run")
    asked = ("evaluate", tmp_path / "run", "--on", tmp_path / "images", "--recalibrate", "12")
    done = cli(*asked, "--json")
    found = json.loads(done.stdout)
    weights = (trained["run"] / "best.weights.h5").read_bytes()
    assert done.returncode == 0 and found["frozen"]["best.weights.h5"] == hashlib.sha256(weights).hexdigest()
    local = found["recalibrated"]
    assert local["images"] + local["as_it_was"]["n"] == 24 and local["recalibrated"]["n"] == local["as_it_was"]["n"]
    shown = cli(*asked).stdout
    assert f"recalibrated on {local['images']}" in shown and hashlib.sha256(weights).hexdigest() in shown
    assert cli("evaluate", tmp_path / "run", "--recalibrate", "12").returncode == 2
    assert "needs 2 to learn from" in cli(*asked[:-1], "23").stderr
