"""The part of a job that trains: first weights, resume point, and the recipe's phases one after the other."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from engine.base.engines import INSTALL, EngineName, ncnn_fault
from engine.base.errors import RunError, WeightsError
from engine.base.events import Doing, Emit, Notice, Resumed, Started, Stretch
from engine.base.files import write_json
from engine.base.language import marked, tr, trn
from engine.base.number_format import Precision
from engine.base.runtime import Environment, cache_dir, device, environment, make_repeatable
from engine.base.typed_files import Positive, plain, typed
from engine.base.wording import counted
from engine.data.image.formats import PIXEL_RULES, known_pixel_rules
from engine.network.classifier import Classifier, under, with_first_weights
from engine.recipe.config import TrainConfig
from engine.runs.directory import CORRECTIONS, ENVIRONMENT, SPLIT, Run
from engine.training import checkpoint, loop, lr_range_test
from engine.training.ahead import Counts, ahead, expected, missing_of
from engine.training.arithmetic import Arithmetic, fastest
from engine.training.batches import PixelSource, Source, at_hand, choose, stored_format
from engine.training.data import Data, as_decoded, pixel_sources
from engine.training.phases import Phase, sentence
from engine.training.resolved import Resolved
from engine.training.run_context import RunContext
from engine.training.tensorboard import also_tensorboard

USUAL_STEPS = 1400
"""Training steps of the report's transfer run: 20 epochs of 70 batches of 64."""
FEW_STEPS = 500
"""Fewer planned steps than this are pointed out, with what to change."""


@dataclass(frozen=True)
class Done:
    """A fitted network, with what it was fitted and validated on."""

    fitted: loop.Fitted
    classifier: Classifier
    data: Data
    """The data given, less what could not be read any more."""
    source: Source
    validation: PixelSource
    before: float
    """Seconds of fitting before a resume."""


def fit(data: Data, recipe: Resolved, work: RunContext, resumed: bool) -> Done:
    """Train the recipe from its first weights on, or from the newest resume point of the run.

    It is the part of a training that every worker does; what the workers tell each other, they do in one order.
    Raises a CovidTuiError whose sentence says what is wrong.
    """
    config, classes, joined, context = recipe.config, len(data.classes), work.devices, work.context
    make_repeatable(config.machine.seed)
    chosen = choose_arithmetic(work, recipe, data.scan.pixel_rules)
    precision = chosen.precision
    if joined.seat.chief:
        joined.from_chief(_brief(data, work.run, config, chosen, resumed))
    work.emit(Doing(tr("building the network")))
    with joined.scope():
        weights, seed = config.network.weights, config.machine.seed
        classifier = with_first_weights(recipe.plan, weights, classes, precision, seed, context)
    classifier = dataclasses.replace(classifier, engine=chosen.engine)
    training, validation = joined.meet(context.stop, lambda: pixel_sources(data, classifier, config, context))
    if not resumed:
        data = as_decoded(data, training.store.files, work.run)
    point = _resume_point(work, classifier, recipe) if resumed else None
    work.emit(_started(work, data, recipe, chosen, len(training.images)))
    _point_out_few_steps(len(training.images), config, work.emit)
    if resumed and joined.seat.chief:
        go_back(point, work, config)
    tested = len(data.split.files("test")) if config.judge.test else 0
    fitted, classifier, source = _phases((training, validation), recipe, precision, work, point, tested)
    return Done(fitted, classifier, data, source, validation, point.seconds if point else 0.0)


def _phases(
    images: tuple[PixelSource, PixelSource],
    recipe: Resolved,
    precision: str,
    work: RunContext,
    point: checkpoint.Point | None,
    tested: int,
) -> tuple[loop.Fitted, Classifier, Source]:
    """Train the recipe's phases, or what is left of them after `point`: how it ended, with which network and source.

    So many images are tested afterwards.
    """
    every, run, output = recipe.phases, work.run, recipe.config.output
    counts = Counts(len(images[0].images), len(images[1].images), tested)
    if len(every) > 1 or recipe.config.fit.layer_decay != 1:
        work.emit(Notice("info", sentence(every, recipe.config)))
    watched = also_tensorboard(work.context, run.path / "tensorboard") if output.tensorboard else work.context
    keeper = checkpoint.Keeper(run.path, output.checkpoint_minutes) if work.devices.seat.chief else None
    fitted: loop.Fitted | None = None
    first = _phase(point, run, len(every)) if point else 0
    kept = [
        None if place == first else expected(*_under(images, phase), precision, cache_dir())
        for place, phase in enumerate(every)
    ]
    for number in range(first, len(every)):
        pixels = _under(images, every[number])
        classifier = pixels[0].classifier
        train, validation = choose(pixels[0], pixels[1], precision, cache_dir(), work.context)
        kept[number] = missing_of(train, validation)
        work.emit(ahead(recipe, counts, kept, point.position.epoch if point else every[number].first))
        facts = {**_facts(classifier, train), "phase": str(number)}
        for name in ("training images", "frozen weights"):
            work.devices.require_same(name, facts[name])
        if recipe.config.fit.lr == "auto":
            work.emit(Doing(tr("looking for a learning rate")))
            recipe = _with_found_rate(classifier, train, recipe, work)
        if point:
            _require_same(point, facts, work, recipe.config)
        stage = loop.Stage(every[number], fitted, point, keeper, facts, work.devices)
        fitted, point = loop.fit(classifier, train, validation, recipe.config, watched, stage), None
        if fitted.ended == "stopped":
            break
    assert fitted is not None
    # A stop ends every filling of the cache: what is looked at once more after one must not wait for that.
    return fitted, classifier, at_hand(train) if fitted.ended == "stopped" else train


