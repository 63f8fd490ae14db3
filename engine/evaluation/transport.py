"""What an accuracy becomes elsewhere: models of several sets of images, each judged on its own set and on the others.

On its own set each image is answered once, by a head that had not seen it. No picture lies in two sets.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.base.language import tr
from engine.base.typed_files import Count, Ends, Positive, Share, Signed, SignedEnds
from engine.evaluation.headline import percent
from engine.evaluation.intervals import (
    Interval,
    difference_interval,
    mean_interval,
    paired_counts,
    paired_interval,
)
from engine.evaluation.metrics import judge
from engine.evaluation.predictions_csv import Predictions

Right = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ImageSet:
    """A set of images that a model is trained on, and the others are tested on."""

    name: str
    folder: str
    """The last name of its folder."""
    classes: dict[str, Count]
    """Images by class, less those taken out."""
    pictures_out: Count
    """Images taken out as another set has the picture too."""
    patients_out: Count
    """Images taken out as another set has images of the patient."""
    relabelled: Count = 0
    """Images that corrections gave another label."""
    left_out: Count = 0
    """Images that corrections left out."""

    @property
    def images(self) -> int:
        """Images that are left."""
        return sum(self.classes.values())


@dataclass(frozen=True)
class Cell:
    """The model of one set on another, or on its own."""

    train: str
    test: str
    n: Positive
    correct: Count
    accuracy: Share
    accuracy_ci: Ends
    """Exact, 95%."""
    balanced: Share | None
    """Mean of the classes' sensitivities: does not depend on how frequent each is; None where one has no image."""
    balanced_ci: Ends | None
    baseline: Share
    """Accuracy of always naming the set's most frequent class."""
    out_of_fold: Count = 0
    """Of its own set's images, those that were answered out of fold; the rest was its test part."""

    @property
    def own(self) -> bool:
        """Is it the set that the model was trained on?"""
        return self.train == self.test


@dataclass(frozen=True)
class Gap:
    """Accuracy on the own set less that elsewhere, with its 95% interval."""

    value: Signed
    ci: SignedEnds


@dataclass(frozen=True)
class Matrix:
    """All cells that are known so far, and the gaps between them."""

    sets: tuple[ImageSet, ...]
    classes: tuple[str, ...]
    """Those that all sets have."""
    same_pixels: Count
    """Pictures that lay in two sets or more with the same pixels."""
    near: Count
    """Those that did with other pixels alone."""
    cells: tuple[Cell, ...]
    lost: dict[str, Gap]
    """By the set of the training: its accuracy there less the mean of its accuracies on the others."""
    gap: Gap | None
    """Over all sets, image by image; None until every cell is known."""

    def cell(self, train: str, test: str) -> Cell | None:
        """The model of the one set on the other."""
        return next((one for one in self.cells if (one.train, one.test) == (train, test)), None)

    @property
    def complete(self) -> bool:
        """Is every model tested on every set?"""
        return len(self.cells) == len(self.sets) ** 2

    @property
    def home(self) -> float:
        """Mean accuracy on the models' own sets."""
        return float(np.mean([one.accuracy for one in self.cells if one.own]))

    @property
    def elsewhere(self) -> float:
        """Mean accuracy on the other sets."""
        return float(np.mean([one.accuracy for one in self.cells if not one.own]))

    @property
    def sentence(self) -> str:
        """What an accuracy becomes elsewhere; how much is known where that is not all."""
        if self.gap is None:
            return tr(
                "{known} of {cells} cells are known; the same command goes on.",
                known=len(self.cells),
                cells=len(self.sets) ** 2,
            )
        low, high = (100 * end for end in self.gap.ci)
        return tr(
            "On its own set a model is right for {home}, on another for {elsewhere}: a gap of "
            "{points:+.1f} points (95% interval {low:+.1f} to {high:+.1f}), image by image.",
            home=percent(self.home),
            elsewhere=percent(self.elsewhere),
            points=100 * self.gap.value,
            low=low,
            high=high,
        )


def cell_of(train: str, test: str, answers: Predictions, out_of_fold: int = 0) -> Cell:
    """The cell that these answers make; `out_of_fold` of them were answered out of fold."""
    found = judge(answers.labels, answers.probabilities, answers.classes)
    whole = all(own.n for own in found.classes.values())
    return Cell(
        train=train,
        test=test,
        n=found.n,
        correct=found.correct,
        accuracy=found.accuracy,
        accuracy_ci=found.accuracy_ci,
        balanced=found.macro.sensitivity if whole else None,
        balanced_ci=found.macro.sensitivity_ci if whole else None,
        baseline=found.baseline,
        out_of_fold=out_of_fold,
    )


def lost(own: Cell, others: Sequence[Cell]) -> Gap:
    """What a model loses elsewhere: `own` less the mean of at least one of `others`, each of other images."""
    mean, ends = _mean([(one.accuracy, one.accuracy_ci) for one in others])
    return Gap(own.accuracy - mean, difference_interval(own.accuracy, own.accuracy_ci, mean, ends))


def gap_on(own: Right, others: Sequence[Right]) -> tuple[float, Interval]:
    """On the images of one set, (n,), how much more often its own model is right than at least one of others is.

    A mean of Newcombe's paired differences; its limits are the means of theirs, as if all were wrong together.
    """
    pairs = [paired_counts(own, other) for other in others]
    value = float(np.mean([own.mean() - other.mean() for other in others]))
    return value, mean_interval([paired_interval(*pair) for pair in pairs])


def gap_over_all(gaps: Sequence[tuple[float, Interval]]) -> Gap:
    """The mean of the gaps of at least one set; the sets' images are different ones."""
    return Gap(*_mean(gaps))


def right_by_file(answers: Predictions) -> dict[str, bool]:
    """Was the answer to each file right?"""
    return dict(zip(answers.files, map(bool, answers.right), strict=True))


def overall(right: Mapping[tuple[str, str], Mapping[str, bool]], names: Sequence[str]) -> Gap:
    """The gap over all sets, from the answers of each model to each set, both by name, as `right_by_file` gives them.

    Image by image: on the images of a set, its own model against those of the others.
    """
    gaps = []
    for test in names:
        told = [right[train, test] for train in (test, *(name for name in names if name != test))]
        files = [file for file in told[0] if all(file in one for one in told)]
        own, *others = (np.array([one[file] for file in files], bool) for one in told)
        gaps.append(gap_on(own, others))
    return gap_over_all(gaps)


def _mean(parts: Sequence[tuple[float, Interval]]) -> tuple[float, Interval]:
    """The mean of independent measures, and its interval from theirs (MOVER: Zou and Donner 2008)."""
    mean = float(np.mean([value for value, _ in parts]))
    below = math.hypot(*(value - low for value, (low, _) in parts)) / len(parts)
    above = math.hypot(*(high - value for value, (_, high) in parts)) / len(parts)
    return mean, (mean - below, mean + above)
