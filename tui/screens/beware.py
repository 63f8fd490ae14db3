"""What a user should beware of before a training on a folder: confounding, imbalance, duplicates, problems."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.dataset.confounding import Confounding
    from engine.dataset.scan import Scan
    from engine.dataset.split import Split

UNEQUAL = 1.5
"""Images of the largest class for each of the smallest from which on the imbalance is told."""
FEW = 30
"""Images of a class below which a result says little."""


@dataclass(frozen=True)
class Note:
    """A sentence; a grave one may falsify the result of a training."""

    text: str
    grave: bool = False


def notes(
    found: "Scan",
    confounded: "Confounding | None" = None,
    patients: str = "",
    split: "Split | None" = None,
    unfinished: bool = False,
) -> list[Note]:
    """All that there is to beware of in the classes of a scan, what weighs most first; `confounded` once measured.

    `patients` says that they can't be told apart, where that is so; `split` is one that was given, not drawn here;
    `unfinished` means that the measuring was given up.
    """
    leaking = _leaking(found, split)
    read = [Note(text) for text in (*found.reading.doubts, *found.reading.told)]
    said = [*read, *_confounded(confounded), *_leaks(leaking), *_unequal(found), *_duplicates(found, leaking)]
    count = len(found.problems)
    if count:
        said.append(Note(f"{count:,} problem{'s' * (count > 1)} in the folder (see p)"))
    small = [f"{name} {summary.images}" for name, summary in found.classes.items() if summary.images < FEW]
    if small:
        said.append(Note(f"too few images to tell how good a model is: {', '.join(small)}"))
    if unfinished:
        said.append(Note("the classes were not compared to the end: what tells them apart without lungs is not known"))
    if patients:
        said.append(Note(patients))
    for name, summary in found.classes.items():
        if summary.colour:
            said.append(Note(f"{summary.colour:,} images of {name} are in colour, as photographs are"))
    return sorted(said, key=lambda note: not note.grave)


def _confounded(found: "Confounding | None") -> Iterable[Note]:
    if found is None:
        return
    for alarm in found.alarms:
        yield Note(alarm, grave=True)
    if not found.sources_known:
        yield Note("the sources of the images are not known: a model may learn hospitals in place of lungs")


def _unequal(found: "Scan") -> Iterable[Note]:
    if found.imbalance and found.imbalance >= UNEQUAL:
        largest = max(found.classes, key=lambda name: found.classes[name].images)
        share = found.classes[largest].images / len(found.records)
        yield Note(
            f"unequal classes: always saying {largest} would be right in {share:.0%}; "
            f"the largest class has {found.imbalance:.1f} images for each of the smallest"
        )


def _leaks(count: int) -> Iterable[Note]:
    if count:
        shown = f"{count:,} picture{'s' * (count > 1)}"
        yield Note(f"LEAKS: {shown} in two parts of the split; a test on it looks too good (see d)", True)


def _leaking(found: "Scan", split: "Split | None") -> int:
    from engine.dataset.split import leaks

    return len(leaks(split.rows, found.near)) if split else 0


def _duplicates(found: "Scan", leaking: int) -> Iterable[Note]:
    groups, alike = len(found.duplicates), len(found.near)
    if groups:
        kept = "" if leaking else "; each is kept inside one part"
        yield Note(f"{groups:,} group{'s' * (groups > 1)} of equal images{kept} (see d)")
    if alike:
        kept = "" if leaking else ", kept together too"
        yield Note(f"{alike:,} group{'s' * (alike > 1)} of near duplicates{kept} (see d)")
    wrong = sum(problem.kind == "label-conflict" for problem in found.problems)
    if wrong:
        yield Note(f"{wrong:,} images have the same pixels as one of another class: a label is wrong (see p)", True)
