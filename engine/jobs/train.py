"""The main job whole: a folder of X-rays in, a trained and tested model out.

A job takes a recipe and a `Context`, and knows no screen. Everything it has to say goes through the run
directory first.
"""

import dataclasses
import json
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.auto.ladder import climb
from engine.base.context import Context
from engine.base.errors import ConfigError, CovidTuiError, DataError, RunError, Stopped, WeightsError
from engine.base.events import Doing, Event, Failed, Finished, Helped, Interrupted, Notice
from engine.base.files import write_json
from engine.base.language import tr
from engine.base.result import Validated
from engine.base.runtime import Environment, has_tensorflow
from engine.base.typed_files import plain
from engine.base.wording import counted, in_turn, reason, remedy
from engine.data.split import Split
from engine.evaluation.calibration import CALIBRATION, calibrate, softmax
from engine.evaluation.evaluate import evaluate_test, forget_test, keep_validation
from engine.evaluation.metrics import judge, one_sided
from engine.evaluation.predictions_csv import Predictions
from engine.evaluation.predictor import save_contract
from engine.jobs.outcome import Outcome, chosen, fitted
from engine.network import engine_choice, pretrained
from engine.recipe.config import TrainConfig, from_dict
from engine.runs.directory import CORRECTIONS, ENVIRONMENT, LOG, SPLIT, Run
from engine.runs.summary import waited
from engine.runs.writer import RunWriter, create, reopen, require_room
from engine.training import distributed
from engine.training.batches import is_full_disk
from engine.training.data import Data, as_kept, keep, scanned
from engine.training.fit_phases import Brief, begun_with, fit, pixel_rules_of
from engine.training.resolved import Resolved, resolve
from engine.training.run_context import RunContext

E = TypeVar("E")
End = Finished | Interrupted | Helped


def train(folder: Path, config: TrainConfig, context: Context, data: Data | None = None) -> Finished | Interrupted:
    """Scan, split, train, keep the best weights and test them; the run directory is made under `config.output.out`.

    `data` is the folder's, where it was scanned and split as the recipe says before. Raises a CovidTuiError whose
    sentence says what is wrong. Once the run exists, a Failed event records it there; a run that is refused before its
    training began goes away again.
    """
    recipe = resolve(config)
    require(recipe, context)
    require_room(config)
    data = data or scanned(folder, config, context)
    config.judge.positive_among(data.classes)
    with create(folder, config) as writer:
        try:
            return with_its_end(writer, context, lambda heard: _train(data, recipe, writer, heard))
        except (ConfigError, DataError, WeightsError):
            writer.leave_nothing()
            raise


def require(recipe: Resolved, context: Context) -> None:
    """Raise the error that a training of this recipe is going to meet, as far as that can be known before the folder
    is scanned and a run made: in its devices, its first weights, a split that it reuses.
    """
    config = recipe.config
    distributed.require(config.machine.devices)
    if config.way == "auto" and config.machine.devices not in ("auto", "1"):
        raise ConfigError(tr("--recipe auto trains on one device: leave --devices out, or give --recipe report."))
    engine_choice.require(config.machine.frozen_engine, recipe.backbone)
    pretrained.require(config.network.weights, recipe.backbone, context)
    if config.data.split:
        Split.read(config.data.split)


def resume(
    run: Run, config: TrainConfig, context: Context, folder: Path | None = None, data: Data | None = None
) -> Finished | Interrupted:
    """Go on with a run that died or was stopped, or train a finished one for more epochs, as if it had never ended.

    `config` is the run's own, but for the fields in `engine.recipe.config.RESUMABLE`; `folder` is where its images are
    now, should they have moved, and `data` what is in it and in the run's split, where that is known. Raises as `train`
    does, RunError where another process trains the run or its events are damaged, and ConfigError for another recipe or
    for one whose patience had ended the run already. Whatever comes before the training goes on is no part of the run:
    it stays as it was.
    """
    recipe = resolve(config)
    _require_more(run, recipe)
    # The split and what computes are in the run.
    own = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, split=None),
        machine=dataclasses.replace(config.machine, frozen_engine="auto"),
    )
    require(dataclasses.replace(recipe, config=own), context)
    folder, output = folder or run.folder(), run.config().output
    config = dataclasses.replace(config, output=dataclasses.replace(config.output, out=output.out, name=output.name))
    recipe = dataclasses.replace(recipe, config=config)
    with reopen(run, config) as writer:
        begun_with(run)
        writer.wait(lambda: writer.keep_config(config, folder))

        def go_on(heard: Context) -> Finished | Interrupted:
            try:
                as_begun = data and data.scan.pixel_rules == pixel_rules_of(run)
                found = data if data and as_begun else split_before(folder, config, run, heard)
            except DataError as error:
                raise DataError(in_turn(str(error), _elsewhere(run))) from error
            return _train(found, recipe, writer, heard, resumed=True)

        return with_its_end(writer, context, go_on)


