"""The few elements of a DICOM file that tell of its picture, found within bounds whatever the file's bytes are.

Only the elements in `_TAGS` are taken, none of which is about the patient; age, sex and machine only where
`field_value` is asked for the one that the user named. No error quotes what a file holds: the words of pydicom's
exceptions may, so they go no further than this module. pydicom comes with the extra `dicom`.
"""

import io
import logging
import re
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from engine.base.language import tr
from engine.data.image.dicom_decoder import PLUGINS
from engine.data.image.dicom_windowing import Table

EXTRA = tr("DICOM files need the dicom extra: pip install 'covid-tui[dicom]'")
DEFLATED = "1.2.840.10008.1.2.1.99"
MOST_INFLATED = 256 * 2**20
MOST_READS = 200_000
"""An element takes two or three reads, and an X-ray has some hundred elements."""

_EXPLICIT, _IMPLICIT, _BIG_ENDIAN = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
_META = 132
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_TRANSFER_SYNTAX = 0x00020010
_FLOATS, _PIXEL_DATA = (0x7FE00008, 0x7FE00009), 0x7FE00010
_UNDEFINED = 0xFFFFFFFF
_TAGS: list[Any] = [
    0x00080060,  # Modality
    0x00185101,  # View Position
    0x00200060, 0x00200062,  # Laterality, Image Laterality
    0x00280002, 0x00280004, 0x00280006, 0x00280008,  # samples, Photometric Interpretation, planes, frames
    0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280103,  # rows, columns, bits, signedness
    0x00280120, 0x00280121,  # Pixel Padding Value and its Range Limit
    0x00280301,  # Burned In Annotation
    0x00281050, 0x00281051, 0x00281052, 0x00281053, 0x00281056,  # window, rescale, VOI LUT Function
    0x00281101, 0x00281102, 0x00281103, 0x00281201, 0x00281202, 0x00281203,  # palette
    0x00283000, 0x00283010,  # Modality LUT Sequence, VOI LUT Sequence
]  # fmt: skip
_CODE = re.compile(r"[A-Z0-9_ ]{1,16}")
FIELDS = {
    "age": ("PatientAge",),
    "sex": ("PatientSex",),
    "view": ("ViewPosition",),
    "machine": ("ManufacturerModelName", "Manufacturer"),
}
"""By field, the elements that may tell it, the better one first; they are read only where the user names the field."""


class DicomError(Exception):
    """A DICOM file that can't be used; `str(error)` is the reason, as the end of a sentence about the file."""


@dataclass(frozen=True, eq=False)
class Elements:
    """What was taken from a file. The methods raise DicomError, or what pydicom does, where a value is damaged."""

    dataset: Any
    syntax: str
    """The transfer syntax, as it is once nothing is deflated any more."""
    deflated: bool
    pixels: memoryview
    """The value of Pixel Data; of compressed ones, up to the end of the file."""
    pixels_vr: str

    def whole(self, keyword: str, default: int | None = None) -> int:
        """A whole number."""
        value = self.dataset.get(keyword)
        if value is None or value == "":
            if default is None:
                raise DicomError(tr("it does not give its {keyword}", keyword=keyword))
            return default
        return int(value)

    def stored(self, keyword: str, signed: bool) -> int | None:
        """A stored value, which is signed as the pixels are."""
        value = self.dataset.get(keyword)
        if isinstance(value, bytes):
            return int(np.frombuffer(value, f"{self._order}{'i' if signed else 'u'}2")[0]) if value else None
        if value is None or value == "":
            return None
        return int(np.array(int(value) & 0xFFFF, np.uint16).view(np.int16)) if signed else int(value) & 0xFFFF

    def first(self, keyword: str) -> float | None:
        """The first of one or more numbers."""
        value = self.dataset.get(keyword)
        if value is None or isinstance(value, str | float | int):
            return None if value in (None, "") else float(value)
        return float(value[0]) if len(value) else None

    def code(self, keyword: str) -> str | None:
        """A code string; None where it is none, as free text would be."""
        value = self.dataset.get(keyword)
        text = str(value).strip().upper() if isinstance(value, str) else ""
        return text if _CODE.fullmatch(text) else None

    def table(self, descriptor: str, data: str, item: Any = None) -> Table | None:
        """A lookup table of the file, or of an item of a sequence; None where there is none."""
        holder = self.dataset if item is None else item
        described, values = holder.get(descriptor), holder.get(data)
        if described is None or values is None:
            return None
        if isinstance(described, bytes):
            described = np.frombuffer(described, f"{self._order}u2").tolist()
        count, first, bits = (int(number) for number in described)
        count = count & 0xFFFF or 2**16
        if isinstance(values, bytes):
            wide = len(values) >= 2 * count
            entries = np.frombuffer(values, f"{self._order}u2" if wide else "u1").astype(np.uint16)
        else:
            entries = np.atleast_1d(np.asarray(values)).astype(np.int64).astype(np.uint16)
        if len(entries) < count or not 1 <= bits <= 16:
            raise DicomError(tr("one of its lookup tables is damaged; copy it again"))
        return Table(first, bits, np.minimum(entries[:count], 2**bits - 1).astype(np.uint16))

    def item(self, keyword: str) -> Any:
        """The first item of a sequence, or None."""
        items = self.dataset.get(keyword)
        return items[0] if items else None

    @property
    def _order(self) -> str:
        return ">" if self.syntax == _BIG_ENDIAN else "<"


