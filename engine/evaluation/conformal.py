"""Which classes an image may have, at a level that is promised; or that it can't be told, or is none of them.

Split-conformal prediction by class (Vovk 2012, "Conditional validity of inductive conformal predictors"; Sadinle, Lei
and Wasserman 2019, JASA 114:223). A class stays possible unless the image's probability of it is lower than that of all
but few of the calibration images of this class. Of new images of each class, drawn as those were, at least the level's
share then has its own class among the possible ones, whatever the model, and however wrong its probabilities.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.result import Covered, OfCovered
from engine.evaluation.calibration import at_temperature
from engine.evaluation.metrics import share_of
from engine.evaluation.predictions_csv import DECIMALS, Predictions

LEVEL = 0.9
"""The level where none is asked for."""
LEVELS = (0.8, 0.9, 0.95, 0.99)
"""Those whose coverage a test is told of, and that a screen turns through."""
_SLACK = 1e-9
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Possible:
    """The classes that an image may have at `level`.

    `p` has, by class, the share of calibration images of the class that are no likelier of it than this image, itself
    counted among them (the conformal p-value); `counts` how many calibration images each class has.
    """

    level: float
    p: Mapping[str, float]
    counts: Mapping[str, int]

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Those that can't be ruled out, the likeliest first."""
        found = [name for name, p in self.p.items() if p > 1 - self.level + _SLACK]
        return tuple(sorted(found, key=lambda name: -self.p[name]))

    @property
    def says(self) -> str:
        """The one possible class; or "A or B: can't tell"; or "none of these"."""
        if not self.classes:
            return tr("none of these")
        return (
            self.classes[0]
            if len(self.classes) == 1
            else tr("{classes}: can't tell", classes=tr(" or ").join(self.classes))
        )

    @property
    def short(self) -> dict[str, int]:
        """The classes that have too few calibration images for the level, and so can never be ruled out."""
        return too_few(self.counts, self.level)

    @property
    def next_level(self) -> float:
        """The level after this one among LEVELS, the first after the last."""
        return next((level for level in LEVELS if level > self.level + _SLACK), LEVELS[0])

    def at(self, level: float) -> "Possible":
        """The same image at another level. Raises ConfigError where it is none."""
        require_level(level)
        return replace(self, level=level)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        told = {"level": self.level, "classes": list(self.classes), "says": self.says, "p": dict(self.p)}
        return {**told, "promised": not self.short, "calibration_images": dict(self.counts)}


@dataclass(frozen=True, eq=False)
class CalibrationScores:
    """By class, the probabilities that its calibration images have of it, ascending."""

    classes: tuple[str, ...]
    own: tuple[Floats, ...]
    temperature: float

    @property
    def counts(self) -> dict[str, int]:
        """Calibration images by class."""
        return {name: len(scores) for name, scores in zip(self.classes, self.own, strict=True)}

    def p_values(self, probabilities: np.ndarray) -> Floats:
        """The conformal p-values, (n, classes), of images with the network's probabilities (n, classes)."""
        shares = _scores(probabilities, self.temperature)
        columns = [
            (np.searchsorted(own, shares[:, k], side="right") + 1) / (len(own) + 1) for k, own in enumerate(self.own)
        ]
        return np.stack(columns, axis=1)

    def possible(self, probabilities: np.ndarray, level: float = LEVEL) -> Possible:
        """Of one image with the network's probabilities (classes,)."""
        require_level(level)
        p = self.p_values(probabilities[None])[0].tolist()
        return Possible(level, dict(zip(self.classes, p, strict=True)), self.counts)


def calibration_scores(said: Predictions, classes: Sequence[str], temperature: float) -> CalibrationScores:
    """From answers that the model, or a fold's, gave to images that it had not learnt from."""
    shares = _scores(said.probabilities, temperature)
    places = [said.classes.index(name) for name in classes]
    return CalibrationScores(tuple(classes), tuple(np.sort(shares[said.labels == k, k]) for k in places), temperature)


def require_level(level: float) -> None:
    """Raises ConfigError where this is no level that can be promised."""
    if not 0.5 <= level < 1:  # NaN is none either
        raise ConfigError(tr("--level is {level}: give a share from 0.5 to below 1, such as 0.9.", level=level))


def least_images(level: float) -> int:
    """So many calibration images a class needs before it can be ruled out at this level: 9 for 0.9, 19 for 0.95."""
    return math.ceil(1 / (1 - level) - _SLACK * 1e3) - 1


def too_few(counts: Mapping[str, int], level: float) -> dict[str, int]:
    """The classes, of so many calibration images, that have too few for the level."""
    least = least_images(level)
    return {name: count for name, count in counts.items() if count < least}


def promise(scores: CalibrationScores, level: float) -> str:
    """What is promised at the level and for whom, or that it can't be, in a sentence or two."""
    counts, least = scores.counts, least_images(level)
    if short := too_few(counts, level):
        named = tr(" and ").join(tr("{name} ({count})", name=name, count=count) for name, count in short.items())
        return tr(
            "{level:.4g} can't be promised: it takes {least} calibration images of each class, and "
            "there are fewer of {named}; what has too few is never ruled out.",
            level=level,
            least=least,
            named=named,
        )
    return tr(
        "Of images of each class at least {level:.1%} have it among the possible ones: this holds "
        "for images drawn as the {images:,} calibration images were, over many such draws, and for no "
        "others.",
        level=level,
        images=sum(counts.values()),
    )


def covered(scores: CalibrationScores, said: Predictions, level: float) -> Covered:
    """How often the true class of answers to other images is among the possible ones at a level, over all and by class,
    and how many classes are possible how often.
    """
    inside = scores.p_values(said.probabilities) > 1 - level + _SLACK
    held = inside[np.arange(len(said.labels)), said.labels]
    by_class = {}
    for k, name in enumerate(scores.classes):
        own = held[said.labels == k]
        by_class[name] = OfCovered(len(own), int(own.sum()), *share_of(int(own.sum()), len(own)))
    sizes = np.bincount(inside.sum(axis=1), minlength=len(scores.classes) + 1)
    share, ends = share_of(int(held.sum()), len(held))
    return Covered(
        level=level,
        every=OfCovered(len(held), int(held.sum()), share, ends),
        classes=by_class,
        sizes=sizes.tolist(),
        short=too_few(scores.counts, level),
    )


def _scores(probabilities: np.ndarray, temperature: float) -> Floats:
    """The probabilities at the temperature, rounded first as those of the calibration images are in their file: else
    the two would not be compared alike.
    """
    return at_temperature(np.round(probabilities.astype(np.float64), DECIMALS), temperature)
