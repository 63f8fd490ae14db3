"""What a training ends with, whichever way it went: all that is judged, calibrated, tested and kept of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.auto.ladder import Climbed, training_part
from engine.base.context import Context
from engine.evaluation.training_reference import reference_places, save_reference, write_reference
from engine.network.classifier import Classifier
from engine.runs.directory import Run
from engine.training.data import Data
from engine.training.fit_phases import Done


@dataclass(frozen=True, eq=False)
class Outcome:
    """A fitted network, with its answers to images that it was not fitted on."""

    classifier: Classifier
    data: Data
    files: tuple[str, ...]
    labels: np.ndarray
    logits: np.ndarray
    """Of each of `files`: those of validation, or for the recipe "auto" out of fold of all that it may learn from."""
    loss: float
    keep_reference: Callable[[], None]
    epochs: int
    best: int
    """The epoch, or rung, that is kept; 0 where there is none."""
    ended: Literal["all epochs", "patience", "stopped", "ladder"]
    before: float = 0.0
    """Seconds of fitting before a resume."""
    unit: Literal["epoch", "rung"] = "epoch"
    judged_on: Literal["validation", "out-of-fold"] = "validation"


def fitted(done: Done, run: Run, context: Context) -> Outcome:
    """Of a training by epochs."""
    fit, data, there = done.fitted, done.data, done.validation
    return Outcome(
        classifier=done.classifier,
        data=data,
        files=tuple(record.file for record in data.records("validation") if record.file in there.store.index),
        labels=there.images.labels,
        logits=fit.logits,
        loss=fit.best.val_loss if fit.best else 0.0,
        keep_reference=lambda: save_reference(run, done.source, done.classifier, data.records("train"), context),
        epochs=fit.epochs,
        best=fit.best.epoch if fit.best else 0,
        ended=fit.ended,
        before=done.before,
    )


def chosen(climbed: Climbed, run: Run) -> Outcome:
    """Of a ladder."""
    ladder, data = climbed.ladder, climbed.data

    def keep_reference() -> None:
        (places,) = np.nonzero(training_part(climbed, data.split))
        places = places[reference_places(len(places))]
        by_file = {record.file: record for record in data.records("train")}
        write_reference(run, climbed.features[places], [by_file[climbed.files[place]] for place in places])

    return Outcome(
        classifier=climbed.classifier,
        data=data,
        files=tuple(climbed.files[place] for place in climbed.answered),
        labels=climbed.labels,
        logits=climbed.logits,
        loss=next(rung.loss for rung in ladder.rungs if rung.number == ladder.chosen),
        keep_reference=keep_reference,
        epochs=len(ladder.rungs),
        best=ladder.chosen,
        ended="stopped" if climbed.stopped else "ladder",
        unit="rung",
        judged_on="out-of-fold",
    )
