"""Prediction honestly given, and a run's judgement as a whole: what the command says and what the run keeps."""

import csv
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from engine.base.cancel import Stop
from engine.base.errors import RunError
from engine.base.escape import from_cell
from engine.evaluation.calibration import CALIBRATION, at_temperature, operate, read_calibration
from engine.evaluation.evaluate import evaluate_test, forget_test
from engine.evaluation.level_likeness import UNCHECKED, Compared, Likeness
from engine.evaluation.metrics import log_loss
from engine.evaluation.prediction import Decision, Prediction, decide
from engine.evaluation.predictions_csv import read_predictions
from engine.evaluation.predictions_table import write_predictions
from engine.recipe.config import JudgeConfig
from engine.runs.directory import Run
from tests.conftest import ROOT, SAMPLE, Cli


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


def test_a_prediction_says_how_sure_it_may_be_and_of_what_it_knows_nothing(
    trained: dict[str, Any], cli: Cli, tmp_path: Path
) -> None:
    run = Run(trained["run"])
    Image.fromarray(load_sample_image("flower.jpg")).save(tmp_path / "flower.png")
    [known] = list(csv.DictReader((run.path / "predictions.csv").open()))[:1]
    done = cli("predict", tmp_path / "flower.png", SAMPLE / known["file"], "--run", run.path, "--json")
    flower, own = map(json.loads, done.stdout.splitlines())
    assert flower["unlike"] and flower["distance"] > flower["distance_limit"]
    assert any("unlike anything" in text for text in flower["cautions"]) and "is in colour" in " ".join(
        flower["cautions"]
    )
    assert "not for diagnosis" in own["use"] and own["distance"] > 0
    taught = read_calibration(run, ("COVID", "Viral Pneumonia"))
    assert taught is not None
    raw = np.array([[float(known[name]) for name in own["probabilities"]]])
    calibrated = at_temperature(raw, taught.temperature)[0]
    assert list(own["calibrated"].values()) == pytest.approx(calibrated, abs=1e-4)
    decision = own["decision"]
    assert decision["yes"] == (own["calibrated"]["COVID"] >= taught.operating.threshold)
    assert decision["says"] == ("COVID" if decision["yes"] else "Viral Pneumonia")
    table = cli("predict", tmp_path / "flower.png", "--run", run.path)
    assert "unlike anything that the model learnt from" in table.stdout and "calibrated" in table.stdout


