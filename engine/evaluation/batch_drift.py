"""A whole batch of images beside those that the model learnt from: are they others, and how frequent is each class?

What one image can't show, many can: a little darker each, or three times as many of a class.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.base.batch_result import AtPrevalence, Drift, Estimated, Unlike
from engine.base.result import Tested
from engine.evaluation.intervals import CONFIDENCE, Interval, exact_interval
from engine.evaluation.predictions_csv import Predictions
from engine.evaluation.prevalence import at_prevalence, rates_of
from engine.evaluation.training_reference import Reference, unit

LEAST = 20
"""Fewer images are no batch: nothing is said of them."""
MOST = 500
"""So many of a batch's images are kept for the distance."""
STRANGE = 0.05
"""Where more images than this are shown to be unlike anything seen, of which 1% is usual, what the model says of the
classes means too little to estimate how frequent they are."""
PERMUTATIONS = 1000
STEPS = 500
"""Of the expectation-maximisation; each brings it nearer."""
DRAWS = 1000
"""Simulated draws behind the interval of a share; fewer for many classes."""
MOST_CLASSES = 100
"""Of more classes the shares are not estimated: it would take too long."""
_NUMBERS = 4_000_000
"""Of all draws together, to keep memory small."""
Floats = npt.NDArray[np.float64]


@dataclass(eq=False)
class Batch:
    """Gathers a batch as it is answered: how often each class was said, and an even sample of MOST of its images."""

    classes: int
    n: int = 0
    said: npt.NDArray[np.int_] = field(init=False)
    features: list[np.ndarray] = field(default_factory=list)
    _random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self) -> None:
        self.said = np.zeros(self.classes, int)

    def add(self, probabilities: np.ndarray, features: np.ndarray) -> None:
        """An image with the network's probabilities (classes,) and features (channels,). Vitter's reservoir (1985)."""
        self.said[int(probabilities.argmax())] += 1
        self.n += 1
        if len(self.features) < MOST:
            self.features.append(features.copy())  # not the whole chunk that it is a row of
        elif (place := int(self._random.integers(self.n))) < MOST:
            self.features[place] = features.copy()


def drift(
    batch: Batch,
    reference: Reference | None,
    calibration: Predictions | None,
    test: Tested | None,
    classes: Sequence[str],
) -> Drift | None:
    """What the batch as a whole shows; None for fewer than LEAST images, or where nothing is kept to compare with.

    `calibration` are answers to images that the model had not learnt from, whose confusions tell how often each class
    is said of each; `test` is what the predictive values follow from.
    """
    if batch.n < LEAST or (reference is None and calibration is None):
        return None
    distance = p = unlike = None
    if reference is not None:
        features = np.stack(batch.features)
        distance, p = mmd(unit(reference.features), unit(features))
        beyond = int((reference.distances(features) > reference.limit).sum())
        unlike = Unlike(len(features), beyond, beyond / len(features), exact_interval(beyond, len(features)))
    strange = unlike is not None and unlike.share_ci[0] > STRANGE
    shares = _estimated(batch, calibration, classes) if calibration and not strange else {}
    return Drift(batch.n, distance, p, unlike, strange, shares, *_worth(test, shares))


def mmd(training: np.ndarray, here: np.ndarray, permutations: int = PERMUTATIONS, seed: int = 0) -> tuple[float, float]:
    """The maximum mean discrepancy of two sets of vectors, (n, c) and (m, c), and the chance of one as large if all
    came from one place, by permutation (Gretton et al. 2012, Journal of Machine Learning Research 13:723).

    Other shares of the classes alone make sets differ, too. With a Gaussian kernel as wide as the median distance; from
    0, for equal sets, to below the root of 2.
    """
    both = np.concatenate([training, here]).astype(np.float64)
    n, total = len(training), len(both)
    lengths = (both**2).sum(axis=1)
    squares = np.clip(lengths[:, None] + lengths - 2 * both @ both.T, 0, None)
    apart = squares[np.triu_indices(total, 1)]
    kernel = np.exp(-squares / max(float(np.median(apart)), 1e-12))
    signs = np.tile(np.where(np.arange(total) < n, 1 / n, -1 / (total - n))[:, None], permutations + 1)
    signs[:, 1:] = np.random.default_rng(seed).permuted(signs[:, 1:], axis=0)
    found = np.einsum("ij,ij->j", signs, kernel @ signs)
    p = (1 + int((found[1:] >= found[0] - 1e-12).sum())) / (permutations + 1)
    return float(np.sqrt(max(found[0], 0.0))), p


def class_shares(said: Floats, confusion: Floats, steps: int = STEPS) -> Floats:
    """The likeliest shares of the classes, (..., k), where a share `said` (..., k) of a batch was called each, and
    `confusion` (..., k, k) has in each row how often images of a class are called each.

    By expectation-maximisation (Saerens, Latinne and Decaestecker 2002, Neural Computation 14:21), on what is said
    rather than on probabilities, which needs no trust in them (Lipton, Wang and Smola 2018). It holds where images of
    each class look as they did: only how many there are of each may be other.
    """
    shares = np.full(np.broadcast_shapes(said.shape, confusion.shape[:-1]), 1 / said.shape[-1])
    for _ in range(steps):
        expected = np.einsum("...i,...ij->...j", shares, confusion)
        shares = shares * np.einsum("...ij,...j->...i", confusion, said / np.maximum(expected, 1e-300))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def _estimated(batch: Batch, calibration: Predictions, classes: Sequence[str]) -> dict[str, Estimated]:
    """The share of each class, with an interval for the batch's and the calibration's numbers of images."""
    k, order = len(classes), [calibration.classes.index(name) for name in classes]
    counts = np.zeros((k, k))
    place = {theirs: ours for ours, theirs in enumerate(order)}
    truth = [place[label] for label in calibration.labels.tolist()]
    np.add.at(counts, (truth, [place[one] for one in calibration.probabilities.argmax(axis=1).tolist()]), 1)
    if k > MOST_CLASSES or (counts.sum(axis=1) == 0).any():
        return {}
    own = class_shares(batch.said / batch.n, counts / counts.sum(axis=1, keepdims=True))
    random, draws = np.random.default_rng(0), max(40, min(DRAWS, _NUMBERS // k**2))
    # Jeffreys' prior gives confusions that were never seen a width.
    rows = random.standard_gamma(counts + 1 / k, (draws, k, k))
    said = random.standard_gamma(batch.said + 1 / k, (draws, k))
    drawn = class_shares(said / said.sum(axis=1, keepdims=True), rows / rows.sum(axis=2, keepdims=True))
    lows, highs = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return {
        name: Estimated(float(own[i]), (min(float(lows[i]), float(own[i])), max(float(highs[i]), float(own[i]))),
                        int(batch.said[i]))
        for i, name in enumerate(classes)
    }  # fmt: skip


def _worth(test: Tested | None, shares: dict[str, Estimated]) -> tuple[AtPrevalence | None, AtPrevalence | None]:
    """What an answer is worth at the test's own prevalence, and at the one that was estimated here."""
    rates = rates_of(test) if test else None
    at = test.operating if test else None
    if test is None or rates is None or at is None or at.positive not in shares:
        return None, None
    one = shares[at.positive]
    low, high = (_inside(end) for end in one.share_ci)
    around: Interval = low, high
    own = at_prevalence(rates, at.positive, _inside(test.classes[at.positive].n / test.n))
    return own, at_prevalence(rates, at.positive, _inside(one.share), around)


def _inside(share: float) -> float:
    """The share, or the nearest one at which predictive values are defined."""
    return min(max(share, 1e-6), 1 - 1e-6)
