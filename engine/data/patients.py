"""Which images are of one patient, so that a split can keep them together; and a plain word where nobody can tell."""

import re
from dataclasses import dataclass, field

from engine.base.errors import ConfigError, DataError
from engine.base.language import tr, trn
from engine.base.wording import counted, in_turn, listing
from engine.data.name_patterns import Named, named_patients
from engine.data.records import Record, Scan
from engine.data.tables import PATIENT_COLUMNS, WORKBOOK, Column, Table, tables

UNKNOWN = tr(
    "Patients can't be told apart in this folder: images of one patient may lie in two parts. --group-by names a "
    "metadata column or a pattern of the file names that tells them."
)
BY_NAME = "name:"
BY_PATTERNS = "names"
"""What asks for the patients that `engine.data.name_patterns` finds."""
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
        return "" if self.known else in_turn(_unknown(self.proposed), self.missed)

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
        return Patients(tr("Images of one patient may lie in two parts, as asked (--group-by none)."))
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
                column_name = table.columns[table.place(column) or 0]
                used.append(tr('the column "{column}" of {table}', column=column_name, table=table.name))
        if of and not _by_folders(scanned, group_by, of):
            how = used[0] if len(used) == 1 else tr("{first} and {second}", first=used[0], second=used[1])
            if len(used) > 2:
                how = tr("{first} and {second} and others", first=used[0], second=used[1])
            return _told(of, how, len(scanned.records), torn)
    lacking = tr("has no column that names a patient")
    looked = _looked_at(found, why, tr('has no column "{column}"', column=group_by) if group_by else lacking)
    if group_by:
        columns = sorted({column for table in found for column in table.columns if column})
        none = tr(
            '--group-by is "{column}", but no table in {root} names images in such a column; there is none.',
            column=group_by,
            root=scanned.root,
        )
        if columns:
            none = tr(
                '--group-by is "{column}", but no table in {root} names images in such a column; the tables beside the '
                "class folders have {columns}.",
                column=group_by,
                root=scanned.root,
                columns=listing(columns[:MOST]),
            )
        raise ConfigError(in_turn(none, looked, tr('A pattern of file names is written as "name:REGEX".')))
    by_folder = {record.file: record.patient for record in scanned.records if record.patient}
    if by_folder:
        return _told(by_folder, tr("their folders"), len(scanned.records))
    promising = _looked_at([table for table in found if table.name in why], why, "")
    proposed = named_patients(scanned.records)
    return Patients(in_turn(_unknown(proposed), looked), missed=promising, proposed=proposed)


def _unknown(proposed: Named | None) -> str:
    """That nobody tells patients for certain, and what the names propose."""
    if proposed is None:
        return UNKNOWN
    return tr(
        "The names seem to tell patients, but are not asked: {counts}. --group-by {names} keeps the images of one "
        "patient in one part; as it is, they may lie in two. --group-by none says that they may.",
        counts=_counts(proposed),
        names=BY_PATTERNS,
    )


def _counts(named: Named) -> str:
    """How many patients and pairs names give, and by which names."""
    return tr(
        "{patients} for {images}, which gives {pairs} of images of one patient (such as {examples})",
        patients=counted(named.patients, "patient"),
        images=counted(len(named.of), "image"),
        pairs=counted(named.pairs, "pair"),
        examples=_examples(named),
    )


def _examples(named: Named) -> str:
    """A name for each form in which names tell patients."""
    each = listing(tr('"{patient}" of {shown}', patient=one.patient, shown=one.shown) for one in named.examples)
    return tr("{examples}, numbered in each class anew", examples=each) if named.anew else each


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
        why[table.name] = tr("has no rows")
    elif not said.named and said.unclear:
        why[table.name] = tr(
            "{count:,} of the names in it fit several files of this folder, and no other fits one", count=said.unclear
        )
    elif not said.named:
        text = tr("none of its {rows:,} rows names a file of this folder; the first names {first}")
        if table.name.casefold().endswith(WORKBOOK):
            text = tr("none of its {rows:,} rows names a file of its class; the first names {first}")
        why[table.name] = text.format(rows=said.rows, first=said.first)
    elif not said.of:
        why[table.name] = tr('its column "{column}" is empty, or says two things, for every file', column=column)
    return said


def _looked_at(found: list[Table], why: dict[str, str], lacking: str) -> str:
    """A sentence on the tables that were looked at, and why each is of no use; empty where there is none."""
    shown = [
        tr("{name} ({why})", name=table.name, why=why.get(table.name) or table.reason or lacking) for table in found
    ]
    if len(shown) > MOST:
        shown = [*shown[:MOST], tr("and {count} more", count=len(shown) - MOST)]
    return tr("Tables looked at: {tables}.", tables=tr("; ").join(shown)) if shown else ""


def _by_folders(scanned: Scan, group_by: str, of: dict[str, str]) -> bool:
    """Do folders tell the patients better than tables do, which are `of`, and which nobody asked for?"""
    return not group_by and sum(bool(record.patient) for record in scanned.records) > len(of)


def _by_name(records: tuple[Record, ...], pattern: str) -> Patients:
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            tr('--group-by: "{pattern}" is no regular expression ({error}).', pattern=pattern, error=error)
        ) from error
    of = {}
    for record in records:
        found = regex.search(record.file.rsplit("/", 1)[-1])
        patient = found and (found[1] if regex.groups else found[0])
        if patient:
            of[record.file] = patient
    if not of:
        raise ConfigError(
            tr(
                '--group-by: no file name matches "{pattern}"; the first is {file}.',
                pattern=pattern,
                file=records[0].file,
            )
        )
    return _told(of, tr('the pattern "{pattern}" of file names', pattern=pattern), len(records))


def _by_patterns(records: tuple[Record, ...]) -> Patients:
    named = named_patients(records)
    if named is None:
        raise ConfigError(
            tr(
                '--group-by is "{names}", but no usual pattern of names tells patients here; the first image is '
                '{file}. A pattern of your own is written as "name:REGEX".',
                names=BY_PATTERNS,
                file=records[0].file,
            )
        )
    how = tr("the names of files or folders (such as {examples})", examples=_examples(named))
    return _told(named.of, how, len(records))


def _told(of: dict[str, str], how: str, images: int, torn: int = 0) -> Patients:
    count = len(set(of.values()))
    rest = images - len(of)
    said = [tr("Images of one patient stay together: {count:,} patients by {how}", count=count, how=how)]
    if rest:
        said.append(
            trn(
                "{number} image names none, and each of those counts as a patient of its own",
                "{number} images name none, and each of those counts as a patient of its own",
                rest,
            )
        )
    if torn:
        said.append(tr("of {images} the tables name two patients", images=counted(torn, "image")))
    return Patients(tr("{sentence}.", sentence=tr("; ").join(said)), of)