def _elsewhere(run: Run) -> str:
    return tr(
        "The run stays as it is; where its images lie elsewhere now, `covid-tui train DATA "
        "--resume {path}` goes on with them.",
        path=run.path,
    )


def _require_more(run: Run, recipe: Resolved) -> None:
    """Raise ConfigError where a finished run has nothing left to do: all rungs are tried, or it was to take more epochs
    and patience would end it before the first.
    """
    config = recipe.config
    last, patience = run.summary().end, config.fit.patience
    end = last if isinstance(last, Finished) else None
    if end and end.ended == "ladder":
        raise ConfigError(
            tr("{name} has tried all its rungs: there is nothing to go on with; train another run.", name=run.name)
        )
    if end is None or not patience or config.fit.epochs <= end.epochs:
        return
    without = waited(end.epochs, end.best_epoch, recipe.phases[-1].first)
    if without >= patience:
        facts = {
            "name": run.name, "epochs": counted(end.epochs, "epoch"), "best": end.best_epoch, "patience": without
        }  # fmt: skip
        raise ConfigError(
            tr(
                "{name} was ended by patience, as none of its {epochs} was better than epoch {best}: to train on, "
                "raise --patience above {patience} or set it to 0; the run and its result stay as they are.",
                **facts,
            )
            if end.ended == "patience"
            else tr(
                "{name} would be ended by patience at once, as none of its {epochs} was better than epoch {best}: to "
                "train on, raise --patience above {patience} or set it to 0; the run and its result stay as they are.",
                **facts,
            )
        )


def assist(folder: Path | None, config: TrainConfig, context: Context) -> Helped | Interrupted:
    """Take part, as a worker, in the training of the chief, which tells the user and writes the run.

    Recipe and split are the chief's, and so is the folder of images unless `folder` says where they are here.
    The run that this worker's own work is written down in goes away with it; its warnings are told. Raises as `train`
    does.
    """
    joined = distributed.opened(config.machine.devices, context)
    with joined.watched(tr("the chief says why, or its run directory")):
        received = json.loads(joined.from_chief())
    brief = from_dict(Brief, received)
    config, folder = brief.config, folder or brief.folder
    context.emit(Notice("info", tr("This is {seat}; the run and its messages are with the chief.", seat=joined.seat)))

    def tell(event: Event) -> None:
        if isinstance(event, Interrupted) or (isinstance(event, Notice) and event.level == "warning"):
            context.emit(event)

    with tempfile.TemporaryDirectory(prefix="covid-tui-") as out:
        output = dataclasses.replace(config.output, out=Path(out), name="worker", tensorboard=False)
        config = dataclasses.replace(config, output=output)
        with create(folder, config) as writer:
            run = writer.run
            if brief.corrections:
                (run.path / CORRECTIONS).write_text(brief.corrections, encoding="utf-8")
            (run.path / SPLIT).write_text(brief.split, encoding="utf-8")
            there = Environment(precision=brief.precision, frozen_engine=brief.engine, reading=brief.reading)
            write_json(run.path / ENVIRONMENT, there.to_dict())

            def work(silent: Context) -> Helped:
                data = split_before(folder, config, run, silent)
                with joined.quiet(run.path / LOG), joined.watched(tr("the chief says how its run goes on")):
                    done = fit(data, resolve(config), RunContext(silent, writer, joined, forget_test), brief.resumed)
                if done.fitted.ended == "stopped":
                    raise Stopped(tr("A worker was asked to stop, so all do; the chief says how its run goes on."))
                return Helped(joined.seat.worker, joined.seat.workers, done.fitted.epochs)

            return with_its_end(writer, context.heard_by(tell), work)


def split_before(folder: Path, config: TrainConfig, run: Run, context: Context) -> Data:
    """The folder under the split that the run has; a new one where it was killed before it had any."""
    wanted, there = as_kept(config.data, run.path), (run.path / SPLIT).is_file()
    return scanned(folder, dataclasses.replace(config, data=wanted), context, there, pixel_rules_of(run))


