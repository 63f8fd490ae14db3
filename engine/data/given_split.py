"""Which rows of a split that was given are about which images of a scanned folder, and what agrees with nothing.

A check of a split is worth what it looked at, so what was matched is counted before anything is called clear.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.base.errors import DataError
from engine.data.file_names import Matcher
from engine.data.records import Row, Scan

FEW = 0.5
"""Below this share of the listed files, and of the folder's images too, a split is not taken to be of the folder."""

SHOWN = 300
"""Characters of a listed name that a sentence shows: a table may hold names of any length."""


@dataclass(frozen=True)
class Listed:
    """A split's rows by what they are about; files are named as the scan names them, else as the split does."""

    path: Path
    root: Path
    rows: tuple[Row, ...]
    """The rows about scanned images, named as the scan names them; hashes are those that the split gives."""
    listed: int
    """All rows of the split."""
    missing: tuple[str, ...]
    """Listed files that the folder lacks or that can't be read."""
    unclear: tuple[str, ...]
    """Listed names that fit several images."""
    elsewhere: tuple[str, ...]
    """Listed files of classes that were not scanned."""
    unlisted: tuple[str, ...]
    """Images that the split does not list."""
    other_class: tuple[str, ...]
    """Images that the split says are of another class than their folder does."""

    @property
    def told(self) -> str:
        """How much of the split and of the folder was matched."""
        images = len(self.rows) + len(self.unlisted)
        return (
            f"{self.path} lists {_files(self.listed)}, and {len(self.rows):,} of them are images of {self.root}, "
            f"which has {images:,}."
        )

    def doubts(self) -> Iterable[str]:
        """A sentence on each kind of what was not matched, so that nothing is said of it."""
        if self.missing:
            yield f"{self.root} lacks or can't read {_files(len(self.missing))} that it lists: {few(self.missing)}."
        if self.unclear:
            yield f"{len(self.unclear):,} of the names that it lists fit several images: {few(self.unclear)}."
        if self.elsewhere:
            yield f"It lists {_files(len(self.elsewhere))} of classes that were not scanned: {few(self.elsewhere)}."
        if self.unlisted:
            yield f"It does not list {_images(len(self.unlisted))} of {self.root}: {few(self.unlisted)}."
        if self.other_class:
            yield (
                f"It gives {_images(len(self.other_class))} another class than the folder does: "
                f"{few(self.other_class)}."
            )

    def to_dict(self) -> dict[str, Any]:
        """The counts and the lists, whole, as JSON values."""
        lists = ("missing", "unclear", "elsewhere", "unlisted", "other_class")
        return {
            "file": str(self.path),
            "listed": self.listed,
            "matched": len(self.rows),
            "images": len(self.rows) + len(self.unlisted),
            **{name: list(getattr(self, name)) for name in lists},
        }


def listed(path: Path, given: Sequence[Row], scanned: Scan) -> Listed:
    """The rows `given` of the split at `path` by what they are about in `scanned`.

    Raises DataError where two rows are about one image.
    """
    labels = {record.file: record.label for record in scanned.records}
    matched = Matcher(labels, scanned.root).match([row.file for row in given])
    twice = next((places for places in matched.rows.values() if len(places) > 1), None)
    if twice:
        raise DataError(
            f"{path} lists {few([given[twice[0]].file])} twice (also as {few([given[twice[1]].file])}); each image "
            "belongs to one part."
        )
    rows = {places[0]: replace(given[places[0]], file=file) for file, places in matched.rows.items()}
    unknown = [given[place] for place in matched.missing]
    return Listed(
        path,
        scanned.root,
        rows=tuple(rows[place] for place in sorted(rows)),
        listed=len(given),
        missing=tuple(row.file for row in unknown if row.label in scanned.classes),
        unclear=tuple(given[place].file for place in matched.unclear),
        elsewhere=tuple(row.file for row in unknown if row.label not in scanned.classes),
        unlisted=tuple(file for file in labels if file not in matched.rows),
        other_class=tuple(row.file for row in rows.values() if row.label != labels[row.file]),
    )


def require_match(found: Listed) -> Listed:
    """`found` itself. Raises DataError where too few of its rows are about images of the folder; see FEW."""
    wanted, images = found.listed - len(found.elsewhere), len(found.rows) + len(found.unlisted)
    matched = len(found.rows)
    if matched and (matched >= FEW * wanted or matched >= FEW * images):
        return found
    first = next(iter((*found.missing, *found.unclear, *found.elsewhere)), "nothing")[:SHOWN]
    there = next(iter((*found.unlisted, *(row.file for row in found.rows))), "nothing")
    count = f"Only {matched:,}" if matched else "None"
    raise DataError(
        f"{count} of the {_files(found.listed)} that {found.path} lists can be matched with an image of {found.root}, "
        f"which has {images:,}. It lists {first}, the folder has {there}: give the folder that the split was made for"
        + (", or write paths in place of names that fit several images." if found.unclear else ".")
    )


def few(files: Sequence[str]) -> str:
    """The first three, none of them longer than SHOWN."""
    return ", ".join(file[:SHOWN] for file in files[:3]) + (", ..." if len(files) > 3 else "")


def _files(count: int) -> str:
    return f"{count:,} file{'s' * (count != 1)}"


def _images(count: int) -> str:
    return f"{count:,} image{'s' * (count != 1)}"
