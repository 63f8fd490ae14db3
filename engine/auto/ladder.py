"""The recipe "auto": climbs the rungs, keeps what helps out of fold, and fits that on all that it may learn from.

Everything follows from the images, their split and the seed, so a ladder that was killed is climbed anew from the kept
activations and ends in the same model.
"""

import dataclasses
import time
from dataclasses import dataclass

import numpy as np

from engine.auto.features import Features, gathered
from engine.auto.limits import notices
from engine.auto.linear import STRENGTHS, Floats
from engine.auto.reading import planned
from engine.auto.rungs import LADDER, Judge, Judged, Seeing
from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.events import Rung, Started, Tried
from engine.base.files import write_json
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


@dataclass(frozen=True)
class Ladder:
    """What auto.json holds: each rung that was tried, and what was chosen in the end."""

    rungs: tuple[Rung, ...]
    chosen: int
    """The number of the rung whose model is kept."""
    folds: int


@dataclass(frozen=True, eq=False)
class Climbed:
    """A chosen and fitted network, and its answers out of fold to the images that it was chosen on."""

    classifier: Classifier
    data: Data
    """The data given, less what could not be read any more."""
    ladder: Ladder
    files: tuple[str, ...]
    labels: np.ndarray
    logits: Floats
    features: np.ndarray
    """What its head gets of each of `files`."""
    stopped: bool


def climb(data: Data, recipe: Resolved, work: RunContext, resumed: bool) -> Climbed:
    """Choose and fit. Raises a CovidTuiError whose sentence says what is wrong, Stopped before the first rung's end."""
    plan, config = planned(recipe.config)
    classes = len(data.classes)
    seed = config.machine.seed
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
            epochs=len(LADDER),
            steps=1,
            precision=chosen.precision,
            device=device(),
            frozen_engine=chosen.engine,
        )
    )
    if resumed:
        go_back(None, work, recipe.config)
    records = [*data.records("train"), *data.records("validation")]
    features = gathered(records, pixels, chosen.precision, work.context)
    groups = _groups(data, features, recipe.config.data.group_by)
    judge = Judge(features, groups, classes, seed, config.fit.class_weight)
    for notice in notices(judge, data, config.fit.class_weight):
        work.emit(notice)
    best, rungs, stopped = best_of(judge, work.context)
    return _fitted(judge, best, rungs, stopped, data, work)


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
                raise Stopped("Stopped before the first rung was judged.")
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
        strength=STRENGTHS[new.best],
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


def _fitted(judge: Judge, best: Judged, rungs: list[Rung], stopped: bool, data: Data, work: RunContext) -> Climbed:
    """The chosen head, fitted on all images, on the network; the run keeps the ladder."""
    seeing, features = best.seeing, judge.features
    every = np.arange(len(features.labels))
    (linear,) = judge.fitted(seeing, every, STRENGTHS[: best.best + 1])[-1:]
    wide = features.classifier
    plan = dataclasses.replace(wide.plan, head=seeing.head(judge.backbone))
    classifier = wide.with_head(plan, judge.classes, judge.network(seeing, linear))
    ladder = Ladder(tuple(rungs), max(rung.number for rung in rungs if rung.taken), len(judge.folds))
    write_json(work.run.path / LADDER_FILE, plain(ladder))
    return Climbed(
        classifier=classifier,
        data=data,
        ladder=ladder,
        files=tuple(record.file for record in features.records),
        labels=features.labels,
        logits=best.logits[best.best],
        features=judge.given(seeing, every),
        stopped=stopped,
    )


def training_part(climbed: Climbed, split: Split) -> np.ndarray:
    """Which of its images, (n,), are of the training part."""
    own = set(split.files("train"))
    return np.array([file in own for file in climbed.files])
