"""Which rows of a split that was given are about which images of a scanned folder, and what agrees with nothing.

A check of a split is worth what it looked at, so what was matched is counted before anything is called clear.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.base.errors import DataError
from engine.base.language import tr
from engine.base.wording import counted, in_turn, listing
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
        return tr(
            "{path} lists {files}, and {matched:,} of them are images of {root}, which has {images:,}.",
            path=self.path,
            files=counted(self.listed, "file"),
            matched=len(self.rows),
            root=self.root,
            images=images,
        )

    def doubts(self) -> Iterable[str]:
        """A sentence on each kind of what was not matched, so that nothing is said of it."""
        if self.missing:
            files = counted(len(self.missing), "file")
            yield tr(
                "{root} lacks or can't read {files} that it lists: {few}.",
                root=self.root,
                files=files,
                few=few(self.missing),
            )
        if self.unclear:
            yield tr(
                "{count:,} of the names that it lists fit several images: {few}.",
                count=len(self.unclear),
                few=few(self.unclear),
            )
        if self.elsewhere:
            files = counted(len(self.elsewhere), "file")
            yield tr("It lists {files} of classes that were not scanned: {few}.", files=files, few=few(self.elsewhere))
        if self.unlisted:
            images = counted(len(self.unlisted), "image")
            yield tr(
                "It does not list {images} of {root}: {few}.", images=images, root=self.root, few=few(self.unlisted)
            )
        if self.other_class:
            images = counted(len(self.other_class), "image")
            yield tr(
                "It gives {images} another class than the folder does: {few}.", images=images, few=few(self.other_class)
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
            tr(
                "{path} lists {name} twice (also as {other}); each image belongs to one part.",
                path=path,
                name=few([given[twice[0]].file]),
                other=few([given[twice[1]].file]),
            )
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
    said = tr("None of the {files} that {path} lists can be matched with an image of {root}, which has {images:,}.")
    if matched:
        said = tr(
            "Only {matched:,} of the {files} that {path} lists can be matched with an image of {root}, which has "
            "{images:,}."
        )
    helps = tr("It lists {first}, the folder has {there}: give the folder that the split was made for.")
    if found.unclear:
        helps = tr(
            "It lists {first}, the folder has {there}: give the folder that the split was made for, or write paths "
            "in place of names that fit several images."
        )
    values = {"files": counted(found.listed, "file"), "path": found.path, "root": found.root}
    first = next(iter((*found.missing, *found.unclear, *found.elsewhere)), tr("nothing"))[:SHOWN]
    there = next(iter((*found.unlisted, *(row.file for row in found.rows))), tr("nothing"))
    lists = helps.format(first=first, there=there)
    raise DataError(in_turn(said.format(matched=matched, images=images, **values), lists))


def few(files: Sequence[str]) -> str:
    """The first three, none of them longer than SHOWN."""
    first = listing(file[:SHOWN] for file in files[:3])
    return tr("{names}, ...", names=first) if len(files) > 3 else first
