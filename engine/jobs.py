"""The main job whole: a folder of X-rays in, a trained and tested model out.

A job takes a recipe, an `emit(event)` and a `stop`, and knows no screen. Everything it has to say goes through the run
directory first.
"""

import dataclasses
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import runs
from engine.config import TrainConfig
from engine.dataset import pixels, split
from engine.dataset.confounding import confounding
from engine.dataset.scan import Record, Scan, require_trainable, scan
from engine.errors import CovidTuiError, DataError, RunError, Stopped, WeightsError
from engine.events import Emit, Failed, Finished, Interrupted, Notice, Resumed, Started
from engine.files import write_json
from engine.network.classifier import Classifier, under, with_first_weights
from engine.network.freezing import FreezePlan, plan
from engine.results.answers import Predictions
from engine.results.calibration import CALIBRATION, calibrate, softmax
from engine.results.evaluate import evaluate_test, forget_test, keep_validation
from engine.results.metrics import judge
from engine.results.predict import save_contract
from engine.results.reference import save_reference
from engine.runs import SPLIT, Run, RunWriter
from engine.runtime import Choice, cache_dir, choose_precision, device, environment, make_repeatable
from engine.stopping import Stop
from engine.training import checkpoint, loop, lrfind
from engine.training.guide import MOST, Guide, probed, pulls
from engine.training.phases import phases, sentence
from engine.training.sources import Images, PixelSource, Source, choose, is_full_disk
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


def train(
    folder: Path, config: TrainConfig, emit: Emit, stop: Stop, data: Data | None = None
) -> Finished | Interrupted:
    """Scan, split, train, keep the best weights and test them; the run directory is made under `config.output.out`.

    `data` is the folder's, where it was scanned and split as the recipe says before. Raises a CovidTuiError whose
    sentence says what is wrong. Once the run exists, a Failed event records it there.
    """
    phases(config)  # what is wrong with the recipe is told before the folder is scanned
    runs.plain_name(config)
    data = data or scanned(folder, config, emit, stop)
    config.judge.positive_among(data.classes)
    with runs.create(folder, config) as writer:
        return _told(writer, emit, stop, lambda emit: _train(data, config, writer, emit, stop))


def find_rate(
    folder: Path, config: TrainConfig, emit: Emit, stop: Stop, wanted: lrfind.Range | None = None
) -> lrfind.RangeTest:
    """The learning rate that a training of this recipe on this folder would find with --lr auto. Makes no run.

    Raises a CovidTuiError as `train` does, Stopped among them.
    """
    first = phases(config)[0]
    classifier, _, sources, _ = _without_a_run(folder, config, first.plan, emit, stop)
    return lrfind.range_test(classifier, sources[0], config, emit, stop, wanted)


def resume(
    run: Run, config: TrainConfig, emit: Emit, stop: Stop, folder: Path | None = None, data: Data | None = None
) -> Finished | Interrupted:
    """Go on with a run that died or was stopped, or train a finished one for more epochs, as if it had never ended.

    `config` is the run's own, but for the fields in `engine.config.RESUMABLE`; `folder` is where its images are now,
    should they have moved, and `data` what is in it and in the run's split, where that is known. Raises as `train`
    does, RunError where another process trains the run, and ConfigError for another recipe.
    """
    folder, own = folder or run.folder(), run.config().output
    config = dataclasses.replace(config, output=dataclasses.replace(config.output, out=own.out, name=own.name))
    with runs.reopen(run, config) as writer:

        def go_on(emit: Emit) -> Finished | Interrupted:
            writer.keep_config(config, folder)
            manifest = run.path / SPLIT
            wanted = dataclasses.replace(config.data, split=manifest) if manifest.is_file() else config.data
            own = dataclasses.replace(config, data=wanted)
            found = data or scanned(folder, own, emit, stop, manifest.is_file())
            return _train(found, config, writer, emit, stop, resumed=True)

        return _told(writer, emit, stop, go_on)


def guide(folder: Path, config: TrainConfig, emit: Emit, stop: Stop) -> Guide:
    """Which blocks of the recipe's backbone the folder's training images pull at hardest. Writes no run.

    Raises as `train` does, and Stopped.
    """
    network = dataclasses.replace(config.network, mode="transfer", unfreeze="")
    config = dataclasses.replace(config, network=network, augment=dataclasses.replace(config.augment, augment="none"))
    classifier, pixels, sources, precision = _without_a_run(folder, config, plan(network), emit, stop)
    accuracy = probed(classifier, sources, config, emit, stop)
    return Guide(pulls(classifier, pixels, precision, emit, stop), accuracy, min(MOST, len(pixels.images)))


def _without_a_run(
    folder: Path, config: TrainConfig, freeze: FreezePlan, emit: Emit, stop: Stop
) -> tuple[Classifier, PixelSource, tuple[Source, Source], str]:
    """What a training of the recipe would begin with, where none is to be kept.

    The network with `freeze`'s layers trainable, the training pixels, what trains and validates it, and the precision.
    """
    data = scanned(folder, config, emit, stop)
    make_repeatable(config.machine.seed)
    precision = choose_precision(config.machine.precision).precision
    classifier = with_first_weights(config.network, len(data.classes), precision, config.machine.seed, emit, stop)
    classifier = under(classifier, freeze)
    training, validation = _pixels(data, classifier, config, emit, stop)
    return classifier, training, choose(training, validation, precision, cache_dir(), emit, stop), precision


