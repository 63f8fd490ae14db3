"""Images that are one and the same picture, whatever their names, formats or folders."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from engine.base.cancel import Stop
from engine.base.language import marked, tr
from engine.data.groups import joined
from engine.data.image.reader import Pixels
from engine.data.records import NearGroup, Record

if TYPE_CHECKING:
    from engine.data.similarity.near_duplicates import Match

TOLD, TURNED = 0.01, 0.7
"""Share of a side from which on a crop is worth a word, and the degrees from which on a turn is."""


def exact_groups(records: Iterable[Record]) -> tuple[tuple[str, ...], ...]:
    """The files with equal pixels, two or more a group, across classes too; files and groups in the records' order."""
    by_pixels: defaultdict[str, list[str]] = defaultdict(list)
    for record in records:
        by_pixels[record.sha].append(record.file)
    return tuple(tuple(files) for files in by_pixels.values() if len(files) > 1)


def near_groups(
    records: Sequence[Record],
    thumbnails: Pixels,
    tick: Callable[[float], None] = lambda share: None,
    stop: Stop | None = None,
) -> tuple[NearGroup, ...]:
    """The files that show one picture with different pixels, two or more a group, in the records' order.

    `thumbnails`, uint8 (n, SIDE, SIDE), are those of the records, from
    `engine.data.similarity.near_duplicates`. `tick` hears the share that is done. Raises Stopped soon after `stop` is
    set.
    """
    from engine.data.similarity.near_duplicates import matches

    copies: defaultdict[str, list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        copies[record.sha].append(place)
    distinct = list(copies.values())
    if len(distinct) < 2:
        return ()
    found = matches(thumbnails[[places[0] for places in distinct]], tick, stop)
    links = [
        (match, [records[i].file for side in (match.first, match.second) for i in distinct[side]]) for match in found
    ]
    order = {record.file: place for place, record in enumerate(records)}
    united = joined(names for _, names in links)
    group_of = {file: number for number, files in enumerate(united) for file in files}
    matched: defaultdict[int, list[Match]] = defaultdict(list)
    for match, names in links:
        matched[group_of[names[0]]].append(match)
    near = []
    for number, files in enumerate(united):
        own = matched[number]
        changes = tuple(dict.fromkeys(word for match in own for word in _changes(match)))
        least = round(min(match.similarity for match in own), 3)
        near.append(NearGroup(tuple(sorted(files, key=order.__getitem__)), least, changes))
    return tuple(sorted(near, key=lambda group: order[group.files[0]]))


def near_within(groups: Iterable[NearGroup], records: Iterable[Record]) -> tuple[NearGroup, ...]:
    """What is left of near groups where only `records` are looked at."""
    shas = {record.file: record.sha for record in records}
    left = []
    for group in groups:
        files = tuple(file for file in group.files if file in shas)
        if len({shas[file] for file in files}) > 1:
            left.append(NearGroup(files, group.similarity, group.changes))
    return tuple(left)


def label_conflicts(records: Iterable[Record]) -> Iterator[tuple[str, str]]:
    """Each file that has the pixels of an earlier one of another class, and a sentence on it without its full stop."""
    first: dict[str, Record] = {}
    for record in records:
        other = first.setdefault(record.sha, record)
        if other.label != record.label:
            said = tr(
                'has the same pixels as {file} of class "{label}"; one of the two labels is wrong',
                file=other.file,
                label=other.label,
            )
            yield record.file, said


def _changes(match: "Match") -> Iterator[str]:
    if match.mirrored:
        yield marked("mirrored")
    if match.inverted:
        yield marked("inverted")
    if abs(match.turn) >= TURNED:
        yield marked("rotated")
    left, top, right, bottom = match.crop
    if max(map(abs, match.crop)) >= TOLD:
        if max(abs(left + right), abs(top + bottom)) < TOLD:
            yield marked("shifted")
        else:
            yield marked("given a border") if match.framed else marked("cropped")
