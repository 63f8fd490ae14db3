"""What a user should beware of before a training on a folder: confounding, imbalance, duplicates, problems."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.dataset.scan import Record, Scan

UNEQUAL = 1.5
"""Images of the largest class for each of the smallest from which on the imbalance is told."""
FEW = 30
"""Images of a class below which a result says little."""
TELLING = 0.2
"""How much better than by the commonest class one must guess by a source to have it told."""


@dataclass(frozen=True)
class Note:
    """A sentence; a grave one may falsify the result of a training."""

    text: str
    grave: bool = False


def notes(found: "Scan") -> list[Note]:
    """All that there is to beware of in the classes of a scan, what weighs most first."""
    said = [*_confounded(found), *_unequal(found), *_duplicates(found)]
    count = len(found.problems)
    if count:
        said.append(Note(f"{count:,} problem{'s' * (count > 1)} in the folder (see p)"))
    small = [f"{name} {summary.images}" for name, summary in found.classes.items() if summary.images < FEW]
    if small:
        said.append(Note(f"too few images to tell how good a model is: {', '.join(small)}"))
    for name, summary in found.classes.items():
        if summary.colour:
            said.append(Note(f"{summary.colour:,} images of {name} are in colour, as photographs are"))
    return sorted(said, key=lambda note: not note.grave)


def by_class(records: Iterable["Record"], value: Callable[["Record"], str | None]) -> dict[str, Counter[str]]:
    """Images by class and by what `value` says of them; those of which it says nothing are left out."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        said = value(record)
        if said:
            counts[record.label][said] += 1
    return counts


def disjoint(counts: dict[str, Counter[str]]) -> bool:
    """Does the value alone tell the class?"""
    values = [value for own in counts.values() for value in own]
    return len(counts) > 1 and len(values) == len(set(values))


def guessed(counts: dict[str, Counter[str]]) -> tuple[float, float]:
    """Share of images whose class one guesses right by the value alone, and by always saying the commonest class."""
    best: Counter[str] = Counter()
    for own in counts.values():
        for value, count in own.items():
            best[value] = max(best[value], count)
    total = sum(sum(own.values()) for own in counts.values())
    largest = max(sum(own.values()) for own in counts.values())
    return best.total() / total, largest / total


def _confounded(found: "Scan") -> Iterable[Note]:
    if len(found.classes) < 2:
        return
    sources = by_class(found.records, lambda record: record.source)
    if not sources:
        yield Note("the sources of the images are not known: a model may learn hospitals in place of lungs")
    elif disjoint(sources):
        where = "" if len(sources) == len(found.classes) else ", where sources are known"
        yield Note(
            f"CONFOUNDED: the source alone tells the class{where} (see u); a model that only recognises the hospital "
            "looks perfect",
            grave=True,
        )
    elif len(sources) > 1:
        right, always = guessed(sources)
        if right > always + TELLING:
            yield Note(
                f"PARTLY CONFOUNDED: the source alone tells the class of {right:.0%} of the images, the commonest "
                f"class {always:.0%} (see u)",
                grave=True,
            )
    traits: dict[str, Callable[[Record], str]] = {
        "file format": lambda record: record.format,
        "mode": lambda record: record.mode,
        "size": lambda record: f"{record.width}x{record.height}",
    }
    for trait, value in traits.items():
        counts = by_class(found.records, value)
        if len(counts) == len(found.classes) and disjoint(counts):
            yield Note(f"CONFOUNDED: the images' {trait} alone tells the class", grave=True)


def _unequal(found: "Scan") -> Iterable[Note]:
    if found.imbalance and found.imbalance >= UNEQUAL:
        largest = max(found.classes, key=lambda name: found.classes[name].images)
        share = found.classes[largest].images / len(found.records)
        yield Note(
            f"unequal classes: always saying {largest} would be right in {share:.0%}; "
            f"the largest class has {found.imbalance:.1f} images for each of the smallest"
        )


def _duplicates(found: "Scan") -> Iterable[Note]:
    groups = len(found.duplicates)
    if groups:
        yield Note(f"{groups:,} group{'s' * (groups > 1)} of equal images; each is kept inside one part (see d)")
    wrong = sum(problem.kind == "label-conflict" for problem in found.problems)
    if wrong:
        yield Note(f"{wrong:,} images have the same pixels as one of another class: a label is wrong (see p)", True)
