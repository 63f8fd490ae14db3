"""What a scanned folder consists of: its images as records, classes, problems, groups of one picture, and the whole.

The types that every other room of `engine.data` speaks in; they know none of those.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.data.image.formats import PIXEL_RULES
from engine.data.image.notes import Noted


@dataclass(frozen=True, slots=True)
class Record:
    """A usable image. `file` and `mask` are POSIX paths relative to the scanned folder; `sha` hashes the pixels."""

    file: str
    label: str
    sha: str
    format: str
    mode: str
    width: int
    height: int
    bytes: int
    mean: float
    """Mean level of the pixels, 0 to 255."""
    colour: bool = False
    mask: str | None = None
    source: str | None = None
    """Where the image comes from, by the class's metadata workbook."""
    bit_depth: int = 8
    spread: float = 0.0
    """Standard deviation of the levels of the thumbnail."""
    border: float = 0.0
    """Mean level of the outer twentieth of the thumbnail."""
    part: str = ""
    """The part of the split that its folder publishes; empty where none does."""
    bits: int = 8
    """Bits of a sample that spread over the levels; 0 for DICOM files."""
    patient: str = ""
    """The patient whose folder it lies in; empty where folders name none."""
    deviation: float = 0.0
    """Standard deviation of the levels of the pixels."""


@dataclass(frozen=True, slots=True)
class Row:
    """One image of a split; `sha` is the hash of its pixels, empty where a foreign split.csv gave none."""

    file: str
    label: str
    part: str
    sha: str = ""
    patient: str = ""
    """The number that a run gave its patient, which names nobody; empty where the patient is not known."""


@dataclass(frozen=True)
class ClassSummary:
    """What a class consists of; the dicts count images by format, size ("299x299"), mode, source and note."""

    images: int = 0
    masks: int = 0
    colour: int = 0
    """Images whose channels truly differ."""
    bytes: int = 0
    mean_intensity: float | None = None
    """Mean over images of their mean level, 0 to 255; None without images."""
    formats: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the folder that can't be used or is in doubt; `kind` is a short word that stays the same.

    Kinds: unreadable, symlink, misplaced, folder, empty, unlabelled, mask-missing, mask-orphan, mask-shape, same-name,
    workbook, label-conflict, pose; and from the pixel store: vanished, changed.
    """

    file: str
    kind: str
    reason: str
    label: str = ""
    """The class that it concerns; empty where it concerns none, or all."""


@dataclass(frozen=True, slots=True)
class NearGroup:
    """Files that show one picture though their pixels differ: rescaled, recompressed, brightened, cropped, turned,
    moved, framed, written on, mirrored, inverted.
    """

    files: tuple[str, ...]
    """In the records' order; equal copies of a member are members too."""
    similarity: float
    """The least correlation of two of its pictures where they overlap, 0 to 1, rounded to thousandths."""
    changes: tuple[str, ...] = ()
    """What was seen to be done to some of them: mirrored, inverted, rotated, given a border, shifted, cropped."""


@dataclass(frozen=True)
class Layout:
    """How the folders of a dataset lie and are read."""

    form: str = "CLASS"
    """What its folders are from `base` on: CLASS, PART/CLASS or CLASS/PART, any of them with /PATIENT."""
    base: str = ""
    """The folder in it where the layout begins; empty for the folder itself."""
    remarks: tuple[str, ...] = ()
    """Sentences on how it was read, where it is not plainly CLASS or train/CLASS."""
    doubts: tuple[str, ...] = ()
    """Sentences on what may be wrong with it, or was left out of it."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"layout": self.form, "base": self.base, "told": [*self.remarks], "doubts": [*self.doubts]}


@dataclass(frozen=True)
class Scan:
    """A scanned folder: records by class and then by name in natural order (COVID-2 before COVID-10)."""

    root: Path
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    classes: dict[str, ClassSummary]
    """By class name, in the order asked for."""
    duplicates: tuple[tuple[str, ...], ...]
    """Groups of files with the same pixels."""
    near: tuple[NearGroup, ...] = ()
    """Groups of files that show one picture with different pixels; empty where they were not looked for."""
    notes: tuple[Noted, ...] = ()
    """What there is to know of the images, each note once, the most frequent first."""
    pixel_rules: int = PIXEL_RULES
    """The rules by which its files became pixels."""
    layout: Layout = field(default_factory=Layout)
    """How the folders were read."""
    others: tuple[str, ...] = ()
    """Files of its class folders that are no records, as their class was left out or they can't be used: names in
    tables may mean them."""

    @property
    def published(self) -> bool:
        """Do the folders publish a split?"""
        return any(record.part for record in self.records)

    @property
    def imbalance(self) -> float | None:
        """Images of the largest class for each image of the smallest; None where a class has no image."""
        counts = [summary.images for summary in self.classes.values()]
        return max(counts) / min(counts) if all(counts) else None

    def to_dict(self) -> dict[str, Any]:
        """The scan as JSON values; a file name that is not UTF-8 keeps its surrogates."""
        return {
            "root": str(self.root),
            "images": len(self.records),
            "classes": {name: asdict(summary) for name, summary in self.classes.items()},
            "imbalance": self.imbalance,
            "published": self.published,
            "layout": self.layout.to_dict(),
            "problems": [{"file": p.file, "kind": p.kind, "reason": p.reason} for p in self.problems],
            "notes": [asdict(item) for item in self.notes],
            "duplicates": {
                "exact": [list(group) for group in self.duplicates],
                "near": [asdict(group) for group in self.near],
            },
        }


def summary(records: Sequence[Record], notes: Mapping[str, int]) -> ClassSummary:
    """What a class of these records consists of; `notes` counts its images by note."""

    def count(values: Iterable[str]) -> dict[str, int]:
        return dict(Counter(values).most_common())

    return ClassSummary(
        images=len(records),
        masks=sum(record.mask is not None for record in records),
        colour=sum(record.colour for record in records),
        bytes=sum(record.bytes for record in records),
        mean_intensity=round(sum(record.mean for record in records) / len(records), 3) if records else None,
        formats=count(record.format for record in records),
        sizes=count(f"{record.width}x{record.height}" for record in records),
        modes=count(record.mode for record in records),
        sources=count(record.source for record in records if record.source),
        notes=dict(sorted(notes.items(), key=lambda item: -item[1])),
    )
