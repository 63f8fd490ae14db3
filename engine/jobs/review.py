"""A review of a folder's labels: who is suspect, and what the corrections made so far are worth. Makes no run."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.auto.folds import grouped_folds
from engine.auto.ladder import best_of
from engine.auto.rungs import Judge, Judged, Seeing
from engine.base.context import Context
from engine.base.errors import DataError, Stopped
from engine.base.language import tr
from engine.data.corrections import Correction
from engine.jobs.probe import judge_of_data
from engine.recipe.config import TrainConfig
from engine.review.effect import Effect, effect_of
from engine.review.suspects import Review, Unshown, suspects

FOLDS = ((200, 20), (2_000, 10))
"""Up to so many images, into so many folds they are divided for their answers: where there are few images, each fit
must have nearly all of them (5% flipped labels of the sample data, the six most suspicious: 60% right of 5 folds, 67%
of 20). Beyond, the folds by which the head was chosen serve."""


def review(folder: Path, config: TrainConfig, context: Context, blind_test: bool = False) -> Review:
    """The suspects among a folder's images of training and validation, as the recipe divides them.

    No model looks at the test part: with `blind_test` its images are listed in an order drawn by lot, without an
    answer. Labels are those of the folder, whatever corrections there are. Raises as `train` does, Stopped.
    """
    config = _as_given(config)
    data, judge = judge_of_data(folder, config, context)
    chosen = _chosen(judge, context)
    records = judge.features.records
    known = dict.fromkeys(data.split.files("validation"), "validation")
    every = np.arange(len(records))
    found, following = suspects(
        data.scan,
        records,
        [known.get(record.file, "train") for record in records],
        judge.given(Seeing(places=True), every),
        _answers(judge, chosen, config.machine.seed),
        judge.groups.tolist(),
    )
    tested = [record for record in data.records("test") if blind_test]
    order = np.random.default_rng(config.machine.seed).permutation(len(tested))
    return Review(
        folder=str(folder),
        classes=data.classes,
        images=len(records),
        shut=len(data.split.files("test")),
        correct=int(chosen.right.sum()),
        suspects=found,
        next=following,
        blind=tuple(Unshown(tested[k].file, tested[k].sha, tested[k].label) for k in order),
    )


def effect(folder: Path, config: TrainConfig, corrections: Sequence[Correction], context: Context) -> Effect:
    """What the corrections do for a model, out of fold, on training and validation. Raises as `review` does, and
    DataError where no correction changes anything there.
    """
    data, judge = judge_of_data(folder, _as_given(config), context)
    found = effect_of(judge, _chosen(judge, context), data.scan, corrections)
    if not found.relabelled and not found.left_out:
        raise DataError(
            tr(
                "No correction changes a label of {folder} or leaves an image of it out, test part aside.",
                folder=folder,
            )
        )
    return found


def _as_given(config: TrainConfig) -> TrainConfig:
    """The recipe with the labels of the folder."""
    return dataclasses.replace(config, data=dataclasses.replace(config.data, corrections=None))


def _chosen(judge: Judge, context: Context) -> Judged:
    best, _, stopped = best_of(judge, context)
    if stopped:
        raise Stopped(tr("The review was stopped; the activations computed so far are kept."))
    return best


def _answers(judge: Judge, chosen: Judged, seed: int) -> np.ndarray:
    """The logits out of fold, (n, classes)."""
    labels = judge.features.labels
    folds = next((folds for most, folds in FOLDS if len(labels) <= most), 0)
    if not folds:
        return np.asarray(chosen.logits[chosen.best])
    return judge.answered(chosen, grouped_folds(labels, judge.groups.tolist(), seed, folds))
