"""The tables that lie beside the class folders: CSV files and the database's metadata workbooks, row by row."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engine.dataset.listing import WORKBOOK_ROWS, natural, pair_key, workbook_rows
from engine.dataset.scan import Record, Scan

FILE_COLUMNS = ("file", "path", "file name", "filename", "file_name", "image", "image name", "image_path", "imageid")
"""Columns that say, in this order of preference, which image a row is about; case does not matter."""


@dataclass(frozen=True)
class Table:
    """A table with a column of file names: `rows` by that name, each a value by column name in lower case."""

    name: str
    columns: tuple[str, ...]
    rows: dict[str, dict[str, str]]

    def column(self, column: str, records: Iterable[Record]) -> dict[str, str]:
        """The values, none of them empty, of a column for the files of `records` that the table lists.

        A file is known by its path, else by its name without folder and suffix where no two images share it; a
        CLASS.metadata.xlsx speaks of its own class alone.
        """
        about = self.name[: -len(WORKBOOK)] if self.name.casefold().endswith(WORKBOOK) else None
        own = [record for record in records if about is None or record.label.casefold() == about.casefold()]
        keys = Counter(pair_key(record.file) for record in own)
        by_key = {pair_key(name): row for name, row in self.rows.items()}
        found = {}
        for record in own:
            key = pair_key(record.file)
            row = self.rows.get(record.file) or (by_key.get(key) if keys[key] == 1 else None)
            if row and row.get(column):
                found[record.file] = row[column]
        return found


WORKBOOK = ".metadata.xlsx"


def tables(scanned: Scan) -> list[Table]:
    """The tables in the scanned folder that name files; one that can't be read is none (the scan tells of workbooks).

    Links that the scan did not follow, as they lead out of the folder, are not opened here either.
    """
    found = []
    links = {problem.file for problem in scanned.problems if problem.kind == "symlink"}
    for path in sorted(scanned.root.iterdir(), key=lambda path: natural(path.name)):
        name = path.name.casefold()
        if name.startswith((".", "~$")) or path.name in links or not path.is_file():
            continue
        status = path.stat()
        table = _read(path, status.st_mtime_ns, status.st_size)
        if table:
            found.append(table)
    return found


@lru_cache(maxsize=16)
def _read(path: Path, changed: int, size: int) -> Table | None:
    """The table at `path`, kept until the file changes; None where it is none or damaged."""
    name = path.name.casefold()
    try:
        if name.endswith(".csv"):
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                return _table(path.name, csv.reader(file))
        return _table(path.name, workbook_rows(path)) if name.endswith(WORKBOOK) else None
    except Exception:  # a damaged workbook makes openpyxl throw nearly any kind
        return None


def _table(name: str, lines: Iterable[Sequence[object]]) -> Table | None:
    columns: tuple[str, ...] = ()
    rows: dict[str, dict[str, str]] = {}
    key = ""
    for number, line in enumerate(lines):
        cells = ["" if cell is None else str(cell).strip()[:500] for cell in line]
        if number > WORKBOOK_ROWS:
            break
        if not columns:
            if not any(cells):
                continue
            columns = tuple(cell.casefold() for cell in cells)
            key = next((column for column in FILE_COLUMNS if column in columns), "")
            if not key:
                return None
        else:
            row = dict(zip(columns, cells, strict=False))
            if row.get(key):
                rows[row[key]] = row
    return Table(name, columns, rows) if rows else None
