"""Run directories made without a training: results judged by the engine from given answers, or a model with weights."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.auto.curve import CURVE_FILE, Expected, LearningCurve, Point
from engine.base.events import Epoch, Finished, Rung, Tried
from engine.base.files import write_json
from engine.base.result import Tested, Validated
from engine.base.typed_files import plain
from engine.data.records import Row
from engine.data.split import Split
from engine.evaluation.calibration import operate
from engine.evaluation.evaluate import keep_predictions
from engine.evaluation.intervals import exact_interval
from engine.evaluation.metrics import judge
from engine.network.freezing import plan
from engine.recipe.config import DataConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.runs import directory
from engine.runs.directory import CONFIG, Run
from engine.runs.event_log import FILE
from engine.runs.writer import RunWriter, create
from tests.makers import fake

CLASSES = ("COVID", "Viral Pneumonia")
Line = tuple[str, str, list[float]]


def finished_run(
    out: Path,
    name: str,
    folder: Path,
    lines: Sequence[Line],
    classes: Sequence[str] = CLASSES,
    threshold: float | None = None,
) -> Run:
    """A finished run whose test gave these lines: file below `folder`, true class, probabilities; the first class is
    said from a `threshold` on, where one is given.
    """
    config = TrainConfig(data=DataConfig(classes=""), output=OutputConfig(out=out, name=name))
    with create(folder, config) as writer:
        run = writer.run
        Split(tuple(Row(file, label, "test") for file, label, _ in lines)).write(run.path / "split.csv")
        labels = np.array([list(classes).index(label) for _, label, _ in lines])
        shares = np.array([own for _, _, own in lines])
        found = operate(labels == 0, shares[:, 0], threshold, classes[0], "fixed") if threshold is not None else None
        test = Tested(**vars(judge(labels, shares, classes)), operating=found)
        keep_predictions(run.path / "predictions.csv", classes, lines)
        write_json(run.path / "test.json", plain(test))
        writer.append(fake.started(str(run.path), 2))
        for epoch in (1, 2):
            writer.append(Epoch(epoch, 1 / epoch, 0.8, 1.1 / epoch, 0.9, 1e-4, 1.0))
        val = Validated(**{**vars(judge(labels, shares, classes)), "loss": 0.2})
        writer.append(Finished(str(run.path), 2, 2.0, val, test, 2, "all epochs"))
    return run


def rung(number: int, correct: int, n: int, taken: bool, gain: float | None = None) -> Rung:
    """A rung of the recipe "auto"."""
    name = ("last layer", "several depths", "places", "mirror image")[number - 1]
    share, ends = correct / n, exact_interval(correct, n)
    around = None if gain is None else (gain - 0.02, gain + 0.02)
    return Rung(
        number, name, ("block4_pool", "block5_pool"), number > 2, number > 3, 0.1, n, correct, share, ends,
        1.2 - share, gain, around, taken, 2.0,
    )  # fmt: skip


def curve() -> LearningCurve:
    """A learning curve of 100 images."""
    points = tuple(Point(size, 1 - 0.9 * size**-0.5) for size in (20, 28, 40, 57, 80))
    law = tuple(
        Expected(round(100 * 2 ** (step / 2)), 0.91 + 0.01 * step, (0.88 + 0.01 * step, 0.93 + 0.01 * step))
        for step in range(-4, 5)
    )
    return LearningCurve(100, 3, points, law)


def ladder_run(out: Path, name: str, folder: Path, lines: Sequence[Line]) -> Run:
    """A finished run of the recipe "auto" whose second of four rungs is kept."""
    run = finished_run(out, name, folder, lines)
    config = json.loads((run.path / CONFIG).read_text(encoding="utf-8"))
    write_json(run.path / CONFIG, {**config, "choice": {"recipe": "auto"}})
    end = run.finished()
    assert end
    write_json(run.path / CURVE_FILE, plain(curve()))
    begun = replace(fake.started(str(run.path), 4), mode="auto", steps=1, phases=(), patience=None)
    (run.path / FILE).unlink()
    with RunWriter(run, again=True) as writer:
        writer.append(begun)
        rungs = [rung(1, 80, 100, True), rung(2, 95, 100, True, 0.15), rung(3, 94, 100, False, -0.01),
                 rung(4, 96, 100, False, 0.01)]  # fmt: skip
        for one in rungs:
            for strength in (1.0, 0.1):
                writer.append(Tried(one.number, strength, one.accuracy, 0.03, one.loss))
            writer.append(one)
        writer.append(replace(end, epochs=4, best_epoch=2, seconds=9.0, ended="ladder", unit="rung"))
    return run


def answers(folder: Path, classes: Sequence[str] = CLASSES) -> list[Line]:
    """Lines for every image of `folder`; the first of each class is a sure mistake, the second a doubtful hit."""
    lines: list[Line] = []
    for place, label in enumerate(classes):
        below = folder / label / "images" if (folder / label / "images").is_dir() else folder / label
        for number, path in enumerate(sorted(below.iterdir(), key=lambda p: (len(p.name), p.name))):
            right = 0.05 + 0.01 * place if number == 0 else 0.6 if number == 1 else 0.98
            shares = [(1 - right) / (len(classes) - 1)] * len(classes)
            shares[place] = right
            lines.append((path.relative_to(folder).as_posix(), label, shares))
    return lines


def model_run(out: Path, name: str, folder: Path, classes: Sequence[str] = CLASSES, backbone: str = "vgg16") -> Run:
    """A run with a real model of random weights, that learnt from the images of `folder`."""
    from engine.evaluation.predictor import MODEL
    from engine.network.classifier import build

    network = NetworkConfig(backbone=backbone, weights="none")  # type: ignore[arg-type]
    freeze = plan(network)
    config = TrainConfig(network=network, output=OutputConfig(out=out, name=name))
    with create(folder, config) as writer:
        rows = tuple(Row(file, label, "train") for file, label, _ in answers(folder, classes))
        Split(rows).write(writer.run.path / "split.csv")
        side, preprocessing = freeze.backbone.size, freeze.backbone.preprocessing
        contract = {"classes": list(classes), "backbone": backbone, "input": [side, side, 3]}
        write_json(writer.run.path / MODEL, {**contract, "preprocessing": preprocessing})
        build(freeze, len(classes), "float32", seed=1).save_weights(writer.run.path / directory.WEIGHTS)
    return writer.run


def keep_reference(run: Run, folder: Path, classes: Sequence[str] = CLASSES, images: int = 12) -> None:
    """Let the run know how so many of the images of each class in `folder` look, as a training does."""
    from engine.data.scan import scan
    from engine.evaluation.predictor import Answer, Predictor
    from engine.evaluation.training_reference import write_reference

    every = scan(folder, tuple(classes)).records
    shas, split = {record.file: record.sha for record in every}, run.path / directory.SPLIT
    Split(tuple(replace(row, sha=shas.get(row.file, "")) for row in Split.read(split).rows)).write(split)
    records = [record for label in classes for record in [one for one in every if one.label == label][:images]]
    said = list(Predictor(run).answers([folder / record.file for record in records]))
    features = [answer.features for answer in said if isinstance(answer, Answer)]
    write_reference(run, np.stack(features), records)


def kept_sweep(path: Path, folder: Path) -> None:
    """The sweep kept beside the tests, copied to `path` as if it had been trained there on the images of `folder`."""
    shutil.copytree(Path(__file__).parent / "data" / "sweep", path)
    for file in path.glob("*/config.json"):
        config = json.loads(file.read_text())
        config["folder"], config["output"]["out"] = str(folder), str(path)
        config["data"]["split"] = str(path / "split.csv")
        file.write_text(json.dumps(config))
