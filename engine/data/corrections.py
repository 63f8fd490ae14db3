"""Corrections of labels: what a reviewer decided about images, kept as a table beside the runs, never in the images.

A correction belongs to the pixels of an image, so it holds wherever the file is moved, and to the label that it had
when it was decided on: where the folder has been mended since, the correction has nothing left to do, and says so.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from engine.base.errors import DataError
from engine.base.escape import from_cell, to_cell
from engine.base.files import replacing
from engine.base.language import tr
from engine.base.wording import counted, reason, unwritable
from engine.data.duplicates import exact_groups, near_within
from engine.data.records import ClassSummary, Record, Row, Scan, summary
from engine.data.tables import read_rows

Decision = Literal["keep", "relabel", "leave-out", "unsure"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
Key = tuple[str, str]
"""An image's pixels, as their hash, and the label that its folder gives: equal pixels may lie in two classes."""
MOST_NOTE = 500
"""Characters of a note that are kept."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A decision about one image: keep its label, give it another (`to`), leave the image out, or unsure."""

    file: str
    """Relative to the scanned folder, when it was decided on."""
    sha: str
    """The hash of its pixels."""
    label: str
    """The label that its folder gives."""
    decision: Decision
    to: str = ""
    """The label that it should have; empty but for "relabel"."""
    note: str = ""
    time: str = ""
    """When it was decided, ISO 8601 in UTC."""
    blind: str = ""
    """Was the reviewer shown no model's answer? "yes", or empty."""

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.sha, self.label


COLUMNS = tuple(one.name for one in fields(Correction))


@dataclass(frozen=True, slots=True)
class Change:
    """What a correction did to an image."""

    was: str
    """The label that its folder gives."""
    now: str
    """Its label since; empty where the image is left out."""


@dataclass(frozen=True)
class ClassChanges:
    """What corrections did to a class, in images."""

    away: int
    """Relabelled to other classes."""
    left_out: int
    here: int
    """Relabelled to this class."""


@dataclass(frozen=True)
class Applied:
    """What corrections did to a scan."""

    changes: Mapping[str, Change] = field(default_factory=dict)
    """By file, in the scan's order; those of which nothing changed are not among them."""
    confirmed: int = 0
    """Images that stay as they are: kept on purpose, or unsure."""
    used: tuple[Correction, ...] = ()
    """The corrections that these come from."""
    idle: int = 0
    """Corrections with nothing to do: for images that are not in the folder, have another label by now, or would get
    the label of a class that is not used."""

    @cached_property
    def relabelled(self) -> tuple[str, ...]:
        """The files that have another label."""
        return tuple(file for file, change in self.changes.items() if change.now)

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """The files that are used no more."""
        return tuple(file for file, change in self.changes.items() if not change.now)

    def of_class(self, name: str) -> ClassChanges:
        """What they did to a class."""
        was = [change.now for change in self.changes.values() if change.was == name]
        here = sum(change.now == name for change in self.changes.values())
        return ClassChanges(len(was) - was.count(""), was.count(""), here)

    def listed(self, records: Iterable[Record], name: str) -> list[Record]:
        """Of the records of the scan as it was, those that are of a class or were of it, in their order."""
        nowhere = Change("", "")
        return [one for one in records if name in (one.label, self.changes.get(one.file, nowhere).now)]

    @property
    def sentence(self) -> str:
        """What was done, for people."""
        done = {"images": counted(len(self.relabelled), "image"), "out": len(self.left_out), "kept": self.confirmed}
        every = {**done, "idle": counted(self.idle, "correction")}
        if self.confirmed and self.idle:
            return tr(
                "Corrections: {images} relabelled, {out:,} left out, {kept:,} reviewed and left as they are; {idle} "
                "found no image with that label here.",
                **every,
            )
        if self.idle:
            return tr(
                "Corrections: {images} relabelled, {out:,} left out; {idle} found no image with that label here.",
                **every,
            )
        if self.confirmed:
            return tr(
                "Corrections: {images} relabelled, {out:,} left out, {kept:,} reviewed and left as they are.", **every
            )
        return tr("Corrections: {images} relabelled, {out:,} left out.", **every)


