"""What a head may read of each image and of its mirror image, computed once by the frozen layers and kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.base.context import Context
from engine.base.events import FILL, Progress
from engine.base.language import tr
from engine.base.runtime import cache_dir
from engine.data.records import Record
from engine.network.classifier import Classifier
from engine.network.frozen_engines import engine_of
from engine.training.augment import PLAIN
from engine.training.batches import PREFIX_BATCH, FeatureSource, PixelSource, Source, choose, prepared

MIRRORED = PLAIN + 1
"""The view in which an image is mirrored, under the augmentation "mirror"."""
Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Features:
    """The images of training and validation, and what the frozen layers give for them."""

    records: tuple[Record, ...]
    labels: npt.NDArray[np.int32]
    sources: tuple[Source, ...]
    """Training, then validation."""
    classifier: Classifier
    context: Context
    among: "tuple[Features, npt.NDArray[np.intp]] | None" = None
    """Those that these are some of, and the places of these among them; None for images by themselves."""

    @property
    def missing(self) -> int:
        """How many images, each view by itself, must still pass the frozen layers."""
        return sum(
            source.missing(2) if isinstance(source, FeatureSource) else 2 * len(source.images)
            for source in self.sources
        )

    @cached_property
    def plain(self) -> Rows:
        """What the widest head gets of each image: float32 (n, width). Raises Stopped."""
        return self._view(PLAIN)

    @cached_property
    def mirror(self) -> Rows:
        """The same of its mirror image."""
        return self._view(MIRRORED)

    def some(self, places: npt.NDArray[np.intp]) -> "Features":
        """Those of the images at `places` alone."""
        records = tuple(self.records[place] for place in places)
        return replace(self, records=records, labels=self.labels[places], among=(self, places))

    def _view(self, view: int) -> Rows:
        if self.among:
            whole, places = self.among
            return (whole.plain if view == PLAIN else whole.mirror)[places]
        return np.concatenate([self._of(source, view) for source in self.sources])

    def _of(self, source: Source, view: int) -> Rows:
        ready = prepared(source, view, self.context.emit)
        if isinstance(ready, FeatureSource):
            every = np.arange(len(ready.images))
            return np.concatenate([np.asarray(rows, np.float32) for rows, _ in ready.batches(every, view, 256)])
        return self._computed(ready, view)

    def _computed(self, source: Source, view: int) -> Rows:
        """Without a cache: computed now, and kept in memory alone."""
        assert isinstance(source, PixelSource)
        task = FILL if view == PLAIN else FILL + tr(", mirrored")
        return np.concatenate([*passed(self.classifier, source, view, task, self.context)])


def passed(classifier: Classifier, source: PixelSource, view: int, task: str, context: Context) -> Iterator[np.ndarray]:
    """What the frozen layers give for one view of the images of a source, some at a time. Raises Stopped."""
    engine, count = engine_of(classifier), len(source.images)
    for start in range(0, count, PREFIX_BATCH):
        chosen = np.arange(start, min(start + PREFIX_BATCH, count))
        yield engine.activations(source.input(chosen, view), context.stop)
        context.emit(Progress(task, start + len(chosen), count))


def gathered(
    records: Sequence[Record], sources: tuple[PixelSource, PixelSource], precision: str, context: Context
) -> Features:
    """The features of the images in `sources`, training and validation, each kept where there is room.

    `records` are those of both parts, of which some may not be there any more.
    """
    training, validation = sources
    by_file = {record.file: record for record in records}
    files = {row: file for file, row in training.store.index.items()}
    rows = [int(row) for source in sources for row in source.images.rows]
    kept = choose(training, validation, precision, cache_dir(), context)
    labels = np.concatenate([source.images.labels for source in sources])
    found = tuple(by_file[files[row]] for row in rows)
    return Features(found, labels, kept, training.classifier, context)
