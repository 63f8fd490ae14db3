"""The first sheet of an .xlsx workbook, row by row, with a bound on all that a file may ask for.

A workbook is a zip archive of XML. A file of some kilobytes can unfold into gigabytes, name a million columns, or hold
a table of shared texts that fills the memory, so nothing of it is taken on trust: each part is unfolded piece by piece,
what was unfolded is counted (the archive's own figures may lie), the XML is read as a stream without entities, and each
bound is checked before the memory is taken.
"""

import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path, PurePosixPath
from xml.parsers import expat

from engine.base.errors import DataError
from engine.base.language import tr

MB = 2**20
FILE_BYTES = 64 * MB
"""The largest workbook that is opened."""
UNFOLDED_BYTES = 64 * MB
"""What its parts may unfold into, all of them together."""
TEXT_BYTES = 64 * MB
"""Memory that its shared texts may take."""
ELEMENTS = 2_000_000
"""XML elements that are read, about two for each cell."""
ROWS, COLUMNS, CELL = 1_000_000, 256, 4096
"""Rows, cells in each and characters of a cell that are read; what is beyond in a row or cell is left out."""
_SMALL_PART = MB
"""Bytes of the archive's own list of parts, and of a part that only says where others are."""
_PIECE, _TOKEN, _DEPTH = 64 * 1024, MB, 64
_NEAR_ENDLESS = tr("unfolds into more than {most} MB")

Attributes = dict[str, str]


def workbook_rows(path: Path | int) -> Iterator[list[str]]:
    """The rows of the first sheet of the workbook at `path`, or open under this number, which is then closed.

    Each cell is text, "" where there is none; a date is the number that the file holds for it. Raises DataError where
    it is no workbook, is damaged, or goes beyond a bound of this file.
    """
    with _Reluctant(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield from _Workbook(archive).rows()
        except DataError:
            raise
        except expat.ExpatError as error:
            raise DataError(
                tr("can't be read as a workbook (line {line} of its XML is damaged)", line=error.lineno)
            ) from None
        except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, OSError, NotImplementedError) as error:
            raise DataError(tr("can't be read as a workbook ({kind})", kind=type(error).__name__)) from None
        except RuntimeError:  # zipfile's word for an encrypted part
            raise DataError(tr("is encrypted")) from None


