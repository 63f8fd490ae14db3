"""What to beware of in a scanned folder before anything is trained on it: one list, for every front end and a training.

What weighs most comes first. A grave warning may falsify the result of a training.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine.base.language import tr, trn
from engine.base.wording import counted, listing, whole_percent
from engine.data.records import Row, Scan

if TYPE_CHECKING:
    from engine.data.confounding import Confounding
    from engine.data.patients import Patients

UNEQUAL = 1.5
"""Images of the largest class for each of the smallest from which on the imbalance is reported."""
FEW = 30
"""Images of a class below which a result says little."""
Kind = Literal[
    "confounded", "leaks", "label-conflict", "layout-doubt", "layout", "sources-unknown", "unequal", "turned", "few",
    "equal-images", "near-duplicates", "problems", "not-compared", "patients", "note",
]  # fmt: skip
NEUTRAL: frozenset[Kind] = frozenset(("layout", "equal-images", "near-duplicates"))
"""Kinds that are good to know and need nothing to be done."""


@dataclass(frozen=True)
class FolderWarning:
    """One thing to beware of: its kind, a sentence without its full stop, and what it was decided from."""

    kind: Kind
    sentence: str
    grave: bool = False
    numbers: dict[str, float] = field(default_factory=dict)
    """Counts, shares and ratios by name."""
    classes: dict[str, int] = field(default_factory=dict)
    """The images that it concerns, by class."""

    @property
    def capitalised(self) -> str:
        """As a whole sentence."""
        whole = f"{self.sentence[:1].upper()}{self.sentence[1:]}"
        return whole if whole.endswith((".", "。")) else tr("{sentence}.", sentence=whole)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def folder_warnings(
    found: Scan,
    confounded: "Confounding | None" = None,
    patients: "Patients | str" = "",
    rows: Sequence[Row] = (),
    unfinished: bool = False,
) -> list[FolderWarning]:
    """All that there is to beware of in the classes of a scan; `confounded` once that is measured.

    `patients` are those known, or a sentence that they can't be told apart; `rows` are those of a split that was
    given, not drawn here; `unfinished` means that the measuring was given up.
    """
    leaking = _leaking(found, rows)
    listed = [
        *(FolderWarning("layout-doubt", text) for text in found.layout.doubts),
        *(FolderWarning("layout", text) for text in found.layout.remarks),
        *_confounded(found, confounded),
        *_leaks(leaking),
        *_counts(found),
        *_same_picture(found, kept_apart=bool(leaking)),
    ]
    count = len(found.problems)
    if count:
        text = tr("{problems} in the folder", problems=counted(count, "problem"))
        listed.append(FolderWarning("problems", text, numbers={"files": count}))
    if unfinished:
        text = tr("the classes were not compared to the end: what tells them apart without lungs is not known")
        listed.append(FolderWarning("not-compared", text))
    if text := patients if isinstance(patients, str) else patients.unknown:
        listed.append(FolderWarning("patients", text))
    listed += [FolderWarning("note", item.sentence, numbers={"images": item.images}) for item in found.notes]
    return sorted(listed, key=lambda one: not one.grave)


def unequal(found: Scan) -> bool:
    """Are the classes so unequal that it is worth a warning?"""
    return bool(found.imbalance and found.imbalance >= UNEQUAL)


def _confounded(found: Scan, confounded: "Confounding | None") -> Iterator[FolderWarning]:
    if confounded is None:
        return
    for alarm in confounded.alarms:
        yield FolderWarning("confounded", alarm, grave=True)
    if not confounded.sources_known and len(found.classes) > 1:
        text = tr("the sources of the images are not known: a model may learn hospitals in place of lungs")
        yield FolderWarning("sources-unknown", text)


def _leaking(found: Scan, rows: Sequence[Row]) -> int:
    from engine.data.split import leaks  # which loads NumPy

    return len(leaks(rows, found.near)) if rows else 0


def _leaks(count: int) -> Iterator[FolderWarning]:
    if count:
        pictures = counted(count, "picture")
        text = tr("LEAKS: {pictures} in two parts of the split; a test on it looks too good", pictures=pictures)
        yield FolderWarning("leaks", text, grave=True, numbers={"pictures": count})


def _counts(found: Scan) -> Iterator[FolderWarning]:
    """Unequal and small classes, and classes with turned or inverted images."""
    if unequal(found) and found.imbalance:
        largest = max(found.classes, key=lambda name: found.classes[name].images)
        share = found.classes[largest].images / len(found.records)
        yield FolderWarning(
            "unequal",
            tr(
                "unequal classes: always saying {largest} would be right in {share}; the largest class has "
                "{imbalance:.1f} images for each of the smallest",
                largest=largest,
                share=whole_percent(share),
                imbalance=found.imbalance,
            ),
            numbers={"share": share, "imbalance": found.imbalance},
            classes={name: summary.images for name, summary in found.classes.items()},
        )
    turned = {problem.file for problem in found.problems if problem.kind == "pose"}
    counts = Counter(record.label for record in found.records if record.file in turned)
    if counts:
        each = listing(
            tr("{number:,} of {images:,} {name}", number=number, images=found.classes[name].images, name=name)
            for name, number in counts.items()
        )
        text = tr("images look turned or inverted, which a network may take for the class: {each}", each=each)
        yield FolderWarning("turned", text, classes=dict(counts))
    small = {name: summary.images for name, summary in found.classes.items() if summary.images < FEW}
    if small:
        each = listing(f"{name} {number}" for name, number in small.items())
        text = tr("too few images to tell how good a model is: {each}", each=each)
        yield FolderWarning("few", text, numbers={"fewest": FEW}, classes=small)


def _same_picture(found: Scan, kept_apart: bool) -> Iterator[FolderWarning]:
    groups, alike = len(found.duplicates), len(found.near)
    if groups:
        number = counted(groups, "group")
        text = tr("{groups} of equal images; each is kept inside one part", groups=number)
        if kept_apart:
            text = tr("{groups} of equal images", groups=number)
        yield FolderWarning("equal-images", text, numbers={"groups": groups})
    if alike:
        number = counted(alike, "group")
        text = tr("{groups} of near duplicates, kept together too", groups=number)
        if kept_apart:
            text = tr("{groups} of near duplicates", groups=number)
        yield FolderWarning("near-duplicates", text, numbers={"groups": alike})
    wrong = Counter(problem.label for problem in found.problems if problem.kind == "label-conflict")
    if count := wrong.total():
        text = trn(
            "{number} image has the same pixels as one of another class: a label is wrong",
            "{number} images have the same pixels as one of another class: a label is wrong",
            count,
        )
        yield FolderWarning("label-conflict", text, grave=True, numbers={"images": count}, classes=dict(wrong))
