"""The main job whole: a folder of X-rays in, a trained and tested model out.

A job takes a recipe, an `emit(event)` and a `stop`, and knows no screen. Everything it has to say goes through the run
directory first.
"""

import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import runs
from engine.config import TrainConfig
from engine.dataset import pixels, split
from engine.dataset.scan import Record, Scan, require_trainable, scan
from engine.errors import CovidTuiError, DataError, Stopped
from engine.events import Emit, Failed, Finished, Interrupted, Notice, Started
from engine.files import write_json
from engine.network import classifier as networks
from engine.network.classifier import Classifier
from engine.network.freezing import FreezePlan, plan
from engine.network.weights import pretrained
from engine.results.evaluate import evaluate_test
from engine.results.metrics import judge
from engine.results.predict import save_contract
from engine.runs import Run, RunWriter
from engine.runtime import Choice, cache_dir, choose_precision, device, environment, make_repeatable
from engine.stopping import Stop
from engine.training import loop
from engine.training.sources import Images, PixelSource, choose
from engine.training.tensorboard import also_tensorboard

USUAL_STEPS = 1400
"""Training steps of the report's transfer run: 20 epochs of 70 batches of 64."""
FEW_STEPS = 500
"""Fewer planned steps than this are pointed out, with what to change."""


@dataclass(frozen=True)
class Data:
    """What a training learns from: a scan, and its split into parts."""

    scan: Scan
    split: split.Split

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the labels."""
        return tuple(self.scan.classes)

    def records(self, part: str) -> list[Record]:
        """The records of a part, in the scan's order."""
        chosen = set(self.split.files(part))
        return [record for record in self.scan.records if record.file in chosen]


def train(folder: Path, config: TrainConfig, emit: Emit, stop: Stop) -> Finished | Interrupted:
    """Scan, split, train, keep the best weights and test them; the run directory is made under `config.output.out`.

    Raises a CovidTuiError whose sentence says what is wrong. Once the run exists, a Failed event records it there.
    """
    freeze = plan(config.network)
    data = _data(folder, config, emit, stop)
    with runs.create(folder, config) as writer:
        emit = writer.tee(emit, stop)
        try:
            return _train(data, freeze, config, writer, emit, stop)
        except Stopped as error:
            interrupted = Interrupted(str(writer.run.path), 0, str(error))
            emit(interrupted)
            return interrupted
        except CovidTuiError as error:
            emit(Failed(str(error)))
            raise
        except Exception:
            writer.log(traceback.format_exc())
            emit(Failed("The training met an error of its own; train.log in the run directory has the details."))
            raise


def _data(folder: Path, config: TrainConfig, emit: Emit, stop: Stop) -> Data:
    found = scan(folder, config.data.class_names, emit, stop)
    require_trainable(found)
    if found.problems:
        emit(Notice("warning", f"{len(found.problems)} problems in the folder; `covid-tui scan` lists them."))
    if config.data.split is None:
        return Data(found, split.draw(found, config.data.val_share, config.data.test_share, config.machine.seed))
    reused, notices = split.reuse(config.data.split, found)
    for text in notices:
        emit(Notice("warning", text))
    return Data(found, reused)