def test_the_csv_of_a_prediction_tells_what_its_json_tells(trained: dict[str, Any], cli: Cli, tmp_path: Path) -> None:
    Image.fromarray(load_sample_image("flower.jpg")).save(tmp_path / "flower.png")
    (tmp_path / "broken.png").write_text("no")
    files = (tmp_path / "flower.png", tmp_path / "broken.png", SAMPLE / "COVID" / "images" / "COVID-1.png")
    done = cli("predict", *files, "--run", trained["run"], "--json", "--csv", tmp_path / "said.csv")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    with (tmp_path / "said.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, line in zip(rows, lines, strict=True):
        if "error" in line:
            assert {name: cell for name, cell in row.items() if cell} == line
            continue
        assert row["decision"] == line["decision"]["says"] and row["cautions"] == "; ".join(line["cautions"])
        assert [float(row[f"calibrated {name}"]) for name in line["calibrated"]] == list(line["calibrated"].values())
        assert [float(row[name]) for name in line["probabilities"]] == list(line["probabilities"].values())
        assert all(float(row[name]) == line[name] for name in ("distance", "distance_limit"))
    assert "unlike anything that the model learnt from" in rows[0]["cautions"] and rows[1]["error"]


def test_text_json_and_csv_say_with_the_same_numbers_that_an_image_looks_unlike_the_training_images(
    trained: dict[str, Any], cli: Cli, tmp_path: Path
) -> None:
    own = np.asarray(Image.open(SAMPLE / "COVID" / "images" / "COVID-1.png").convert("L")).astype(float)
    Image.fromarray((200 + own / 5).clip(0, 255).astype(np.uint8)).save(tmp_path / "faint.png")
    done = cli("predict", tmp_path / "faint.png", "--run", trained["run"], "--json", "--csv", tmp_path / "said.csv")
    said = json.loads(done.stdout)
    facts = json.loads(cli("inspect", tmp_path / "faint.png", "--json").stdout)
    levels = {one["measure"]: one for one in said["likeness"]["measures"]}
    assert said["likeness"]["unlike"] and levels["mean level"]["unlike"] and not levels["width/height"]["unlike"]
    assert levels["mean level"]["value"] == pytest.approx(facts["mean"], abs=0.01)
    assert levels["sd of levels"]["value"] == pytest.approx(facts["std"], abs=0.01)
    low, high = levels["mean level"]["low"], levels["mean level"]["high"]
    part = f"mean level {facts['mean']:.0f}, usually {low:.0f} to {high:.0f}"
    [caution] = [text for text in said["cautions"] if text.startswith("looks unlike the training images")]
    assert part in caution
    with (tmp_path / "said.csv").open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    assert row["likeness"] == "unlike" and caution in row["cautions"]
    shown = cli("predict", tmp_path / "faint.png", "--run", trained["run"])
    assert caution in shown.stdout and UNCHECKED not in shown.stderr


def test_a_run_without_a_reference_says_that_likeness_was_not_checked(
    trained: dict[str, Any], cli: Cli, tmp_path: Path
) -> None:
    shutil.copytree(trained["run"], tmp_path / "old")
    (tmp_path / "old" / "reference.npz").unlink()
    image = SAMPLE / "COVID" / "images" / "COVID-1.png"
    done = cli("predict", image, "--run", tmp_path / "old", "--json", "--csv", tmp_path / "said.csv")
    assert json.loads(done.stdout)["likeness"] is None and UNCHECKED in done.stderr
    with (tmp_path / "said.csv").open(encoding="utf-8", newline="") as file:
        assert [row["likeness"] for row in csv.DictReader(file)] == ["not checked"]


def test_a_csv_of_predictions_has_no_cell_that_acts_and_none_for_what_is_not_known(tmp_path: Path) -> None:
    classes = ("=1+1", "\x1b[31mB")
    shares = dict(zip(classes, (0.75, 0.25), strict=True))
    decision = Decision("=1+1", 0.5, "youden", yes=True, says="=1+1")
    odd = Likeness(9, (Compared("mean level", 250.0, 90.0, 170.0),))
    whole = Prediction(Path("a.png"), "=1+1", shares, (), shares, decision, 1.5, 2.5, ("-2+3 \x9b", "is odd"), odd)
    lines = [whole.to_dict(), Prediction(Path("b.png"), "=1+1", shares).to_dict()]
    write_predictions(tmp_path / "x.csv", lines, classes)
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        header, first, second = csv.reader(file)
    names = ("file", "label", *classes, *(f"calibrated {name}" for name in classes))
    assert tuple(map(from_cell, header[:-6])) == names
    assert header[-6:] == ["decision", "distance", "distance_limit", "likeness", "cautions", "error"]
    assert first == [
        *("a.png", "'=1+1", "0.75", "0.25", "0.75", "0.25", "'=1+1", "1.5", "2.5", "unlike", "'-2+3 \\x9b; is odd", "")
    ]
    assert second == ["b.png", "'=1+1", "0.75", "0.25", *[""] * 5, "not checked", "", ""]
    assert not [cell for cell in header + first if cell.startswith(tuple("=+-@")) or not cell.isprintable()]


def test_a_decision_of_many_classes_is_for_or_against_one() -> None:
    at = operate(np.array([True, False]), np.array([0.9, 0.1]), 0.4, "b", "0.4")
    assert decide("abc", np.array([0.5, 0.4, 0.1]), at).says == "b"
    assert decide("abc", np.array([0.6, 0.3, 0.1]), at).says == "not b"
    assert decide("ab", np.array([0.7, 0.3]), at).says == "a"


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


def test_a_rule_without_its_class_is_refused_before_any_run_is_made(cli: Cli, tmp_path: Path) -> None:
    done = cli("train", SAMPLE, "--classes", "COVID,Normal", "--positive", "Nobody", "--out", tmp_path / "runs")
    assert done.returncode == 2 and "--positive" in done.stderr and not (tmp_path / "runs").exists()
    done = cli("train", SAMPLE, "--threshold", "sensitivity=high")
    assert done.returncode == 2 and "sensitivity=0.95" in done.stderr
    assert JudgeConfig(threshold="sensitivity=0.95").rule == ("sensitivity", 0.95)


def test_a_result_that_has_no_room_ends_in_a_sentence(trained: dict[str, Any], tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(trained["run"], run.path)
    (run.path / "test.json").unlink()
    (run.path / "predictions.csv").unlink()
    (run.path / "predictions.csv").mkdir()
    with pytest.raises(RunError, match=r"predictions\.csv can't be written"):
        evaluate_test(run, lambda event: None, Stop())


def test_a_folder_where_the_result_should_be_is_named(trained: dict[str, Any], tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(trained["run"], run.path)
    (run.path / "test.json").unlink()
    (run.path / "test.json").mkdir()
    with pytest.raises(RunError, match=r"test\.json can't be read \(it is a folder, not a file\)"):
        evaluate_test(run, lambda event: None, Stop())


def test_evaluate_shows_every_measure_with_its_interval(trained: dict[str, Any], cli: Cli) -> None:
    shown = cli("evaluate", trained["run"]).stdout
    for word in ("precision", "F1", "MCC", "mean of classes", "calibration: error", "threshold: COVID from"):
        assert word in shown


@pytest.mark.parametrize(
    ("verb", "number", "code"), [("predict", signal.SIGTERM, 143), ("evaluate", signal.SIGINT, 130)]
)
def test_a_signal_ends_the_verb_with_its_own_code(
    trained: dict[str, Any], tmp_path: Path, verb: str, number: signal.Signals, code: int
) -> None:
    """The images are many, so that the signal comes while they are looked at."""
    for label in ("COVID", "Viral Pneumonia"):
        (tmp_path / label).mkdir()
        for n in range(400):
            shutil.copy(SAMPLE / label / "images" / f"{label}-1.png", tmp_path / label / f"{n}.png")
    run, images = str(trained["run"]), str(tmp_path)
    arguments = ["predict", images, "--run", run, "--json"] if verb == "predict" else ["evaluate", run, "--on", images]
    command = [sys.executable, "-c", "from tui.cli import main; main()", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        assert (process.stdout if verb == "predict" else process.stderr).readline()
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == code and "was stopped" in said and "Traceback" not in said
