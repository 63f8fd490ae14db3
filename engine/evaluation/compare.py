"""Two runs on the same test images: is one better, or would other images turn it round?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.base.errors import RunError
from engine.base.language import tr, trn
from engine.base.typed_files import plain_object
from engine.base.wording import counted
from engine.data.split import Split
from engine.evaluation.intervals import CONFIDENCE, Interval
from engine.evaluation.metrics import auc_columns, mean_auc
from engine.evaluation.predictions_csv import read_predictions
from engine.evaluation.resampling import (
    RESAMPLES,
    ROWS,
    Ints,
    clustered_mean,
    drawn,
    ends,
    numbered,
    sign_flips,
    weighted_auc,
)
from engine.runs.directory import SPLIT, Run

HARDLY, ALWAYS = 0.0005, 0.995
"""Chances that round to none in tenths of a percent, and to all in whole ones."""


@dataclass(frozen=True)
class Comparison:
    """Two runs' answers to the same images. Differences are of the first run less the second."""

    n: int
    accuracies: tuple[float, float]
    only_first: int
    """Images that the first run alone got right."""
    only_second: int
    p: float
    """McNemar's exact two-sided p-value: how often chance alone would divide these images as unevenly. Where patients
    are known, chance deals all images of one patient together.
    """
    difference: float
    difference_ci: Interval
    aucs: tuple[float, float] | None
    auc_difference: float | None
    auc_difference_ci: Interval | None
    """None as well where both order the images without a mistake, as resampling then knows no other outcome."""
    patients: int | None = None
    """By so many patients the test and the resamples go; None where none is known, and each image counts as one."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return plain_object(self)

    @property
    def shown(self) -> bool:
        """Is one of the two shown to be better? The exact test decides, never the interval."""
        return self.p < 1 - CONFIDENCE

    @property
    def verdict(self) -> str:
        """The comparison in a sentence, which says what decides and what the interval is for."""
        low, high = self.difference_ci
        if self.shown:
            better = tr("The first is better") if self.difference > 0 else tr("The second is better")
        else:
            better = tr("No difference shown")
        images, chance = counted(self.n, "image"), by_chance(self.p)
        decides = tr("McNemar's exact test decides ({chance})", chance=chance)
        if self.patients is not None:
            images = tr("{images} of {patients}", images=images, patients=counted(self.patients, "patient"))
            decides = tr("McNemar's exact test, all images of a patient together, decides ({chance})", chance=chance)
        return tr(
            "{better} on {images}: {decides}. Accuracy differs by {difference:+.1%} ({low:+.1%} to {high:+.1%}); "
            "{why}.",
            better=better,
            images=images,
            decides=decides,
            difference=self.difference,
            low=low,
            high=high,
            why=why_both(self.difference_ci, self.p, self.only_first + self.only_second),
        )


def cases(p: float) -> str:
    """A p-value, 0 to 1, as the share of cases in which chance alone does as much."""
    if p < HARDLY:
        return "<0.1%"
    return f"{100 * p:.2g}%" if p < ALWAYS else "100%"


def by_chance(p: float) -> str:
    """What a p-value of McNemar's test, 0 to 1, means, in plain words before the figure."""
    if p < HARDLY:
        return tr("chance alone would hardly ever part them so far, p = {p:.2g}", p=p)
    return tr("chance alone would part them so far in {share} of cases, p = {p:.2g}", share=cases(p), p=p)


def why_both(interval: Interval, p: float, divided: int) -> str:
    """What an interval says beside an exact test of the same images, so that nobody reads two verdicts.

    A bootstrap draws from the few images that divide the two as if there were no others: it is too narrow where they
    are few, and may leave 0 out although the test shows nothing.
    """
    if not divided:
        return tr("no image divides the two, so the interval is what so many images allow to claim")
    says = tr("the interval, by paired bootstrap, only says about how large that may be")
    if (p < 1 - CONFIDENCE) == (not interval[0] <= 0 <= interval[1]):
        return says
    few = trn("only {number} image divides the two", "only {number} images divide the two", divided)
    return tr("{says}: where {few} it is too rough to decide", says=says, few=few)


def compare_runs(first: Run, second: Run, with_auc: bool = True) -> Comparison:
    """Compare the test results of two runs. Raises RunError where they were not tested on the same images."""
    one, other = read_predictions(first), read_predictions(second)
    if sorted(one.classes) != sorted(other.classes):
        raise RunError(
            tr(
                "{first} and {second} can't be compared: they tell other classes apart.",
                first=first.name,
                second=second.name,
            )
        )
    place = {file: k for k, file in enumerate(other.files)}
    if set(one.files) != set(place):
        raise RunError(
            tr(
                "{first} and {second} were tested on different images: train one of them again with --split {path}, "
                "then compare.",
                first=first.name,
                second=second.name,
                path=first.path / SPLIT,
            )
        )
    columns = [other.classes.index(name) for name in one.classes]
    rows = [place[file] for file in one.files]
    labels = np.array([one.classes.index(other.classes[k]) for k in other.labels[rows]])
    if (labels != one.labels).any():
        raise RunError(
            tr(
                "{first} and {second} can't be compared: they call an image by different classes.",
                first=first.name,
                second=second.name,
            )
        )
    there = other.probabilities[np.ix_(rows, columns)]
    return compare(one.labels, one.probabilities, there, with_auc=with_auc, groups=patients_of(first, one.files))