def _told(
    writer: RunWriter, emit: Emit, stop: Stop, work: Callable[[Emit], Finished | Interrupted]
) -> Finished | Interrupted:
    """Do `work` with an `emit` that writes to the run first; however it ends, its last event says so there."""
    emit = writer.tee(emit, stop)
    try:
        return work(emit)
    except Stopped as error:
        interrupted = Interrupted(str(writer.run.path), len(writer.run.epochs()), str(error))
        emit(interrupted)
        return interrupted
    except CovidTuiError as error:
        emit(Failed(str(error)))
        raise
    except Exception as error:
        if isinstance(error, OSError) and is_full_disk(error):
            full = RunError(
                f"{writer.run.path} or the cache can't be written ({os.strerror(error.errno or 0)}): make room, then "
                f"covid-tui --train --resume {writer.run.path} goes on."
            )
            emit(Failed(str(full)))
            raise full from error
        writer.log(traceback.format_exc())
        emit(Failed("The training met an error of its own; train.log in the run directory has the details."))
        raise


def scanned(folder: Path, config: TrainConfig, emit: Emit, stop: Stop, gone_ok: bool = False) -> Data:
    """The folder's images and the recipe's split of them.

    Of a run that goes on, whose split is written, no more is told than what changed.
    """
    wanted = config.data
    near = wanted.near_duplicates and not gone_ok
    found = scan(folder, wanted.class_names, emit, stop, wanted.follow_links, near)
    require_trainable(found)
    if found.problems:
        emit(Notice("warning", f"{len(found.problems)} problems in the folder; `covid-tui scan` lists them."))
    if not gone_ok:
        for text in confounding(found).alarms:
            emit(Notice("warning", text, "confounding"))
    chosen, notices = split.for_recipe(found, wanted, config.machine.seed, gone_ok)
    for notice in notices:
        emit(notice)
    return Data(found, chosen)


def _train(
    data: Data, config: TrainConfig, writer: RunWriter, emit: Emit, stop: Stop, resumed: bool = False
) -> Finished | Interrupted:
    started = time.perf_counter()
    run = writer.run
    if not (run.path / SPLIT).is_file():
        data.split.write(run.path / SPLIT)
    make_repeatable(config.machine.seed)
    precision = _precision(run, config, emit)
    classes, seed = len(data.classes), config.machine.seed
    classifier = with_first_weights(config.network, classes, precision.precision, seed, emit, stop)
    training, validation = _pixels(data, classifier, config, emit, stop)
    if not resumed:
        data = _as_decoded(data, training.store.files, run)
    emit(_started(run, data, classifier, config, precision, len(training.images)))
    _point_out_few_steps(len(training.images), config, emit)
    point = _resume_point(writer, classifier, config, emit) if resumed else None
    fitted, classifier, source = _fit((training, validation), config, precision.precision, writer, emit, stop, point)
    go_on = f"covid-tui --train --resume {run.path} goes on"
    if fitted.best is None:
        raise Stopped(f"Stopped before the first epoch was over; {go_on}.")
    save_contract(run, data.classes, classifier)
    if stop.now:
        kept = f"the best weights, of epoch {fitted.best.epoch}, are kept"
        raise Stopped(f"Stopped after {fitted.epochs} epochs; {kept}, and {go_on}.")
    probabilities = softmax(fitted.logits)
    judged = judge(validation.images.labels, probabilities, data.classes)
    learnt = calibrate(validation.images.labels, fitted.logits, data.classes, config.judge)
    write_json(run.path / CALIBRATION, learnt.to_dict())
    save_reference(run, source, classifier, data.records("train"), emit, stop)
    keep_validation(run, _validated(data, validation, probabilities))
    test = evaluate_test(run, emit, stop) if config.judge.test else None
    finished = Finished(
        run=str(run.path),
        epochs=fitted.epochs,
        seconds=round(time.perf_counter() - started + (point.seconds if point else 0), 2),
        val={**judged.to_dict(), "loss": fitted.best.val_loss},
        test=test,
        best_epoch=fitted.best.epoch,
        ended=fitted.ended,
    )
    emit(finished)
    return finished


