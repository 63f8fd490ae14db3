"""What is kept of each image at a cut inside the network, for rungs that train layers: found by place and view."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from engine.auto.features import MIRRORED, Rows, passed
from engine.auto.folds import Ints
from engine.base.context import Context
from engine.base.events import FILL
from engine.base.language import tr
from engine.base.number_format import BYTES
from engine.base.runtime import cache_dir
from engine.network.classifier import Classifier
from engine.training.augment import PLAIN
from engine.training.batches import FeatureSource, PixelSource, Source, choose, prepared
from engine.training.feature_file import stored

VIEWS = (PLAIN, MIRRORED)
"""The views of each image that are learnt from."""
MOST_IN_MEMORY = 2 * 10**9
"""Bytes of activations that are held in memory where none are kept on disk."""


@dataclass(frozen=True, eq=False)
class Activations:
    """Of the images of training and validation, one part after the other, what the frozen layers below a cut give."""

    classifier: Classifier
    sources: list[Source]
    dtype: str
    """The number format in which they are kept, on disk or in memory."""
    context: Context
    _held: dict[tuple[int, int], Rows] = field(default_factory=dict)
    """By part and view, where they are not kept on disk."""

    @property
    def count(self) -> int:
        """Of the images."""
        return sum(len(source.images) for source in self.sources)

    def missing(self) -> int:
        """How many images, each view by itself, must still pass the frozen layers."""
        return sum(self._missing(part) for part in range(len(self.sources)))

    @property
    def fits(self) -> bool:
        """Is there room for what can't be kept on disk?"""
        loose = sum(len(source.images) for source in self.sources if not isinstance(source, FeatureSource))
        each = math.prod(self.classifier.plan.kept_shape) * BYTES[self.dtype]
        return loose * len(VIEWS) * each <= MOST_IN_MEMORY

    def prepare(self) -> None:
        """Compute what is missing. Raises Stopped."""
        for part, source in enumerate(self.sources):
            for view in VIEWS:
                source = self.sources[part] = prepared(source, view, self.context.emit)
                if isinstance(source, PixelSource) and (part, view) not in self._held:
                    self._held[part, view] = self._computed(source, view)

    def rows(self, chosen: Ints, views: npt.NDArray[np.integer]) -> Rows:
        """Those of the images at `chosen`, (n,), each in its one of `views`, (n,): float32 (n, *kept_shape)."""
        found = np.empty((len(chosen), *self.classifier.plan.kept_shape), np.float32)
        first = 0
        for part, source in enumerate(self.sources):
            for view in VIEWS:
                own = (chosen >= first) & (chosen < first + len(source.images)) & (views == view)
                if own.any():
                    found[own] = self._of(part, chosen[own] - first, view)
            first += len(source.images)
        return found

    def _of(self, part: int, chosen: Ints, view: int) -> Rows:
        if (part, view) in self._held:
            return self._held[part, view][chosen]
        ((rows, _),) = self.sources[part].batches(chosen, view, len(chosen))
        return np.asarray(rows)

    def _missing(self, part: int) -> int:
        source = self.sources[part]
        if isinstance(source, FeatureSource):
            return source.missing(len(VIEWS))
        return len(source.images) * sum((part, view) not in self._held for view in VIEWS)

    def _computed(self, source: PixelSource, view: int) -> Rows:
        rows = passed(self.classifier, source, view, FILL + tr(", below the cut"), self.context)
        return np.concatenate([stored(some, self.dtype) for some in rows])


def activations(classifier: Classifier, pixels: Sequence[PixelSource], context: Context) -> Activations:
    """Those of the images in `pixels`, training and validation, below the classifier's cut; kept on disk where there
    is room. Nothing is computed yet.
    """
    train, validation = (replace(part, classifier=classifier) for part in pixels)
    config, precision = train.config, classifier.compute_dtype
    sources = choose(train, validation, precision, cache_dir(), context)
    dtype = classifier.plan.kept_format(config.machine.feature_dtype, precision)
    return Activations(classifier, [*sources], dtype, context)
