"""How much memory a file takes while it is read, known before a library takes it in.

`words` counts what a file says beside its picture: texts, profiles, tags. Pillow copies those, and makes a Python
number of each one in a tag, so a file of a few hundred megabytes could take gigabytes by them. `pixels` counts the
picture itself.
"""

import struct
from collections.abc import Iterator

from PIL import Image

from engine.data.image.dicom import Dicom

MOST_WORDS = 128 * 10**6
"""Bytes of memory for them; a hundred times what an X-ray's files hold."""

_COPIES = 8
"""Bytes of memory for each that is not a number: Pillow reads in pieces, splits, decodes and keeps."""
_A_NUMBER = 40
_MOST_TAGS = 4096
_SAMPLE = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
"""Bytes that Pillow takes for a pixel, where those are not 4."""
_GREY = frozenset(("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"))
_UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""Bytes a value of a TIFF tag, by its type."""
_TEXTS = (1, 2, 6, 7)
_MORE_TAGS = (0x8769, 0x8825, 0xA005)
"""Tags that lead to tags: EXIF, GPS, and interoperability."""
_ROWS, _TILE_WIDTH, _TILE_LENGTH, _SAMPLES = 278, 322, 323, 277
_WORKER = 12
"""Bytes a sample that a decoder of compressed DICOM frames takes, in its own process."""


def words(content: bytes) -> int:
    """Bytes of memory that what a file says beside its picture may take; of a file of another kind, 0."""
    if content.startswith(b"\x89PNG"):
        return _COPIES * sum(size for name, size in _png_chunks(content) if name not in (b"IDAT", b"fdAT"))
    if content.startswith(b"\xff\xd8"):
        return _COPIES * sum(_jpeg_segments(content))
    if content.startswith(b"RIFF"):
        return _COPIES * sum(size for name, size in _riff_chunks(content) if name in (b"EXIF", b"XMP ", b"ICCP"))
    if content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _tiff_tags(content)
    return 0


def pixels(image: Image.Image, orientation: int, content: int, in_scans: bool, deep: bool) -> int:
    """Bytes that it takes at most to decode and convert the picture of a file of `content` bytes.

    `in_scans` says that a JPEG draws its picture in more than one, and `deep` that the file is decoded once more for
    the lower bytes of its samples.
    """
    count = image.width * image.height
    decoded = count * _SAMPLE.get(image.mode, 4)
    turned = decoded if orientation != 1 and image.format == "TIFF" else 0
    buffers = 0
    if image.format == "WEBP":
        buffers = 13 * count  # two canvases, and a copy of what is shown
    elif image.format == "TIFF":
        buffers = _tiff_buffer(image)
    elif image.format == "BMP":
        buffers = 2 * count if image.tile and image.tile[0].codec_name == "bmp_rle" else 0  # type: ignore[attr-defined]
    elif in_scans:
        buffers = 2 * count * len(image.getbands())
    becomes = count * (1 if image.mode in _GREY else 3)
    if deep:
        return content + 2 * decoded + max(buffers, becomes)
    return max(content + decoded + max(buffers, turned), decoded + becomes)


def dicom_pixels(file: Dicom, content: int) -> int:
    """As `pixels`, of a DICOM file; a decoder's own process counts too."""
    colours = file.facts.photometric_interpretation not in ("MONOCHROME1", "MONOCHROME2")
    samples = file.rows * file.columns * (3 if colours else 1)
    stored = samples * max(1, file.facts.bits_allocated // 8)
    worker = 0 if file.facts.compression in ("not compressed", "deflated") else _WORKER * samples
    return content + 2 * stored + max(worker, samples)


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, int]]:
    at = 8
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        yield content[at + 4 : at + 8], min(size, len(content) - at)
        at += 12 + size


def _jpeg_segments(content: bytes) -> Iterator[int]:
    """The sizes of the segments before the first scan."""
    at = 2
    while content[at : at + 1] == b"\xff" and content[at + 1 : at + 2] not in (b"\xda", b""):
        if content[at + 1] in (0xFF, 0x00, 0x01, *range(0xD0, 0xD9)):  # fill bytes, and what has no length
            at += 1 if content[at + 1] == 0xFF else 2
            continue
        size = int.from_bytes(content[at + 2 : at + 4], "big")
        yield size
        at += 2 + size


def _riff_chunks(content: bytes) -> Iterator[tuple[bytes, int]]:
    at = 12
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        yield content[at : at + 4], min(size, len(content) - at)
        at += 8 + size + size % 2


def _tiff_tags(content: bytes) -> int:
    order = "<" if content[:2] == b"II" else ">"
    big = content[2:4] in (b"+\0", b"\0+")
    start = int(struct.unpack_from(order + "Q", content, 8)[0]) if big and len(content) >= 16 else 0
    if not big and len(content) >= 8:
        start = int(struct.unpack_from(order + "I", content, 4)[0])
    waiting, seen, total = [start], set[int](), 0
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        for tag, kind, count, value in _tags_at(content, at, order, big):
            if kind in _UNITS:
                total += count * (3 if kind in _TEXTS else _A_NUMBER)
            if tag in _MORE_TAGS and kind in (4, 13, 16, 18):
                waiting.append(value)
    return total


def _tags_at(content: bytes, at: int, order: str, big: bool) -> Iterator[tuple[int, int, int, int]]:
    """Tag, type, count and value or place of each entry of the directory at `at`."""
    head, entry = (order + "Q", order + "HHQQ") if big else (order + "H", order + "HHII")
    size, first = struct.calcsize(entry), at + struct.calcsize(head)
    if first > len(content):
        return
    entries = min(int(struct.unpack_from(head, content, at)[0]), (len(content) - first) // size)
    yield 0, 2, max(0, entries - _MOST_TAGS) * MOST_WORDS, 0  # no file has so many
    for number in range(min(entries, _MOST_TAGS)):
        tag, kind, count, value = struct.unpack_from(entry, content, first + number * size)
        if count * _UNITS.get(kind, 0) <= len(content):  # what is longer than the file, Pillow passes over
            yield tag, kind, count, value


def _tiff_buffer(image: Image.Image) -> int:
    """What libtiff decodes at a time: a strip, or a tile, which may be larger than the picture."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    if not getattr(image, "use_load_libtiff", False):
        return 0
    samples = max(int(tags.get(_SAMPLES, 1)), len(image.getbands()))
    bits = tags.get(258, (1,))
    sample = -(-max(bits) // 8) if isinstance(bits, tuple) and bits else 2
    width, rows = tags.get(_TILE_WIDTH, image.width), tags.get(_TILE_LENGTH) or tags.get(_ROWS, image.height)
    if _TILE_LENGTH not in tags:
        rows = min(int(rows), max(image.size))
    return int(width) * int(rows) * max(samples * sample, 4)