class _Reluctant(FileIO):
    """A file that gives no large piece at once: zipfile takes an archive's list of parts whole, however long."""

    def __init__(self, path: Path | int) -> None:
        super().__init__(path)
        if self.seek(0, 2) > FILE_BYTES:
            self.close()
            raise DataError(tr("is larger than {most} MB", most=FILE_BYTES // MB))
        self.seek(0)

    def read(self, size: int | None = -1, /) -> bytes:
        """As FileIO reads. Raises DataError for more than a list of parts may hold."""
        if size is not None and size > _SMALL_PART:
            raise DataError(tr("has a list of parts of more than {most} MB", most=_SMALL_PART // MB))
        return super().read(-1 if size is None else size) or b""


class _Workbook:
    """An open archive, and what is left of the bounds."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        if sum(part.file_size for part in archive.infolist()) > UNFOLDED_BYTES:
            raise DataError(_NEAR_ENDLESS.format(most=UNFOLDED_BYTES // MB))
        self._archive = archive
        self._parts = {part.filename.casefold(): part for part in archive.infolist()}
        self._bytes_left, self._elements_left = UNFOLDED_BYTES, ELEMENTS

    def rows(self) -> Iterator[list[str]]:
        """The rows of the first sheet."""
        book = self._related("", "officeDocument")
        if not book:
            raise DataError(tr("is no workbook"))
        sheet = self._first_sheet(book[0])
        shared = [text for part in self._related(book[0], "sharedStrings") for text in self._texts(part)]
        yield from self._cells(sheet, shared)

    def _related(self, part: str, kind: str) -> list[str]:
        """The parts to which `part` relates as `kind`."""
        return [target for found, target in self._relations(part).values() if found == kind]

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """By name, the kind and the part of each relation of `part`."""
        folder, _, name = part.rpartition("/")
        found: dict[str, tuple[str, str]] = {}

        def start(name: str, given: Attributes) -> None:
            if name == "Relationship" and given.get("TargetMode") != "External":
                target = given.get("Target", "")
                whole = PurePosixPath(target) if target.startswith("/") else PurePosixPath("/", folder, target)
                found[given.get("Id", "")] = given.get("Type", "").rsplit("/", 1)[-1], _plain(whole)

        where = f"{folder}/_rels/{name}.rels".lstrip("/")
        if where.casefold() in self._parts:
            self._parse_small(where, start)
        return found

    def _first_sheet(self, book: str) -> str:
        names: list[str] = []

        def start(name: str, given: Attributes) -> None:
            if name == "sheet":
                names.extend(value for key, value in given.items() if key.rsplit(":", 1)[-1] == "id")

        self._parse_small(book, start)
        relations = self._relations(book)
        for name in names:
            kind, part = relations.get(name, ("", ""))
            if kind == "worksheet":
                return part
        raise DataError(tr("has no sheet"))

    def _texts(self, part: str) -> Iterator[str]:
        """The shared texts, in order."""
        reader, room = _Texts(), TEXT_BYTES
        for _ in self._parse(part, reader.start, reader.end, reader.text):
            for text in reader.done:
                room -= sys.getsizeof(text) + 8
                if room < 0:
                    raise DataError(tr("holds texts of more than {most} MB", most=TEXT_BYTES // MB))
                yield text
            reader.done.clear()

    def _cells(self, part: str, shared: list[str]) -> Iterator[list[str]]:
        reader, count = _Cells(shared), 0
        for _ in self._parse(part, reader.start, reader.end, reader.text):
            count += len(reader.done)
            if count > ROWS:
                raise DataError(tr("has more than {most:,} rows", most=ROWS))
            yield from reader.done
            reader.done.clear()

    def _parse_small(self, part: str, start: Callable[[str, Attributes], None]) -> None:
        """Feed a part that only says where others are to the handler."""
        for number, _ in enumerate(self._parse(part, start)):
            if number * _PIECE > _SMALL_PART:
                raise DataError(tr("has a list of sheets of more than {most} MB", most=_SMALL_PART // MB))

    def _parse(
        self,
        part: str,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Feed a part's XML to the handlers; comes back after each piece. Names are without their prefix."""
        parser = expat.ParserCreate()
        parser.buffer_text = True  # else each line end and entity would be a call
        open_elements = 0

        def started(name: str, attributes: Attributes) -> None:
            nonlocal open_elements
            open_elements += 1
            self._elements_left -= 1
            if self._elements_left < 0 or open_elements > _DEPTH:
                raise DataError(
                    tr(
                        "holds more than {most:,} cells and other elements, or deeply nested ones",
                        most=ELEMENTS,
                    )
                )
            start(name if ":" not in name else name.rsplit(":", 1)[-1], attributes)

        def ended(name: str) -> None:
            nonlocal open_elements
            open_elements -= 1
            if end:
                end(name if ":" not in name else name.rsplit(":", 1)[-1])

        parser.StartElementHandler, parser.EndElementHandler = started, ended
        if text:
            parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _refuse
        parser.EntityDeclHandler = _refuse
        fed = 0
        for piece in self._unfolded(part):
            parser.Parse(piece, False)
            fed += len(piece)
            if fed - parser.CurrentByteIndex > _TOKEN:
                raise DataError(tr("holds a tag of more than {most} MB", most=_TOKEN // MB))
            yield
        parser.Parse(b"", True)
        yield

    def _unfolded(self, part: str) -> Iterator[bytes]:
        """The bytes of a part, piece by piece."""
        info = self._parts[part.casefold()]
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(tr("is packed in a way that workbooks are not"))
        with self._archive.open(info) as file:
            while piece := file.read(_PIECE):
                self._bytes_left -= len(piece)
                if self._bytes_left < 0:
                    raise DataError(_NEAR_ENDLESS.format(most=UNFOLDED_BYTES // MB))
                yield piece


def _refuse(*_: object) -> None:
    raise DataError(tr("declares a document type or entities, which workbooks do not"))


def _plain(path: PurePosixPath) -> str:
    """The path from the archive's root without ".."."""
    found: list[str] = []
    for segment in path.parts[1:]:
        found = found[:-1] if segment == ".." else [*found, segment]
    return "/".join(found)


class _Pieces:
    """Text that comes in pieces, of which no more than a cell may hold is kept."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._room = CELL

    def add(self, piece: str) -> None:
        """Take what there is room for."""
        if self._room > 0:
            self._pieces.append(piece[: self._room])
            self._room -= len(piece)

    def take(self) -> str:
        """What came since the last time."""
        text, self._pieces, self._room = "".join(self._pieces), [], CELL
        return text


class _Texts:
    """The handlers for a table of shared texts; `done` holds those that are complete."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self._pieces = _Pieces()
        self._inside = self._spoken = False

    def start(self, name: str, _: Attributes) -> None:
        """Pieces are in <t>, but not those in <rPh>, which say how a text is spoken."""
        if name == "rPh":
            self._spoken = True
        self._inside = name == "t" and not self._spoken

    def end(self, name: str) -> None:
        """Each <si> is a text."""
        self._inside = False
        if name == "rPh":
            self._spoken = False
        elif name == "si":
            self.done.append(self._pieces.take().strip())

    def text(self, piece: str) -> None:
        """A piece of what stands between two tags."""
        if self._inside:
            self._pieces.add(piece)


class _Cells:
    """The handlers for a sheet; `done` holds the rows that are complete."""

    def __init__(self, shared: list[str]) -> None:
        self.done: list[list[str]] = []
        self._shared, self._pieces = shared, _Pieces()
        self._row: list[str] = []
        self._kind, self._column, self._next = "", 0, 0
        self._inside = self._spoken = False

    def start(self, name: str, given: Attributes) -> None:
        """A cell says where it stands and what kind its value is, which is in <v>, or in <t> where it is text here."""
        if name == "c":
            self._kind, self._column = given.get("t", "n"), _column(given.get("r", ""), self._next)
            self._next = self._column + 1
        elif name == "row":
            self._row, self._next = [], 0
        elif name == "rPh":
            self._spoken = True
        self._inside = name == ("t" if self._kind == "inlineStr" else "v") and not self._spoken

    def end(self, name: str) -> None:
        """A row is complete with its end."""
        self._inside = False
        if name == "c":
            value = self._value(self._pieces.take())
            if value and self._column < COLUMNS:
                self._row += [""] * (self._column + 1 - len(self._row))
                self._row[self._column] = value
        elif name == "row":
            self.done.append(self._row)
        elif name == "rPh":
            self._spoken = False

    def text(self, piece: str) -> None:
        """A piece of what stands between two tags."""
        if self._inside:
            self._pieces.add(piece)

    def _value(self, text: str) -> str:
        text = text.strip()
        if self._kind == "s":
            place = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
            if not 0 <= place < len(self._shared):
                raise DataError(tr("is damaged: a cell names a shared text that is not there"))
            return self._shared[place]
        return _number(text) if self._kind == "n" and text else text


def _number(text: str) -> str:
    """Whole numbers without a point or an exponent, as a spreadsheet shows them; all others as they stand."""
    if text.isascii() and text.isdigit():
        return text
    try:
        value = float(text)
    except ValueError:
        return text
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else text


def _column(reference: str, otherwise: int) -> int:
    """The column of a cell such as AB12, from 0; `otherwise` where it has no reference."""
    column = 0
    for character in reference[:4]:
        if not ("A" <= character.upper() <= "Z"):
            break
        column = column * 26 + ord(character.upper()) - 64
    return column - 1 if column else otherwise
