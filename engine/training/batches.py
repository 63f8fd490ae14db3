"""What the training loop eats: batches of pixels for the whole network, or kept activations for its suffix."""

import dataclasses
import errno
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.base.cache import trim
from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.engines import identity
from engine.base.events import FILL, Emit, Notice, Progress
from engine.base.language import tr
from engine.base.runtime import processors, tensorflow
from engine.base.wording import FULL, reason, small_percent
from engine.data.pixel_store import VERSION, PixelStore
from engine.data.records import Record
from engine.network.classifier import Classifier, preprocessing
from engine.network.frozen_engines import FrozenEngine, engine_of
from engine.recipe.config import TrainConfig
from engine.training.augment import PLAIN, apply, draw, transforms
from engine.training.cache_policy import Caching, caching, spare_disk
from engine.training.feature_file import Key, Origin
from engine.training.feature_store import Append, FeatureStore

PREFIX_BATCH = 32
FEW_ROUNDS = 2
"""Images that each processor computes before it is told for the first time how far the frozen layers are."""


@dataclass(frozen=True)
class Images:
    """The images of one part of the split: rows of the pixel store, pixel hashes, and labels (int32, 0 to classes)."""

    rows: np.ndarray
    shas: tuple[str, ...]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, records: Sequence[Record], classes: Sequence[str], store: PixelStore) -> "Images":
        """The images of `records`, all of which must be in the store."""
        return cls(
            rows=np.array([store.index[record.file] for record in records]),
            shas=tuple(record.sha for record in records),
            labels=np.array([classes.index(record.label) for record in records], np.int32),
        )


class Source(Protocol):
    """Gives the input of `network` for any of its images."""

    @property
    def images(self) -> Images: ...

    @property
    def network(self) -> Any: ...

    def prepare(self, view: int) -> None:
        """Make a view ready, whatever that takes."""

    def batches(self, order: np.ndarray, view: int, batch: int) -> Iterator[tuple[Any, np.ndarray]]:
        """(input, labels) of the images in `order`, `batch` at a time, the last one as long as it comes out."""


@dataclass(frozen=True)
class PixelSource:
    """Pixels from the store, augmented and preprocessed, for the whole network."""

    images: Images
    classifier: Classifier
    store: PixelStore
    config: TrainConfig

    @property
    def network(self) -> Any:
        return self.classifier.model

    def prepare(self, view: int) -> None:
        pass

    def batches(self, order: np.ndarray, view: int, batch: int) -> Iterator[tuple[Any, np.ndarray]]:
        with ThreadPoolExecutor(1) as ahead:
            chunks = [order[start : start + batch] for start in range(0, len(order), batch)]
            waiting = ahead.submit(self.input, chunks[0], view) if chunks else None
            for number, chunk in enumerate(chunks, start=1):
                assert waiting is not None
                ready = waiting.result()
                waiting = ahead.submit(self.input, chunks[number], view) if number < len(chunks) else None
                yield ready, self.images.labels[chunk]

    def input(self, chosen: np.ndarray, view: int) -> Any:
        """The network's input, float32 (n, size, size, 3), for the images at `chosen` seen in `view`."""
        tf = tensorflow()
        pixels = self.store.rows(self.images.rows[chosen])
        if view != PLAIN:
            draws = [draw(self.config.augment, self.config.machine.seed, self.images.shas[i], view) for i in chosen]
            pixels = apply(tf.cast(pixels, tf.float32), transforms(draws, pixels.shape[1]))
        return preprocessing(self.classifier.plan.backbone)(pixels)


