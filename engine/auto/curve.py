"""The learning curve: accuracy against the number of images to learn from, and what more of them would bring.

Needs no NumPy, so that a screen can show it; `engine.auto.subsets` measures it.
"""

import os
from dataclasses import dataclass

from engine.base.language import tr
from engine.base.typed_files import Ends, Positive, Share, typed
from engine.evaluation.headline import percent, percents
from engine.runs.directory import Run

CURVE_FILE = "curve.json"
COVERED = 0.8
"""Of what is possible lies in the band."""


@dataclass(frozen=True)
class Point:
    """The accuracy of fits on so many images, out of fold, as it was measured."""

    images: Positive
    accuracy: Share


@dataclass(frozen=True)
class Expected:
    """The accuracy to expect of a fit on so many images, and the band that has the true one with 80% probability."""

    images: Positive
    accuracy: Share
    band: Ends


@dataclass(frozen=True)
class LearningCurve:
    """What curve.json holds."""

    images: Positive
    """That may be learnt from: of training and validation."""
    draws: Positive
    """Subsets of each size that each fold drew."""
    measured: tuple[Point, ...]
    """By size, the smallest first."""
    law: tuple[Expected, ...]
    """From a quarter of the images to four times as many, by factors of the root of 2."""

    def expected(self, times: int) -> Expected:
        """Of `times` as many images: 1, 2 or 4."""
        return next(one for one in self.law if one.images == times * self.images)

    @property
    def sentence(self) -> str:
        """285 images: 95.1%. With 570: about 96.0% (94.4% to 97.2%); with 1,140: about 96.6% (94.6% to 98.1%)."""
        now, twice, four = (self.expected(times) for times in (1, 2, 4))
        return tr(
            "{images:,} images: {accuracy}. With {twice}; with {four}.",
            images=now.images,
            accuracy=percent(now.accuracy),
            twice=_told(twice),
            four=_told(four),
        )

    @property
    def doubts(self) -> str:
        """What was not checked."""
        return tr(
            "In brackets: 80% band. No fit had more than {most:,} images: beyond is a power law of the error. It takes "
            "more images to be like these, in the same shares of classes, and the same recipe.",
            most=self.measured[-1].images,
        )


def _told(one: Expected) -> str:
    return tr(
        "{images:,}: about {accuracy} ({band})",
        images=one.images,
        accuracy=percent(one.accuracy),
        band=percents(one.band),
    )


def read_curve(run: Run) -> LearningCurve | None:
    """The run's curve; None where it has none. Raises RunError where it is damaged."""
    path = run.path / CURVE_FILE
    return typed(path, LearningCurve, tr("remove it; the run is whole without it")) if os.path.lexists(path) else None
