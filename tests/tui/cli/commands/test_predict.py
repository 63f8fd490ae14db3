"""The verb `predict`: how sure an answer may be, and the same numbers in text, JSON and CSV."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from engine.evaluation.calibration import at_temperature, read_calibration
from engine.evaluation.level_likeness import UNCHECKED
from engine.runs.directory import Run
from tests.conftest import SAMPLE, Cli


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


def test_a_files_prediction_is_the_one_it_got_in_the_evaluation(trained: dict[str, Any], cli: Cli) -> None:
    rows = list(csv.DictReader((trained["run"] / "predictions.csv").open()))
    assert len(rows) == 6
    for row in rows[:2]:  # one at a time: another batch than in the evaluation
        done = cli("predict", SAMPLE / row["file"], "--run", trained["run"], "--json")
        assert done.returncode == 0 and "not for diagnosis" in done.stderr
        answer = json.loads(done.stdout)
        assert answer["label"] == row["said"] and answer["file"] == str(SAMPLE / row["file"])
        assert answer["probabilities"] == pytest.approx({c: float(row[c]) for c in answer["probabilities"]}, abs=1e-5)
