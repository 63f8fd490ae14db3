"""The main job whole: a folder of X-rays in, a trained and tested model out.

A job takes a recipe, an `emit(event)` and a `stop`, and knows no screen. Everything it has to say goes through the run
directory first.
"""

import dataclasses
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine import runs
from engine.config import TrainConfig
from engine.errors import CovidTuiError, RunError, Stopped
from engine.events import Emit, Failed, Finished, Interrupted
from engine.files import write_json
from engine.fitting import fit
from engine.material import Data, scanned
from engine.results.answers import Predictions
from engine.results.calibration import CALIBRATION, calibrate, softmax
from engine.results.evaluate import evaluate_test, keep_validation
from engine.results.metrics import judge
from engine.results.predict import save_contract
from engine.results.reference import save_reference
from engine.runs import SPLIT, Run, RunWriter
from engine.stopping import Stop
from engine.training.phases import phases
from engine.training.sources import PixelSource, is_full_disk


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


def _train(
    data: Data, config: TrainConfig, writer: RunWriter, emit: Emit, stop: Stop, resumed: bool = False
) -> Finished | Interrupted:
    started = time.perf_counter()
    run = writer.run
    if not (run.path / SPLIT).is_file():
        data.split.write(run.path / SPLIT)
    done = fit(data, config, writer, emit, stop, resumed)
    fitted, classifier, data = done.fitted, done.classifier, done.data
    go_on = f"covid-tui --train --resume {run.path} goes on"
    if fitted.best is None:
        raise Stopped(f"Stopped before the first epoch was over; {go_on}.")
    save_contract(run, data.classes, classifier)
    if stop.now:
        kept = f"the best weights, of epoch {fitted.best.epoch}, are kept"
        raise Stopped(f"Stopped after {fitted.epochs} epochs; {kept}, and {go_on}.")
    probabilities = softmax(fitted.logits)
    labels = done.validation.images.labels
    judged = judge(labels, probabilities, data.classes)
    learnt = calibrate(labels, fitted.logits, data.classes, config.judge)
    write_json(run.path / CALIBRATION, learnt.to_dict())
    save_reference(run, done.source, classifier, data.records("train"), emit, stop)
    keep_validation(run, _validated(data, done.validation, probabilities))
    test = evaluate_test(run, emit, stop) if config.judge.test else None
    finished = Finished(
        run=str(run.path),
        epochs=fitted.epochs,
        seconds=round(time.perf_counter() - started + done.before, 2),
        val={**judged.to_dict(), "loss": fitted.best.val_loss},
        test=test,
        best_epoch=fitted.best.epoch,
        ended=fitted.ended,
    )
    emit(finished)
    return finished


def _validated(data: Data, validation: PixelSource, probabilities: np.ndarray) -> Predictions:
    """The answers of the best epoch's weights to the validation images, as they stand in `validation`."""
    files = [record.file for record in data.records("validation") if record.file in validation.store.index]
    return Predictions(data.classes, tuple(files), validation.images.labels, probabilities)
