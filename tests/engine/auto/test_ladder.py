"""A training by the recipe "auto": one table of rungs, one model whatever happened on the way, and no number twice."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.auto.curve import read_curve
from engine.auto.ladder import LADDER_FILE, Ladder
from engine.auto.rungs import LADDER
from engine.auto.tuning import FOLDER
from engine.base.typed_files import typed
from engine.evaluation.evidence import Evidence
from engine.evaluation.predictor import Predictor, read_model
from engine.evaluation.result_files import read_test
from engine.evaluation.saliency import Explainer, explain
from engine.network.classifier import preprocess
from engine.network.heads import REPORT
from engine.recipe.span import seconds_of
from engine.runs.directory import Run
from tests.conftest import AUTO, SAMPLE, Cli, Start
from tests.makers.trainings import events, weights_sha

pytestmark = pytest.mark.usefixtures("small_pictures")

RECIPE = ("--train", SAMPLE, "--classes", "COVID,Viral Pneumonia", *AUTO)


@pytest.fixture(scope="module")
def lines(laddered: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a training in one go."""
    return list(laddered["events"])


@pytest.fixture(scope="module")
def run(lines: list[dict[str, Any]]) -> Run:
    return Run(Path(lines[-1]["run"]))


def test_the_rungs_are_told_as_they_are_judged_and_the_run_keeps_them(lines: list[dict[str, Any]], run: Run) -> None:
    kept = typed(run.path / LADDER_FILE, Ladder)
    shown = [line for line in lines if line["event"] == "rung"]
    assert [rung.name for rung in kept.rungs] == [rung.name for rung in LADDER] == [line["name"] for line in shown]
    assert [rung.accuracy for rung in kept.rungs] == [line["accuracy"] for line in shown]
    assert kept.rungs[0].taken and kept.rungs[kept.chosen - 1].taken
    assert not any(rung.taken for rung in kept.rungs[kept.chosen :])
    for rung in kept.rungs:
        tried = [line for line in lines if line["event"] == "tried" and line["rung"] == rung.number]
        assert any(line["strength"] == rung.strength and line["loss"] == pytest.approx(rung.loss) for line in tried)
    end = lines[-1]
    assert (end["event"], end["ended"], end["unit"]) == ("finished", "ladder", "rung")
    assert (end["epochs"], end["best_epoch"]) == (len(LADDER), kept.chosen)
    assert end["val"]["correct"] == kept.rungs[kept.chosen - 1].correct


def test_a_rung_that_does_not_fit_into_the_budget_is_left_out_and_what_it_needs_is_told(
    lines: list[dict[str, Any]], run: Run
) -> None:
    (told,) = [line for line in lines if line["event"] == "skipped"]
    (kept,) = typed(run.path / LADDER_FILE, Ladder).skipped
    assert (told["number"], told["name"]) == (kept.number, kept.name) == (len(LADDER) + 1, "fine-tuning")
    assert kept.seconds > kept.left == 0
    assert seconds_of(kept.needed, "--budget", "") > kept.seconds
    assert not (run.path / FOLDER).exists()


def test_the_time_that_is_left_is_told_and_falls(lines: list[dict[str, Any]]) -> None:
    left = [line["seconds"] for line in lines if line["event"] == "time_left"]
    assert len(left) >= len(LADDER) and left[-1] < left[0]


def test_the_run_keeps_what_more_images_would_bring_and_says_it(lines: list[dict[str, Any]], run: Run) -> None:
    curve = read_curve(run)
    assert curve and curve.images == lines[-1]["val"]["n"]
    assert any(line.get("text") == f"How many more images? {curve.sentence}" for line in lines)


def test_the_test_part_stays_shut_until_the_end(lines: list[dict[str, Any]], run: Run) -> None:
    with (run.path / "split.csv").open(encoding="utf-8") as file:
        parts = {row["file"]: row["part"] for row in csv.DictReader(file)}
    with (run.path / "validation.csv").open(encoding="utf-8") as file:
        judged = [row["file"] for row in csv.DictReader(file)]
    assert sorted(judged) == sorted(file for file, part in parts.items() if part != "test")
    tasks = [line["task"] for line in lines if line["event"] == "progress"]
    assert set(tasks[tasks.index("test") :]) == {"test"}
    assert lines[-1]["test"]["n"] == sum(part == "test" for part in parts.values())


