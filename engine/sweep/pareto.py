"""Many recipes judged on the same validation images: which are worth their cost, and which is to be recommended.

A recipe's runs differ in their seed alone; an image counts for a recipe with the share of them that got it right.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.base.errors import RunError
from engine.base.language import tr, trn
from engine.base.wording import counted, listing
from engine.evaluation.compare import by_chance, why_both
from engine.evaluation.intervals import CONFIDENCE, Interval, exact_interval
from engine.evaluation.resampling import RESAMPLES, Ints, clustered_mean, sign_flips
from engine.sweep.result import Advice, Gap, Swept, SweptRecipe

LEAST_P = 1 - CONFIDENCE
"""A recipe whose paired test against the best gives a smaller p-value is told to be worse."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A recipe that was trained with one seed or more; rows of `right` are runs, columns the validation images."""

    name: str
    trainable: int
    right: npt.NDArray[np.bool_]
    losses: tuple[float, ...]
    """Validation loss of each run, in nats."""
    seconds: tuple[float, ...]
    """Training seconds of each run, without what was computed once and kept."""
    filling: tuple[float, ...]
    """Seconds of each run in which activations were computed to be kept; a later run of the same cut has none."""
    runs: tuple[str, ...] = ()
    patients: Ints | None = None
    """The number of each image's patient, (n,), as `engine.evaluation.resampling.numbered` gives it; None where no
    patient is known.
    """

    @cached_property
    def hits(self) -> npt.NDArray[np.intp]:
        """In how many of the runs each image was told rightly, (n,)."""
        return np.asarray(self.right.sum(axis=0), np.intp)

    @property
    def accuracy(self) -> float:
        """Mean over the runs."""
        return float(self.right.mean())

    @property
    def accuracy_ci(self) -> Interval:
        """The exact interval that one run with this share right would have."""
        n = self.right.shape[1]
        return exact_interval(float(self.hits.sum()) / len(self.right), n)

    @property
    def loss(self) -> float:
        """Mean validation loss."""
        return float(np.mean(self.losses))

    @property
    def cost(self) -> float:
        """Mean training seconds."""
        return float(np.mean(self.seconds))

    def swept(self, label: str, frontier: bool) -> SweptRecipe:
        """As sweep.json has it, without the single images."""
        return SweptRecipe(
            name=self.name, trainable=self.trainable, n=self.right.shape[1], accuracy=self.accuracy,
            accuracy_ci=self.accuracy_ci, accuracies=tuple(self.right.mean(axis=1).tolist()), loss=_known(self.loss),
            losses=tuple(map(_known, self.losses)), seconds=self.cost, each_seconds=self.seconds, filling=self.filling,
            runs=self.runs, label=label, frontier=frontier,
        )  # fmt: skip


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def frontier(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other beats: none is at least as accurate, as quick and as small, and better in one of these."""
    marks = [(-one.accuracy, one.cost, one.trainable) for one in candidates]

    def beaten(mine: tuple[float, ...]) -> bool:
        return any(other != mine and all(o <= m for o, m in zip(other, mine, strict=True)) for other in marks)

    return [one for one, mine in zip(candidates, marks, strict=True) if not beaten(mine)]


def steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The frontier in one plane of (cost, accuracy): ever more accurate as it gets dearer."""
    found: list[tuple[float, float]] = []
    for cost, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not found or accuracy > found[-1][1]:
            found.append((cost, accuracy))
    return found


def recommend(candidates: Sequence[Candidate]) -> Advice:
    """The cheapest, in training seconds, of the recipes that validation doesn't show to be worse than the best.

    Best is the highest mean accuracy, ties going to the lower loss. Raises RunError where the recipes were not judged
    on the same number of images.
    """
    if len({one.right.shape[1] for one in candidates}) != 1:
        raise RunError(tr("The recipes of the sweep were judged on different validation images: sweep again."))
    best = min(candidates, key=lambda one: (-one.accuracy, one.loss, one.cost))
    by_cost = sorted(candidates, key=lambda one: (one.cost, one.trainable, one.name))
    gaps = tuple(gap(best, one) for one in by_cost if one is not best)
    worse = {one.name for one in gaps if one.p < LEAST_P}
    chosen = next(one for one in by_cost if one.name not in worse)
    sentence = _sentence(chosen.swept(chosen.name, False), best.swept(best.name, False), gaps)
    return Advice(chosen.name, best.name, gaps, sentence)


def told_anew(result: Swept) -> Swept:
    """The sweep with its advice in the language at hand, from its numbers; as it was saved where those are too few."""
    advice = result.advice
    chosen, best = (result.named(name) for name in (advice.name, advice.best)) if advice else (None, None)
    if not (advice and chosen and best):
        return result
    ahead = result.gap(chosen.name)
    if chosen is not best and (ahead is None or ahead.divided is None):
        return result
    told = dataclasses.replace(advice, sentence=_sentence(chosen, best, advice.gaps))
    return dataclasses.replace(result, advice=told)


def gap(best: Candidate, other: Candidate) -> Gap:
    """The accuracy of `best` less that of `other`, on the same images; all images of a patient count together."""
    one, two, patients = len(best.right), len(other.right), best.patients
    ahead = best.hits * two - other.hits * one  # whole numbers: an image's share, times the runs of both
    divided = int(np.count_nonzero(ahead))
    if patients is not None and divided:
        ends = clustered_mean(ahead / (one * two), patients, np.random.default_rng(0))
        ahead = np.bincount(patients, ahead).astype(np.intp)
    else:
        ends = _resampled(ahead / (one * two))
    return Gap(other.name, best.accuracy - other.accuracy, ends, sign_flips(ahead), divided)


def _resampled(differences: npt.NDArray[np.float64], seed: int = 0) -> Interval:
    """Percentiles of the mean over RESAMPLES paired bootstrap samples of the images; where no image divides the two,
    what so many images allow to claim.
    """
    n = len(differences)
    if not differences.any():
        most = 1 - ((1 - CONFIDENCE) / 2) ** (1 / n)
        return -most, most
    values, counts = np.unique(differences, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(n, counts / n, RESAMPLES) @ values / n
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _sentence(chosen: SweptRecipe, best: SweptRecipe, gaps: Sequence[Gap]) -> str:
    low, high = chosen.accuracy_ci
    facts = trn(
        "{name} trains {trainable:,} parameters in {cost:.0f} s and is right for {accuracy:.1%} ({low:.1%} to "
        "{high:.1%}) of {images}, mean of {number} seed",
        "{name} trains {trainable:,} parameters in {cost:.0f} s and is right for {accuracy:.1%} ({low:.1%} to "
        "{high:.1%}) of {images}, mean of {number} seeds",
        len(chosen.accuracies),
        name=chosen.name,
        trainable=chosen.trainable,
        cost=chosen.seconds,
        accuracy=chosen.accuracy,
        low=low,
        high=high,
        images=counted(chosen.n, "validation image"),
    )
    doubt = tr(
        "the test part, still shut, is to say what the choice is worth, as the best of several looks too good here"
    )
    if chosen.name == best.name:
        worse = listing(one.name for one in gaps if one.p < LEAST_P)
        if not worse:
            return tr("{facts}: the most accurate recipe; {doubt}.", facts=facts, doubt=doubt)
        return tr(
            "{facts}: the most accurate recipe, and of the cheaper and dearer ones {worse} are shown to be worse; "
            "{doubt}.",
            facts=facts,
            worse=worse,
            doubt=doubt,
        )
    ahead = next(one for one in gaps if one.name == chosen.name)
    first, last = (100 * end for end in ahead.ci)
    return tr(
        "{facts}; {best} is the most accurate with {accuracy:.1%} in {cost:.0f} s, but its lead of {lead:.1f} points "
        "can't be told from chance: the exact paired test decides ({chance}). Its 95% interval is "
        "{first:+.1f} to {last:+.1f}; {why}; {doubt}.",
        facts=facts,
        best=best.name,
        accuracy=best.accuracy,
        cost=best.seconds,
        lead=100 * ahead.value,
        chance=by_chance(ahead.p),
        first=first,
        last=last,
        why=why_both(ahead.ci, ahead.p, ahead.divided or 0),
        doubt=doubt,
    )
