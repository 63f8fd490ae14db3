"""Workbooks and tables that are small on disk and ask for gigabytes, made piece by piece."""

import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_TYPES}.sharedStrings+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="a" Type="{_OFFICE}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="S" sheetId="1" r:id="b"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">'
    f'<Relationship Id="b" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="c" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    "xl/sharedStrings.xml": f'<sst xmlns="{_SHEET}"><si><t>FILE NAME</t></si><si><t>URL</t></si></sst>',
}
TOP = '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>'
ROW = '<row><c t="inlineStr"><is><t>COVID-1</t></is></c><c t="inlineStr"><is><t>u</t></is></c></row>'
MB = 2**20


def sheet(*rows: str) -> str:
    """A sheet's XML."""
    return f'{_HEAD}<worksheet xmlns="{_SHEET}"><sheetData>{"".join(rows)}</sheetData></worksheet>'


def write(path: Path, how: int = zipfile.ZIP_DEFLATED, **changed: str | Iterable[bytes]) -> None:
    """A workbook of two columns and a row, but with these parts instead: workbook, sheet1, sharedStrings, rels, any."""
    names = {name.rsplit("/", 1)[-1].split(".")[0]: name for name in PARTS} | {"sheet1": "xl/worksheets/sheet1.xml"}
    names |= {"rels": "xl/_rels/workbook.xml.rels", "workbook": "xl/workbook.xml"}
    parts: dict[str, str | Iterable[bytes]] = {**PARTS, "xl/worksheets/sheet1.xml": sheet(TOP, ROW)}
    parts |= {names.get(name, name): content for name, content in changed.items()}
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in parts.items():
            with archive.open(name, "w", force_zip64=True) as part:
                for piece in (content.encode(),) if isinstance(content, str) else content:
                    part.write(piece)


