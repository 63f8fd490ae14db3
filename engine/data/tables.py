"""The one reader of tables: CSV, TSV and workbooks, those that lie beside the class folders and those that are given.

A table may be separated by commas, semicolons, tabs or bars and be written in UTF-8, UTF-16 or the Western code page of
Windows; none of it need be said. Rows are read as a stream, and what a table may ask for is bounded: FILE_BYTES,
LINE, and the bounds of `engine.data.workbook`.
"""

import csv
import gzip
import io
import itertools
import os
import stat
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.base.errors import DataError
from engine.base.escape import from_cell
from engine.base.language import tr
from engine.base.wording import reason
from engine.data.file_names import NOT_UTF8, Matcher, Matches, natural, pair_key
from engine.data.path_ends import match_by_ends
from engine.data.records import Record, Scan
from engine.data.workbook import COLUMNS, MB, ROWS, workbook_rows

FILE_BYTES = 256 * MB
"""The largest table that is read, in bytes of its file."""
LINE = MB
"""The longest line, in characters."""
KEPT_BYTES = 64 * MB
"""Memory that the rows about the scanned files may take."""
VALUE = 500
"""Characters of a value that are kept."""
SUFFIXES = (".csv", ".tsv", ".xlsx", ".csv.gz", ".tsv.gz")
"""What a table beside the class folders is called."""
WORKBOOK = ".metadata.xlsx"
FILE_COLUMNS = (
    *("file", "path", "filename", "filepath", "image", "imagename", "imagepath", "imagefile", "imageid"),
    *("imageindex", "imagefilename", "img", "imgname", "imgpath", "xrayimagename", "pngpath", "jpgpath"),
    *("dicomid", "dicompath", "sopinstanceuid", "seriesinstanceuid", "studyinstanceuid"),
)
"""Columns that say, in this order of preference, which image a row is about, as `plain_column` gives them."""
PATIENT_COLUMNS = tuple(who + rest for who in ("patient", "subject") for rest in ("", "id", "number"))
"""Columns that are taken to name the patient without being asked for, as `plain_column` gives them. Where no column
names files, as in RSNA's table, they may do that too."""
NO_VALUE = frozenset(("na", "n/a", "nan", "none", "null", "nil", "unknown", "not available", "-", "--", "?", "."))
"""What a cell says that says nothing, in any case."""
SHOWN = 100
"""Characters of a name in a table that a sentence shows."""
GZIP = b"\x1f\x8b"
_HEADERS = 50
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Column:
    """What a column of a table says of the scanned files."""

    of: dict[str, str] = field(default_factory=dict)
    """By file, the value, which is not empty."""
    rows: int = 0
    """Rows of the table, those about other files too."""
    named: int = 0
    """Rows that name a scanned file, those that say the same again left out."""
    lost: int = 0
    """Rows that name no file that was asked for, or not clearly which."""
    unclear: int = 0
    """Different names in it that fit several scanned files."""
    torn: int = 0
    """Files left out as two rows say different things of them."""
    first: str = ""
    """The first name that no scanned file has."""


@dataclass(frozen=True)
class Table:
    """A table beside the class folders, of which the head was read; where it is of no use, `reason` says why."""

    path: Path
    columns: tuple[str, ...] = ()
    """Names in lower case."""
    keys: tuple[int, ...] = ()
    """The places of the columns that may name files, the likeliest first."""
    reason: str = ""
    version: tuple[int, int] = (0, 0)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def place(self, column: str) -> int | None:
        """Where `column` is, whatever case and signs between its words it is written with."""
        exact = column.strip().casefold()
        plain = [plain_column(name) for name in self.columns]
        if exact in self.columns:
            return self.columns.index(exact)
        return plain.index(plain_column(column)) if plain_column(column) in plain else None

    def column(self, column: str, records: Iterable[Record], others: Iterable[str] = ()) -> Column:
        """What the column says of the files of `records`; a CLASS.metadata.xlsx speaks of its own class alone.

        `others` are files beside them that its rows may mean. Raises DataError where the table proves damaged or too
        large.
        """
        about = self.name[: -len(WORKBOOK)].casefold() if self.name.casefold().endswith(WORKBOOK) else None
        asked = [(record.file, record.label) for record in records if about in (None, record.label.casefold())]
        return self.cells(column, asked, others)

    def cells(self, column: str, asked: Iterable[tuple[str, str]], others: Iterable[str] = ()) -> Column:
        """What the column says of the files `asked`, each with its class, "" where none is known. Raises DataError."""
        place = self.place(column)
        if place is None or self.reason:
            return Column()
        return _column(self.path, self.version, self.keys, place, frozenset(asked), frozenset(others))


