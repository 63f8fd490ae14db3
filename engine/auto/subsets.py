"""The learning curve, measured: fits on subsets, each judged on images of groups that it has not learnt from.

Subsets are drawn by class and by group, a few of each size. What is seen of an image and the strength of the fit are
those that all images chose.
"""

import math

import numpy as np
import numpy.typing as npt

from engine.auto.curve import CURVE_FILE, Expected, LearningCurve, Point
from engine.auto.folds import Ints, grouped_folds
from engine.auto.power_law import Floats, fitted, seen
from engine.auto.rungs import Judge, Judged
from engine.base.context import Context
from engine.base.errors import DataError, Stopped
from engine.base.events import Notice, Progress
from engine.base.files import write_json
from engine.base.language import tr
from engine.base.typed_files import plain
from engine.base.wording import counted
from engine.runs.directory import Run

TASK = tr("learning curve")
STEPS = 5
"""Sizes, each half of the one after the next."""
FEWEST = 3
"""Images of the smallest class in the smallest subset, on average."""
FEWEST_SIZES = 3
NEEDED = math.ceil(FEWEST * 2 ** ((FEWEST_SIZES - 1) / 2) / 0.8)
"""Images of each class, about, for so many sizes, as a fold learns from four fifths."""
LARGEST = 2_000
"""Images of the largest subset that is drawn beside all that a fold may learn from."""
MOST_DRAWS, DRAWN = 3, 1_000
"""Draws of each size, and images in all of them together, about, at most; one draw at least."""


def sizes(learnt: int, share: float) -> list[int]:
    """How many images the subsets have where a fold learns from `learnt`, of which `share` are of the smallest class.

    The smallest first; the last is `learnt`. Fewer than FEWEST_SIZES where there are too few images.
    """
    found = [learnt]
    top = min(learnt, LARGEST)
    found += [round(top * 2 ** (-step / 2)) for step in range(STEPS)]
    return sorted({size for size in found if size == learnt or size * share >= FEWEST})[-STEPS:]


def drawn(labels: npt.NDArray[np.integer], groups: npt.NDArray[np.str_], random: np.random.Generator) -> Ints:
    """The places of all images in a drawn order, in which groups stay together and each beginning has about the whole's
    shares of the classes.
    """
    _, first, place, counts = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    ranks = np.empty(len(first))
    for label in np.unique(labels[first]):
        (own,) = np.nonzero(labels[first] == label)
        own = random.permutation(own)
        ends = np.cumsum(counts[own])
        ranks[own] = (ends - counts[own] * random.random(len(own))) / ends[-1]
    return np.lexsort((place, ranks[place]))


def learning_curve(judge: Judge, chosen: Judged, seed: int, context: Context) -> LearningCurve:
    """That of the way to see and the strength that were `chosen`.

    Raises DataError where there are too few images to say anything, Stopped.
    """
    labels, groups = chosen.labels, judge.groups
    several = _sizes(judge, chosen)
    draws = min(max(DRAWN // len(labels), 1), MOST_DRAWS)
    wrong = np.zeros((len(several), len(labels)))
    done, total = 0, draws * len(judge.folds) * len(several)
    for draw in range(draws):
        random = np.random.default_rng([seed, draw])
        folds = grouped_folds(labels, groups.tolist(), seed + draw) if draw else judge.folds
        for learnt, answered in folds:
            order = learnt[drawn(labels[learnt], groups[learnt], random)]
            for number, size in enumerate(several):
                if context.stop.is_set():
                    raise Stopped(tr("Stopped before the learning curve was measured."))
                known = draw == 0 and size == several[-1]
                own = order if size == several[-1] else order[:size]
                wrong[number, answered] += ~chosen.right[answered] if known else _mistaken(judge, chosen, own, answered)
                done += 1
                context.emit(Progress(TASK, done, total))
    return curve_of(several, wrong / draws, groups, draws, len(judge.folds))


def _sizes(judge: Judge, chosen: Judged) -> list[int]:
    """Those of the subsets. Raises DataError where there are too few images."""
    counts = [len(np.unique(judge.groups[chosen.labels == label])) for label in range(judge.classes)]
    found = sizes(min(len(learnt) for learnt, _ in judge.folds), min(counts) / len(chosen.labels))
    if len(found) < FEWEST_SIZES:
        raise DataError(
            tr(
                "Too few images to say what more of them would bring: to learn from, the smallest class has {count}, "
                "and it takes {needed}.",
                count=counted(min(counts), "picture or patient", "pictures or patients"),
                needed=NEEDED,
            )
        )
    return found


def _mistaken(judge: Judge, chosen: Judged, learnt: Ints, answered: Ints) -> npt.NDArray[np.bool_]:
    """Is a fit on the images at `learnt` wrong on each at `answered`?"""
    (linear,) = judge.fitted(chosen.seeing, learnt, (chosen.strength,))
    kernel, bias = judge.network(chosen.seeing, linear)
    answers = (judge.given(chosen.seeing, answered) @ kernel + bias).argmax(axis=1)
    return np.asarray(answers != chosen.labels[answered])


def curve_of(several: list[int], wrong: Floats, groups: npt.NDArray[np.str_], draws: int, folds: int) -> LearningCurve:
    """The curve from the share of fits of each size that were wrong on each image, (sizes, n)."""
    n = len(groups)
    law = fitted(several, seen(wrong, np.unique(groups, return_inverse=True)[1], draws, folds))
    reached = []
    for step in range(-4, 5):
        times = 2 ** (step / 2)
        low, middle, high = law.error(times)
        reached.append(Expected(round(times * n), 1 - middle, (1 - high, 1 - low)))
    points = [Point(size, float(1 - one.mean())) for size, one in zip(several, wrong, strict=True)]
    return LearningCurve(n, draws, tuple(points), tuple(reached))


def keep_curve(judge: Judge, chosen: Judged, seed: int, run: Run, context: Context) -> None:
    """Measure the curve for a run and keep it there, or say why there is none; a stop leaves it out."""
    try:
        curve = learning_curve(judge, chosen, seed, context)
    except Stopped:
        return
    except DataError as error:
        context.emit(Notice("info", str(error)))
        return
    write_json(run.path / CURVE_FILE, plain(curve))
    context.emit(Notice("info", tr("How many more images? {sentence}", sentence=curve.sentence)))