def repeated(before: str, unit: str, total: int, after: str = "") -> Iterator[bytes]:
    """`unit` again and again, to about `total` bytes."""
    piece = unit.encode() * max(MB // len(unit), 1)
    yield before.encode()
    for _ in range(max(total // len(piece), 1)):
        yield piece
    yield after.encode()


def zeros(path: Path, part: str, megabytes: int) -> None:
    """A workbook with a part of so many megabytes of zeros, packed a thousand to one."""
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(bytes(MB)) + packer.flush(zlib.Z_FULL_FLUSH)
    contents: dict[str, Any] = {part: iter([piece * megabytes + zlib.compressobj(9, wbits=-15).flush()])}
    write(path, **contents)
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if part in name)
        packed = archive.read(name)
        parts = {other: archive.read(other) for other in archive.namelist() if other != name}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for other, content in {**parts, name: packed}.items():
            archive.writestr(other, content)
    lie(path, name, megabytes * MB, packed=8)


def lie(path: Path, part: str, size: int, packed: int | None = None) -> None:
    """Make both lists of the archive say that `part` unfolds into `size` bytes, and how it is packed."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        where = archive.getinfo(part).header_offset
    data[where + 22 : where + 26] = size.to_bytes(4, "little")
    place = data.rfind(b"PK\x01\x02", 0, data.rfind(part.encode()))
    data[place + 24 : place + 28] = size.to_bytes(4, "little")
    if packed is not None:
        data[where + 8 : where + 10] = data[place + 10 : place + 12] = packed.to_bytes(2, "little")
    path.write_bytes(data)


def entities(path: Path) -> None:
    """Quadratic blow-up: one long entity named ten thousand times."""
    text = "".join(("<!DOCTYPE sst [<!ENTITY a '", "x" * 100_000, "'>]>"))
    write(path, sharedStrings=f"{text}<sst><si><t>{'&a;' * 10_000}</t></si></sst>")


def billion_laughs(path: Path) -> None:
    """Entities of entities."""
    levels = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
    write(path, sheet1=f"<!DOCTYPE x [<!ENTITY l0 'lol'>{levels}]>{sheet('<row><c><v>&l9;</v></c></row>')}")


HEAD_OF_SHEET = f'<worksheet xmlns="{_SHEET}"><sheetData>{TOP}'
MAKERS: dict[str, Callable[[Path], None]] = {
    "four gigabytes of zeros": lambda p: zeros(p, "sheet1", 4095),
    "zeros in a part nobody names": lambda p: zeros(p, "other", 4095),
    "sixty megabytes of zeros": lambda p: zeros(p, "sheet1", 60),
    "shared texts": lambda p: write(p, sharedStrings=repeated("<sst>", "<si><t>abcdefgh</t></si>", 60 * MB, "</sst>")),
    "empty shared texts": lambda p: write(p, sharedStrings=repeated("<sst>", "<si/>", 60 * MB, "</sst>")),
    "one endless text": lambda p: write(p, sharedStrings=repeated("<sst><si><t>", "x", 60 * MB, "</t></si></sst>")),
    "line ends": lambda p: write(p, sharedStrings=repeated("<sst><si><t>", "\n", 60 * MB, "</t></si></sst>")),
    "character codes": lambda p: write(p, sharedStrings=repeated("<sst><si><t>", "&#9;", 60 * MB, "</t></si></sst>")),
    "wide characters": lambda p: write(
        p, sharedStrings=repeated("<sst>", f"<si><t>😀{'x' * 450}</t></si>", 60 * MB, "</sst>")
    ),
    "millions of rows": lambda p: write(p, sheet1=repeated(HEAD_OF_SHEET, ROW, 60 * MB, "</sheetData></worksheet>")),
    "empty rows": lambda p: write(p, sheet1=repeated(HEAD_OF_SHEET, "<row/>", 60 * MB, "</sheetData></worksheet>")),
    "far cells": lambda p: write(
        p, sheet1=repeated(HEAD_OF_SHEET, '<row><c r="XFD1"><v>1</v></c></row>', 60 * MB, "</sheetData></worksheet>")
    ),
    "a huge dimension": lambda p: write(
        p, sheet1=sheet(TOP, ROW).replace("<sheetData>", '<dimension ref="A1:XFD1048576"/><sheetData>')
    ),
    "far row numbers": lambda p: write(p, sheet1=sheet(TOP, *(f'<row r="{n * 10**6}">' + ROW[5:] for n in (1, 999)))),
    "deep nesting": lambda p: write(p, sheet1=repeated("<worksheet>", "<a>", 60 * MB)),
    "one endless tag": lambda p: write(p, sheet1=repeated("<worksheet ", "x='1' ", 60 * MB)),
    "one endless name": lambda p: write(p, sheet1=repeated("<worksheet><", "x", 60 * MB)),
    "one endless comment": lambda p: write(p, sheet1=repeated("<worksheet><!--", "x", 60 * MB)),
    "many comments": lambda p: write(p, sheet1=repeated("<worksheet>", "<!---->", 60 * MB, "</worksheet>")),
    "many attributes": lambda p: write(
        p,
        sheet1=repeated(
            "<worksheet>", "<a " + " ".join(f"x{n}='1'" for n in range(9000)) + "/>", 20 * MB, "</worksheet>"
        ),
    ),
    "endless relations": lambda p: write(
        p, rels=repeated("<Relationships>", '<Relationship Id="x" Type="y"/>', 60 * MB, "</Relationships>")
    ),
    "entities": entities,
    "billion laughs": billion_laughs,
    "packed by bzip2": lambda p: write(p, zipfile.ZIP_BZIP2, sheet1=repeated("", "\0", 60 * MB)),
    "packed by lzma": lambda p: write(p, zipfile.ZIP_LZMA, sheet1=repeated("", "\0", 60 * MB)),
}
"""Workbook bombs by what they do; each writes itself to a path."""


def many_parts(path: Path) -> None:
    """Very many parts, so that the list of them alone is large."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(60_000):
            archive.writestr(zipfile.ZipInfo(f"{number:06}"), b"")


def lying(path: Path) -> None:
    """A part of 256 MB that says it has a thousand bytes."""
    write(path, sheet1=repeated(HEAD_OF_SHEET, ROW, 256 * MB, "</sheetData></worksheet>"))
    lie(path, "xl/worksheets/sheet1.xml", 1000)


MAKERS |= {"many parts": many_parts, "a lie about the size": lying}
