"""How uncertain a measured number is: 95% intervals that stay honest where everything, or nothing, is right.

Bootstrap and Wald intervals have no width there (66 of 66 would be "exactly 100%"), so each measure has one that does.
SciPy is imported when first needed, as it is slow to load.
"""

import math
from collections.abc import Sequence

import numpy as np

CONFIDENCE = 0.95
DRAWS = 10_000
"""Simulated draws behind an interval that has no formula."""

Interval = tuple[float, float]


def exact_interval(successes: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """The exact two-sided interval of a share (Clopper and Pearson 1934): 66 of 66 is "at least 0.946".

    `successes` may be a mean over several runs on the same n images; the interval is then a cautious one. `n` may be
    the number of independent images that more dependent ones are worth.
    """
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(beta.ppf(1 - tail, successes + 1, n - successes))
    return low, high


def f1_interval(hits: int, mistakes: int) -> Interval:
    """The exact interval of F1 = 2 TP / (2 TP + FP + FN), where `mistakes` is FP + FN; one of the two must be above 0.

    F1 = 2J / (1 + J) rises with J = TP / (TP + FP + FN); J is a share of images, so its exact interval carries over.
    """
    low, high = exact_interval(hits, hits + mistakes)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def auc_interval(auc: float, positives: int, negatives: int, confidence: float = CONFIDENCE) -> Interval:
    """The interval of an area under the ROC curve (Newcombe 2006, Statistics in Medicine 25:559, method 5).

    The limits are those areas from which `auc` lies as far as Hanley and McNeil's standard error allows at the area
    itself. Unlike a bootstrap's, the interval of a perfect separation has a width. Both counts must be above 0.
    """
    low = _lower_auc(auc, positives, negatives, confidence)
    return low, 1.0 - _lower_auc(1.0 - auc, positives, negatives, confidence)


def _lower_auc(auc: float, positives: int, negatives: int, confidence: float) -> float:
    from scipy.optimize import brentq
    from scipy.stats import norm

    z = float(norm.ppf((1 + confidence) / 2))
    others = (positives + negatives) / 2 - 1

    def too_low(area: float) -> float:
        pairs = 1 + others * (1 - area) / (2 - area) + others * area / (1 + area)
        return auc - area - z * math.sqrt(area * (1 - area) * pairs / (positives * negatives))

    nearly = auc - 1e-9  # at 1 itself the standard error is 0, which is the root not meant
    return 0.0 if nearly <= 0 or too_low(nearly) >= 0 else float(brentq(too_low, 0.0, nearly))


def mcc(confusion: np.ndarray) -> np.ndarray:
    """Matthews' correlation coefficient of one confusion matrix or of many, (..., k, k) of counts or shares: (...).

    For more than two classes it is Gorodkin's R_K (2004); 0 where truth or prediction is always the same class.
    """
    wide = confusion.astype(np.float64)
    total, right = wide.sum(axis=(-2, -1)), wide.trace(axis1=-2, axis2=-1)
    truth, said = wide.sum(axis=-1), wide.sum(axis=-2)
    spread = (total**2 - (said**2).sum(axis=-1)) * (total**2 - (truth**2).sum(axis=-1))
    shared = right * total - (truth * said).sum(axis=-1)
    return np.where(spread > 0, shared / np.sqrt(np.where(spread > 0, spread, 1.0)), 0.0)


def mcc_interval(confusion: np.ndarray, confidence: float = CONFIDENCE, seed: int = 0) -> Interval:
    """The interval of Matthews' coefficient, from draws of the cells' shares given their counts (k, k).

    The shares are Dirichlet with a prior of two images spread over all cells (Jeffreys' for 2x2; Caelen 2017, Annals of
    Mathematics and Artificial Intelligence 81:429). A limit that the measured value lies beyond is moved to it, as
    Brown, Cai and DasGupta (2001) do for shares.
    """
    cells = confusion.reshape(-1) + 2.0 / confusion.size
    draws = np.random.default_rng(seed).standard_gamma(cells, (DRAWS, confusion.size))
    found = mcc(draws.reshape(DRAWS, *confusion.shape))
    measured = float(mcc(confusion))
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return min(float(low), measured), max(float(high), measured)


def mean_interval(intervals: Sequence[Interval]) -> Interval:
    """The interval of the mean of dependent measures: the means of their limits, as if all were wrong together.

    It is exact for measures that rise and fall as one, as the F1 of two classes nearly do, and cautious for others.
    """
    lows, highs = zip(*intervals, strict=True)
    return float(np.mean(lows)), float(np.mean(highs))


def difference_interval(first: float, first_ci: Interval, second: float, second_ci: Interval) -> Interval:
    """The interval of `first - second`, measured on different images, from their own (MOVER: Zou and Donner 2008)."""
    lower = math.hypot(first - first_ci[0], second_ci[1] - second)
    upper = math.hypot(first_ci[1] - first, second - second_ci[0])
    return first - second - lower, first - second + upper


def paired_counts(first: np.ndarray, second: np.ndarray) -> tuple[int, int, int, int]:
    """Of two answers to the same images, each (n,) of whether it is right: how many are so in both, only in the first,
    only in the second, in neither.
    """
    cells = (first & second, first & ~second, second & ~first, ~first & ~second)
    both, only_first, only_second, neither = (int(cell.sum()) for cell in cells)
    return both, only_first, only_second, neither


def paired_interval(both: int, only_first: int, only_second: int, neither: int) -> Interval:
    """The 95% interval of the difference of two shares of the same images (Newcombe 1998, Statistics in Medicine
    17:2635, method 10). Unlike a bootstrap's, it has a width where the two never differ.
    """
    n = both + only_first + only_second + neither
    first, second = both + only_first, both + only_second
    (low1, high1), (low2, high2) = _wilson(first, n), _wilson(second, n)
    share1, share2 = first / n, second / n
    margins = math.sqrt(float(first) * (n - first) * second * (n - second))
    cross = both * neither - only_first * only_second
    phi = (max(cross - n / 2, 0.0) if cross > 0 else cross) / margins if margins else 0.0

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one**2 - 2 * phi * one * other + other**2))

    difference = share1 - share2
    return (
        max(-1.0, difference - reach(share1 - low1, high2 - share2)),
        min(1.0, difference + reach(high1 - share1, share2 - low2)),
    )


def _wilson(successes: int, n: int) -> Interval:
    from scipy.stats import binomtest

    interval = binomtest(successes, n).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)
