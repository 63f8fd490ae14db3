"""What a user should beware of before a training on a folder: confounding, imbalance, duplicates, problems."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.base.wording import counted, noun
from engine.data.warnings import folder_warnings

if TYPE_CHECKING:
    from engine.data.confounding import Confounding
    from engine.data.records import Scan
    from engine.data.split import Split


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
    said = [
        *map(Note, (*found.layout.doubts, *found.layout.remarks)),
        *_confounded(confounded),
        *_leaks(leaking),
        *map(Note, folder_warnings(found)),
        *_duplicates(found, leaking),
    ]
    count = len(found.problems)
    if count:
        said.append(Note(f"{counted(count, 'problem')} in the folder (see p)"))
    if unfinished:
        said.append(Note("the classes were not compared to the end: what tells them apart without lungs is not known"))
    if patients:
        said.append(Note(patients))
    said += [Note(item.sentence) for item in found.notes]
    return sorted(said, key=lambda note: not note.grave)


def _confounded(found: "Confounding | None") -> Iterable[Note]:
    if found is None:
        return
    for alarm in found.alarms:
        yield Note(alarm, grave=True)
    if not found.sources_known:
        yield Note("the sources of the images are not known: a model may learn hospitals in place of lungs")


def _leaks(count: int) -> Iterable[Note]:
    if count:
        shown = counted(count, "picture")
        yield Note(f"LEAKS: {shown} in two parts of the split; a test on it looks too good (see d)", True)


def _leaking(found: "Scan", split: "Split | None") -> int:
    from engine.data.split import leaks

    return len(leaks(split.rows, found.near)) if split else 0


def _duplicates(found: "Scan", leaking: int) -> Iterable[Note]:
    groups, alike = len(found.duplicates), len(found.near)
    if groups:
        kept = "" if leaking else "; each is kept inside one part"
        yield Note(f"{counted(groups, 'group')} of equal images{kept} (see d)")
    if alike:
        kept = "" if leaking else ", kept together too"
        yield Note(f"{counted(alike, 'group')} of near duplicates{kept} (see d)")
    wrong = sum(problem.kind == "label-conflict" for problem in found.problems)
    if wrong:
        several = f"{counted(wrong, 'image')} {noun(wrong, 'has', 'have')}"
        yield Note(f"{several} the same pixels as one of another class: a label is wrong (see p)", True)
