"""The verb `predict`: how sure an answer may be, and the same numbers in text, JSON and CSV."""

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from engine.base.batch_result import Drift
from engine.base.typed_files import checked
from engine.evaluation.batch_drift import LEAST
from engine.evaluation.calibration import at_temperature, read_calibration
from engine.evaluation.level_likeness import UNCHECKED
from engine.runs.directory import Run
from tests.conftest import SAMPLE, Cli
from tui.words.drift import drift_lines

OWN = SAMPLE / "COVID" / "images" / "COVID-1.png"


@dataclass(frozen=True)
class Answers:
    """What one command says of a photograph, a broken file, a faint X-ray and two that the run was tested on."""

    flower: Path
    faint: Path
    tested: list[dict[str, str]]
    lines: list[dict[str, Any]]
    rows: list[dict[str, str]]

    def line(self, file: Path) -> dict[str, Any]:
        return next(line for line in self.lines if line["file"] == str(file))


@pytest.fixture(scope="module")
def answers(trained: dict[str, Any], cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    folder = tmp_path_factory.mktemp("predicted")
    Image.fromarray(load_sample_image("flower.jpg")).save(folder / "flower.png")
    (folder / "broken.png").write_text("no")
    own = np.asarray(Image.open(OWN).convert("L")).astype(float)
    Image.fromarray((200 + own / 5).clip(0, 255).astype(np.uint8)).save(folder / "faint.png")
    tested = list(csv.DictReader((trained["run"] / "predictions.csv").open()))
    assert len(tested) == 6
    files = (*(folder / name for name in ("flower.png", "broken.png", "faint.png")), SAMPLE / tested[0]["file"])
    done = cli("predict", *files, "--run", trained["run"], "--json", "--csv", folder / "said.csv")
    with (folder / "said.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return Answers(folder / "flower.png", folder / "faint.png", tested, lines, rows)


@pytest.fixture(scope="module")
def shown(trained: dict[str, Any], cli: Cli, answers: Answers) -> tuple[str, str]:
    """What it writes of the photograph and the faint X-ray for people, on both streams."""
    done = cli("predict", answers.flower, answers.faint, "--run", trained["run"])
    return done.stdout, done.stderr


def test_a_prediction_says_how_sure_it_may_be_and_of_what_it_knows_nothing(
    trained: dict[str, Any], answers: Answers, shown: tuple[str, str]
) -> None:
    run, known = Run(trained["run"]), answers.tested[0]
    flower, own = answers.line(answers.flower), answers.line(SAMPLE / known["file"])
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
    assert "unlike anything that the model learnt from" in shown[0] and "calibrated" in shown[0]


def test_the_csv_of_a_prediction_tells_what_its_json_tells(answers: Answers) -> None:
    for row, line in zip(answers.rows, answers.lines, strict=True):
        if "error" in line:
            assert {name: cell for name, cell in row.items() if cell} == line
            continue
        assert row["decision"] == line["decision"]["says"] and row["cautions"] == "; ".join(line["cautions"])
        assert [float(row[name]) for name in line["calibrated"]] == list(line["calibrated"].values())
        own = [float(row[f"uncalibrated {name}"]) for name in line["probabilities"]]
        assert own == list(line["probabilities"].values()) and row["calibrated"] == "yes"
        assert all(float(row[name]) == line[name] for name in ("distance", "distance_limit"))
    flower, broken, *_ = answers.rows
    assert "unlike anything that the model learnt from" in flower["cautions"] and broken["error"]


def test_the_calibrated_probabilities_come_first_in_the_csv_and_stand_in_the_lines(
    answers: Answers, shown: tuple[str, str]
) -> None:
    flower = answers.line(answers.flower)
    assert [*answers.rows[0]][:5] == ["file", "label", *flower["calibrated"], "calibrated"]
    [head] = [line for line in shown[0].splitlines() if line.startswith("file")]
    [row] = [line for line in shown[0].splitlines() if line.startswith(flower["file"])]
    cells = row.removeprefix(flower["file"]).removesuffix(f"{flower['probabilities'][flower['label']]:.3f}")
    assert head.endswith("uncalibrated") and cells != row.removeprefix(flower["file"])
    assert all(f" {share:.4f} " in cells for share in flower["calibrated"].values())


def test_text_json_and_csv_say_with_the_same_numbers_that_an_image_looks_unlike_the_training_images(
    cli: Cli, answers: Answers, shown: tuple[str, str]
) -> None:
    said = answers.line(answers.faint)
    facts = json.loads(cli("inspect", answers.faint, "--json").stdout)
    levels = {one["measure"]: one for one in said["likeness"]["measures"]}
    assert said["likeness"]["unlike"] and levels["mean level"]["unlike"] and not levels["width/height"]["unlike"]
    assert levels["mean level"]["value"] == pytest.approx(facts["mean"], abs=0.01)
    assert levels["sd of levels"]["value"] == pytest.approx(facts["std"], abs=0.01)
    low, high = levels["mean level"]["low"], levels["mean level"]["high"]
    part = f"mean level {facts['mean']:.0f}, usually {low:.0f} to {high:.0f}"
    [caution] = [text for text in said["cautions"] if text.startswith("looks unlike the training images")]
    assert part in caution
    row = answers.rows[answers.lines.index(said)]
    assert row["likeness"] == "unlike" and caution in row["cautions"]
    assert caution in shown[0] and UNCHECKED not in shown[1]


def test_a_run_without_a_reference_says_that_likeness_was_not_checked(
    trained: dict[str, Any], cli: Cli, tmp_path: Path
) -> None:
    shutil.copytree(trained["run"], tmp_path / "old", ignore=shutil.ignore_patterns("reference.npz", "model.keras"))
    done = cli("predict", OWN, "--run", tmp_path / "old", "--json", "--csv", tmp_path / "said.csv")
    assert json.loads(done.stdout)["likeness"] is None and UNCHECKED in done.stderr
    with (tmp_path / "said.csv").open(encoding="utf-8", newline="") as file:
        assert [row["likeness"] for row in csv.DictReader(file)] == ["not checked"]


def test_a_files_prediction_is_the_one_it_got_in_the_evaluation(
    trained: dict[str, Any], cli: Cli, answers: Answers
) -> None:
    """Alone, and among other images than in the evaluation."""
    done = cli("predict", SAMPLE / answers.tested[1]["file"], "--run", trained["run"], "--json")
    assert done.returncode == 0 and "not for diagnosis" in done.stderr
    alone, among = json.loads(done.stdout), answers.line(SAMPLE / answers.tested[0]["file"])
    for row, answer in ((answers.tested[1], alone), (answers.tested[0], among)):
        assert answer["label"] == row["said"] and answer["file"] == str(SAMPLE / row["file"])
        assert answer["probabilities"] == pytest.approx({c: float(row[c]) for c in answer["probabilities"]}, abs=1e-5)


def test_the_classes_that_it_may_have_are_promised_at_a_level(
    trained: dict[str, Any], cli: Cli, tmp_path: Path
) -> None:
    images = [SAMPLE / label / "images" / f"{label}-1.png" for label in ("COVID", "Viral Pneumonia")]
    asked = ("predict", *images, "--run", trained["run"], "--level")
    done = cli(*asked, "0.5", "--risk", "0.2", "--json", "--csv", tmp_path / "x.csv")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and "at least 50.0% have it among the possible ones" in done.stderr
    assert "every answer is refused" in done.stderr and all(line["refused"] for line in lines)
    assert all(line["possible"]["promised"] and line["possible"]["level"] == 0.5 for line in lines)
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["possible"], row["refused"]) for row in rows] == [(line["possible"]["says"], "yes") for line in lines]
    usual = cli(*asked, "0.9")
    assert "0.9 can't be promised: it takes 9 calibration images of each class" in usual.stderr
    assert "COVID or Viral Pneumonia: can't tell" in usual.stdout or "Viral Pneumonia or COVID" in usual.stdout
    for flags in (("--level", "90"), ("--risk", "0")):
        refused = cli("predict", *images, "--run", trained["run"], *flags)
        assert refused.returncode == 2 and flags[0] in refused.stderr


