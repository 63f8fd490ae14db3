"""What a training learns from: a folder's images, their split, and their decoded pixels."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.base.context import Context
from engine.base.errors import DataError
from engine.base.events import Notice
from engine.base.language import tr
from engine.base.runtime import cache_dir
from engine.data import pixel_store
from engine.data.confounding import confounding
from engine.data.corrections import Correction, write_corrections
from engine.data.divided import divided
from engine.data.image.formats import PIXEL_RULES
from engine.data.records import Record, Scan
from engine.data.scan import require_trainable, scan, tell_layout
from engine.data.split import Split
from engine.data.warnings import NEUTRAL, Kind, folder_warnings
from engine.network.classifier import Classifier
from engine.recipe.config import DataConfig, TrainConfig
from engine.runs.directory import CORRECTIONS, SPLIT, Run
from engine.training.batches import Images, PixelSource

TOLD_BEFORE: frozenset[Kind] = frozenset(("layout", "layout-doubt", "problems"))
"""Kinds of warnings of which `tell_layout` tells."""
BALANCED = tr("--class-weight balanced makes each class count alike, however many images it has.")


@dataclass(frozen=True)
class Data:
    """What a training learns from: a scan, and its split into parts."""

    scan: Scan
    split: Split
    corrections: tuple[Correction, ...] = ()
    """Those that gave the scan its labels."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the labels."""
        return tuple(self.scan.classes)

    def records(self, part: str) -> list[Record]:
        """The records of a part, in the scan's order."""
        chosen = set(self.split.files(part))
        return [record for record in self.scan.records if record.file in chosen]


def scanned(
    folder: Path, config: TrainConfig, context: Context, gone_ok: bool = False, pixel_rules: int = PIXEL_RULES
) -> Data:
    """The folder's images and the recipe's split of them.

    Of a run that goes on, whose split is written, no more is told than what changed. `pixel_rules` names the rules by
    which files become pixels.
    """
    wanted = config.data
    near = wanted.near_duplicates and not gone_ok
    found = scan(folder, wanted.class_names, context, wanted.follow_links, near, pixel_rules, wanted.label_table)
    require_trainable(found)
    tell_layout(found, context.emit, again=gone_ok)
    used = divided(found, wanted, config.machine.seed, gone_ok)
    if not gone_ok:
        for one in folder_warnings(used.scan, confounding(used.scan)):
            if one.kind in TOLD_BEFORE:
                continue
            level: Literal["info", "warning"] = "info" if one.kind in NEUTRAL else "warning"
            context.emit(Notice(level, one.capitalised, "confounding" if one.kind == "confounded" else ""))
            own = config.fit.class_weight == "auto" and config.way == "auto"  # which tells what it does
            if one.kind == "unequal" and config.fit.class_weight != "balanced" and not own:
                context.emit(Notice("info", BALANCED))
    for notice in used.notices:
        context.emit(notice)
    return Data(used.scan, used.split, used.applied.used)


def keep(data: Data, folder: Path) -> None:
    """Write what divides and labels the images into a folder, from which `as_kept` takes it. Raises DataError."""
    if data.corrections:
        write_corrections(folder / CORRECTIONS, data.corrections)
    data.split.write(folder / SPLIT)


def as_kept(wanted: DataConfig, folder: Path) -> DataConfig:
    """The same images, divided and labelled as `keep` wrote it down there; as they are where it has not come to it."""
    if not (folder / SPLIT).is_file():
        return wanted
    corrections = folder / CORRECTIONS
    return dataclasses.replace(wanted, split=folder / SPLIT, corrections=corrections if corrections.is_file() else None)


def pixel_sources(
    data: Data, classifier: Classifier, config: TrainConfig, context: Context
) -> tuple[PixelSource, PixelSource]:
    """Training and validation images from the pixel store. The test's pixels stay out of it until the test."""
    records = {part: data.records(part) for part in ("train", "validation")}
    every = [record for part in records.values() for record in part]
    size = classifier.plan.backbone.size
    store, problems = pixel_store.open_store(data.scan.root, every, size, cache_dir(), context, data.scan.pixel_rules)
    for problem in problems:
        text = tr("Left out: {file} ({reason}).", file=problem.file, reason=problem.reason)
        context.emit(Notice("warning", text, "left out"))
    sources = []
    for part, found in records.items():
        there = [record for record in found if record.file in store.index]
        if not there:
            raise DataError(
                tr(
                    "No image of the {part} part can be read any more: scan {root} again.",
                    part=tr(part),
                    root=data.scan.root,
                )
            )
        sources.append(PixelSource(Images.of(there, data.classes, store), classifier, store, config))
    return sources[0], sources[1]


def as_decoded(data: Data, decoded: tuple[str, ...], run: Run) -> Data:
    """The data without what vanished or changed since the scan; the run's manifest then lacks it too."""
    there = set(decoded)
    rows = tuple(row for row in data.split.rows if row.part == "test" or row.file in there)
    if len(rows) == len(data.split.rows):
        return data
    kept = Split(rows)
    kept.write(run.path / SPLIT)
    return dataclasses.replace(data, split=kept)
