"""What was noted on images, told once a note: on how many of them, and one of those."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.base.language import tr, trn
from engine.base.wording import listing


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
        return trn(
            "{images:,} of {number} image: {note} (e.g. {example})",
            "{images:,} of {number} images: {note} (e.g. {example})",
            self.of,
            images=self.images,
            note=self.note,
            example=self.example,
        )


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
    many = listing(tr("{count:,} use {bits}", count=count, bits=bits) for bits, count in sorted(others))
    example = next(file for file, bits in found if bits != usual)
    note = tr(
        "use other bits than the rest, {usual} ({many}), so their brightness can't be compared with it",
        usual=usual,
        many=many,
    )
    yield Noted(note, sum(count for _, count in others), len(found), example)
