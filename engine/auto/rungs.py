"""The rungs of the ladder: what each lets the head see more than the one before, simplest first.

Each is judged out of fold, on the images of training and validation alone, by the mean cross-entropy; what it does to
the accuracy is told beside it. Every fit learns from the mirror images too, which costs nothing where the model is
used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.auto.class_shares import alike, log_shares
from engine.auto.features import Features, Rows
from engine.auto.folds import Ints, grouped_folds
from engine.auto.linear import STRENGTHS, Floats, Linear, fit_path
from engine.auto.reading import CELLS, DEPTHS
from engine.base.language import marked
from engine.network.backbones import Backbone
from engine.network.heads import Head
from engine.recipe.config import Weighting
from engine.training.forward import cross_entropies
from engine.training.step import class_weights


@dataclass(frozen=True)
class Seeing:
    """What a head sees: how many of the deepest stages, where in the picture, and the mirror image too."""

    depths: int = 1
    places: bool = False
    """Are the cells of the grid told apart?"""
    mirror: bool = False
    """Is the mirror image averaged in at each answer?"""

    def head(self, backbone: Backbone) -> Head:
        """As a head of the network."""
        return Head(tuple(reversed(backbone.ends[: self.depths])), CELLS, self.mirror)


@dataclass(frozen=True)
class Rung:
    """A step of the ladder: its name, and what it adds to what is seen so far."""

    name: str
    """As files have it in every language."""
    more: Callable[[Seeing], Seeing]


LADDER = (
    Rung(marked("last layer"), lambda seeing: seeing),
    Rung(marked("several depths"), lambda seeing: replace(seeing, depths=DEPTHS, places=True)),
    Rung(marked("mirror image"), lambda seeing: replace(seeing, mirror=True)),
)


@dataclass(frozen=True, eq=False)
class Judged:
    """A way to see, judged out of fold at each strength: `logits` (strengths, n, classes), `losses` (strengths, n), of
    which those of each class weigh alike where all classes count alike.
    """

    seeing: Seeing
    logits: Floats
    losses: Floats
    labels: npt.NDArray[np.int32]
    by_fold: Floats
    """Accuracy (0 to 1) at each strength in each fold: (strengths, folds)."""

    @property
    def best(self) -> int:
        """The place of the strength with the least loss; the strongest of equals."""
        return int(self.losses.mean(axis=1).argmin())

    @property
    def strength(self) -> float:
        """The best one."""
        return STRENGTHS[self.best]

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Is the answer to each image right, at the best strength? (n,)"""
        return np.asarray(self.logits[self.best].argmax(axis=1) == self.labels)


