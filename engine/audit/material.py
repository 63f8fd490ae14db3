"""What every variant of an audit shares: images, their lungs, and which of them each fold learns from and tests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.audit.variants import Regions, read_regions
from engine.base.context import Context
from engine.base.errors import DataError
from engine.base.events import Emit, Notice
from engine.base.language import tr, trn
from engine.base.runtime import cache_dir
from engine.data import pixel_store as pixels
from engine.data import split
from engine.data.corrections import corrected, corrected_rows, read_corrections
from engine.data.divided import divided
from engine.data.folds import draw_folds
from engine.data.groups import group_of
from engine.data.masks import LUNGS, RECTANGLE
from engine.data.patients import patients
from engine.data.pixel_store import PixelStore
from engine.data.records import Record, Scan
from engine.data.scan import require_trainable, scan, tell_layout
from engine.data.split import Split
from engine.recipe.config import TrainConfig

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Material:
    """Images and their lungs; the folds name images by their number."""

    classes: tuple[str, ...]
    records: list[Record]
    groups: list[str]
    """What each image must stay together with."""
    store: PixelStore
    regions: Regions
    region: str
    folds: list[dict[str, Ints]]

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        """From 0, of each image."""
        return np.array([self.classes.index(record.label) for record in self.records], np.int32)

    @property
    def tested(self) -> Ints:
        """The images that are tested, fold after fold."""
        return np.concatenate([fold["test"] for fold in self.folds])


def gathered(folder: Path, config: TrainConfig, size: int, folds: int, context: Context) -> Material:
    """Scan, split, decode to `size` pixels, and find all lungs; images that lack what the rest has are left out.

    Raises a CovidTuiError whose sentence says what is wrong, Stopped.
    """
    wanted = config.data
    found = scan(
        folder, wanted.class_names, context, wanted.follow_links, wanted.near_duplicates, labels=wanted.label_table
    )
    require_trainable(found)
    tell_layout(found, context.emit)
    found, splits = splits_of(found, config, folds, context.emit)
    classes = tuple(found.classes)
    listed = {row.file for row in splits[0].rows}
    records = [record for record in found.records if record.file in listed]
    masked = [record for record in records if record.mask]
    use_masks = _whole(masked, splits, classes)
    if use_masks:
        masked = _with_good_masks(folder, masked, size, context)
        use_masks = _whole(masked, splits, classes)
    kept = masked if use_masks else records
    if not use_masks:
        context.emit(
            Notice("warning", tr("Too few images have a lung mask, so a central rectangle stands in for the lungs."))
        )
    elif len(kept) < len(records):
        left = len(records) - len(kept)
        text = trn(
            "{number} image without a lung mask that can be used is left out.",
            "{number} images without a lung mask that can be used are left out.",
            left,
        )
        context.emit(Notice("warning", text))
    store, problems = pixels.open_store(folder, kept, size, cache_dir(), context)
    for problem in problems:
        context.emit(Notice("warning", tr("Left out: {file} ({reason}).", file=problem.file, reason=problem.reason)))
    kept = [record for record in kept if record.file in store.index]
    if not _whole(kept, splits, classes):
        raise DataError(
            tr(
                "A part of the split has no image of some class left that can be read: scan {folder} again.",
                folder=folder,
            )
        )
    regions = read_regions(folder, kept, size, context.stop)[0] if use_masks else Regions(size)
    group = group_of(found, patients(found, wanted.group_by).of)
    return Material(
        classes=classes,
        records=kept,
        groups=[group(record) for record in kept],
        store=store,
        regions=regions,
        region=LUNGS if use_masks else RECTANGLE,
        folds=[_numbers(kept, own) for own in splits],
    )


def splits_of(found: Scan, config: TrainConfig, folds: int, emit: Emit) -> tuple[Scan, list[Split]]:
    """The scan with its labels corrected, and the folds' splits; the recipe's one split where `folds` is 1 or the
    folders publish one.
    """
    if folds == 1 or found.published:
        used = divided(found, config.data, config.machine.seed)
        for notice in used.notices:
            emit(notice)
        return used.scan, [used.split]
    known = patients(found, config.data.group_by)
    emit(Notice("info", known.told))
    together = group_of(found, known.of)
    drawn = draw_folds(found, folds, config.data.val_share, config.machine.seed, together)
    if config.data.corrections is None:
        return found, drawn
    labelled, applied = corrected(found, read_corrections(config.data.corrections))
    emit(Notice("info", applied.sentence))
    return labelled, [Split(corrected_rows(one.rows, labelled)) for one in drawn]


def _numbers(records: Sequence[Record], own: Split) -> dict[str, Ints]:
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
        context.emit(Notice("warning", tr("The mask {mask} can't be used: {reason}.", mask=record.mask, reason=reason)))
    unusable = {record.file for record, _ in bad}
    return [record for record in records if record.file not in unusable]
