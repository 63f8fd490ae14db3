"""A folder of X-rays becomes records: what each image is, which class it is of, and what is wrong with the rest.

Class folders hold images beside masks (the COVID-19 Radiography Database), or the image files themselves; either may
lie in the folders of a published split, train/CLASS and test/CLASS. `engine.data.folders.layout` knows these and more,
and how the folder was read is a part of the scan. Nothing is passed over in silence: what can't be used is a problem
with file and reason.
"""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.base.context import Context
from engine.base.errors import DataError
from engine.base.events import Emit, Notice
from engine.base.language import marked, tr
from engine.base.wording import counted
from engine.data.duplicates import exact_groups, label_conflicts, near_groups
from engine.data.file_names import natural, pair_key
from engine.data.folders.class_folders import class_folders
from engine.data.folders.class_listing import Folder
from engine.data.image import orientation
from engine.data.image.formats import PIXEL_RULES
from engine.data.image.notes import noted, of_other_bits
from engine.data.image.reader import Header, ImageError, Pixels, XrayImage, held, peek, pixel_hash
from engine.data.parallel import Pulse, spread
from engine.data.records import Problem, Record, Scan, summary
from engine.data.similarity.near_duplicates import SIDE, border, thumbnail
from engine.recipe.config import LabelTable


def scan(
    root: Path,
    classes: tuple[str, ...] = (),
    context: Context | None = None,
    follow_links: bool = False,
    near: bool = False,
    pixel_rules: int = PIXEL_RULES,
    labels: LabelTable | None = None,
) -> Scan:
    """Read every image under `root`, of the picked `classes` in this order, or of all.

    Symbolic links that lead out of `root` are problems, unless `follow_links` says to read them too. With `near`, the
    images are also searched for those that show one picture with other pixels; that keeps 16 kB an image meanwhile.
    `pixel_rules` names the rules by which files become pixels; `labels` a table that says the classes in place of the
    folders. Files that can't be used become problems and the scan
    goes on. Raises DataError when `root` is no folder with class folders, ConfigError for a class that it doesn't have,
    Stopped when the stop is set meanwhile.
    """
    root, context = Path(root), context or Context()
    listed = class_folders(root, classes, follow_links, context.stop, labels)
    folders, problems = listed.folders, list(listed.problems)
    jobs = [_Job(root, folder, file, pixel_rules) for folder in folders for file in folder.images]
    pulse = Pulse(context.emit, marked("scan"), len(jobs))
    records: list[Record] = []
    # In one block: small pieces that stay, between large ones that go, would keep the memory of all that was decoded.
    thumbs = np.empty((len(jobs) if near else 0, SIDE, SIDE), np.uint8)
    notes: dict[str, Counter[str]] = {folder.label: Counter() for folder in folders}  # one for all parts of a class
    laid = np.empty((len(jobs), orientation.SIDE, orientation.SIDE), np.uint8)
    remarked: list[tuple[str, tuple[str, ...]]] = []
    with closing(spread(_examine, jobs, context.stop)) as results:
        for done, (record, thumb, small, remarks, found) in enumerate(results, start=1):
            problems.extend(found)
            if record is not None and thumb is not None and small is not None:
                laid[len(records)] = small
                if near:
                    thumbs[len(records)] = thumb
                records.append(record)
                notes[record.label].update(remarks)
                remarked.append((record.file, remarks))
            pulse(done)
    summaries = {name: summary([r for r in records if r.label == name], notes[name]) for name in notes}
    label_of = {record.file: record.label for record in records}
    problems += [Problem(file, "label-conflict", reason, label_of[file]) for file, reason in label_conflicts(records)]
    poses = orientation.poses(laid[: len(records)])
    problems += [Problem(r.file, "pose", p.doubt, r.label) for r, p in zip(records, poses, strict=True) if p.words]
    ordered = tuple(sorted(problems, key=lambda problem: (natural(problem.file), problem.kind)))
    comparing = Pulse(context.emit, marked("near duplicates"), 100).share
    alike = near_groups(records, thumbs[: len(records)], comparing, context.stop) if near else ()
    told = (*noted(remarked), *of_other_bits((r.file, r.bits) for r in records if r.bit_depth > 8 and r.bits))
    twins = exact_groups(records)
    others = tuple(sorted((*listed.others, *(job.file for job in jobs if job.file not in label_of))))
    return Scan(root, tuple(records), ordered, summaries, twins, alike, told, pixel_rules, listed.layout, others)


