"""Which images are of one patient, so that a split can keep them together; and a plain word where nobody can tell."""

import re
from dataclasses import dataclass, field

from engine.dataset.metadata import tables
from engine.dataset.scan import Record, Scan
from engine.errors import ConfigError

PATIENT_COLUMNS = tuple(who + rest for who in ("patient", "subject") for rest in ("", "id", " id", "_id", "-id"))
"""Columns, whatever their case, that are taken to name the patient without being asked for."""
UNKNOWN = (
    "Patients can't be told apart in this folder: images of one patient may lie in two parts. --group-by names a "
    "metadata column or a pattern of the file names that tells them."
)
BY_NAME = "name:"


@dataclass(frozen=True)
class Patients:
    """The patient of each file that has one, and a sentence on how that is known, or that it is not."""

    told: str
    of: dict[str, str] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Is any patient known?"""
        return bool(self.of)


def patients(scanned: Scan, group_by: str = "") -> Patients:
    """The patients of a scanned folder's images.

    `group_by` is a column of a table beside the class folders, or "name:REGEX", whose first group (or, without one,
    whose match) in the file's name is the patient; empty for a column of PATIENT_COLUMNS where there is one, "none" to
    look for none. Raises ConfigError for a column or pattern that finds nobody.
    """
    if group_by == "none":
        return Patients("Images of one patient may lie in two parts, as asked (--group-by none).")
    if group_by.startswith(BY_NAME):
        return _by_name(scanned.records, group_by[len(BY_NAME) :])
    wanted = (group_by.strip().casefold(),) if group_by else PATIENT_COLUMNS
    of: dict[str, str] = {}
    used: list[str] = []
    found = tables(scanned)
    for column in wanted:
        for table in (table for table in found if column in table.columns):
            values = table.column(column, scanned.records)
            of = {**values, **of}
            if values:
                used.append(f'the column "{column}" of {table.name}')
        if of and not _by_folders(scanned, group_by, of):
            return _told(of, " and ".join(used[:2]) + (" and others" if len(used) > 2 else ""), len(scanned.records))
    if group_by:
        columns = sorted({column for table in found for column in table.columns if column})
        have = f"the tables beside the class folders have {', '.join(columns)}" if columns else "there is no table"
        raise ConfigError(
            f'--group-by is "{group_by}", but no table in {scanned.root} names images in such a column; {have}. '
            'A pattern of file names is written as "name:REGEX".'
        )
    by_folder = {record.file: record.patient for record in scanned.records if record.patient}
    return _told(by_folder, "their folders", len(scanned.records)) if by_folder else Patients(UNKNOWN)


def _by_folders(scanned: Scan, group_by: str, of: dict[str, str]) -> bool:
    """Do folders tell the patients better than tables do, which are `of`, and which nobody asked for?"""
    return not group_by and sum(bool(record.patient) for record in scanned.records) > len(of)


def _by_name(records: tuple[Record, ...], pattern: str) -> Patients:
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise ConfigError(f'--group-by: "{pattern}" is no regular expression ({error}).') from error
    of = {}
    for record in records:
        found = regex.search(record.file.rsplit("/", 1)[-1])
        patient = found and (found[1] if regex.groups else found[0])
        if patient:
            of[record.file] = patient
    if not of:
        raise ConfigError(f'--group-by: no file name matches "{pattern}"; the first is {records[0].file}.')
    return _told(of, f'the pattern "{pattern}" of file names', len(records))


def _told(of: dict[str, str], how: str, images: int) -> Patients:
    count = len(set(of.values()))
    rest = images - len(of)
    alone = f"; {rest:,} images name none, and each of those counts as a patient of its own" if rest else ""
    return Patients(f"Images of one patient stay together: {count:,} patients by {how}{alone}.", of)
