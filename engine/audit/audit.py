"""Does a recipe learn from the lungs, or from shortcuts? The same training on whole images and on parts of them.

Only what is shown differs: recipe, split, first weights and number of epochs are the same for every variant.
"""

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.audit.variants import Regions, Variant, VariantStore, read_regions, variants_of
from engine.audit.verdict import Audit, VariantResult, judge_variants, paired_gap
from engine.base.context import Context
from engine.base.errors import ConfigError, DataError, Stopped
from engine.base.events import Audited, Emit, Event, Notice, Progress
from engine.base.runtime import cache_dir, make_repeatable
from engine.base.wording import counted, noun
from engine.data import pixel_store as pixels
from engine.data import split
from engine.data.folds import draw_folds
from engine.data.groups import group_of
from engine.data.masks import LUNGS, RECTANGLE
from engine.data.patients import patients
from engine.data.pixel_store import PixelStore
from engine.data.records import Record, Scan
from engine.data.scan import require_trainable, scan, tell_layout
from engine.data.split import Split
from engine.evaluation.calibration import softmax
from engine.evaluation.intervals import exact_interval
from engine.evaluation.metrics import mean_auc
from engine.network import engine_choice, pretrained
from engine.network.classifier import with_first_weights
from engine.recipe.config import AuditConfig, TrainConfig, to_dict
from engine.training import loop
from engine.training.arithmetic import fastest
from engine.training.augment import PLAIN
from engine.training.batches import FeatureSource, Images, PixelSource, Source, choose, prepared
from engine.training.forward import Pass
from engine.training.resolved import Resolved, resolve
from engine.training.step import assign, values_of


@dataclass(frozen=True)
class _Material:
    """What every variant shares: images, their lungs, and which of them (by number) each fold trains and tests on."""

    classes: tuple[str, ...]
    records: list[Record]
    store: PixelStore
    regions: Regions
    region: str
    folds: list[dict[str, npt.NDArray[np.intp]]]

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        return np.array([self.classes.index(record.label) for record in self.records], np.int32)

    @property
    def tested(self) -> npt.NDArray[np.intp]:
        return np.concatenate([fold["test"] for fold in self.folds])


def audit(folder: Path, config: TrainConfig, context: Context, folds: int = AuditConfig.folds) -> Audit:
    """Train and test the recipe on each of `variants_of` the images in `folder`, and say what the results mean.

    With `folds` above 1 it is cross-validated, so that every image is tested once; else the recipe's one split serves,
    as it does where the recipe names a split.csv or the folders publish a split. The recipe must not augment: views
    would multiply the work without changing what a variant hides. Raises a CovidTuiError whose sentence says what is
    wrong, Stopped when the stop is set.
    """
    if config.augment.augment != "none":
        raise ConfigError("An audit does not augment: give it a recipe with --augment none.")
    recipe = resolve(config)
    if len(recipe.phases) > 1:
        raise ConfigError("An audit trains in one phase: give it --mode transfer, finetune or partial.")
    if config.machine.devices not in ("auto", "1"):
        raise ConfigError("An audit trains on one device: leave --devices out.")
    engine_choice.require(config.machine.frozen_engine, recipe.backbone)
    pretrained.require(config.network.weights, recipe.backbone, context)
    began = time.perf_counter()
    material = _material(folder, config, recipe.backbone.size, 1 if config.data.split else folds, context)
    trainer = _Trainer(material, recipe, context)
    results, rights = [], {}
    shown = variants_of(material.region)
    for variant in shown:
        context.emit(Audited(variant.name, variant.titled(material.region), 0, len(material.folds)))
    for variant in shown:
        result, rights[variant.name] = trainer.run(variant)
        results.append(result)
    gap = paired_gap(rights["whole"], rights["without-lungs"])
    counts = np.bincount(material.labels[material.tested], minlength=len(material.classes))
    baseline, baseline_class = float(counts.max() / counts.sum()), material.classes[int(counts.argmax())]
    finding, verdict = judge_variants(results, gap, baseline, baseline_class, material.region)
    return Audit(
        folder=folder,
        tested=dict(zip(material.classes, counts.tolist(), strict=True)),
        folds=len(material.folds),
        region=material.region,
        baseline=baseline,
        baseline_class=baseline_class,
        variants=tuple(results),
        gap=gap,
        finding=finding,
        verdict=verdict,
        seconds=round(time.perf_counter() - began, 1),
        recipe=to_dict(config),
    )