def _fit(
    images: tuple[PixelSource, PixelSource],
    config: TrainConfig,
    precision: str,
    writer: RunWriter,
    emit: Emit,
    stop: Stop,
    point: checkpoint.Point | None,
) -> tuple[loop.Fitted, Classifier, Source]:
    """Train the recipe's phases, or what is left of them after `point`: how it ended, with which network and source."""
    every, run = phases(config), writer.run
    if len(every) > 1 or config.fit.layer_decay != 1:
        emit(Notice("info", sentence(every, config)))
    watched = also_tensorboard(emit, run.path / "tensorboard") if config.output.tensorboard else emit
    keeper = checkpoint.Keeper(run.path, config.output.checkpoint_minutes)
    fitted: loop.Fitted | None = None
    for number in range(int(point.facts.get("phase", 0)) if point else 0, len(every)):
        classifier = under(images[0].classifier, every[number].plan)
        pixels = [dataclasses.replace(part, classifier=classifier) for part in images]
        train, validation = choose(pixels[0], pixels[1], precision, cache_dir(), emit, stop)
        if config.fit.lr == "auto":
            config = _with_found_rate(classifier, train, config, writer, emit, stop)
        facts = {**_facts(classifier, train, config), "phase": str(number)}
        if point:
            _require_same(point, facts, run, config, emit)
        args = config, watched, stop, keeper, facts, point, every[number], fitted
        fitted, point = loop.fit(classifier, train, validation, *args), None
        if fitted.ended == "stopped":
            break
    assert fitted is not None
    return fitted, classifier, train


def _with_found_rate(
    classifier: Classifier, training: Source, config: TrainConfig, writer: RunWriter, emit: Emit, stop: Stop
) -> TrainConfig:
    """The recipe with the learning rate that the range test finds, which the run keeps, so that a resume has the same.

    The notice is in the run before the recipe is: a run killed between the two finds the same rate once more.
    """
    found = lrfind.range_test(classifier, training, config, emit, stop)
    emit(Notice("info", f"Learning rate {found.rate:g}: {lrfind.RULE}, over {len(found.sweeps)} orders of the images."))
    config = dataclasses.replace(config, fit=dataclasses.replace(config.fit, lr=found.rate))
    writer.keep_config(config, writer.run.folder())
    return config


def _validated(data: Data, validation: PixelSource, probabilities: np.ndarray) -> Predictions:
    """The answers of the best epoch's weights to the validation images, as they stand in `validation`."""
    files = [record.file for record in data.records("validation") if record.file in validation.store.index]
    return Predictions(data.classes, tuple(files), validation.images.labels, probabilities)


def _precision(run: Run, config: TrainConfig, emit: Emit) -> Choice:
    """The number format to compute in: the run's own, where it was begun before, whatever is fastest here."""
    record = run.path / "environment.json"
    if record.is_file():
        return Choice(str(run.read_json(record.name).get("precision")), "as the run began")
    chosen = choose_precision(config.machine.precision)
    emit(Notice("info", f"Precision: {chosen.precision} ({chosen.reason})."))
    write_json(record, {**environment(), "device": device(), "precision": chosen.precision})
    return chosen


def _facts(classifier: Classifier, training: Source, config: TrainConfig) -> dict[str, str]:
    """What a resumed training must find as it was."""
    kept = config.machine.feature_dtype if training.network is not classifier.model else "none"
    images = zip(training.images.shas, training.images.labels, strict=True)
    return {
        "frozen weights": checkpoint.digest(value.numpy().tobytes() for value in classifier.frozen_variables),
        "training images": checkpoint.digest(f"{sha} {label}\n".encode() for sha, label in images),
        "kept activations": kept,
    }


def _resume_point(
    writer: RunWriter, classifier: Classifier, config: TrainConfig, emit: Emit
) -> checkpoint.Point | None:
    """The newest whole resume point, the run's history put back to it; None where the run must begin anew."""
    trained = [under(classifier, phase.plan).trainable_variables for phase in phases(config)]
    shapes = [{"trained": [tuple(variable.shape) for variable in variables]} for variables in trained]
    point, damages = checkpoint.newest(writer.run.path / checkpoint.FOLDER, *shapes)
    for damage in damages:
        emit(Notice("warning", f"The resume point {damage.file} is damaged ({damage.reason}): it is passed over."))
    writer.rewind(point.history if point else ())
    at = point.position if point else checkpoint.Position(1)
    emit(Resumed(at.epoch, at.step))
    if at.epoch <= config.fit.epochs and forget_test(writer.run):
        emit(
            Notice(
                "warning",
                "This run was tested before: whoever trains on with that result in mind will find the next too good.",
            )
        )
    return point


def _require_same(point: checkpoint.Point, facts: dict[str, str], run: Run, config: TrainConfig, emit: Emit) -> None:
    """Warn of what is not as it was at the point. Raises WeightsError where the frozen weights are others."""
    for name, value in point.facts.items():
        if value == facts.get(name):
            continue
        if name == "frozen weights":
            raise WeightsError(
                f"The frozen weights from {config.network.weights} are not those that {run.name} began with: "
                "put the former weights back to go on."
            )
        emit(Notice("warning", f"The {name} are not what they were: the result will not be exactly that of one go."))


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


def _as_decoded(data: Data, decoded: tuple[str, ...], run: Run) -> Data:
    """The data without what vanished or changed since the scan; the run's manifest then lacks it too."""
    there = set(decoded)
    rows = tuple(row for row in data.split.rows if row.part == "test" or row.file in there)
    if len(rows) == len(data.split.rows):
        return data
    kept = split.Split(rows)
    kept.write(run.path / SPLIT)
    return dataclasses.replace(data, split=kept)


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