def plain_column(name: str) -> str:
    """A column's name without case, blanks and signs between words: "Image Index" and image_index are the same."""
    return "".join(c for c in name.casefold() if c not in " _-.#\ufeff")


def tables(scanned: Scan) -> list[Table]:
    """The tables in the scanned folder and those on the way to the class folders, those that are of no use too.

    The rows are read when a column is asked for. Links that the scan did not follow, as they lead out of the folder,
    are not opened here either. Raises DataError where the folder can't be read.
    """
    links = {problem.file for problem in scanned.problems if problem.kind == "symlink"}
    folder, found = scanned.root, []
    for below in ("", *filter(None, scanned.layout.base.split("/"))):
        folder /= below
        try:
            listed = sorted(folder.iterdir(), key=lambda path: natural(path.name))
        except OSError as error:
            raise DataError(
                tr("{folder} can't be read as a folder: {reason}.", folder=folder, reason=reason(error))
            ) from error
        for path in listed:
            name = path.name.casefold()
            if name.startswith((".", "~$")) or not name.endswith(SUFFIXES):
                continue
            if path.relative_to(scanned.root).as_posix() not in links and (table := table_at(path)):
                found.append(table)
    return found


def table_at(path: Path) -> "Table | None":
    """The table at `path`; None where that is no file."""
    with suppress(OSError):
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            return read_table(path, (status.st_mtime_ns, status.st_size))
    return None


@lru_cache(maxsize=32)
def read_table(path: Path, version: tuple[int, int]) -> Table:
    """The head of the table at `path`, kept until the file changes."""
    try:
        _, columns, _ = _head(read_rows(path))
    except OSError as error:
        return Table(path, reason=tr("can't be read ({reason})", reason=reason(error)))
    except DataError as error:
        return Table(path, reason=str(error))
    plain = [plain_column(name) for name in columns]
    keys = [plain.index(name) for name in FILE_COLUMNS if name in plain]
    keys = keys or [plain.index(name) for name in PATIENT_COLUMNS if name in plain]
    names = tuple(name.strip().casefold()[:SHOWN] for name in columns)
    return Table(path, names, tuple(keys), "" if keys else tr("has no column that names files"), version)


def _head(rows: Iterator[tuple[int, list[str]]]) -> tuple[int, list[str], list[list[str]]]:
    """The number of the line that names the columns, the names, and all rows before it.

    It is the first with a column of files among the first rows, as a title may stand above; else the first at all.
    """
    first: list[list[str]] = []
    known = {*FILE_COLUMNS, *PATIENT_COLUMNS}
    for line, row in itertools.islice(rows, _HEADERS):
        if known & set(map(plain_column, row)):
            return line, row, first
        first.append(row)
    return 0, first[0] if first else [], first


