"""What the errors of fits on fewer images say of fits on more: a power law with a floor, and how sure that is.

The share of wrong answers of a fit on m images is taken to be e (f + (1 - f) (m / n)^-c): e is the error on all n, f
the share of it that no number of images mends, c how fast the rest falls (Cortes et al. 1993, "Learning curves:
asymptotic values and rate of convergence"; Viering and Loog 2023, "The shape of learning curves: a review"). Neither f
nor c can be told well from a few hundred images, so no best ones are picked: every pair on a grid counts as much as it
explains what was measured (Bayes' theorem, all pairs alike before), and the band is what they say together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.auto.curve import COVERED

Floats = npt.NDArray[np.float64]

EXPONENTS = np.linspace(0.05, 1.0, 20)
"""From hardly any fall to the one of a fit of few parameters."""
FLOORS = np.linspace(0.0, 0.95, 20)
MISFIT = 0.02
"""By how much, as a share of itself, an error strays from the law: its standard deviation."""


def measured(wrong: Floats, groups: npt.NDArray[np.integer]) -> tuple[Floats, Floats]:
    """The mean error of each size (sizes,) and the covariance of those means (sizes, sizes), over images.

    `wrong` (sizes, n) has the share of fits on so many images that answered each image wrongly, from 0 to 1; `groups`
    (n,) the number of its group, whose images count as one observation. Half an image that is always right and half
    a one that is always wrong are added (Jeffreys' prior of a share), so that no error is 0 and none is sure.
    """
    n = wrong.shape[1]
    means = (wrong.sum(axis=1) + 0.5) / (n + 1)
    strays = np.stack([np.bincount(groups, one - mean) for one, mean in zip(wrong, means, strict=True)])
    added = (np.outer(1 - means, 1 - means) + np.outer(means, means)) / 2
    return means, (strays @ strays.T + added) / (n + 1) ** 2


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """Every law on the grid (laws,) with its weight; the logarithm of its error on all images is normal."""

    floors: Floats
    exponents: Floats
    levels: Floats
    """Of each law, the mean logarithm of its error on all images."""
    spread: float
    """The standard deviation of that."""
    weights: Floats
    """They add up to 1."""

    def error(self, times: float) -> tuple[float, float, float]:
        """The error on `times` as many images: the low end of the band, the median, the high end; 0 to 1."""
        from scipy.special import ndtr

        middles = self.levels + _logarithms(self.floors, self.exponents, times)
        reach = 6 * self.spread
        places = np.linspace(middles.min() - reach, middles.max() + reach, 2000)
        below = ndtr((places[:, None] - middles) / self.spread) @ self.weights
        tail = (1 - COVERED) / 2
        low, middle, high = np.minimum(1.0, np.exp(np.interp((tail, 0.5, 1 - tail), below, places)))
        return float(low), float(middle), float(high)


def fitted(sizes: Sequence[int], errors: Floats, covariance: Floats, n: int) -> PowerLaw:
    """The laws given `errors` (sizes,), each above 0, of fits on `sizes` images, as `measured` gives them; `n` are all.

    The errors' logarithms are taken as normal, and the error on all images as unknown altogether before.
    """
    exponents, floors = (grid.ravel() for grid in np.meshgrid(EXPONENTS, FLOORS))
    spreads = covariance / np.outer(errors, errors) + MISFIT**2 * np.eye(len(errors))
    precision = np.linalg.inv(spreads)
    known = float(precision.sum())
    shapes = np.stack([_logarithms(floors, exponents, size / n) for size in sizes], axis=1)
    away = np.log(errors) - shapes
    levels = away @ precision.sum(axis=0) / known
    left = away - levels[:, None]
    fits = -0.5 * np.einsum("ij,jk,ik->i", left, precision, left)
    weights = np.exp(fits - fits.max())
    return PowerLaw(floors, exponents, levels, known**-0.5, weights / weights.sum())


def _logarithms(floors: Floats, exponents: Floats, times: float) -> Floats:
    """Of the error on `times` as many images, as a share of the one on all: (laws,)."""
    return np.asarray(np.log(floors + (1 - floors) * times**-exponents))