@dataclass(frozen=True)
class FeatureSource:
    """Kept activations for the network's suffix; what is missing of a view is computed when it is first needed."""

    pixels: PixelSource
    plain: FeatureStore
    augmented: FeatureStore
    context: Context
    beside: "FeatureSource | None" = None
    """Another source of the same network, whose engine serves this one too: to load it takes a second."""

    @property
    def images(self) -> Images:
        return self.pixels.images

    @property
    def network(self) -> Any:
        return self.pixels.classifier.suffix

    def prepare(self, view: int) -> None:
        store = self._store(view)
        store.refresh()
        if not store.missing(self._keys(range(len(self.images)), view)):
            return
        with store.filling(self.context) as append:
            todo = store.missing(self._keys(range(len(self.images)), view))
            self._compute(todo, view, append, _company())

    def _compute(self, todo: Sequence[Key], view: int, append: Append, company: int) -> None:
        """Compute the activations of these keys of one view. Raises Stopped."""
        if not todo:
            return
        at = {sha: i for i, sha in enumerate(self.images.shas)}
        task = _task(view)
        self.context.emit(Progress(task, 0, len(todo)))
        step = PREFIX_BATCH if self._engine.batchwise else -(-PREFIX_BATCH // processors()) * processors()
        # A few come first where each image passes by itself, so that it can be told soon how long all take.
        first = step if self._engine.batchwise else min(step, FEW_ROUNDS * processors())
        ends = [*range(first, len(todo), step), len(todo)]
        for start, end in itertools.pairwise([0, *ends]):
            keys = todo[start:end]
            append(keys, self._activations(np.array([at[sha] for sha, _ in keys]), view, company, self.context.stop))
            self.context.emit(Progress(task, end, len(todo)))

    def _activations(self, chosen: np.ndarray, view: int, company: int, stop: Stop | None = None) -> np.ndarray:
        """What the frozen layers give for the images at `chosen`, float32; computed at least `company` at a time where
        an image's numbers may depend on that.
        """
        several = np.resize(chosen, max(len(chosen), company)) if self._engine.batchwise else chosen
        return self._engine.activations(self.pixels.input(several, view), stop)[: len(chosen)]

    @cached_property
    def _engine(self) -> FrozenEngine:
        return self.beside._engine if self.beside else engine_of(self.pixels.classifier)

    def missing(self, views: int) -> int:
        """How many activations of so many views, the images as they are among them, are not kept yet."""
        return sum(self.missing_of(views).values())

    def missing_of(self, views: int) -> dict[int, int]:
        """The same by view."""
        every = range(len(self.images))
        return {view: len(self._store(view).missing(self._keys(every, view))) for view in range(PLAIN, PLAIN + views)}

    def batches(self, order: np.ndarray, view: int, batch: int) -> Iterator[tuple[Any, np.ndarray]]:
        store, images = self._store(view), self.images
        rows = store.locate(self._keys(order, view))
        for start in range(0, len(order), batch):
            part = slice(start, start + batch)
            found, damaged = store.take(rows[part])
            if damaged and not store.given_up:
                self._mend(store)
                rows = store.locate(self._keys(order, view))
                found, damaged = store.take(rows[part])
                store.given_up |= bool(damaged)  # what was written can't be read back either
            for some in (damaged[at : at + PREFIX_BATCH] for at in range(0, len(damaged), PREFIX_BATCH)):
                found[some] = store.stored(self._activations(order[part][some], view, PREFIX_BATCH))
            yield found, images.labels[order[part]]

    def _mend(self, store: FeatureStore) -> None:
        """Compute anew, and say so, what is damaged of this source's images in the store, in every view."""
        count = self.pixels.config.augment.kept_views or 1
        views = [PLAIN] if store is self.plain else range(PLAIN + 1, PLAIN + count)
        store.refresh(again=True)
        told = 0
        try:
            if self.context.stop.is_set():  # what is looked at after a stop must not wait for another training
                raise OSError(errno.EINTR, tr("the training is stopped"))
            with store.filling(self.context) as append:
                # Another process may have mended some meanwhile.
                found = {view: store.damaged(self._keys(range(len(self.images)), view)) for view in views}
                told = sum(map(len, found.values()))
                if told:
                    text = tr(
                        "{count:,} of the activations kept in {folder} were damaged: they are computed anew.",
                        count=told,
                        folder=store.folder,
                    )
                    self.context.emit(Notice("warning", text))
                for view, keys in found.items():
                    self._compute(keys, view, append, PREFIX_BATCH)
        except OSError as error:
            store.given_up = True
            text = tr(
                "They are computed anew whenever they are needed, as they can't be replaced there ({reason}).",
                reason=tr(error.strerror or str(error)),
            )
            if not told:
                text = tr(
                    "Some of the activations kept in {folder} are damaged. {rest}", folder=store.folder, rest=text
                )
            self.context.emit(Notice("warning", text))

    def _store(self, view: int) -> FeatureStore:
        return self.plain if view == PLAIN else self.augmented

    def _keys(self, chosen: Sequence[int] | np.ndarray | range, view: int) -> list[Key]:
        shas = self.images.shas
        return [(shas[i], view) for i in chosen]


def _task(view: int) -> str:
    return FILL if view == PLAIN else FILL + tr(", view {number}", number=view + 1)


def _company() -> int:
    """With how many images an image must pass the frozen layers to get the bits that it gets in a whole batch.

    On a processor some networks round otherwise for one image than for more; a GPU may for any number.
    """
    return PREFIX_BATCH if tensorflow().config.list_physical_devices("GPU") else 2


def choose(
    train: PixelSource, validation: PixelSource, precision: str, cache: Path, context: Context
) -> tuple[Source, Source]:
    """Decide whether activations are kept, say so with the reason, and give the sources of training and validation."""
    config, plan = train.config, train.classifier.plan
    if train.classifier.prefix is None:
        return train, validation
    decided = caching(plan, config, precision, len(train.images), len(validation.images), spare_disk(cache))
    if decided.reason == "off":
        context.emit(
            Notice("info", tr("Activations of the frozen layers are not kept, as asked (--feature-cache off)."))
        )
        return train, validation
    if decided.reason == "no room":
        text = tr(
            "Activations are not kept: they would take {needed}, and the cache has room for {room}. Each epoch goes "
            "through the whole network.",
            needed=_size(decided.needed),
            room=_size(decided.room),
        )
        context.emit(Notice("warning", text))
        return train, validation
    views, (origin, drawn) = decided.views, _origins(train, precision, decided)
    try:
        plain, augmented = FeatureStore(cache, origin), FeatureStore(cache, drawn)
    except OSError as error:
        text = tr(
            "Activations are not kept: {cache} can't be written ({reason}).",
            cache=cache,
            reason=reason(error),
        )
        context.emit(Notice("warning", text))
        return train, validation
    kept = FeatureSource(train, plain, augmented, context)
    kept_validation = FeatureSource(validation, plain, augmented, context, beside=kept)
    # The stores are held by now, so that what this training finds in them makes room for nothing.
    missing = kept_validation.missing(1) + (kept.missing(views) if views else 0)
    removed = trim(cache, int(decided.limit), missing * origin.row_bytes)
    if removed:
        text = tr("{size} of activations that were unused for longest are removed.", size=_size(removed))
        context.emit(Notice("info", text))
    if views is None:
        context.emit(
            Notice("info", tr("Every epoch draws new views, so the training images pass the frozen layers each epoch."))
        )
        return train, kept_validation
    if len(origin.shape) == 1:
        what = tr("{count:,} numbers", count=origin.shape[0])
    else:
        what = "x".join(map(str, origin.shape))
    each = tr("{what} an image in {format}, {size}", what=what, format=origin.dtype, size=_size(decided.needed))
    text = tr("The frozen layers run once a view and are kept ({each}).", each=each)
    if plan.epoch_share:
        text = tr(
            "The frozen layers run once a view and are kept ({each}): later epochs need {share} of the work.",
            each=each,
            share=small_percent(plan.epoch_share),
        )
    context.emit(Notice("info", text))
    return kept, kept_validation


def kept_before(
    train: PixelSource, validation: PixelSource, precision: str, cache: Path
) -> tuple[Caching, FeatureSource | None, FeatureSource | None]:
    """What `choose` is going to decide, and what earlier trainings have kept of it; nothing is told, made or removed.

    None for both sources where nothing is kept yet, or nothing will be.
    """
    plan = train.classifier.plan
    decided = caching(plan, train.config, precision, len(train.images), len(validation.images), spare_disk(cache))
    if train.classifier.prefix is None or decided.reason not in ("", "new views"):
        return decided, None, None
    origins = _origins(train, precision, decided)
    if not all(FeatureStore.there(cache, origin) for origin in origins):
        return decided, None, None
    plain, augmented = (FeatureStore(cache, origin) for origin in origins)
    silent = Context()
    return (
        decided,
        FeatureSource(train, plain, augmented, silent),
        FeatureSource(validation, plain, augmented, silent),
    )


def prepared(source: Source, view: int, emit: Emit) -> Source:
    """The source with `view` ready; where the disk is full or broken, the same images without kept activations."""
    try:
        source.prepare(view)
        return source
    except OSError as error:
        why = tr(error.strerror or str(error))
        emit(Notice("warning", tr("The cache can't be filled ({why}): training goes on without it, slower.", why=why)))
        return _without_cache(source)


def stored_format(source: Source) -> str:
    """The number format of the activations that the source gives and, but for Keras, what computed them; "none" where
    it gives pixels.
    """
    if not isinstance(source, FeatureSource):
        return "none"
    origin = source.plain.origin
    return origin.dtype if origin.engine == identity("keras") else f"{origin.dtype}, {origin.engine}"


def at_hand(source: Source) -> Source:
    """The source where it gives the images as they are at once; else the same images without the cache."""
    return _without_cache(source) if isinstance(source, FeatureSource) and source.missing(1) else source


def _without_cache(source: Source) -> Source:
    """The same images straight through the whole network."""
    return source.pixels if isinstance(source, FeatureSource) else source


def is_full_disk(error: OSError) -> bool:
    """Does this error mean that no more can be written?"""
    return error.errno in FULL | {errno.EROFS}


def _origins(train: PixelSource, precision: str, decided: Caching) -> tuple[Origin, Origin]:
    """Of the images as they are, and of the views that are drawn."""
    plan, config = train.classifier.plan, train.config
    plain = Origin(
        prefix=train.classifier.prefix_hash(),
        preprocessing=f"{VERSION}, {plan.backbone.preprocessing}",
        size=plan.backbone.size,
        precision=precision,
        engine=identity(train.classifier.engine),
        augmentation=None,
        dtype=decided.dtype,
        shape=decided.shape,
    )
    policy = {**dataclasses.asdict(config.augment), "views": "", "seed": config.machine.seed}
    return plain, dataclasses.replace(plain, augmentation=policy)


def _size(count: float) -> str:
    for unit in (tr("bytes"), "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}"
        count /= 1000
    return f"{count:,.0f} TB"