def tell_layout(scanned: Scan, emit: Emit, again: bool = False) -> None:
    """Emit how the folders were read, where that is not plain, what is doubtful in it, and how many problems it has.

    Where it was told before and is scanned `again`, the number of problems alone.
    """
    for text in () if again else scanned.layout.remarks:
        emit(Notice("info", text))
    for text in () if again else scanned.layout.doubts:
        emit(Notice("warning", text))
    if scanned.problems:
        problems = counted(len(scanned.problems), "problem")
        text = tr("{problems} in the folder; `covid-tui scan` lists them.", problems=problems)
        emit(Notice("warning", text, "left out"))


def require_trainable(scanned: Scan) -> None:
    """Raises DataError unless there are two classes or more, each with an image."""
    names = list(scanned.classes)
    if len(names) < 2:
        raise DataError(
            tr(
                "{root} has one class with images ({name}); learning to tell classes apart needs at least two.",
                root=scanned.root,
                name=names[0],
            )
        )
    for name, own in scanned.classes.items():
        if not own.images:
            why = _why_none(scanned, name)
            raise DataError(
                tr('Class "{name}" in {root} has no readable image: {why}.', name=name, root=scanned.root, why=why)
            )


def _why_none(scanned: Scan, name: str) -> str:
    """What became of the files of a class without a usable image."""
    bad = [problem for problem in scanned.problems if problem.label == name and problem.kind == "unreadable"]
    if not bad:
        return tr("`covid-tui scan` tells why")
    (reason, count), *others = Counter(problem.reason for problem in bad).most_common()
    first = next(problem.file for problem in bad if problem.reason == reason)
    if len(bad) == 1:
        return tr("{first}: {reason}", first=first, reason=reason)
    if not others:
        return tr("of all its {count:,} files {first} is the first: {reason}", count=count, first=first, reason=reason)
    return tr(
        "of {count:,} of its {files} {first} is the first: {reason}",
        count=count,
        files=counted(len(bad), "file"),
        first=first,
        reason=reason,
    )


@dataclass(frozen=True, slots=True)
class _Job:
    root: Path
    folder: Folder
    file: str
    pixel_rules: int


def _examine(job: _Job) -> tuple[Record | None, Pixels | None, Pixels | None, tuple[str, ...], list[Problem]]:
    """The record, thumbnail and still smaller picture of an image, the notes on it, and its and its mask's problems."""
    try:
        with held(job.root / job.file, job.pixel_rules) as image:
            return _examined(job, image)
    except ImageError as exc:
        return None, None, None, (), [Problem(job.file, "unreadable", exc.reason, job.folder.label)]


def _examined(job: _Job, image: XrayImage) -> tuple[Record, Pixels, Pixels, tuple[str, ...], list[Problem]]:
    header, key = image.header, pair_key(job.file)
    thumb = thumbnail(image.pixels)
    mask, problems = _checked_mask(job.root, job.folder.masks.get(key), header, job.folder.label)
    record = Record(
        file=job.file,
        label=job.folder.label,
        sha=pixel_hash(image.pixels),
        format=header.format,
        mode=header.mode,
        width=header.width,
        height=header.height,
        bytes=header.bytes,
        mean=round(image.mean, 3),
        colour=image.colour,
        mask=mask,
        source=job.folder.sources.get(key),
        bit_depth=header.bit_depth,
        spread=round(float(thumb.std()), 3),
        border=round(border(thumb), 3),
        part=job.folder.part,
        bits=image.bits,
        patient=job.folder.patient,
        deviation=round(image.deviation, 3),
    )
    return record, thumb, orientation.reduced(image.pixels), image.notes, problems


def _checked_mask(root: Path, mask: str | None, image: Header, label: str) -> tuple[str | None, list[Problem]]:
    if mask is None:
        return None, []
    try:
        header = peek(root / mask)
    except ImageError as exc:
        return None, [Problem(mask, "unreadable", exc.reason, label)]
    if abs(header.width / header.height * image.height / image.width - 1) <= 0.02:
        return mask, []
    reason = tr(
        "the mask's {mask} pixels have another shape than its image's {image}",
        mask=f"{header.width}x{header.height}",
        image=f"{image.width}x{image.height}",
    )
    return mask, [Problem(mask, "mask-shape", reason, label)]