class _Trainer:
    """Trains one variant after the other, fold by fold, always from the same first weights."""

    def __init__(self, material: _Material, recipe: Resolved, context: Context) -> None:
        config = recipe.config
        self.material, self.config, self.context = material, config, context
        self.stage = loop.Stage(recipe.phases[-1])
        make_repeatable(config.machine.seed)
        chosen = fastest(config.machine, [recipe.plan], context.emit)
        self.precision = chosen.precision
        classes, seed = len(material.classes), config.machine.seed
        network = with_first_weights(recipe.plan, config.network.weights, classes, self.precision, seed, context)
        self.network = dataclasses.replace(network, engine=chosen.engine)
        self.start = values_of(self.network.trainable_variables)
        self.told = False

    def run(self, variant: Variant) -> tuple[VariantResult, npt.NDArray[np.bool_]]:
        """The variant's result, and whether each image was said right when it was tested, (n,) fold after fold."""
        began = time.perf_counter()
        every = self._every(variant)
        rights, areas, epochs = [], [], []
        for number in range(len(self.material.folds)):
            logits, labels, took = self._fold(variant, every, number)
            rights.append(logits.argmax(axis=1) == labels)
            areas.append(mean_auc(labels, softmax(logits)))
            epochs.append(took)
            self._tell(variant, number + 1, np.concatenate(rights))
        right = np.concatenate(rights)
        n, correct = len(right), int(right.sum())
        known = [area for area in areas if area is not None]
        result = VariantResult(
            name=variant.name,
            title=variant.titled(self.material.region),
            n=n,
            correct=correct,
            accuracy=correct / n,
            accuracy_ci=exact_interval(correct, n),
            auc=float(np.mean(known)) if known else None,
            epochs=tuple(epochs),
            seconds=round(time.perf_counter() - began, 1),
        )
        return result, right

    def _tell(self, variant: Variant, done: int, right: npt.NDArray[np.bool_]) -> None:
        n, correct = len(right), int(right.sum())
        title, total = variant.titled(self.material.region), len(self.material.folds)
        self.context.emit(Audited(variant.name, title, done, total, correct, n, exact_interval(correct, n)))

    def _fold(
        self, variant: Variant, every: Source, number: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32], int]:
        """Logits (n, classes) and labels (n,) of the fold's test images, and the epochs that the training took."""
        assign(self.network.trainable_variables, self.start)
        sources = {part: _taken(every, chosen) for part, chosen in self.material.folds[number].items()}
        if variant.shuffled:
            random = np.random.default_rng([self.config.machine.seed, number])
            for part in ("train", "validation"):
                labels = sources[part].images.labels
                sources[part] = _with_images(
                    sources[part], dataclasses.replace(sources[part].images, labels=random.permutation(labels))
                )
        parts = sources["train"], sources["validation"]
        fitted = loop.fit(self.network, *parts, self.config, self._heard(variant), self.stage)
        if self.context.stop.is_set():
            raise Stopped("The audit was stopped; the activations computed so far are kept.")
        logits = Pass(sources["test"]).logits(stop=self.context.stop)
        return logits, sources["test"].images.labels, fitted.epochs

    def _every(self, variant: Variant) -> Source:
        """All images in the variant, their frozen activations computed in one go and kept where there is room."""
        material = self.material
        seen = VariantStore.of(material.store, variant, material.regions)
        rows = np.array([seen.index[record.file] for record in material.records])
        pairs = zip(material.records, rows, strict=True)
        shas = tuple(seen.identity(record.sha, int(row)) for record, row in pairs)
        pixels = PixelSource(Images(rows, shas, material.labels), self.network, seen, self.config)
        fold = material.folds[0]
        rest = np.concatenate([fold["validation"], fold["test"]])
        first, others = _taken(pixels, fold["train"]), _taken(pixels, rest)
        assert isinstance(first, PixelSource) and isinstance(others, PixelSource)
        kept, _ = choose(first, others, self.precision, cache_dir(), self._heard(variant))
        self.told = True
        if not isinstance(kept, FeatureSource):
            return pixels
        return prepared(dataclasses.replace(kept, pixels=pixels), PLAIN, self.context.emit)

    def _heard(self, variant: Variant) -> Context:
        """The events of a training as those of one variant: epochs only pass by, and choices are told once."""

        def tell(event: Event) -> None:
            if isinstance(event, Progress):
                self.context.emit(
                    Progress(f"{variant.titled(self.material.region)}: {event.task}", event.done, event.total)
                )
            elif isinstance(event, Notice) and not self.told:
                self.context.emit(event)

        return self.context.heard_by(tell)


