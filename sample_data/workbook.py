"""Writes a one-sheet .xlsx workbook whose bytes depend on its cells alone: no clock, no compressor."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase
from xml.sax.saxutils import escape

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_BIRTHDAY = "2020-01-01T00:00:00Z"

_FIXED_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_TYPES}.sharedStrings+xml"/>'
    '<Override PartName="/docProps/core.xml"'
    ' ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    f'<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties"'
    ' Target="docProps/core.xml"/></Relationships>',
    "docProps/core.xml": f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties"'
    ' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    f'<dcterms:created xsi:type="dcterms:W3CDTF">{_BIRTHDAY}</dcterms:created>'
    f'<dcterms:modified xsi:type="dcterms:W3CDTF">{_BIRTHDAY}</dcterms:modified></cp:coreProperties>',
    "xl/workbook.xml": f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
}


def write_workbook(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write one row or more of text, 1 to 26 cells each, as the only sheet of a workbook at `path`."""
    texts = sorted({text for row in rows for text in row})
    number = {text: i for i, text in enumerate(texts)}
    lines = []
    for r, row in enumerate(rows, start=1):
        cells = [
            f'<c r="{column}{r}" t="s"><v>{number[text]}</v></c>'
            for column, text in zip(ascii_uppercase, row, strict=False)
        ]
        lines.append(f'<row r="{r}">{"".join(cells)}</row>')
    extent = f"A1:{ascii_uppercase[max(map(len, rows)) - 1]}{len(rows)}"
    sheet = f'<dimension ref="{extent}"/><sheetData>{"".join(lines)}</sheetData>'
    strings = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    counts = f'count="{sum(map(len, rows))}" uniqueCount="{len(texts)}"'
    parts = _FIXED_PARTS | {
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_SHEET}">{sheet}</worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{_SHEET}" {counts}>{strings}</sst>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, date_time=(2020, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, _HEAD + text)