def _train(
    data: Data, freeze: FreezePlan, config: TrainConfig, writer: RunWriter, emit: Emit, stop: Stop
) -> Finished | Interrupted:
    started = time.perf_counter()
    run = writer.run
    data.split.write(run.path / "split.csv")
    make_repeatable(config.machine.seed)
    precision = choose_precision(config.machine.precision)
    emit(Notice("info", f"Precision: {precision.precision} ({precision.reason})."))
    write_json(run.path / "environment.json", {**environment(), "device": device(), "precision": precision.precision})
    blank = config.network.weights != "none"
    classifier = networks.build(freeze, len(data.classes), precision.precision, config.machine.seed, blank)
    base_shapes = networks.backbone_shapes(classifier)
    classifier.load(pretrained(config.network.weights, freeze.backbone, base_shapes, emit, stop))
    training, validation = _pixels(data, classifier, config, emit, stop)
    emit(_started(run, data, classifier, config, precision, len(training.images)))
    _point_out_few_steps(len(training.images), config, emit)
    sources = choose(training, validation, precision.precision, cache_dir(), emit, stop)
    watched = also_tensorboard(emit, run.path / "tensorboard") if config.output.tensorboard else emit
    fitted = loop.fit(classifier, *sources, config, watched, stop)
    if fitted.best is None:
        raise Stopped("Stopped before the first epoch was over; there is nothing to keep.")
    save_contract(run, data.classes, classifier)
    if stop.now:
        reason = f"Stopped after {fitted.epochs} epochs; the best weights, of epoch {fitted.best.epoch}, are kept."
        interrupted = Interrupted(str(run.path), fitted.epochs, reason)
        emit(interrupted)
        return interrupted
    shares = np.exp(fitted.logits - fitted.logits.max(axis=1, keepdims=True))
    judged = judge(validation.images.labels, shares / shares.sum(axis=1, keepdims=True), data.classes)
    test = evaluate_test(run, emit, stop)
    finished = Finished(
        run=str(run.path),
        epochs=fitted.epochs,
        seconds=round(time.perf_counter() - started, 2),
        val={**judged.to_dict(), "loss": fitted.best.val_loss},
        test=test,
        best_epoch=fitted.best.epoch,
        ended=fitted.ended,
    )
    emit(finished)
    return finished


def _pixels(
    data: Data, classifier: Classifier, config: TrainConfig, emit: Emit, stop: Stop
) -> tuple[PixelSource, PixelSource]:
    """Training and validation images from the pixel store. The test's pixels stay out of it until the test."""
    records = {part: data.records(part) for part in ("train", "validation")}
    every = [record for part in records.values() for record in part]
    size = classifier.plan.backbone.size
    store, problems = pixels.open_store(data.scan.root, every, size, cache_dir(), emit, stop)
    for problem in problems:
        emit(Notice("warning", f"Left out: {problem.file} ({problem.reason})."))
    sources = []
    for part, found in records.items():
        there = [record for record in found if record.file in store.index]
        if not there:
            raise DataError(f"No image of the {part} part can be read any more: scan {data.scan.root} again.")
        sources.append(PixelSource(Images.of(there, data.classes, store), classifier, store, config))
    return sources[0], sources[1]


def _started(
    run: Run, data: Data, classifier: Classifier, config: TrainConfig, precision: Choice, images: int
) -> Started:
    trainable, frozen = classifier.plan.parameters(len(data.classes))
    return Started(
        run=str(run.path),
        classes=data.classes,
        parts=data.split.counts(),
        mode=config.network.mode,
        trainable=trainable,
        frozen=frozen,
        epochs=config.fit.epochs,
        steps=_steps(images, config.fit.batch),
        precision=precision.precision,
        device=device(),
    )


def _steps(images: int, batch: int) -> int:
    return -(-images // batch)


def _point_out_few_steps(images: int, config: TrainConfig, emit: Emit) -> None:
    """Say so where the recipe, made for thousands of images, takes too few steps on this folder."""
    planned = config.fit.epochs * _steps(images, config.fit.batch)
    if planned >= FEW_STEPS:
        return
    batch = min(config.fit.batch, 16)
    epochs = max(config.fit.epochs, -(-FEW_STEPS // _steps(images, batch)))
    emit(
        Notice(
            "warning",
            f"Only {planned:,} training steps are planned ({config.fit.epochs} epochs of "
            f"{_steps(images, config.fit.batch)} batches); the recipe usually takes about {USUAL_STEPS:,}, so this "
            f"training may end before it has learnt. Try --batch {batch} --epochs {epochs} --patience {epochs // 5}.",
        )
    )
