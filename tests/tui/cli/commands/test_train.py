"""The main job whole, by the real command: a folder in, a trained and tested model out, and the same again."""

import csv
import json
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.data.split import Split
from engine.evaluation.intervals import exact_interval
from engine.runs.directory import Run
from tests.conftest import SAMPLE, Cli, Start
from tests.makers import small

TEST_KEYS = {"n", "correct", "accuracy", "accuracy_ci", "auc", "baseline", "confusion"}


def epochs_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == "epoch"]


def test_the_last_line_is_the_result(trained: dict[str, Any]) -> None:
    last = trained["events"][-1]
    assert last["event"] == "finished" and last["run"] == str(trained["run"]) and last["epochs"] == 3
    assert {"accuracy", "loss"} <= last["val"].keys() and last["test"].keys() >= TEST_KEYS
    test = last["test"]
    assert test["n"] == 6 and test["accuracy"] == test["correct"] / 6
    assert test["correct"] == sum(row[k] for k, row in enumerate(test["confusion"]))
    assert test["accuracy_ci"] == pytest.approx(exact_interval(test["correct"], 6))
    assert test["baseline"] == 0.5 and last["seconds"] > 0


def test_each_epoch_is_told_and_written_once(trained: dict[str, Any]) -> None:
    told = epochs_of(trained["events"])
    assert [list(event) for event in told] == [
        ["event", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]
    ] * 3
    rows = list(csv.DictReader((trained["run"] / "history.csv").open()))
    assert [{"event": "epoch", **{k: float(v) for k, v in row.items()}} for row in rows] == told
    assert [event["learning_rate"] for event in told] == pytest.approx([1e-4, 9.045085e-05, 6.545085e-05], rel=1e-6)


def test_the_run_directory_holds_what_the_design_promises(trained: dict[str, Any]) -> None:
    names = {path.name for path in trained["run"].iterdir()}
    assert names >= {
        "config.json", "split.csv", "environment.json", "events.jsonl", "history.csv", "train.log",
        "best.weights.h5", "model.keras", "model.json", "test.json", "predictions.csv", "lock", "tensorboard",
    }  # fmt: skip
    run = Run(trained["run"])
    assert run.state() == "finished" and run.config().fit.batch == 8 and run.folder() == SAMPLE
    assert [e.to_dict() for e in run.events()] == trained["events"][-len(list(run.events())) :]


def test_the_source_of_the_weights_is_said(trained: dict[str, Any]) -> None:
    texts = [event["text"] for event in trained["events"] if event["event"] == "notice"]
    assert any(text.startswith("Weights: ImageNet, from the offline extra") for text in texts)
    (few,) = (event for event in trained["events"] if event.get("advice"))
    assert "training steps are planned" in few["text"] and set(few["advice"]) == {"batch", "epochs", "patience"}


def test_tensorboard_files_hold_the_epochs(trained: dict[str, Any]) -> None:
    files = sorted((trained["run"] / "tensorboard").rglob("events.out.tfevents.*"))
    assert [file.parent.name for file in files] == ["train", "validation"]
    from engine.base.runtime import tensorflow

    tf = tensorflow()
    written = {
        (value.tag, record.step): value.simple_value
        for record in tf.compat.v1.train.summary_iterator(str(files[1]))
        for value in record.summary.value
    }
    expected = {("loss", e["epoch"]): e["val_loss"] for e in epochs_of(trained["events"])}
    assert {key: written[key] for key in expected} == pytest.approx(expected)