def with_its_end(writer: RunWriter, context: Context, work: Callable[[Context], E]) -> E | Interrupted:
    """Do `work` with a context whose events go to the run first; however it ends, its last event says so there."""
    context = writer.tee(context)
    try:
        return work(context)
    except Stopped as error:
        interrupted = Interrupted(str(writer.run.path), len(writer.run.epochs()), str(error))
        context.emit(interrupted)
        return interrupted
    except CovidTuiError as error:
        context.emit(Failed(str(error)))
        raise
    except Exception as error:
        lack = _lack(error, writer.run)
        if lack:
            context.emit(Failed(str(lack)))
            raise lack from error
        writer.log(traceback.format_exc())
        context.emit(Failed(tr("The training met an internal error; train.log in the run directory has the details.")))
        raise


def _lack(error: Exception, run: Run) -> RunError | None:
    """What the machine has too little of, as a sentence, where that is what the error means."""
    if isinstance(error, OSError) and is_full_disk(error):
        return RunError(
            tr(
                "{path} or the cache can't be written ({reason}): {remedy}, then {goes_on}.",
                path=run.path,
                reason=reason(error),
                remedy=remedy(error, tr("see to that disk")),
                goes_on=_goes_on(run),
            )
        )
    # TensorFlow's name for a device without memory for a tensor; nothing here need load it for that.
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return RunError(
            tr(
                "The memory of this machine is too small for this training: train anew with a smaller "
                "--batch, or with fewer layers that train (--mode partial)."
            )
        )
    return None


def _train(
    data: Data, recipe: Resolved, writer: RunWriter, context: Context, resumed: bool = False
) -> Finished | Interrupted:
    began, run = time.perf_counter(), writer.run
    if not (run.path / SPLIT).is_file():
        keep(data, run.path)
    if not has_tensorflow():
        context.emit(Doing(tr("loading TensorFlow")))
    joined = distributed.opened(recipe.config.machine.devices, context)
    work = RunContext(context, writer, joined, forget_test)
    with joined.quiet(run.path / LOG):
        if recipe.config.way == "auto":
            outcome = chosen(climb(data, recipe, work, resumed), run)
        else:
            with joined.watched(_goes_on(run)):
                done = fit(data, recipe, work, resumed)
            outcome = fitted(done, run, context)
        return _judged(outcome, recipe.config, run, context, began)


def _judged(outcome: Outcome, config: TrainConfig, run: Run, context: Context, began: float) -> Finished:
    """Calibrate and test what was fitted, and keep all that it takes to use it. Raises Stopped where it was stopped."""
    data, go_on = outcome.data, _goes_on(run)
    if not outcome.best:
        raise Stopped(tr("Stopped before the first epoch was over; {go_on}.", go_on=go_on))
    save_contract(run, data.classes, outcome.classifier, data.scan.pixel_rules)
    if context.stop.now:
        raise Stopped(
            tr(
                "Stopped after {epochs}; the best weights, of epoch {best}, are kept, and {go_on}.",
                epochs=counted(outcome.epochs, "epoch"),
                best=outcome.best,
                go_on=go_on,
            )
            if outcome.unit == "epoch"
            else tr(
                "Stopped after {rungs}; the best weights, of rung {best}, are kept, and {go_on}.",
                rungs=counted(outcome.epochs, "rung"),
                best=outcome.best,
                go_on=go_on,
            )
        )
    context.emit(Doing(tr("calibrating")))
    probabilities = softmax(outcome.logits)
    judged = judge(outcome.labels, probabilities, data.classes)
    learnt = calibrate(outcome.labels, outcome.logits, data.classes, config.judge)
    write_json(run.path / CALIBRATION, plain(learnt))
    context.emit(Doing(tr("keeping how the training images look")))
    outcome.keep_reference()
    keep_validation(run, Predictions(data.classes, outcome.files, outcome.labels, probabilities))
    if config.judge.test:
        context.emit(Doing(tr("testing")))
    test = evaluate_test(run, context) if config.judge.test else None
    validated = tr("validation images") if outcome.judged_on == "validation" else tr("out-of-fold images")
    text = one_sided(test, tr("test images")) if test else one_sided(judged, validated)
    if text:
        context.emit(Notice("warning", text))
    finished = Finished(
        run=str(run.path),
        epochs=outcome.epochs,
        seconds=round(time.perf_counter() - began + outcome.before, 2),
        val=Validated(**{**vars(judged), "loss": outcome.loss}),
        test=test,
        best_epoch=outcome.best,
        ended=outcome.ended,
        unit=outcome.unit,
    )
    context.emit(finished)
    return finished


def _goes_on(run: Run) -> str:
    return tr("`covid-tui --train --resume {path}` goes on", path=run.path)
