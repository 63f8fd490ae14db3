"""The recipe "auto": climbs the rungs, keeps what helps out of fold, and fits that on all that it may learn from.

Everything follows from the images, their split and the seed, so a ladder that was killed is climbed anew from the kept
activations and ends in the same model.
"""

import dataclasses
import time
from dataclasses import dataclass

import numpy as np

from engine.auto import last_rung
from engine.auto.budget import Budget
from engine.auto.features import Features, gathered
from engine.auto.folds import Ints
from engine.auto.limits import notices
from engine.auto.linear import STRENGTHS, Floats
from engine.auto.outlook import Outlook, fit_units
from engine.auto.reading import planned
from engine.auto.rungs import LADDER, Judge, Judged, Seeing
from engine.auto.subsets import keep_curve
from engine.auto.tuning import Tuned, Tuning
from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.events import Rung, Skipped, Started, Tried
from engine.base.files import write_json
from engine.base.language import tr
from engine.base.runtime import device, make_repeatable
from engine.base.typed_files import plain
from engine.data.groups import group_of
from engine.data.patients import patients
from engine.data.split import Split
from engine.evaluation.intervals import exact_interval, paired_counts, paired_interval
from engine.network.classifier import Classifier, with_first_weights
from engine.runs.summary import AUTO
from engine.training.data import Data, as_decoded, pixel_sources
from engine.training.fit_phases import choose_arithmetic, go_back
from engine.training.resolved import Resolved
from engine.training.run_context import RunContext

LADDER_FILE = "auto.json"
RUNGS = len(LADDER) + 1
"""The last one trains layers."""


@dataclass(frozen=True)
class Ladder:
    """What auto.json holds: each rung that was tried, and what was chosen in the end."""

    rungs: tuple[Rung, ...]
    chosen: int
    """The number of the rung whose model is kept."""
    folds: int
    skipped: tuple[Skipped, ...] = ()
    """Those that did not fit into the budget."""


@dataclass(frozen=True, eq=False)
class Climbed:
    """A chosen and fitted network, and its answers out of fold to the images that it was chosen on."""

    classifier: Classifier
    data: Data
    """The data given, less what could not be read any more."""
    ladder: Ladder
    files: tuple[str, ...]
    features: np.ndarray
    """What its head gets of each of `files`."""
    answered: Ints
    """The places among `files` of the images that are answered out of fold, (n,)."""
    labels: np.ndarray
    """(n,)"""
    logits: Floats
    """(n, classes)"""
    stopped: bool


def climb(data: Data, recipe: Resolved, work: RunContext, resumed: bool) -> Climbed:
    """Choose and fit. Raises a CovidTuiError whose sentence says what is wrong, Stopped before the first rung's end."""
    plan, config = planned(recipe.config)
    classes = len(data.classes)
    seed, tested = config.machine.seed, len(data.split.files("test")) if config.judge.test else 0
    budget = Budget(config.choice, len(data.split.rows), work.run.path)
    make_repeatable(seed)
    # The frozen layers run by themselves also where nothing of them is kept.
    kept = dataclasses.replace(config, machine=dataclasses.replace(config.machine, feature_cache="on"))
    chosen = choose_arithmetic(work, dataclasses.replace(recipe, config=kept), data.scan.pixel_rules)
    classifier = with_first_weights(plan, config.network.weights, classes, chosen.precision, seed, work.context)
    classifier = dataclasses.replace(classifier, engine=chosen.engine)
    pixels = pixel_sources(data, classifier, config, work.context)
    if not resumed:
        data = as_decoded(data, pixels[0].store.files, work.run)
    trainable, frozen = plan.parameters(classes)
    work.emit(
        Started(
            run=str(work.run.path),
            classes=data.classes,
            parts=data.split.counts(),
            mode=AUTO,
            trainable=trainable,
            frozen=frozen,
            epochs=RUNGS,
            steps=1,
            precision=chosen.precision,
            device=device(),
            frozen_engine=chosen.engine,
        )
    )
    if resumed:
        go_back(None, work, recipe.config)
    records = [*data.records("train"), *data.records("validation")]
    outlook = Outlook(work.context)
    features = gathered(records, pixels, chosen.precision, outlook.heard())
    groups = _groups(data, features, recipe.config.data.group_by)
    judge = Judge(features, groups, classes, seed, config.fit.class_weight)
    for notice in notices(judge, data, config.fit.class_weight):
        work.emit(notice)
    outlook.images.left, outlook.rungs = features.missing + 2 * tested, _units(judge)
    best, rungs, stopped = best_of(judge, outlook.heard())
    tuning, tuned, skipped = Tuning(judge, best, pixels, work.run.path, outlook), None, None
    if not stopped:
        tuned, skipped, stopped = _tuned(tuning, best, rungs, budget, outlook)
    keep_curve(judge, best, seed, work.run, work.context)
    found = _Chosen(best, tuned, tuple(rungs), (skipped,) if skipped else (), stopped)
    return _fitted(found, tuning, data, work)


def _groups(data: Data, features: Features, group_by: str) -> list[str]:
    """The group of each image, as the split has them."""
    group = group_of(data.scan, patients(data.scan, group_by).of)
    return [group(record) for record in features.records]


