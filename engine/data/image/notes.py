"""What was noted on images, told once a note: on how many of them, and one of those."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Noted:
    """A note, a short sentence without its full stop, on `images` of all `of` images."""

    note: str
    images: int
    of: int
    example: str
    """The first file that it was made on."""

    @property
    def sentence(self) -> str:
        """The note for people, without a full stop."""
        whole = f"{self.of:,} image{'s' * (self.of != 1)}"
        return f"{self.images:,} of {whole}: {self.note} (e.g. {self.example})"


def noted(images: Iterable[tuple[str, Iterable[str]]]) -> tuple[Noted, ...]:
    """Each note once, the most frequent first, of images given as their file and the notes on them."""
    counts, examples, whole = Counter[str](), dict[str, str](), 0
    for whole, (file, notes) in enumerate(images, start=1):  # noqa: B007
        for note in dict.fromkeys(notes):
            counts[note] += 1
            examples.setdefault(note, file)
    return tuple(Noted(note, count, whole, examples[note]) for note, count in counts.most_common())


def of_other_bits(images: Iterable[tuple[str, int]]) -> Iterator[Noted]:
    """A note where files of more than 8 bits, given with the bits that spread over their levels, use different ones."""
    found = list(images)
    counts = Counter(bits for _, bits in found)
    if len(counts) < 2:
        return
    (usual, _), *others = counts.most_common()
    many = ", ".join(f"{count:,} use {bits}" for bits, count in sorted(others))
    example = next(file for file, bits in found if bits != usual)
    note = f"use other bits than the rest, {usual} ({many}), so their brightness can't be compared with it"
    yield Noted(note, sum(count for _, count in others), len(found), example)
