"""The image formats that are read, and what a file is that is none of them."""

from pathlib import Path

from engine.base.errors import RunError
from engine.base.language import tr
from engine.base.wording import listing

SUFFIXES: dict[str, tuple[str, ...]] = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "DICOM": (".dcm", ".dicom"),
}
"""The formats that are read, each with the suffixes that its files usually bear."""

IMAGE_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
"""Every suffix that a file of a format in SUFFIXES usually bears."""

PIXEL_RULES = 2
"""Names how files become pixels. 1 spread all 16 bits of any 16-bit file, and took any alpha at its word; runs that
were trained on such pixels go on with them.
"""


def known_pixel_rules(reading: int | None, path: Path) -> int:
    """The rules by which files became pixels for a run, as its file at `path` says; 1 where it is from before there
    were others. Raises RunError for rules that are not known here.
    """
    if (reading or 1) > PIXEL_RULES:
        raise RunError(
            tr("{path} names a way to read images that this version does not know: update covid-tui.", path=path)
        )
    return reading or 1


_FOREIGN: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%!PS", tr("a PostScript file; export the picture as PNG")),
    (0, b"\xc5\xd0\xd3\xc6", tr("a PostScript (EPS) file; export the picture as PNG")),
    (0, b"%PDF", tr("a PDF document; export its pictures as PNG")),
    (0, b"GIF8", tr("a GIF file; convert it to PNG")),
    (4, b"ftypavif", tr("an AVIF file; convert it to PNG")),
    (4, b"ftypheic", tr("a HEIC photograph; convert it to PNG")),
    (4, b"ftypmif1", tr("a HEIF photograph; convert it to PNG")),
    (0, b"\x00\x00\x00\x0cjP  ", tr("a JPEG 2000 file; convert it to PNG")),
    (0, b"\xff\x4f\xff\x51", tr("a JPEG 2000 file; convert it to PNG")),
    (0, b"8BPS", tr("a Photoshop file; export it as PNG")),
    (0, b"PK\x03\x04", tr("a zip archive or an office document")),
    (0, b"\x1f\x8b", tr("a gzip archive; unpack it first")),
    (0, b"\x89HDF", tr("an HDF5 file")),
    (0, b"\x93NUMPY", tr("a NumPy array; export it as PNG")),
    (0, b"<?xml", tr("an XML document")),
    (0, b"<svg", tr("an SVG drawing")),
    (0, b"<!DOCTYPE", tr("a web page, as a failed download leaves it; download it again")),
    (0, b"<html", tr("a web page, as a failed download leaves it; download it again")),
)

_STARTS = (
    ("PNG", b"\x89PNG"), ("JPEG", b"\xff\xd8\xff"), ("BMP", b"BM"), ("TIFF", b"II*\0"), ("WEBP", b"RIFF"),
    ("TIFF", b"MM\0*"),
)  # fmt: skip


def begins_as_image(head: bytes) -> bool:
    """Does a file of which these are the first bytes, 132 at least, look like one of a format that is read?"""
    if head.startswith(b"BM"):
        return head[6:10] == bytes(4)  # text may begin so too
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    return head[128:132] == b"DICM" or any(head.startswith(magic) for _, magic in _STARTS)


def unknown_content(data: bytes) -> str:
    """Why a file with these contents is not read, as the end of a sentence about it."""
    for offset, magic, name in _FOREIGN:
        if data[offset : offset + len(magic)].lower() == magic.lower():
            return tr("it is {name}", name=name)
    for kind, magic in _STARTS:
        if data.startswith(magic):
            return tr(
                "it begins as a {kind} file, but is damaged or holds samples of a kind that is not read", kind=kind
            )
    head = data[:1024]
    if not any(byte < 9 or 13 < byte < 32 for byte in head):
        return tr("it holds text, not an image")
    return tr("its content is not an image of a known format ({formats})", formats=listing(SUFFIXES))