def best_of(judge: Judge, context: Context) -> tuple[Judged, list[Rung], bool]:
    """The best way to see that the ladder finds, what each rung gave, and whether a stop ended it early.

    Raises Stopped before the first rung's end, or at any time for a stop at once.
    """
    best: Judged | None = None
    rungs: list[Rung] = []
    for number, rung in enumerate(LADDER, start=1):
        began = time.perf_counter()
        try:
            if context.stop.is_set():
                raise Stopped(tr("Stopped before the first rung was judged."))
            new = judge.judged(rung.more(best.seeing if best else Seeing()))
        except Stopped:
            if best is None or context.stop.now:
                raise
            return best, rungs, True
        _tell(number, new, context)
        taken = best is None or judge.better_by(new, best)[0] > 0
        rungs.append(_told(number, rung.name, new, best, judge, taken, time.perf_counter() - began))
        context.emit(rungs[-1])
        best = new if taken or best is None else best
    assert best
    return best, rungs, False


def _units(judge: Judge) -> list[float]:
    """The work of the fits of each rung, if all are taken, and of the last fit."""
    learnt = sum(2 * len(learnt) for learnt, _ in judge.folds) // len(judge.folds)
    seeing, found = Seeing(), []
    for rung in LADDER:
        seeing = rung.more(seeing)
        found.append(fit_units(learnt, judge.columns(seeing), len(judge.folds)))
    return [*found, fit_units(2 * len(judge.features.labels), judge.columns(seeing), 1)]


def _tuned(
    tuning: Tuning, best: Judged, rungs: list[Rung], budget: Budget, outlook: Outlook
) -> tuple[Tuned | None, Skipped | None, bool]:
    """The last rung where it is taken, that it was left out, and whether a stop ended it early."""
    began, context = time.perf_counter(), outlook.context
    try:
        found = last_rung.tuned(tuning, RUNGS, budget, outlook)
    except Stopped:
        if context.stop.now:
            raise
        return None, None, True
    if isinstance(found, Skipped):
        return None, found, False
    rungs.append(last_rung.told(tuning, found, best, RUNGS, time.perf_counter() - began))
    context.emit(rungs[-1])
    return found if rungs[-1].taken else None, None, False


def _tell(number: int, judged: Judged, context: Context) -> None:
    """What was found along the path of strengths."""
    labels = judged.labels
    for place, strength in enumerate(STRENGTHS):
        accuracies = judged.by_fold[place]
        context.emit(
            Tried(
                rung=number,
                strength=strength,
                accuracy=float((judged.logits[place].argmax(axis=1) == labels).mean()),
                spread=float(accuracies.std(ddof=1)) if len(accuracies) > 1 else 0.0,
                loss=float(judged.losses[place].mean()),
            )
        )


def _told(
    number: int, name: str, new: Judged, before: Judged | None, judge: Judge, taken: bool, seconds: float
) -> Rung:
    right = new.right
    gain = ends = None
    if before:
        gain = float(right.mean() - before.right.mean())
        ends = paired_interval(*paired_counts(right, before.right))
    return Rung(
        number=number,
        name=name,
        reads=new.seeing.head(judge.backbone).reads,
        places=new.seeing.places,
        mirror=new.seeing.mirror,
        strength=new.strength,
        n=len(right),
        correct=int(right.sum()),
        accuracy=float(right.mean()),
        accuracy_ci=exact_interval(int(right.sum()), len(right)),
        loss=float(new.losses[new.best].mean()),
        gain=gain,
        gain_ci=ends,
        taken=taken,
        seconds=round(seconds, 2),
    )


@dataclass(frozen=True, eq=False)
class _Chosen:
    """What the ladder has come to: a head on frozen layers, and the trained layers where those are taken."""

    best: Judged
    tuned: Tuned | None
    rungs: tuple[Rung, ...]
    skipped: tuple[Skipped, ...]
    stopped: bool


def _fitted(chosen: _Chosen, tuning: Tuning, data: Data, work: RunContext) -> Climbed:
    """The chosen network, fitted on all images; the run keeps the ladder."""
    best, tuned, judge, rungs = chosen.best, chosen.tuned, tuning.judge, chosen.rungs
    every = np.arange(len(judge.features.labels))
    if tuned:
        classifier, features = tuning.fitted(tuned.best + 1)
        answered, logits = tuned.answered, tuned.logits[tuned.best]
    else:
        classifier, features = _linear(judge, best), judge.given(best.seeing, every)
        answered, logits = every, best.logits[best.best]
    top = max(rung.number for rung in rungs if rung.taken)
    ladder = Ladder(rungs, top, len(judge.folds), chosen.skipped)
    write_json(work.run.path / LADDER_FILE, plain(ladder))
    return Climbed(
        classifier=classifier,
        data=data,
        ladder=ladder,
        files=tuple(record.file for record in judge.features.records),
        features=features,
        answered=answered,
        labels=judge.features.labels[answered],
        logits=logits,
        stopped=chosen.stopped,
    )


def _linear(judge: Judge, best: Judged) -> Classifier:
    """The network with the chosen head, fitted on all images."""
    seeing, wide = best.seeing, judge.features.classifier
    linear = judge.chosen(best, np.arange(len(judge.features.labels)))
    plan = dataclasses.replace(wide.plan, head=seeing.head(judge.backbone))
    return wide.with_head(plan, judge.classes, judge.network(seeing, linear))


def training_part(climbed: Climbed, split: Split) -> np.ndarray:
    """Which of its images, (n,), are of the training part."""
    own = set(split.files("train"))
    return np.array([file in own for file in climbed.files])
