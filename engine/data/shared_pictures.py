"""Pictures, and patients, that several folders have in common: found before one is learnt from, and taken out of all.

A picture that lies in the folder of the training and in that of a test tells nothing of images from elsewhere.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from engine.base.context import Context
from engine.base.errors import DataError
from engine.base.language import marked, tr
from engine.data.duplicates import exact_groups, near_groups, near_within
from engine.data.groups import kept_together
from engine.data.image.reader import ImageError, Pixels, held
from engine.data.parallel import Pulse, spread
from engine.data.records import NearGroup, Record, Scan
from engine.data.similarity.near_duplicates import SIDE, thumbnail


@dataclass(frozen=True)
class TakenOut:
    """What was taken out of one folder, by file."""

    pictures: tuple[str, ...] = ()
    """Those that another folder has too, with the same or other pixels, and near duplicates of them in this folder."""
    patients: tuple[str, ...] = ()
    """Other images of patients of whom another folder has images."""


@dataclass(frozen=True)
class Apart:
    """Folders without what they had in common."""

    scans: tuple[Scan, ...]
    """Less what was taken out; near duplicates are known within each."""
    out: tuple[TakenOut, ...]
    """By folder."""
    same_pixels: int
    """Pictures that lie in two folders or more with the same pixels."""
    near: int
    """Those that do with other pixels alone: rescaled, brightened, cropped, mirrored."""
    two_labelled: int
    """Those among both that bear one class here and another there."""


def apart(scans: Sequence[Scan], patients: Sequence[Mapping[str, str]], context: Context) -> Apart:
    """The scanned folders without pictures and patients that two of them share.

    `patients` names, by folder, the patient of a file; one name is taken for one person in all folders. Raises
    DataError where a file can't be read any more, Stopped soon after the context's stop is set.
    """
    records = [replace(record, file=_joint(n, record.file)) for n, one in enumerate(scans) for record in one.records]
    pulse = Pulse(context.emit, marked("pictures in common"), 100)
    near = near_groups(records, _thumbnails(scans, context), pulse.share, context.stop)
    joint = replace(scans[0], records=tuple(records), problems=(), near=near)
    named = {_joint(n, file): who for n, of in enumerate(patients) for file, who in of.items()}
    shared = [group for group in kept_together(joint) if _folders(group) > 1]
    by_patient = [group for group in kept_together(joint, named) if _folders(group) > 1] if named else []
    pictures = {record.file for group in shared for record in group}
    people = {record.file for group in by_patient for record in group} - pictures
    same = sum(_same_pixels(group) for group in shared)
    kept = [_without(one, _own(n, pictures | people), _near(n, near)) for n, one in enumerate(scans)]
    return Apart(
        scans=tuple(kept),
        out=tuple(TakenOut(_own(n, pictures), _own(n, people)) for n in range(len(scans))),
        same_pixels=same,
        near=len(shared) - same,
        two_labelled=sum(len({record.label for record in group}) > 1 for group in shared),
    )


def _joint(number: int, file: str) -> str:
    return f"{number}/{file}"


def _parted(joint: str) -> tuple[int, str]:
    number, _, file = joint.partition("/")
    return int(number), file


def _own(number: int, files: set[str]) -> tuple[str, ...]:
    """The files, of those under joint names, of one folder."""
    return tuple(sorted(file for n, file in map(_parted, files) if n == number))


def _folders(group: Sequence[Record]) -> int:
    """In how many folders has the group members?"""
    return len({_parted(record.file)[0] for record in group})


def _same_pixels(group: Sequence[Record]) -> bool:
    """Do two folders have a member with the same pixels?"""
    pairs = {(record.sha, _parted(record.file)[0]) for record in group}
    return max(Counter(sha for sha, _ in pairs).values()) > 1


def _near(number: int, groups: Sequence[NearGroup]) -> tuple[NearGroup, ...]:
    """The near groups within one folder, by its own names."""
    own = [(_own(number, set(group.files)), group) for group in groups]
    return tuple(NearGroup(files, group.similarity, group.changes) for files, group in own if files)


def _without(scanned: Scan, out: Sequence[str], near: Sequence[NearGroup]) -> Scan:
    """The scan less the files `out`, with these near groups."""
    gone = set(out)
    records = tuple(record for record in scanned.records if record.file not in gone)
    counts = Counter(record.label for record in records)
    return replace(
        scanned,
        records=records,
        problems=tuple(problem for problem in scanned.problems if problem.file not in gone),
        classes={name: replace(summary, images=counts[name]) for name, summary in scanned.classes.items()},
        duplicates=exact_groups(records),
        near=near_within(near, records),
    )


def _thumbnails(scans: Sequence[Scan], context: Context) -> Pixels:
    """The pictures of all scans, one after the other, as near duplicates are looked for: uint8 (n, SIDE, SIDE)."""
    jobs = [(one, record) for one in scans for record in one.records]
    pulse = Pulse(context.emit, marked("thumbnails"), len(jobs))
    found = np.empty((len(jobs), SIDE, SIDE), np.uint8)
    with closing(spread(_thumbnail, jobs, context.stop)) as results:
        for place, thumb in enumerate(results):
            found[place] = thumb
            pulse(place + 1)
    return found


def _thumbnail(job: tuple[Scan, Record]) -> Pixels:
    scanned, record = job
    try:
        with held(scanned.root / record.file, scanned.pixel_rules) as image:
            return thumbnail(image.pixels)
    except ImageError as error:
        raise DataError(
            tr(
                "{file} in {root} can't be read any more: {reason}.",
                file=record.file,
                root=scanned.root,
                reason=error.reason,
            )
        ) from error
