"""Rows of a table whose folders are not those of the scanned folder: by the end of the path, where that is safe.

Images of a public set are often sorted into folders by class, while its table still has the set's own paths:
train/patient00001/study1/view1.jpg, or images_001/images/00000001_000.png. What lies below the folder of the class is
then the end of the row's path. But Viral/1.png is not COVID/1.png, so such ends count only where they can hardly agree
by chance.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from engine.data.file_names import Matches, loose_segments
from engine.data.part_names import below_class

DIGITS = 6
"""Digits that a path below the class's folder must have: fewer merely count."""
NEARLY_ALL = 0.9
"""The share of all images that must be found for any of them to be believed."""


def match_by_ends(names: Sequence[str], labels: Mapping[str, str]) -> Matches | None:
    """The rows about each file, of a table whose rows name files as `names` has it; None where that is not safe.

    `labels` has the class of each scanned file. Two files with one end, and two rows of different paths with one, are
    left out; a row whose other folders name another class is about no file.
    """
    files = _by_end(labels)
    if len(files) < NEARLY_ALL * len(labels):
        return None
    found: defaultdict[str, dict[tuple[str, ...], list[int]]] = defaultdict(dict)
    classes, missing = {label.casefold() for label in labels.values()}, []
    for place, name in enumerate(names):
        segments = loose_segments(name)
        file, before = next(
            ((files[segments[cut:]], segments[:cut]) for cut in range(len(segments)) if segments[cut:] in files),
            ("", ()),
        )
        if file and classes.isdisjoint({*before} - {labels[file].casefold()}):
            found[file].setdefault(before, []).append(place)
        else:
            missing.append(place)
    plain = {file: tuple(next(iter(ways.values()))) for file, ways in found.items() if len(ways) == 1}
    several = {labels[file] for file in plain}
    if len(plain) < NEARLY_ALL * len(labels) or len(several) < min(2, len(set(labels.values()))):
        return None
    unclear = [place for ways in found.values() if len(ways) > 1 for places in ways.values() for place in places]
    return Matches(plain, tuple(missing), tuple(sorted(unclear)))


def _by_end(labels: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """The file with each path below the folder of its class that no other file has, and that does not merely count."""
    ends: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for file, label in labels.items():
        ends[loose_segments("/".join(below_class(file, label)))].append(file)
    return {
        end: files[0]
        for end, files in ends.items()
        if len(files) == 1 and sum(map(str.isdigit, "".join(end))) >= DIGITS
    }