def test_the_contract_says_what_the_head_reads_and_a_prediction_is_the_evaluation(run: Run) -> None:
    kept = typed(run.path / LADDER_FILE, Ladder)
    head, chosen = read_model(run).head, kept.rungs[kept.chosen - 1]
    assert head != REPORT and (head.reads, head.mirror) == (chosen.reads, chosen.mirror)
    with (run.path / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    predictor = Predictor(run)
    for row, answer in zip(rows, predictor.answers([SAMPLE / row["file"] for row in rows]), strict=True):
        assert not isinstance(answer, Exception)
        for name, share in zip(predictor.classes, answer.probabilities, strict=True):
            assert float(row[name]) == pytest.approx(float(share), abs=1e-5)


def test_keras_answers_as_ncnn_does(run: Run) -> None:
    one, other = Predictor(run), Predictor(run, asked="keras")
    inputs = np.random.default_rng(0).integers(0, 256, (2, *[one.backbone.size] * 2, 3), np.uint8)
    assert other.probabilities(inputs) == pytest.approx(one.probabilities(inputs), abs=1e-4)


def test_the_training_images_lie_within_the_reference(run: Run) -> None:
    predictor = Predictor(run)
    assert predictor.reference
    assert predictor.reference.features.shape[1] == read_model(run).head.width(predictor.backbone)
    found = list(predictor.predict(sorted((SAMPLE / "COVID" / "images").glob("*.png"))[:6]))
    limits = [one.distance <= one.distance_limit for one in found if not isinstance(one, Exception)
              and one.distance is not None and one.distance_limit is not None]  # fmt: skip
    assert len(limits) == 6 and sum(limits) >= 5


def test_killed_and_gone_on_with_it_ends_in_the_same_model(run: Run, start: Start, cli: Cli, tmp_path: Path) -> None:
    with start(*RECIPE, "--out", tmp_path, "--name", "run", "--json") as process:
        next(event for event in events(process) if event["event"] == "rung" and event["number"] == 2)
        process.kill()
        process.communicate()
    killed = Run(tmp_path / "run")
    assert killed.state() == "died"
    done = cli("--train", "--resume", killed.path)
    assert done.returncode == 0, done.stderr
    assert weights_sha(killed.path) == weights_sha(run.path)
    same = [
        [dict(vars(rung), seconds=0) for rung in typed(one.path / LADDER_FILE, Ladder).rungs] for one in (killed, run)
    ]
    assert same[0] == same[1]
    for name in ("predictions.csv", "validation.csv", "calibration.json", "curve.json"):
        assert (killed.path / name).read_bytes() == (run.path / name).read_bytes()


@pytest.mark.slow  # daily with a recipe of the user's own, in engine/training/test_resolved.py
def test_a_run_that_died_after_its_test_says_so_when_it_goes_on(run: Run, cli: Cli, tmp_path: Path) -> None:
    died = Run(shutil.copytree(run.path, tmp_path / "died"))
    *before, _ = (died.path / "events.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (died.path / "events.jsonl").write_text("".join(before), encoding="utf-8")
    assert died.state() == "died"
    done = cli("--train", "--resume", died.path, "--json")
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert any("This run was tested before" in line.get("text", "") for line in told)
    assert weights_sha(died.path) == weights_sha(run.path)


@pytest.mark.slow
def test_without_a_cache_it_is_the_same_model(run: Run, cli: Cli, tmp_path: Path) -> None:
    done = cli(*RECIPE, "--feature-cache", "off", "--out", tmp_path, "--name", "run")
    assert done.returncode == 0, done.stderr
    assert weights_sha(tmp_path / "run") == weights_sha(run.path)


def test_a_ladder_that_was_climbed_has_nothing_to_go_on_with(run: Run, cli: Cli) -> None:
    before = (run.path / "events.jsonl").read_bytes()
    done = cli("--train", "--resume", run.path)
    assert done.returncode == 2 and "has tried all its rungs" in done.stderr
    assert (run.path / "events.jsonl").read_bytes() == before and (run.path / "test.json").is_file()


def test_the_heat_takes_the_answer_apart_into_places(run: Run) -> None:
    predictor, keras = Predictor(run), Predictor(run, asked="keras")
    pictures = np.random.default_rng(0).integers(0, 256, (2, *[predictor.backbone.size] * 2, 3), np.uint8)
    targets = np.array([0, 1])
    evidence = Evidence(predictor)
    depths, slopes, _ = evidence.at_each_depth(pictures, targets)
    maps, logits = evidence.maps(pictures, targets)
    kernel, bias = predictor.linear
    usual = evidence.usual @ kernel + bias
    whole = sum(one.sum(axis=(1, 2)) for one in depths)
    assert whole == pytest.approx(((logits - usual) * slopes).sum(axis=1), rel=1e-3, abs=1e-3)
    as_is = keras.network(preprocess(pictures, keras.backbone), training=False).numpy()
    assert logits == pytest.approx(as_is, rel=1e-3, abs=1e-3)
    assert Evidence(keras).maps(pictures, targets)[0] == pytest.approx(maps, rel=1e-2, abs=1e-3)
    file = sorted((SAMPLE / "COVID" / "images").glob("*.png"))[0]
    found = explain(Explainer(predictor), file)
    assert found.layer == ", ".join(read_model(run).head.reads) and found.heat.max() == 1
    assert explain(Explainer(predictor, "block5_conv3"), file).heat.max() == 1


def test_devices_that_it_can_not_use_are_refused_at_once(cli: Cli, tmp_path: Path) -> None:
    done = cli(*RECIPE, "--devices", "cpu:2", "--out", tmp_path)
    assert done.returncode == 2 and "--recipe auto trains on one device" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_class_of_three_images_works(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for name, count in (("COVID", 20), ("Normal", 20), ("Viral Pneumonia", 3)):
        (folder / name).mkdir(parents=True)
        for file in sorted((SAMPLE / name / "images").glob("*.png"))[:count]:
            shutil.copy(file, folder / name)
    done = cli("--train", folder, "--recipe", "auto", "--out", tmp_path / "runs", "--name", "run")
    assert done.returncode == 0, done.stderr
    assert typed(tmp_path / "runs" / "run" / LADDER_FILE, Ladder).folds == 5
    (unknown,) = [line for line in done.stderr.splitlines() if "can't be known" in line]
    assert unknown == (
        'warning: How well "Viral Pneumonia" is recognised can\'t be known: of its 2 pictures to learn from not each '
        "of the 5 folds has one, and 1 right of 1 test image would still mean a sensitivity of anywhere from 2.5% to "
        "100%."
    )
    rare = read_test(Run(tmp_path / "runs" / "run")).classes["Viral Pneumonia"]
    assert rare.n == 1 and rare.sensitivity_ci
    low, high = rare.sensitivity_ci
    assert high - low > 0.97