def field_value(data: bytes, field: str) -> str:
    """What the file with these contents says of one of FIELDS; empty where it says nothing. Raises DicomError."""
    _pydicom()
    from pydicom.datadict import tag_for_keyword

    tags = map(tag_for_keyword, ("SpecificCharacterSet", *FIELDS[field]))  # names of machines are free text
    found = elements(data, [*tags]).dataset
    texts = (str(found.get(keyword) or "").strip("\0 ") for keyword in FIELDS[field])
    return next((text for text in texts if text and text.isprintable()), "")


def elements(data: bytes, tags: list[Any] = _TAGS) -> Elements:
    """What is taken from the file with these contents: the elements `tags`. Raises DicomError."""
    _pydicom()
    try:
        syntax, at = _meta(data)
        deflated = syntax == DEFLATED
        if deflated:
            data, at, syntax = _inflated(data, at), 0, _EXPLICIT
        if syntax not in PLUGINS:
            raise DicomError(
                tr("its pixels are compressed in a way that is not read; export it uncompressed, or as PNG")
            )
        return _read(data, at, syntax, deflated, tags)
    except DicomError:
        raise
    except Exception as exc:
        raise damaged(exc) from None


def damaged(exc: Exception) -> DicomError:
    """What to say of an exception out of pydicom, which throws nearly any kind, in words that may quote the file."""
    if isinstance(exc, MemoryError):
        return DicomError(tr("it needs more memory than there is; make it smaller"))
    return DicomError(tr("it is damaged and can't be read as DICOM ({kind}); copy it again", kind=type(exc).__name__))


@cache
def _pydicom() -> None:
    """Load pydicom, and keep what it logs of files to itself. Raises DicomError where it is not installed."""
    try:
        from pydicom import config
    except ImportError:
        raise DicomError(EXTRA) from None
    config.settings.reading_validation_mode = config.IGNORE
    logger = logging.getLogger("pydicom")
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1)


def _meta(data: bytes) -> tuple[str, int]:
    """The transfer syntax, and where the data set begins: behind the elements of group 2, which are explicit."""
    at, syntax = _META, ""
    while data[at : at + 2] == b"\2\0" and len(data) >= at + 12:
        tag = int.from_bytes(data[at : at + 2], "little") << 16 | int.from_bytes(data[at + 2 : at + 4], "little")
        if data[at + 4 : at + 6] in _LONG:
            length, value = int.from_bytes(data[at + 8 : at + 12], "little"), at + 12
        else:
            length, value = int.from_bytes(data[at + 6 : at + 8], "little"), at + 8
        if tag == _TRANSFER_SYNTAX:
            syntax = data[value : value + min(length, 64)].decode("ascii", "replace").strip("\0 ")
        at = value + length
    return syntax or _IMPLICIT, at


def _inflated(data: bytes, at: int) -> bytes:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    found = unpacker.decompress(memoryview(data)[at:], MOST_INFLATED)
    if unpacker.unconsumed_tail:
        raise DicomError(
            tr(
                "it would unfold into more than is read ({most} MB); make it smaller",
                most=MOST_INFLATED // 2**20,
            )
        )
    return found


class _Metered(io.BytesIO):
    """A file in memory that gives up on whoever reads too often."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > MOST_READS:
            raise DicomError(tr("it has more elements than an image has; export it as PNG"))
        return super().read(size)


def _read(data: bytes, at: int, syntax: str, deflated: bool, tags: list[Any]) -> Elements:
    from pydicom.filereader import read_dataset

    file = _Metered(data)
    file.seek(at)
    met: list[tuple[int, str | None, int, int]] = []

    def at_pixels(tag: int, vr: str | None, length: int) -> bool:
        if tag in (*_FLOATS, _PIXEL_DATA):
            met.append((tag, vr, length, file.tell()))
            return True
        return False

    found = read_dataset(file, syntax == _IMPLICIT, syntax != _BIG_ENDIAN, stop_when=at_pixels, specific_tags=tags)
    if not met:
        raise DicomError(tr("it is a DICOM file without a picture (a report, plan or directory), or is cut short"))
    tag, vr, length, start = met[-1]
    if tag in _FLOATS:
        raise DicomError(tr("its samples are fractions; save it with 8 or 16 bits a sample"))
    if (length == _UNDEFINED) != (PLUGINS[syntax] != ""):
        raise DicomError(tr("its pixels are not stored as its header says; copy it again"))
    pixels = memoryview(data)[start:] if length == _UNDEFINED else memoryview(data)[start : start + length]
    return Elements(found, syntax, deflated, pixels, vr or "OW")
