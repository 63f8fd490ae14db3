"""Images that must lie in one part of a split: the same picture, nearly the same, or of the same patient."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.data.records import Record, Scan


def joined(sets: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    """The sets of names, those that share one united; names and sets in the order in which they first come."""
    above: dict[str, str] = {}

    def root(name: str) -> str:
        above.setdefault(name, name)
        while above[name] != name:
            above[name] = above[above[name]]  # halves the way for the next one
            name = above[name]
        return name

    for names in sets:
        for name in names:
            above[root(name)] = root(names[0])
    united: defaultdict[str, list[str]] = defaultdict(list)
    for name in above:
        united[root(name)].append(name)
    return [tuple(names) for names in united.values()]


def kept_together(scanned: Scan, patients: Mapping[str, str] | None = None) -> list[list[Record]]:
    """The records in groups that a split may not part, most of them alone; `patients` names the patient of a file."""
    by_value: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for record in scanned.records:
        by_value["sha", record.sha].append(record.file)
        if patients and record.file in patients:
            by_value["patient", patients[record.file]].append(record.file)
    records = {record.file: record for record in scanned.records}
    near = [[file for file in group.files if file in records] for group in scanned.near]
    groups = joined([*by_value.values(), *(files for files in near if files)])
    return [[records[file] for file in files] for files in groups]


def two_labelled(scanned: Scan) -> set[str]:
    """The files of pictures that bear two labels, one of which is wrong: they can't be tested on."""
    groups = kept_together(scanned)
    return {record.file for group in groups if len({one.label for one in group}) > 1 for record in group}


def group_of(scanned: Scan, patients: Mapping[str, str] | None = None) -> Callable[[Record], str]:
    """The group of a record, named by its first file, as `kept_together` forms them."""
    names = {record.file: group[0].file for group in kept_together(scanned, patients) for record in group}
    return lambda record: names[record.file]
