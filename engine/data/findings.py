"""What a scan found out of place, whole: the check of a split, and every finding as a line of a CSV."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from engine.base.language import tr, trn
from engine.data.given_split import Listed, listed, require_match
from engine.data.patients import Patients
from engine.data.records import Row, Scan
from engine.data.split import Split, leaks, parted

HEADER = ("listing", "group", "file", "class", "part", "detail")


@dataclass(frozen=True)
class SplitCheck:
    """What a split has in two parts, of the images that it says anything about."""

    rows: tuple[Row, ...]
    """The images that were looked at, with the hashes of the scan."""
    leaks: tuple[tuple[str, ...], ...]
    """The files of each picture that lies in two parts."""
    apart: dict[str, tuple[str, ...]] | None
    """The files of each patient who does; None where no patient is known."""
    patients: int
    """Patients of the images that were looked at."""
    named: int
    """Images that were looked at and whose patient is known."""
    listed: Listed | None
    """How a given split was matched with the folder; None for a split that the folders publish."""

    @property
    def parts(self) -> dict[str, str]:
        """The part of each file."""
        return {row.file: row.part for row in self.rows}

    @property
    def of(self) -> str:
        """Of how many images the check speaks, as the end of a sentence."""
        count = len(self.rows)
        found = self.listed
        if found is None or not (found.unlisted or found.missing or found.unclear or found.elsewhere):
            return trn("of the {number} image in it", "of the {number} images in it", count)
        return trn("of the {number} image that could be matched", "of the {number} images that could be matched", count)


def check_split(scanned: Scan, path: Path | None, patients: Patients) -> SplitCheck | None:
    """The check of the split at `path`, else of the one that the folders publish; None where there is neither.

    Raises DataError where the split can't be read, or too few of its rows are about images of the folder.
    """
    if path is None and not scanned.published:
        return None
    found = require_match(listed(path, Split.read(path).rows, scanned)) if path else None
    given = found.rows if found else tuple(Row(r.file, r.label, r.part) for r in scanned.records)
    shas = {record.file: record.sha for record in scanned.records}
    rows = tuple(replace(row, sha=shas[row.file]) for row in given)
    known = [patients.of[row.file] for row in rows if row.file in patients.of]
    apart = parted(rows, patients.of) if known else None
    return SplitCheck(rows, leaks(rows, scanned.near), apart, len(set(known)), len(known), found)


def findings(scanned: Scan, checked: SplitCheck | None) -> Iterator[tuple[str, ...]]:
    """Every finding, a line (see HEADER) for each file that it is about.

    Listings are problem, same-pixels and near-duplicate; and of a split leak, patient (in two parts), missing, unclear,
    elsewhere, unlisted and other-class, as `Listed` has them. Files with the same listing and group belong together.
    """
    labels = {record.file: record.label for record in scanned.records}
    parts = checked.parts if checked else {record.file: record.part for record in scanned.records}

    def lines(listing: str, group: object, files: Iterable[str], detail: str = "") -> Iterator[tuple[str, ...]]:
        for file in files:
            yield listing, str(group), file, labels.get(file, ""), parts.get(file, ""), detail

    for problem in scanned.problems:
        yield from lines("problem", "", [problem.file], f"{problem.kind}: {problem.reason}")
    for number, files in enumerate(scanned.duplicates, start=1):
        yield from lines("same-pixels", number, files)
    for number, near in enumerate(scanned.near, start=1):
        likeness = tr("correlation {similarity:.3f}", similarity=near.similarity)
        yield from lines("near-duplicate", number, near.files, tr("; ").join([*map(tr, near.changes), likeness]))
    if checked is None:
        return
    for number, files in enumerate(checked.leaks, start=1):
        yield from lines("leak", number, files)
    for who, files in (checked.apart or {}).items():
        yield from lines("patient", who, files)
    if found := checked.listed:
        yield from lines("missing", "", found.missing)
        yield from lines("unclear", "", found.unclear)
        yield from lines("elsewhere", "", found.elsewhere)
        yield from lines("unlisted", "", found.unlisted)
        yield from lines("other-class", "", found.other_class)
