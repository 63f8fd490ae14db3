"""The training images as the network sees them: how near to them is an image, and how far do other sets lie from them?

Kept in the run as reference.npz, so that nobody needs the training images to ask. What trains is imported where a
reference is made, not where one is read: a prediction is to begin at once.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from engine.base.context import Context
from engine.base.errors import RunError, Stopped
from engine.base.events import Progress
from engine.base.files import replacing
from engine.base.language import tr
from engine.base.runtime import compiled, tensorflow
from engine.base.typed_files import opened, why
from engine.base.wording import unwritable
from engine.evaluation.level_likeness import Measure, TrainingLevels, training_levels
from engine.network.heads import POOL
from engine.runs.directory import Run

if TYPE_CHECKING:
    from engine.data.records import Record
    from engine.network.classifier import Classifier
    from engine.training.batches import Source

REFERENCE = "reference.npz"
MOST = 500
"""So many training images are kept, evenly spread over the training part: enough for the quantile, half a megabyte."""
MOST_BYTES = 2**26
"""More than a reference takes, packed or not."""
NEIGHBOUR = 5
"""The distance is that to the fifth nearest image: to the nearest, one odd training image would excuse its like."""
QUANTILE = 0.99
"""An image farther off than this share of the training images from each other is unlike anything seen."""
BATCH = 32
FACTS = ("mean level", "width", "height")
DEVIATION: Final = "sd of levels"
"""The fact that references lack that were written before it was kept."""
SHA: Final = "sha"
"""The hashes of their pixels, 32 bytes each, which references lack that were written before they were kept."""
_SHA_BYTES = 32
_ARRAYS = ("features", *FACTS)


@dataclass(frozen=True, eq=False)
class Reference:
    """`features` are float32 (n, channels), n at least 2; `facts` are float64 (n,) by the names in FACTS, and
    by DEVIATION where that was kept.
    """

    features: np.ndarray
    facts: dict[str, np.ndarray]
    shas: tuple[str, ...] = ()
    """The hash of each one's pixels, by which a split names it; none where those were not kept."""

    def nearest(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The places (n,) of the training images, the nearest to an image's features (channels,) first, and how far
        off each is, as `distances` has it.
        """
        squares = _squares(unit(features[None]), unit(self.features))[0]
        order = np.argsort(squares, kind="stable")
        return order, np.sqrt(squares[order])

    def distances(self, features: np.ndarray) -> np.ndarray:
        """The distance (0 to 2) of each of features (m, channels) to its NEIGHBOURth nearest training image.

        Euclidean, between features scaled to length 1 (Sun et al. 2022, "Out-of-distribution detection with deep
        nearest neighbors").
        """
        return _nearest(unit(features), unit(self.features), min(NEIGHBOUR, len(self.features) - 1))

    @cached_property
    def own(self) -> np.ndarray:
        """The distances (n,) of the training images to each other, none to itself, in ascending order."""
        scaled = unit(self.features)
        return np.sort(_nearest(scaled, scaled, min(NEIGHBOUR, len(scaled) - 1), themselves=True))

    @cached_property
    def levels(self) -> TrainingLevels:
        """How the training images look."""
        facts = self.facts
        found: dict[Measure, np.ndarray] = {"mean level": facts["mean level"]}
        if DEVIATION in facts:
            found[DEVIATION] = facts[DEVIATION]
        return training_levels({**found, "width/height": facts["width"] / facts["height"]})

    @property
    def limit(self) -> float:
        """The distance beyond which an image is unlike anything seen."""
        # As np.quantile has it, which loads half of NumPy for it: the distances are in order already.
        return float(np.interp(QUANTILE * (len(self.own) - 1), np.arange(len(self.own)), self.own))


def facts_of(records: "Sequence[Record]") -> dict[str, np.ndarray]:
    """The FACTS of images, float64 (n,) each: mean level from 0 to 255, width and height in pixels."""
    columns = zip(*((record.mean, record.width, record.height) for record in records), strict=True)
    return {name: np.array(column, np.float64) for name, column in zip(FACTS, columns, strict=True)}


def save_reference(
    run: Run, source: "Source", classifier: "Classifier", records: "Sequence[Record]", context: Context
) -> None:
    """Write the run's reference.npz from its training images, the classifier that `source` feeds, and their records.

    Raises Stopped where `stop` says "now", and RunError where the file can't be written.
    """
    from engine.training.augment import PLAIN
    from engine.training.batches import prepared

    chosen = reference_places(len(source.images))
    by_pixels = {record.sha: record for record in records}
    records = [by_pixels[source.images.shas[i]] for i in chosen]
    try:
        features = _pooled(prepared(source, PLAIN, context.emit), classifier, chosen, context)
    except OSError as error:
        raise RunError(unwritable(run.path / REFERENCE, error)) from error
    write_reference(run, features, records)


def reference_places(count: int) -> np.ndarray:
    """Which of so many training images are kept."""
    return np.unique(np.linspace(0, count - 1, min(MOST, count)).round().astype(int))


def write_reference(run: Run, features: np.ndarray, records: "Sequence[Record]") -> None:
    """Write the run's reference.npz from features (n, channels) of the images of n `records`. Raises RunError."""
    facts = {**facts_of(records), DEVIATION: np.array([record.deviation for record in records], np.float64)}
    shas = np.frombuffer(b"".join(bytes.fromhex(record.sha) for record in records), np.uint8)
    facts[SHA] = shas.reshape(-1, _SHA_BYTES)
    try:
        with replacing(run.path / REFERENCE) as file:
            np.savez_compressed(file, features=features.astype(np.float16), **facts)  # type: ignore[arg-type]
    except OSError as error:
        raise RunError(unwritable(run.path / REFERENCE, error)) from error


def read_reference(run: Run, channels: int | None = None) -> Reference | None:
    """The run's reference; None where it has none, as runs from before there were any, or has too few images for one.

    Its features must have `channels`, where those of the network are known. Raises RunError where the file is damaged.
    """
    path = run.path / REFERENCE
    mend = tr("remove it, and distances are no longer given")
    try:
        with opened(path, MOST_BYTES) as file:
            arrays = _arrays(file)
    except FileNotFoundError:
        return None
    except Exception as error:  # what lies in the place of the file may meet any fault of what unpacks it
        raise RunError(tr("{path} is damaged ({why}): {mend}.", path=path, why=why(error), mend=mend)) from error
    features, shas = arrays.pop("features").astype(np.float32), arrays.pop(SHA, None)
    whole = features.ndim == 2 and channels in (None, features.shape[1])
    whole = whole and (shas is None or (shas.dtype == np.uint8 and shas.shape == (len(features), _SHA_BYTES)))
    whole = whole and bool((arrays["width"] > 0).all() and (arrays["height"] > 0).all())
    whole = whole and all(array.shape == features.shape[:1] for array in arrays.values())
    if not whole or not all(np.isfinite(array).all() for array in (features, *arrays.values())):
        raise RunError(tr("{path} is damaged (its arrays don't fit): {mend}.", path=path, mend=mend))
    hashes = () if shas is None else tuple(row.tobytes().hex() for row in shas)
    return Reference(features, arrays, hashes) if len(features) > 1 else None


def _arrays(file: BinaryIO) -> dict[str, np.ndarray]:
    """The arrays of a reference, all of them numbers, none of them larger than it can be."""
    with zipfile.ZipFile(file) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
            raise ValueError(tr("it unfolds into more than any reference takes"))
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        names = (*_ARRAYS, *(name for name in (DEVIATION, SHA) if name in stored))
        arrays = {name: np.asarray(stored[name]) for name in names}
    if any(array.dtype.kind not in "fiu" for array in arrays.values()):
        raise ValueError(tr("its arrays are no numbers"))
    return arrays


def _pooled(source: "Source", classifier: "Classifier", chosen: np.ndarray, context: Context) -> np.ndarray:
    """The last activations before the head, averaged over the picture: float32 (n, channels)."""
    from engine.training.augment import PLAIN

    tf, model = tensorflow(), classifier.model
    start = model.input if source.network is model else classifier.prefix.output  # type: ignore[union-attr]
    pool = model.get_layer(POOL).output
    # Where only the head trains, what is kept of an image are these very numbers.
    network = None if start is pool else tf.keras.Model(start, pool)
    forward = None if network is None else compiled(lambda inputs: network(inputs, training=False))
    found: list[Any] = []
    done = 0
    for inputs, _ in source.batches(chosen, PLAIN, BATCH):
        if context.stop.now:
            raise Stopped(tr("Stopped while the training images were looked at again."))
        found.append(np.asarray(forward(inputs) if forward else inputs, np.float32))
        done += len(found[-1])
        context.emit(Progress(tr("training images as the network sees them"), done, len(chosen)))
    return np.concatenate(found)


def unit(features: np.ndarray) -> np.ndarray:
    """Features (n, channels) scaled to length 1, float32."""
    wide = features.astype(np.float32)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12))


def _squares(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """The squared distances (n, m) of rows of length 1, (n, channels), to others, (m, channels)."""
    return np.asarray(np.clip(2 - 2 * these @ those.T, 0, None))


def _nearest(these: np.ndarray, those: np.ndarray, k: int, themselves: bool = False) -> np.ndarray:
    """Distance of each of `these` to the kth nearest of `those`; with `themselves`, the first of them is itself."""
    squares = _squares(these, those)
    if themselves:
        np.fill_diagonal(squares, -1)
    place = k if themselves else k - 1
    return np.sqrt(np.maximum(np.partition(squares, place, axis=1)[:, place], 0))