class Judge:
    """Judges ways to see on the same folds of the same images."""

    def __init__(
        self, features: Features, groups: Sequence[str], classes: int, seed: int, weighting: Weighting = "none"
    ) -> None:
        """`weighting` is the recipe's class weight."""
        self.features, self.classes, self.groups, self.seed = features, classes, np.asarray(groups), seed
        self.weighting: Weighting = "balanced" if alike(weighting, features.labels) else "none"
        """As it is resolved: do all classes count alike?"""
        self.folds = grouped_folds(features.labels, groups, seed)
        self.backbone = features.classifier.plan.backbone
        self.counts = class_weights(features.labels, classes, self.weighting)
        """How much an image of each class counts in a loss, (classes,)."""

    def judged(self, seeing: Seeing) -> Judged:
        """Out of fold, at each of STRENGTHS."""
        labels = self.features.labels
        logits = np.zeros((len(STRENGTHS), len(labels), self.classes))
        by_fold = np.zeros((len(STRENGTHS), len(self.folds)))
        for number, (learnt, answered) in enumerate(self.folds):
            for place, linear in enumerate(self.fitted(seeing, learnt)):
                logits[place, answered] = found = self._answers(seeing, linear, answered)
                by_fold[place, number] = (found.argmax(axis=1) == labels[answered]).mean()
        losses = np.stack([self.counts[labels] * cross_entropies(one, labels) for one in logits])
        return Judged(seeing, logits, losses, labels, by_fold)

    def fitted(self, seeing: Seeing, learnt: Ints, strengths: Sequence[float] = STRENGTHS) -> list[Linear]:
        """Fits on the images at `learnt` and on their mirror images, less the classes' shares where all count alike."""
        views = self.features.plain, self.features.mirror
        rows = np.concatenate([self._seen(seeing, view[learnt]) for view in views])
        labels = np.tile(self.features.labels[learnt], len(views))
        layers = [width * (CELLS**2 if seeing.places else 1) for width in self._widths(seeing)]
        found = fit_path(rows, labels, self.classes, strengths, layers)
        return [one.less(log_shares(labels, self.classes)) for one in found] if self.weighting == "balanced" else found

    def chosen(self, judged: Judged, learnt: Ints) -> Linear:
        """The fit on the images at `learnt` of the head and strength that were judged best."""
        return self.fitted(judged.seeing, learnt, STRENGTHS[: judged.best + 1])[-1]

    def answered(self, judged: Judged, folds: Sequence[tuple[Ints, Ints]] = ()) -> Floats:
        """The logits, (n, classes), of the head and strength that were judged best, out of fold; of other `folds` than
        its own where those are given.
        """
        found = np.zeros((len(self.features.labels), self.classes))
        for learnt, answered in folds or self.folds:
            found[answered] = self._answers(judged.seeing, self.chosen(judged, learnt), answered)
        return found

    def better_by(self, new: Judged, old: Judged) -> tuple[float, float]:
        """By how much the mean loss falls, and the standard error of that, over groups of images."""
        return fall(old.losses[old.best], new.losses[new.best], self.groups)

    def network(self, seeing: Seeing, linear: Linear) -> tuple[Rows, Rows]:
        """Kernel (width, classes) and bias (classes,), float32, of the head that sees so."""
        kernel = linear.kernel
        if not seeing.places:  # each cell has a share in the mean over the cells
            parts = np.split(kernel, np.cumsum(self._widths(seeing))[:-1])
            kernel = np.concatenate([np.tile(part / CELLS**2, (CELLS**2, 1)) for part in parts])
        return kernel.astype(np.float32), linear.bias.astype(np.float32)

    def given(self, seeing: Seeing, places: Ints) -> Rows:
        """What the head of the network gets of the images at `places`, averaged over the mirror images where seen."""
        return np.asarray(np.mean([self._columns(seeing, view[places]) for view in self._views(seeing)], axis=0))

    def both(self, seeing: Seeing, places: Ints) -> Rows:
        """What it gets of them and, below that, of their mirror images: (2n, width)."""
        views = self.features.plain, self.features.mirror
        return np.concatenate([self._columns(seeing, view[places]) for view in views])

    def columns(self, seeing: Seeing) -> int:
        """How many numbers of an image are learnt from."""
        return sum(self._widths(seeing)) * (CELLS**2 if seeing.places else 1)

    def _answers(self, seeing: Seeing, linear: Linear, answered: Ints) -> Floats:
        found = [linear.logits(self._seen(seeing, view[answered])) for view in self._views(seeing)]
        return np.asarray(np.mean(found, axis=0))

    def _views(self, seeing: Seeing) -> list[Rows]:
        return [self.features.plain, self.features.mirror] if seeing.mirror else [self.features.plain]

    def _widths(self, seeing: Seeing) -> list[int]:
        """Channels of each layer that is read, input side first."""
        return [self.backbone.by_name[name].shape[-1] for name in seeing.head(self.backbone).reads]

    def _columns(self, seeing: Seeing, rows: Rows) -> Rows:
        """Those of the widest head's columns that the head gets."""
        return rows[:, -sum(CELLS**2 * width for width in self._widths(seeing)) :]

    def _seen(self, seeing: Seeing, rows: Rows) -> Rows:
        """What is learnt from: the head's columns, or their means over the cells."""
        own = self._columns(seeing, rows)
        if seeing.places:
            return own
        widths = self._widths(seeing)
        parts = np.split(own, np.cumsum([CELLS**2 * width for width in widths])[:-1], axis=1)
        means = [part.reshape(len(own), CELLS**2, -1).mean(axis=1) for part in parts]
        return np.concatenate(means, axis=1)


def fall(before: Floats, after: Floats, groups: npt.NDArray[np.str_]) -> tuple[float, float]:
    """By how much a mean over images falls from `before` to `after`, both (n,), and the standard error of that.

    Images of one group count as one observation: their falls are summed first.
    """
    _, place = np.unique(groups, return_inverse=True)
    gains, n = before - after, len(before)
    sums = np.bincount(place, gains)
    sizes = np.bincount(place)
    spread = sums - sizes * gains.mean()
    count = len(sums)
    error = np.sqrt((spread**2).sum() * count / max(count - 1, 1)) / n
    return float(gains.mean()), float(error)