def test_plain_keras_gets_the_same_from_the_deliverable(trained: dict[str, Any]) -> None:
    """An independent reading: Pillow for the pixels, Keras's own loader (in safe mode) and evaluation for the rest."""
    from engine.base.runtime import tensorflow

    keras = tensorflow().keras
    model = keras.models.load_model(trained["run"] / "model.keras", safe_mode=True)
    split = Split.read(trained["run"] / "split.csv")
    classes = ["COVID", "Viral Pneumonia"]
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    last = trained["events"][-1]
    started = next(event for event in trained["events"] if event["event"] == "started")
    for part, ours in (("validation", last["val"]), ("test", last["test"])):
        rows = [row for row in split.rows if row.part == part]
        pictures = [Image.open(SAMPLE / row.file).resize((224, 224), Image.Resampling.BILINEAR) for row in rows]
        pixels = np.stack([np.asarray(picture.convert("RGB"), np.float32) for picture in pictures])
        loss, accuracy = model.evaluate(pixels, np.array([classes.index(row.label) for row in rows]), verbose=0)
        assert accuracy == pytest.approx(ours["accuracy"])
        # Validation ran in the training's format, on activations kept in float16; the test, as here, in float32.
        validated = 2e-3 if started["precision"] == "float32" else 1e-2
        assert loss == pytest.approx(ours["loss"], rel=validated if part == "validation" else 1e-4)


@pytest.fixture
def small_pictures_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `small_pictures`, for one test of this module, whose others look at `trained`."""
    small.shrink(monkeypatch)


@pytest.mark.slow
@pytest.mark.usefixtures("small_pictures_here")
def test_the_same_command_and_seed_give_the_same_history_and_weights(few: Path, cli: Cli, tmp_path: Path) -> None:
    arguments = ("--train", few, "--augment", "report", "--batch", "8", "--epochs", "2", "--mode", "partial",
                 "--unfreeze", "17", "--views", "1", "--json")  # fmt: skip
    histories, weights = [], []
    for cache in ("one", "two"):  # a cache each, so that the second run can't lean on the first
        done = cli(*arguments, "--out", tmp_path / cache, "--name", "r", COVID_TUI_CACHE=str(tmp_path / cache / "c"))
        assert done.returncode == 0, done.stderr
        lines = epochs_of([json.loads(line) for line in done.stdout.splitlines()])
        histories.append([{k: v for k, v in line.items() if k != "seconds"} for line in lines])
        weights.append(_arrays(tmp_path / cache / "r" / "best.weights.h5"))
    assert histories[0] == histories[1]
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def _arrays(path: Path) -> list[np.ndarray]:
    import h5py

    found: list[np.ndarray] = []
    with h5py.File(path) as file:
        file.visititems(lambda _, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("small_pictures_here")
def test_a_later_run_reuses_a_split(trained: dict[str, Any], cli: Cli, tmp_path: Path) -> None:
    done = cli("--train", SAMPLE, "--classes", "COVID,Viral Pneumonia", "--split", trained["run"] / "split.csv",
               "--seed", "5", "--augment", "none", "--epochs", "1", "--out", tmp_path, "--name", "r")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r" / "split.csv").read_text() == (trained["run"] / "split.csv").read_text()
    assert "test accuracy" in done.stdout and "epoch   1  loss" in done.stderr


@pytest.mark.usefixtures("small_pictures_here")
@pytest.mark.slow  # daily in engine/jobs/test_resume.py, where the run goes on too
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_between_batches_with_the_best_weights_kept(
    few: Path, start: Start, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    arguments = ("--train", few, "--augment", "none", "--epochs", "100000", "--patience", "0", "--batch", "8",
                 "--out", tmp_path, "--name", "r", "--json")  # fmt: skip
    with start(*arguments) as process:
        for line in process.stdout:
            if '"event": "epoch"' in line:
                break
        process.send_signal(number)
        asked = time.monotonic()
        rest = process.stdout.read()
        assert process.wait() == code and time.monotonic() - asked < 30
    assert json.loads(rest.splitlines()[-1])["event"] == "interrupted"
    assert Run(tmp_path / "r").state() == "stopped" and (tmp_path / "r" / "best.weights.h5").is_file()


@pytest.mark.usefixtures("small_pictures_here")
def test_a_hangup_does_not_stop_a_training(few: Path, start: Start, tmp_path: Path) -> None:
    arguments = ("--train", few, "--augment", "none", "--epochs", "15", "--patience", "0", "--batch", "8",
                 "--out", tmp_path, "--name", "r", "--json")  # fmt: skip
    with start(*arguments) as process:
        for line in process.stdout:
            if '"event": "epoch"' in line:
                process.send_signal(signal.SIGHUP)
                break
        last = json.loads(process.stdout.read().splitlines()[-1])
    assert (last["event"], last["epochs"]) == ("finished", 15)
