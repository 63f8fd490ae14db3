"""Intervals where observations depend on each other: of cross-validation, and of several images of one patient."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.evaluation.intervals import CONFIDENCE, Interval, exact_interval

RESAMPLES = 2000
ROWS = 50
"""Resamples at a time, to keep memory small."""
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int_]


def corrected_interval(
    values: Sequence[float], tested_for_learnt: float, confidence: float = CONFIDENCE
) -> Interval | None:
    """The interval of the mean of a measure, or a difference, over k folds or repeated splits; None for fewer than 2.

    The trainings share most of their images, so the plain standard error is too small; the variance of the mean is
    taken to be (1/k + n_test/n_train) s^2, with Student's t of k - 1 (Nadeau and Bengio 2003, Machine Learning 52:239).
    `tested_for_learnt` is n_test/n_train.
    """
    from scipy.stats import t

    if len(values) < 2:
        return None
    mean, k = float(np.mean(values)), len(values)
    error = math.sqrt((1 / k + tested_for_learnt) * float(np.var(values, ddof=1)))
    reach = float(t.ppf((1 + confidence) / 2, k - 1)) * error
    return mean - reach, mean + reach


def numbered(groups: Sequence[str]) -> Ints:
    """The number, from 0, of each image's patient, (n,); an image with an empty name is a patient of its own."""
    names: dict[str, int] = {}
    return np.array([names.setdefault(name or f"\0{place}", len(names)) for place, name in enumerate(groups)], int)


def drawn(groups: int, random: np.random.Generator) -> Ints:
    """How often each of so many patients is in each of ROWS bootstrap samples of them, (ROWS, groups)."""
    return random.multinomial(groups, np.full(groups, 1 / groups), ROWS)


def clustered_mean(values: Floats, groups: Ints, random: np.random.Generator) -> Interval:
    """Percentiles of the mean of values (n,) over RESAMPLES bootstrap samples of whole patients (Field and Welsh 2007,
    Journal of the Royal Statistical Society B 69:369); `groups` (n,) is as `numbered` gives it.
    """
    sums, sizes = np.bincount(groups, values), np.bincount(groups)
    found = []
    for _ in range(RESAMPLES // ROWS):
        counts = drawn(len(sizes), random)
        found.append(counts @ sums / (counts @ sizes))
    return ends(np.concatenate(found))


def clustered_share(right: npt.NDArray[np.bool_], groups: Ints, confidence: float = CONFIDENCE) -> Interval:
    """The interval of a share of images, (n,), that are of patients numbered `groups`, (n,) (Korn and Graubard 1998,
    Survey Methodology 24:193).

    It is the exact one for as many independent images as would give the variance that is seen between patients, less
    what so few patients leave in doubt; for as many as there are patients where all are right, or all wrong.
    """
    from scipy.stats import t

    n, share, patients = len(right), float(right.mean()), int(groups.max()) + 1
    spread = np.bincount(groups, right - share)
    variance = float((spread**2).sum()) * patients / max(patients - 1, 1) / n**2
    if patients == 1 or variance < 1e-15:
        alike = float(patients)
    else:
        tail = (1 + confidence) / 2
        doubt = float(t.ppf(tail, n - 1) / t.ppf(tail, patients - 1)) ** 2
        alike = min(float(n), share * (1 - share) / variance * doubt)
    return exact_interval(share * alike, alike, confidence)


def ends(values: Floats) -> Interval:
    """The percentiles of bootstrapped values that bound an interval."""
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def weighted_auc(positive: npt.NDArray[np.bool_], scores: Floats, weights: npt.NDArray[np.number]) -> Floats:
    """The AUC, (m,), of scores (n,) where image i counts weights[:, i] times in each of m samples; NaN where all, or
    none, are positive. Ties count half (Mann and Whitney 1947).
    """
    order = np.argsort(scores, kind="stable")
    starts = np.nonzero(np.concatenate([[True], np.diff(scores[order]) > 0]))[0]
    sorted_weights = weights[:, order].astype(np.float64)
    yes = np.add.reduceat(sorted_weights * positive[order], starts, axis=1)
    no = np.add.reduceat(sorted_weights * ~positive[order], starts, axis=1)
    below = np.cumsum(no, axis=1) - no / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((yes * below).sum(axis=1) / (yes.sum(axis=1) * no.sum(axis=1)))


def sign_flips(differences: npt.NDArray[np.intp]) -> float:
    """The two-sided p-value of the paired randomization test (Fisher 1935) for whole numbers (n,), one an image or a
    patient: how often their sum would lie as far from 0 if each had its sign by the toss of a coin. Exact; for -1, 0
    and 1 it is McNemar's test.
    """
    there = differences[differences != 0]
    seen = abs(int(there.sum()))
    if not seen:
        return 1.0
    there = there // np.gcd.reduce(there)
    seen = abs(int(there.sum()))
    # What gets a plus adds up to the sum, over the few sizes, of size times a binomial count: a convolution for each.
    shares, reach = np.ones(1), 0
    for size, count in zip(*np.unique(np.abs(there), return_counts=True), strict=True):
        longer = np.zeros(len(shares) + int(size) * int(count))
        for plus, share in enumerate(_coin(int(count))):
            longer[plus * size : plus * size + len(shares)] += share * shares
        shares, reach = longer, reach + int(size) * int(count)
    return min(1.0, 2 * math.fsum(shares[(reach + seen) // 2 :]))  # the other tail is its mirror image


def _coin(tosses: int) -> list[float]:
    """How likely each number of heads is, from 0 on; each rounded once, from whole numbers."""
    ways, every, found = 1, 1 << tosses, []
    for heads in range(tosses // 2 + 1):
        found.append(ways / every)
        ways = ways * (tosses - heads) // (heads + 1)
    return found + found[(tosses - 1) // 2 :: -1] if tosses else found