def _taken(source: Source, chosen: npt.NDArray[np.intp]) -> Source:
    """The source of the images numbered `chosen` alone."""
    own = source.images
    return _with_images(
        source, Images(own.rows[chosen], tuple(own.shas[number] for number in chosen), own.labels[chosen])
    )


def _with_images(source: Source, images: Images) -> Source:
    if isinstance(source, FeatureSource):
        return dataclasses.replace(source, pixels=dataclasses.replace(source.pixels, images=images))
    assert isinstance(source, PixelSource)
    return dataclasses.replace(source, images=images)


def _material(folder: Path, config: TrainConfig, size: int, folds: int, context: Context) -> _Material:
    """Scan, split, decode, and find the lungs of every image; images that lack what the rest has are left out."""
    wanted = config.data
    found = scan(folder, wanted.class_names, context, wanted.follow_links, wanted.near_duplicates)
    require_trainable(found)
    tell_layout(found, context.emit)
    classes, splits = tuple(found.classes), splits_of(found, config, folds, context.emit)
    listed = {row.file for row in splits[0].rows}
    records = [record for record in found.records if record.file in listed]
    masked = [record for record in records if record.mask]
    use_masks = _whole(masked, splits, classes)
    if use_masks:
        masked = _with_good_masks(folder, masked, size, context)
        use_masks = _whole(masked, splits, classes)
    kept = masked if use_masks else records
    if not use_masks:
        context.emit(Notice("warning", f"Too few images have a lung mask, so a {RECTANGLE} stands in for the lungs."))
    elif len(kept) < len(records):
        left = len(records) - len(kept)
        text = f"{counted(left, 'image')} without a lung mask that can be used {noun(left, 'is', 'are')} left out."
        context.emit(Notice("warning", text))
    store, problems = pixels.open_store(folder, kept, size, cache_dir(), context)
    for problem in problems:
        context.emit(Notice("warning", f"Left out: {problem.file} ({problem.reason})."))
    kept = [record for record in kept if record.file in store.index]
    if not _whole(kept, splits, classes):
        raise DataError(f"A part of the split has no image of some class left that can be read: scan {folder} again.")
    regions = read_regions(folder, kept, size, context.stop)[0] if use_masks else Regions(size)
    folded = [_numbers(kept, own) for own in splits]
    return _Material(classes, kept, store, regions, LUNGS if use_masks else RECTANGLE, folded)


def splits_of(found: Scan, config: TrainConfig, folds: int, emit: Emit) -> list[Split]:
    if folds == 1 or found.published:
        chosen, notices = split.for_recipe(found, config.data, config.machine.seed)
        for notice in notices:
            emit(notice)
        return [chosen]
    known = patients(found, config.data.group_by)
    emit(Notice("info", known.told))
    together = group_of(found, known.of)
    return draw_folds(found, folds, config.data.val_share, config.machine.seed, together)


def _numbers(records: Sequence[Record], own: Split) -> dict[str, npt.NDArray[np.intp]]:
    """The places among `records` of the images of each part."""
    part_of = {row.file: row.part for row in own.rows}
    return {
        part: np.array([k for k, record in enumerate(records) if part_of[record.file] == part], np.intp)
        for part in split.PARTS
    }


def _whole(records: Sequence[Record], splits: Sequence[Split], classes: Sequence[str]) -> bool:
    """Has every part of every split an image of every class among `records`?"""
    return all(
        {records[k].label for k in numbers} == set(classes)
        for own in splits
        for numbers in _numbers(records, own).values()
    )


def _with_good_masks(folder: Path, records: Sequence[Record], size: int, context: Context) -> list[Record]:
    bad = read_regions(folder, records, size, context.stop)[1]
    for record, reason in bad[:5]:
        context.emit(Notice("warning", f"The mask {record.mask} can't be used: {reason}."))
    unusable = {record.file for record, _ in bad}
    return [record for record in records if record.file not in unusable]
