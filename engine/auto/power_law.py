"""What the errors of fits on fewer images say of fits on more: a power law with a floor, and how sure that is.

The share of wrong answers of a fit on m images is taken to be e (f + (1 - f) (m / n)^-c): e is the error on all n, f
the share of it that no number of images mends, c how fast the rest falls (Cortes et al. 1993, "Learning curves:
asymptotic values and rate of convergence"; Viering and Loog 2023, "The shape of learning curves: a review"). Neither f
nor c can be told well from a few hundred images, so no best law is picked: each on a grid of e, f and c counts as much
as it explains what was measured, and the band is what they say together (Bayes' theorem; all f and c alike before, and
e as Jeffreys has it for a share).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.auto.curve import COVERED

Floats = npt.NDArray[np.float64]

EXPONENTS = np.linspace(0.05, 1.0, 20)
"""From hardly any fall to that of a fit of few parameters."""
FLOORS = np.linspace(0.0, 0.95, 20)
ERRORS = np.geomspace(1e-4, 0.99, 200)
"""On all images."""


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """Every law on the grid, (laws,) each, with its weight; the weights add up to 1."""

    errors: Floats
    floors: Floats
    exponents: Floats
    weights: Floats

    def error(self, times: float) -> tuple[float, float, float]:
        """The error on `times` as many images: the low end of the band, the median, the high end; 0 to 1."""
        found = self._on(times)
        order = np.argsort(found)
        below = np.cumsum(self.weights[order])
        tail = (1 - COVERED) / 2
        places = np.searchsorted(below, (tail, 0.5, 1 - tail)).clip(max=len(order) - 1)
        low, middle, high = (float(found[order[place]]) for place in places)
        return low, middle, high

    def _on(self, times: float) -> Floats:
        return np.asarray(np.minimum(self.errors * (self.floors + (1 - self.floors) * times**-self.exponents), 1.0))

    def given(self, sizes: Sequence[int], found: "Seen") -> "PowerLaw":
        """The same laws with the weights that what was `found` at `sizes` gives them."""
        laws = np.stack([self._on(size / found.images) for size in sizes], axis=1).clip(1e-9, 1 - 1e-9)
        last, falls = laws[:, -1], laws[:, :-1] - laws[:, 1:]
        right = found.counted * (found.errors[-1] * np.log(last) + (1 - found.errors[-1]) * np.log(1 - last))
        strays = found.errors[:-1] - found.errors[1:] - falls
        shape = -0.5 * np.einsum("ij,jk,ik->i", strays, np.linalg.inv(found.noise), strays)
        # The grid is one of logarithms; Jeffreys' prior of the error is one of its arcsine.
        fits = right + shape + 0.5 * np.log(last / (1 - last))
        weights = np.exp(fits - fits.max())
        return replace(self, weights=weights / weights.sum())


@dataclass(frozen=True, eq=False)
class Seen:
    """What fits on subsets gave, the smallest first."""

    images: int
    errors: Floats
    """The share of wrong answers at each size, (sizes,)."""
    counted: float
    """Independent images that the last error rests on."""
    noise: Floats
    """The covariance of the falls from each size to the next, (sizes - 1, sizes - 1)."""


def seen(wrong: Floats, groups: npt.NDArray[np.integer], draws: int, folds: int) -> Seen:
    """Of `wrong` (sizes, n), the share of fits on so many images that answered each image wrongly, 0 to 1.

    `groups` (n,) is the number of each image's group, whose images count as one observation. Fits on mostly the same
    images share what is peculiar to those, which no number of draws averages out: the last error counts as one of
    fewer images, by Nadeau and Bengio (2003, "Inference for the generalization error"), (1 / (folds draws) +
    1 / (folds - 1)) / (1 / folds) times fewer. To the falls one image is added that half of the time only the smaller
    fits have wrong and half of the time only the larger ones, so that no fall is sure.
    """
    n = wrong.shape[1]
    errors = wrong.mean(axis=1)
    strays = np.stack([np.bincount(groups, one - mean) for one, mean in zip(wrong, errors, strict=True)])
    mean = (wrong[-1].sum() + 0.5) / (n + 1)
    alone = mean * (1 - mean) * n
    counted = n * alone / max(float(strays[-1] @ strays[-1]), alone)
    falls = strays[:-1] - strays[1:]
    shared = 1 / draws + folds / (folds - 1)
    return Seen(n, errors, counted / shared, (falls @ falls.T + np.eye(len(falls))) / n**2)


def fitted(sizes: Sequence[int], found: Seen) -> PowerLaw:
    """The laws given what was `found` by fits on `sizes` images."""
    grids = np.meshgrid(ERRORS, FLOORS, EXPONENTS)
    errors, floors, exponents = (grid.ravel() for grid in grids)
    alike = np.full(len(errors), 1 / len(errors))
    return PowerLaw(errors, floors, exponents, alike).given(sizes, found)