def read_corrections(path: Path) -> tuple[Correction, ...]:
    """The corrections in the table at `path`, in its order, the last one about an image alone.

    Raises DataError where it can't be read, or a row of it makes no sense.
    """
    try:
        rows = read_rows(path)
        _, head = next(rows, (0, []))
        missing = [name for name in ("sha", "label", "decision") if name not in head]
        if missing:
            raise DataError(tr("is no table of corrections: it lacks the column {missing}", missing=", ".join(missing)))
        places = {name: head.index(name) for name in COLUMNS if name in head}
        found = {one.key: one for one in (_correction(line, row, places) for line, row in rows)}
    except FileNotFoundError:
        raise DataError(tr("{path} does not exist; check the path given with --corrections.", path=path)) from None
    except OSError as error:
        raise DataError(tr("{path} can't be read ({reason}).", path=path, reason=reason(error))) from error
    except DataError as error:
        raise DataError(tr("{path} {reason}.", path=path, reason=error)) from None
    return tuple(found.values())


def _correction(line: int, row: list[str], places: Mapping[str, int]) -> Correction:
    values = {name: from_cell(row[place]) if place < len(row) else "" for name, place in places.items()}
    decision = values["decision"]
    if decision not in DECISIONS:
        raise DataError(
            tr(
                "can't be used: line {line} has the decision {decision!r}; give {decisions}",
                line=line,
                decision=decision,
                decisions=", ".join(DECISIONS),
            )
        )
    if not values["sha"] or (decision == "relabel") != bool(values.get("to")):
        raise DataError(
            tr("can't be used: line {line} needs a sha, and a label under 'to' where it relabels", line=line)
        )
    return Correction(**{"file": "", **values})  # type: ignore[arg-type]


def write_corrections(path: Path, corrections: Iterable[Correction]) -> None:
    """Write them as CSV, whole or not at all. Raises DataError where that can't be done."""
    write_rows(path, [COLUMNS, *(cells_of(one) for one in corrections)])


def cells_of(one: Correction) -> list[str]:
    """Its cells under COLUMNS."""
    return [to_cell(value) for value in astuple(one)]


def write_rows(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write a table's rows, the header first, as CSV, whole or not at all. Raises DataError."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    try:
        with replacing(path) as file:
            file.write(text.getvalue().encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise DataError(unwritable(path, error)) from error


def corrected(scanned: Scan, corrections: Iterable[Correction]) -> tuple[Scan, Applied]:
    """The scan with its labels corrected and images left out, and what that did. What it notes of files is as before.

    An image may be relabelled to any class of the scan.
    """
    of = {one.key: one for one in corrections}
    records: list[Record] = []
    changes: dict[str, Change] = {}
    used: list[Correction] = []
    confirmed = 0
    for record in scanned.records:
        one = of.get((record.sha, record.label))
        if one is None or (one.decision == "relabel" and one.to not in scanned.classes):
            records.append(record)
            continue
        used.append(one)
        if one.decision == "leave-out":
            changes[record.file] = Change(record.label, "")
        elif one.decision == "relabel":
            changes[record.file] = Change(record.label, one.to)
            records.append(replace(record, label=one.to))
        else:
            confirmed += 1
            records.append(record)
    order = {name: place for place, name in enumerate(scanned.classes)}
    records.sort(key=lambda record: order[record.label])  # stable, so by the folders' order within a class
    found = replace(
        scanned,
        records=tuple(records),
        classes={name: _again(scanned.classes[name], name, records) for name in order},
        duplicates=exact_groups(records),
        near=near_within(scanned.near, records),
    )
    used = [*dict.fromkeys(used)]  # one may be about several files with equal pixels
    return found, Applied(changes, confirmed, tuple(used), len(of) - len(used))


def corrected_rows(rows: Iterable[Row], scanned: Scan) -> tuple[Row, ...]:
    """The rows of a split in the order and with the labels of the corrected scan, less what that leaves out."""
    of = {row.file: row for row in rows}
    return tuple(replace(of[one.file], label=one.label) for one in scanned.records if one.file in of)


def _again(before: ClassSummary, name: str, records: Iterable[Record]) -> ClassSummary:
    return summary([record for record in records if record.label == name], before.notes)