def test_a_folder_is_told_of_as_a_whole(trained: dict[str, Any], cli: Cli, tmp_path: Path) -> None:
    for number in range(LEAST):
        shutil.copy(SAMPLE / "COVID" / "images" / f"COVID-{number + 1}.png", tmp_path)
    done = cli("predict", tmp_path, "--run", trained["run"], "--json")
    *lines, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert last["batch"]["n"] == len(lines) == LEAST and all("file" in line for line in lines)
    batch = checked(last["batch"], Drift)
    assert batch.p is not None and 0 < batch.p <= 1 and batch.unlike and batch.unlike.n == LEAST
    told = " ".join(drift_lines(batch))
    assert f"permutation p = {batch.p:.2g}" in told and "unlike anything that the model learnt from" in told


def test_the_training_images_most_alike_are_named_where_they_are_asked_for(
    trained: dict[str, Any], answers: Answers, cli: Cli
) -> None:
    assert not any("neighbours" in line for line in answers.lines)
    row = next(row for row in csv.DictReader((trained["run"] / "split.csv").open()) if row["part"] == "train")
    done = cli("predict", SAMPLE / row["file"], "--run", trained["run"], "--neighbours", 2, "--json")
    first, second = json.loads(done.stdout)["neighbours"]
    assert (first["file"], first["label"]) == (row["file"], row["class"]) and first["distance"] < 0.05
    assert first["distance"] < second["distance"] < 2
    shown = cli("predict", SAMPLE / row["file"], "--run", trained["run"], "--neighbours", 2).stdout
    assert "most alike in training" in shown and row["file"] in shown and second["file"] in shown
    refused = cli("predict", OWN, "--run", trained["run"], "--neighbours", 51)
    assert refused.returncode == 2 and "--neighbours is 51" in refused.stderr