def patients_of(run: Run, files: Sequence[str]) -> Ints | None:
    """The number of each file's patient, (n,); None where the run's split names none of them.

    Raises DataError where the split is damaged.
    """
    if not (run.path / SPLIT).is_file():
        return None
    known = {row.file: row.patient for row in Split.read(run.path / SPLIT).rows}
    patients = [known.get(file, "") for file in files]
    return numbered(patients) if any(patients) else None


def compare(
    labels: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    seed: int = 0,
    with_auc: bool = True,
    groups: Ints | None = None,
) -> Comparison:
    """Compare two sets of probabilities (n, classes) for the same images with labels (n,), n at least 1.

    McNemar's test is exact (binomial over the images that only one got right; McNemar 1947); intervals are percentiles
    of RESAMPLES paired bootstrap samples (Efron 1979). AUC is that of the second class for two classes, else the mean
    over classes. Where no image divides the two, the accuracy's interval is what that many images allow to claim.
    Where `groups`, (n,), number the patients, whole patients are resampled, and their signs tested (`sign_flips`).
    """
    right = first.argmax(axis=1) == labels, second.argmax(axis=1) == labels
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    n = len(labels)
    random = np.random.default_rng(seed)
    areas = (mean_auc(labels, first), mean_auc(labels, second)) if with_auc else (None, None)
    aucs = (areas[0], areas[1]) if areas[0] is not None and areas[1] is not None else None
    p, around = _paired(right, groups, random)
    return Comparison(
        n=n,
        accuracies=(float(right[0].mean()), float(right[1].mean())),
        only_first=only_first,
        only_second=only_second,
        p=p,
        difference=(only_first - only_second) / n,
        difference_ci=around,
        aucs=aucs,
        auc_difference=aucs[0] - aucs[1] if aucs else None,
        auc_difference_ci=_auc_ends(labels, first, second, random, groups) if aucs and min(aucs) < 1 else None,
        patients=None if groups is None else int(groups.max()) + 1,
    )


def _paired(
    right: tuple[np.ndarray, np.ndarray], groups: Ints | None, random: np.random.Generator
) -> tuple[float, Interval]:
    """The p-value of two runs' answers being right, each (n,), and the interval of the accuracies' difference."""
    first, second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    n = len(right[0])
    people = n if groups is None else int(groups.max()) + 1
    most = 1 - ((1 - CONFIDENCE) / 2) ** (1 / people)  # of none in so many, Clopper and Pearson's upper limit
    if not first + second:
        return 1.0, (-most, most)
    if groups is None:
        return mcnemar(first, second), _accuracy_ends(first, second, n, random)
    gains = right[0].astype(float) - right[1]
    return sign_flips(np.bincount(groups, gains).astype(np.intp)), clustered_mean(gains, groups, random)


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of McNemar's exact test: of a fair coin's being as uneven or more. In whole numbers, as the
    screen that asks can't wait for SciPy.
    """
    divided, ways, tail = only_first + only_second, 1, 0
    for count in range(min(only_first, only_second) + 1):
        tail += ways
        ways = ways * (divided - count) // (count + 1)
    return min(1.0, 2 * tail / (1 << divided))


def _accuracy_ends(only_first: int, only_second: int, n: int, random: np.random.Generator) -> Interval:
    # How many of each kind a resample of the images has is multinomial; so nothing needs to be resampled one by one.
    shares = np.array([only_first, only_second, n - only_first - only_second]) / n
    counts = random.multinomial(n, shares, RESAMPLES)
    return ends((counts[:, 0] - counts[:, 1]) / n)


def _auc_ends(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, random: np.random.Generator, groups: Ints | None
) -> Interval | None:
    found = []
    for _ in range(RESAMPLES // ROWS):
        if groups is None:
            samples = random.integers(0, len(labels), (ROWS, len(labels)))
            areas = [_areas(_aucs, labels, shares, samples) for shares in (first, second)]
        else:
            weights = drawn(int(groups.max()) + 1, random)[:, groups]
            areas = [_areas(weighted_auc, labels, shares, weights) for shares in (first, second)]
        found.append(areas[0] - areas[1])
    differences = np.concatenate(found)
    differences = differences[np.isfinite(differences)]
    return ends(differences) if len(differences) else None


def _areas(
    area: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray], labels: np.ndarray, shares: np.ndarray,
    samples: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """The mean over classes of the AUC in each sample, (m,)."""
    every = [area(labels == k, shares[:, k], samples) for k in auc_columns(shares)]
    return np.asarray(np.mean(every, axis=0))


def _aucs(positive: np.ndarray, scores: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """The AUC in each resample, by ranks (Mann and Whitney 1947); NaN where all of one, or none, are positive."""
    from scipy.stats import rankdata

    yes = positive[samples]
    count = yes.sum(axis=1)
    above = (rankdata(scores[samples], axis=1) * yes).sum(axis=1) - count * (count + 1) / 2
    with np.errstate(invalid="ignore"):
        return np.asarray(above / (count * (samples.shape[1] - count)))