def _under(images: tuple[PixelSource, PixelSource], phase: Phase) -> tuple[PixelSource, PixelSource]:
    """The same images for the layers of a phase."""
    classifier = under(images[0].classifier, phase.plan)
    train, validation = (dataclasses.replace(part, classifier=classifier) for part in images)
    return train, validation


def pixel_rules_of(run: Run) -> int:
    """The rules by which files become pixels for the run: those that its training began with. Raises RunError."""
    record = run.path / ENVIRONMENT
    return known_pixel_rules(typed(record, Environment).reading, record) if record.is_file() else PIXEL_RULES


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What the chief tells the other workers before all else."""

    config: TrainConfig
    folder: Path
    """Of the images."""
    split: str
    """The text of split.csv."""
    corrections: str
    """The text of corrections.csv; empty where there are none."""
    precision: str
    engine: EngineName
    reading: Positive
    resumed: bool


def _brief(data: Data, run: Run, config: TrainConfig, chosen: Arithmetic, resumed: bool) -> bytes:
    brief = Brief(
        config=config,
        folder=data.scan.root.absolute(),
        split=(run.path / SPLIT).read_text(encoding="utf-8"),
        corrections=(run.path / CORRECTIONS).read_text(encoding="utf-8") if data.corrections else "",
        precision=chosen.precision,
        engine=chosen.engine,
        reading=data.scan.pixel_rules,
        resumed=resumed,
    )
    return json.dumps(plain(brief)).encode()


def _with_found_rate(classifier: Classifier, training: Source, recipe: Resolved, work: RunContext) -> Resolved:
    """The recipe with the learning rate that the range test finds, which the run keeps, so that a resume has the same.

    The notice is in the run before the recipe is: a run killed between the two finds the same rate once more.
    """
    found = lr_range_test.range_test(classifier, training, recipe, work.context, devices=work.devices)
    work.emit(
        Notice(
            "info",
            tr(
                "Learning rate {rate:g}: {rule}, over {orders} of the images.",
                rate=found.rate,
                rule=lr_range_test.RULE,
                orders=counted(len(found.sweeps), "order"),
            ),
        )
    )
    recipe = recipe.at(found.rate)
    work.writer.keep_config(recipe.config, work.run.folder())
    return recipe


def choose_arithmetic(work: RunContext, recipe: Resolved, reading: int) -> Arithmetic:
    """The run's own number format and engine, where it was begun before; else whatever is fastest here, written down.

    Raises RunError where the run can't go on with what it began with.
    """
    record = work.run.path / ENVIRONMENT
    if before := begun_with(work.run):
        return before
    chosen = fastest(recipe.config.machine, (phase.plan for phase in recipe.phases), work.emit)
    trained = work.devices.told or device()
    there = dataclasses.replace(
        environment(), device=trained, precision=chosen.precision, frozen_engine=chosen.engine, reading=reading
    )
    write_json(record, there.to_dict())
    return chosen


def begun_with(run: Run) -> Arithmetic | None:
    """How the run's training computes since it began; None where it was killed before it knew. Raises RunError where
    it can't go on so here.
    """
    record = run.path / ENVIRONMENT
    if not record.is_file():
        return None
    before = typed(record, Environment)
    if before.precision not in get_args(Precision):
        raise RunError(tr("{record} does not say in which number format the run began: train anew.", record=record))
    engine = before.frozen_engine or "keras"
    fault = ncnn_fault() if engine == "ncnn" else ""
    if fault:
        raise RunError(
            tr(
                "The frozen layers of {parent} were computed by ncnn, and other numbers must not be mixed "
                "with them, but {fault}: {install} to go on. The run stays as it is.",
                parent=record.parent,
                fault=fault,
                install=INSTALL,
            )
        )
    return Arithmetic(str(before.precision), engine)


def _facts(classifier: Classifier, training: Source) -> dict[str, str]:
    """What a resumed training must find as it was."""
    images = zip(training.images.shas, training.images.labels, strict=True)
    return {
        marked("frozen weights"): _frozen_weights(classifier),
        marked("training images"): checkpoint.digest(f"{sha} {label}\n".encode() for sha, label in images),
        checkpoint.KEPT_FACT: stored_format(training),
    }


def _frozen_weights(classifier: Classifier) -> str:
    """Their SHA-256."""
    return checkpoint.digest(value.numpy().tobytes() for value in classifier.frozen_variables)


def _resume_point(work: RunContext, classifier: Classifier, recipe: Resolved) -> checkpoint.Point | None:
    """The newest whole resume point; None where the run must begin anew. It is the chief's, who sends it to the other
    workers.

    Nothing in the run is changed yet. Raises WeightsError where the frozen weights are not those it was written with.
    """
    run, joined, every = work.run, work.devices, recipe.phases
    if not joined.seat.chief:
        message = joined.from_chief()
        return checkpoint.from_bytes(message) if message else None
    trained = [under(classifier, phase.plan).trainable_variables for phase in every]
    shapes = [{"trained": [tuple(variable.shape) for variable in variables]} for variables in trained]
    point, damages = checkpoint.newest(run.path / checkpoint.FOLDER, *shapes)
    for damage in damages:
        work.emit(
            Notice(
                "warning",
                tr(
                    "The resume point {file} is damaged ({reason}): it is passed over.",
                    file=damage.file,
                    reason=damage.reason,
                ),
            )
        )
    if point:
        frozen = _frozen_weights(under(classifier, every[_phase(point, run, len(every))].plan))
        _require_frozen(point, frozen, run, recipe.config)
    if joined.seat.workers > 1:
        joined.from_chief(checkpoint.to_bytes(point) if point else b"")
    return point


def _phase(point: checkpoint.Point, run: Run, phases: int) -> int:
    """The number of the phase that a point lies in. Raises RunError where the recipe has none such."""
    text = point.facts.get("phase", "0")
    if not (text.isascii() and text.isdigit() and int(text) < phases):
        raise RunError(tr("{path} is of another recipe than the run's: train anew.", path=run.path / checkpoint.FOLDER))
    return int(text)


def go_back(point: checkpoint.Point | None, work: RunContext, config: TrainConfig) -> None:
    """Put the run back to the point from which it goes on; what was measured of its weights goes away."""
    work.writer.rewind(point.history if point else ())
    at = point.position if point else checkpoint.Position(1)
    work.emit(Resumed(at.epoch, at.step))
    if at.epoch <= config.fit.epochs and work.forget(work.run):
        work.emit(
            Notice(
                "warning",
                tr(
                    "This run was tested before: whoever trains on with that result in mind will find the next "
                    "too good."
                ),
            )
        )


def _require_frozen(point: checkpoint.Point, frozen: str, run: Run, config: TrainConfig) -> None:
    if point.facts.get("frozen weights", frozen) != frozen:
        raise WeightsError(
            tr(
                "The frozen weights from {weights} are not those that {name} began with: put the former "
                "weights back to go on.",
                weights=config.network.weights,
                name=run.name,
            )
        )


def _require_same(point: checkpoint.Point, facts: dict[str, str], work: RunContext, config: TrainConfig) -> None:
    """Warn of what is not as it was at the point. Raises WeightsError where the frozen weights are others."""
    _require_frozen(point, facts["frozen weights"], work.run, config)
    for name, value in point.facts.items():
        if value == facts.get(name):
            continue
        work.emit(
            Notice(
                "warning",
                tr("The {what} are not what they were: the result will not be exactly that of one go.", what=tr(name)),
            )
        )


def _started(work: RunContext, data: Data, recipe: Resolved, chosen: Arithmetic, images: int) -> Started:
    config = recipe.config
    trainable, frozen = recipe.plan.parameters(len(data.classes))
    return Started(
        run=str(work.run.path),
        classes=data.classes,
        parts=data.split.counts(),
        mode=config.network.mode,
        trainable=trainable,
        frozen=frozen,
        epochs=config.fit.epochs,
        steps=_steps(images, config.fit.batch),
        precision=chosen.precision,
        device=work.devices.told or device(),
        patience=config.fit.patience,
        phases=tuple(Stretch(phase.name, phase.first, phase.last) for phase in recipe.phases),
        frozen_engine=chosen.engine,
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
            trn(
                "Only {number} training step is planned ({epochs} of {batches}); the recipe usually takes about "
                "{usual:,}, so this training may end before it has learnt.",
                "Only {number} training steps are planned ({epochs} of {batches}); the recipe usually takes about "
                "{usual:,}, so this training may end before it has learnt.",
                planned,
                epochs=counted(config.fit.epochs, "epoch"),
                batches=counted(_steps(images, config.fit.batch), "batch", "batches"),
                usual=USUAL_STEPS,
            ),
            advice={"batch": str(batch), "epochs": str(epochs), "patience": str(epochs // 5)},
        )
    )
