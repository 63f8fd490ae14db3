"""Which images are of one patient, so that a split can keep them together; and a plain word where nobody can tell."""

import re
from dataclasses import dataclass, field

from engine.base.errors import ConfigError, DataError
from engine.base.wording import counted, noun
from engine.data.name_patterns import Named, named_patients
from engine.data.records import Record, Scan
from engine.data.tables import PATIENT_COLUMNS, WORKBOOK, Column, Table, tables

UNKNOWN = (
    "Patients can't be told apart in this folder: images of one patient may lie in two parts. --group-by names a "
    "metadata column or a pattern of the file names that tells them."
)
BY_NAME = "name:"
BY_PATTERNS = "names"
"""What asks for the patients that `engine.data.name_patterns` finds."""
TOGETHER = "Images of one patient stay together: "
"""How the sentence on known patients begins."""
MOST = 8
"""Tables or columns that a sentence names."""


@dataclass(frozen=True)
class Patients:
    """The patient of each file that has one, and a sentence on how that is known, or that it is not."""

    told: str
    of: dict[str, str] = field(default_factory=dict)
    missed: str = ""
    """A sentence on the tables that have a column for patients and yet tell none; empty where there are none."""
    proposed: Named | None = None
    """Patients whom the names seem to tell, where no others are known; they count only where that is agreed to."""

    @property
    def unknown(self) -> str:
        """Sentences that no patient is known, and why or what would tell them; empty where some are."""
        return "" if self.known else f"{_unknown(self.proposed)} {self.missed}".rstrip()

    @property
    def known(self) -> bool:
        """Is any patient known?"""
        return bool(self.of)


def patients(scanned: Scan, group_by: str = "") -> Patients:
    """The patients of a scanned folder's images.

    `group_by` is a column of a table beside the class folders, or "name:REGEX", whose first group (or, without one,
    whose match) in the file's name is the patient; "names" for those that the usual patterns of names tell; empty for a
    column of PATIENT_COLUMNS where there is one, "none" to look for none. Raises ConfigError for what finds nobody.
    """
    if group_by == "none":
        return Patients("Images of one patient may lie in two parts, as asked (--group-by none).")
    if group_by.startswith(BY_NAME):
        return _by_name(scanned.records, group_by[len(BY_NAME) :])
    if group_by == BY_PATTERNS:
        return _by_patterns(scanned.records)
    wanted = (group_by,) if group_by else PATIENT_COLUMNS
    found = tables(scanned)
    why: dict[str, str] = {}
    for column in wanted:
        of: dict[str, str] = {}
        used: list[str] = []
        torn = 0
        for table in (table for table in found if table.place(column) is not None):
            said = _asked(table, column, scanned, why)
            torn += sum(said.of.get(file, who) != who for file, who in of.items()) + said.torn
            of = {**said.of, **of}
            if said.of:
                used.append(f'the column "{table.columns[table.place(column) or 0]}" of {table.name}')
        if of and not _by_folders(scanned, group_by, of):
            how = " and ".join(used[:2]) + (" and others" if len(used) > 2 else "")
            return _told(of, how, len(scanned.records), torn)
    looked = _looked_at(found, why, f'no column "{group_by}"' if group_by else "no column that names a patient")
    if group_by:
        columns = sorted({column for table in found for column in table.columns if column})
        have = f"the tables beside the class folders have {', '.join(columns[:MOST])}" if columns else "there is none"
        raise ConfigError(
            f'--group-by is "{group_by}", but no table in {scanned.root} names images in such a column; {have}. '
            f'{looked}A pattern of file names is written as "name:REGEX".'
        )
    by_folder = {record.file: record.patient for record in scanned.records if record.patient}
    if by_folder:
        return _told(by_folder, "their folders", len(scanned.records))
    promising = _looked_at([table for table in found if table.name in why], why, "")
    proposed = named_patients(scanned.records)
    return Patients(f"{_unknown(proposed)} {looked}".rstrip(), missed=promising.rstrip(), proposed=proposed)


def _unknown(proposed: Named | None) -> str:
    """That nobody tells patients for certain, and what the names propose."""
    if proposed is None:
        return UNKNOWN
    return (
        f"The names seem to tell patients, but are not asked: {_counts(proposed)}. --group-by {BY_PATTERNS} keeps the "
        "images of one patient in one part; as it is, they may lie in two. --group-by none says that they may."
    )


def _counts(named: Named) -> str:
    """How many patients and pairs names give, and by which names."""
    examples = ", ".join(f'"{one.patient}" of {one.shown}' for one in named.examples)
    anew = ", numbered in each class anew" if named.anew else ""
    return (
        f"{counted(named.patients, 'patient')} for {counted(len(named.of), 'image')}, which gives "
        f"{counted(named.pairs, 'pair')} of images of one patient (such as {examples}{anew})"
    )


def _asked(table: Table, column: str, scanned: Scan, why: dict[str, str]) -> Column:
    """What the table says in `column`; where that is nothing, `why` gets the reason."""
    try:
        said = table.column(column, scanned.records, scanned.others)
    except DataError as error:
        why[table.name] = str(error)
        return Column()
    if table.reason:
        why[table.name] = table.reason
    elif not said.rows:
        why[table.name] = "has no rows"
    elif not said.named and said.unclear:
        why[table.name] = f"{said.unclear:,} of the names in it fit several files of this folder, and no other fits one"
    elif not said.named:
        of_its_class = "file of its class" if table.name.casefold().endswith(WORKBOOK) else "file of this folder"
        why[table.name] = f"none of its {said.rows:,} rows names a {of_its_class}; the first names {said.first}"
    elif not said.of:
        why[table.name] = f'its column "{column}" is empty, or says two things, for every file'
    return said


def _looked_at(found: list[Table], why: dict[str, str], lacking: str) -> str:
    """A sentence on the tables that were looked at, and why each is of no use; empty where there is none."""
    shown = [f"{table.name} ({why.get(table.name) or table.reason or f'has {lacking}'})" for table in found]
    if len(shown) > MOST:
        shown = [*shown[:MOST], f"and {len(shown) - MOST} more"]
    return f"Tables looked at: {'; '.join(shown)}. " if shown else ""


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


def _by_patterns(records: tuple[Record, ...]) -> Patients:
    named = named_patients(records)
    if named is None:
        raise ConfigError(
            f'--group-by is "{BY_PATTERNS}", but no usual pattern of names tells patients here; the first image is '
            f'{records[0].file}. A pattern of your own is written as "name:REGEX".'
        )
    examples = ", ".join(f'"{one.patient}" of {one.shown}' for one in named.examples)
    anew = ", numbered in each class anew" if named.anew else ""
    return _told(named.of, f"the names of files or folders (such as {examples}{anew})", len(records))


def _told(of: dict[str, str], how: str, images: int, torn: int = 0) -> Patients:
    count = len(set(of.values()))
    rest = images - len(of)
    some = f"{counted(rest, 'image')} {noun(rest, 'names', 'name')} none, and each of those"
    alone = f"; {some} counts as a patient of its own" if rest else ""
    alone += f"; of {counted(torn, 'image')} the tables name two patients" if torn else ""
    return Patients(f"{TOGETHER}{count:,} patients by {how}{alone}.", of)