@lru_cache(maxsize=16)
def _column(
    path: Path,
    version: tuple[int, int],
    keys: tuple[int, ...],
    place: int,
    asked: frozenset[tuple[str, str]],
    others: frozenset[str],
) -> Column:
    """What the column at `place` says of the files `asked`, each with its class, by the key that names most of them."""
    labels = dict(asked)
    matcher = _matcher(path.parent, others.union(labels))
    kept: dict[int, Counter[tuple[str, str]]] = {key: Counter() for key in keys}
    unknown: dict[int, str] = {}
    count, room = 0, KEPT_BYTES
    rows = read_rows(path)
    _head(rows)
    try:
        for _, row in rows:
            count += 1
            value = row[place].strip()[:VALUE] if place < len(row) else ""
            value = "" if value.casefold() in NO_VALUE else value
            for key in keys:
                name = row[key].strip() if key < len(row) else ""
                if name and not matcher.may_name(name):
                    unknown.setdefault(key, name[:SHOWN])
                elif name:
                    room -= sys.getsizeof(name) + sys.getsizeof(value) + 200 if (name, value) not in kept[key] else 0
                    if room < 0:
                        raise DataError(tr("says more of the files than {most} MB hold", most=KEPT_BYTES // MB))
                    kept[key][name, value] += 1
    except OSError as error:
        raise DataError(tr("can't be read ({reason})", reason=reason(error))) from error
    every = []
    for key, pairs in kept.items():
        names = [name for name, _ in pairs]
        every.append((key, list(pairs), _matched(matcher, [from_cell(name) for name in names], labels)))
    key, about, matched = max(every, key=lambda one: len(one[2].rows))  # of equal ones the likeliest
    return _said(kept[key], about, matched, count, unknown.get(key, ""))


def _matched(matcher: Matcher, names: Sequence[str], labels: dict[str, str]) -> Matches:
    """The rows about the files of `labels`: by their whole paths, else by the ends of these where that is safe."""
    found = matcher.match(names)
    rows = {file: places for file, places in found.rows.items() if file in labels}
    if not rows and (by_ends := match_by_ends(names, labels)):
        return by_ends
    elsewhere = [place for file, places in found.rows.items() if file not in rows for place in places]
    return Matches(rows, tuple(sorted((*found.missing, *elsewhere))), found.unclear)


def _said(
    times: Counter[tuple[str, str]], pairs: Sequence[tuple[str, str]], matched: Matches, rows: int, unknown: str
) -> Column:
    of: dict[str, str] = {}
    torn = 0
    for file, places in matched.rows.items():
        values = {pairs[place][1] for place in places} - {""}
        torn += len(values) > 1
        if len(values) == 1:
            of[file] = values.pop()
    first = pairs[matched.missing[0]][0] if matched.missing else unknown
    about = [pairs[place] for places in matched.rows.values() for place in places]
    lost = rows - sum(times[pair] for pair in about)
    return Column(of, rows, len(about), lost, len(matched.unclear), torn, first[:SHOWN])


@lru_cache(maxsize=8)
def _matcher(root: Path, files: frozenset[str]) -> Matcher:
    return Matcher(files, root)


def sources_in(path: Path, files: Sequence[str]) -> dict[str, str]:
    """By `pair_key`, the URL that a workbook's row with that FILE NAME gives for the images `files` of a class.

    Raises DataError where it can't be read.
    """
    columns: tuple[int, int] | None = None
    found: dict[str, str] = {}
    matcher = Matcher(files)
    try:
        for _, row in read_rows(path):
            cells = [cell.strip() for cell in row]
            if columns is None:
                names = [plain_column(cell) for cell in cells]
                columns = (names.index("filename"), names.index("url")) if {"filename", "url"} <= {*names} else None
                continue
            name, url = (cells[place] if place < len(cells) else "" for place in columns)
            if url and name and matcher.may_name(name):
                for file in matcher.find(name):
                    found[pair_key(file)] = url[:VALUE]
    except OSError as error:
        raise DataError(tr("can't be read ({reason})", reason=reason(error))) from error
    if columns is None:
        raise DataError(tr("has no columns FILE NAME and URL"))
    return found


def read_rows(path: Path, pipes: bool = False) -> Iterator[tuple[int, list[str]]]:
    """The rows of the table at `path` that are not empty, each with its line or row number, from 1.

    With `pipes` a pipe is read as a file is. Raises OSError, or DataError with the reason as the end of a sentence.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # which does not wait for a pipe's other end
    try:
        mode = os.fstat(handle).st_mode
        if not (stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode))):
            raise DataError(tr("can't be read: it is a folder, a pipe or a device, not a file"))
        os.set_blocking(handle, True)
        raw: io.BufferedReader[Any] = io.BufferedReader(_Counted(handle), 64 * 1024)
        head = raw.peek(64 * 1024)
        if head.startswith(b"PK\x03\x04"):
            os.lseek(handle, 0, os.SEEK_SET)
            rows: Iterator[tuple[int, list[str]]] = enumerate(workbook_rows(os.dup(handle)), start=1)
        else:
            if head.startswith(GZIP):
                raw = io.BufferedReader(_Unfolded(raw), 64 * 1024)
                head = raw.peek(64 * 1024)
            rows = _text_rows(io.TextIOWrapper(raw, _encoding(head), errors=NOT_UTF8, newline=""))
        for count, (line, row) in enumerate(rows):
            if count > ROWS:
                raise DataError(tr("has more than {most:,} rows", most=ROWS))
            if any(row):
                yield line, row[:COLUMNS]
    except csv.Error as error:
        raise DataError(tr("can't be read as CSV ({error})", error=error)) from None
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise DataError(tr("can't be unpacked: it is damaged or cut off")) from None
    finally:
        os.close(handle)


class _Counted(io.RawIOBase):
    """An open file that gives FILE_BYTES at most, and full pieces of it, from a pipe too."""

    def __init__(self, handle: int) -> None:
        super().__init__()
        self._handle, self._left = handle, FILE_BYTES

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "memoryview | bytearray", /) -> int:  # type: ignore[override]
        """Fill `buffer`, but for the file's end. Raises DataError beyond FILE_BYTES."""
        filled = 0
        while filled < len(buffer) and (piece := os.read(self._handle, len(buffer) - filled)):
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
        self._left -= filled
        if self._left < 0:
            raise DataError(tr("is larger than {most} MB", most=FILE_BYTES // MB))
        return filled


class _Unfolded(io.RawIOBase):
    """What a file packed by gzip unfolds into, FILE_BYTES at most."""

    def __init__(self, packed: "io.BufferedReader[Any]") -> None:
        super().__init__()
        self._file, self._left = gzip.GzipFile(fileobj=packed), FILE_BYTES

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "memoryview | bytearray", /) -> int:  # type: ignore[override]
        """Fill `buffer`, but for the end. Raises DataError beyond FILE_BYTES, and as gzip does."""
        piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        self._left -= len(piece)
        if self._left < 0:
            raise DataError(tr("unfolds into more than {most} MB", most=FILE_BYTES // MB))
        return len(piece)


def _encoding(head: bytes) -> str:
    """How a text that begins so is written. Raises DataError where it is no text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-32" if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")) else "utf-16"
    if b"\0" in head:
        for name, zeros, others in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
            if zeros.count(0) > 0.7 * len(zeros) and others.count(0) < 0.1 * len(others):
                return name
        raise DataError(tr("holds bytes that are no text"))
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError(tr("is a workbook of the old kind: save it as .xlsx or CSV"))
    return "utf-8-sig"


def _text_rows(text: io.TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
    lines = _lines(text)
    skipped, first = next(((place, line) for place, line in enumerate(lines) if line.strip()), (0, ""))
    separator = ""
    if first.casefold().startswith("sep=") and len(first.strip("\r\n")) == 5:  # a word from Excel to itself
        separator, first, skipped = first[4], next(lines, ""), skipped + 1
    separator = separator or max(_SEPARATORS, key=lambda one: len(next(csv.reader([first], delimiter=one), [])))
    reader = csv.reader(itertools.chain([first], lines), delimiter=separator)
    for row in reader:
        yield reader.line_num + skipped, row


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(LINE + 1):
        if len(line) > LINE:
            raise DataError(tr("has a line of more than {most:,} characters", most=LINE))
        yield line
