"""Images that are one and the same picture, whatever their names, formats or folders."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.dataset.scan import Record


def exact_groups(records: Iterable["Record"]) -> tuple[tuple[str, ...], ...]:
    """The files with equal pixels, two or more a group, across classes too; files and groups in the records' order."""
    by_pixels: defaultdict[str, list[str]] = defaultdict(list)
    for record in records:
        by_pixels[record.sha].append(record.file)
    return tuple(tuple(files) for files in by_pixels.values() if len(files) > 1)


def label_conflicts(records: Iterable["Record"]) -> Iterator[tuple[str, str]]:
    """Each file that has the pixels of an earlier one of another class, and a sentence on it without its full stop."""
    first: dict[str, Record] = {}
    for record in records:
        other = first.setdefault(record.sha, record)
        if other.label != record.label:
            yield (
                record.file,
                f'has the same pixels as {other.file} of class "{other.label}"; one of the two labels is wrong',
            )
