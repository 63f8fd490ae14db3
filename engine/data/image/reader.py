"""The one door through which every image file enters, and the only place that opens one.

Scan, training, prediction and display all read pixels here, so they cannot disagree. Files are recognised by content,
never by suffix, and come out as 8-bit grey, or RGB where the channels truly differ. Whatever can't be read safely ends
in one exception that carries the path and the reason. DICOM is understood by `engine.data.image.dicom`, the
rest by Pillow. However many threads read and whatever they read, it takes no more memory than
`engine.data.image.memory_budget` says.
"""

import errno
import hashlib
import io
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import (  # the plugins register the five formats; opening one later would load all forty of Pillow's
    BmpImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from engine.base.errors import DataError
from engine.base.language import tr
from engine.data.image import memory_cost
from engine.data.image.dicom import Dicom, DicomFacts, is_dicom, read_header
from engine.data.image.dicom_tags import DEFLATED, MOST_INFLATED, DicomError, field_value
from engine.data.image.file_notes import pixel_notes, suffix_notes
from engine.data.image.formats import PIXEL_RULES, SUFFIXES, unknown_content
from engine.data.image.library_messages import hush
from engine.data.image.memory_budget import MB, MOST, ROOM, Claim, NoRoomError
from engine.data.image.modes import flatten, grey_if_equal, is_deep, load

Pixels = npt.NDArray[np.uint8]

MAX_PIXELS = 100_000_000
MAX_SIDE = 32_768
MAX_BYTES = 512 * 2**20
MAX_PASSES = 3_000_000_000  # a JPEG's scans times its pixels; each takes about a nanosecond, however few its bytes

_PILLOWS = tuple(kind for kind in SUFFIXES if kind != "DICOM")
_SCAN = b"\xff\xda"
_TELLING = frozenset(("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp"))
_ORIENTATION, _BITS_PER_SAMPLE = 274, 258


class ImageError(DataError):
    """An image file that can't be used; `str(error)` is "PATH: reason"."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(tr("{path}: {reason}.", path=path, reason=reason))
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type["ImageError"], tuple[Path, str]]:
        return type(self), (self.path, self.reason)


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself before its pixels are decoded."""

    format: str
    """PNG, JPEG, BMP, TIFF, WEBP or DICOM."""
    mode: str
    """The file's own mode in Pillow's terms: 1, L, LA, I;16, P, RGB, RGBA, CMYK, ...; a DICOM file's photometric
    interpretation.
    """
    bit_depth: int
    """Bits a sample in the file: 1, 2, 4, 8, 12 or 16 (8 for palettes, whose colours have 8), or what DICOM stores."""
    width: int
    """In pixels, after EXIF rotation."""
    height: int
    bytes: int
    """Size of the file."""
    orientation: int
    """EXIF orientation, 1 (upright) to 8; undone in the pixels."""


@dataclass(frozen=True, slots=True)
class ImageFacts(Header):
    """What is known of an image: its header, and in levels 0 to 255 the pixels that it became."""

    colour: bool
    """Whether the channels truly differ."""
    minimum: int
    maximum: int
    mean: float
    std: float
    notes: tuple[str, ...]
    """Things a user should know, each a short sentence without its full stop."""
    dicom: DicomFacts | None = None
    """What a DICOM file says beyond that."""


@dataclass(frozen=True, eq=False)
class XrayImage:
    """A decoded file: `pixels` are uint8, (height, width) when grey, (height, width, 3) RGB when `colour`."""

    pixels: Pixels
    header: Header
    notes: tuple[str, ...]
    dicom: DicomFacts | None = None
    bits: int = 8
    """Bits of a sample that spread over the levels; 0 for DICOM files, whose headers say more than that."""

    @property
    def colour(self) -> bool:
        """Whether the channels truly differ."""
        return self.pixels.ndim == 3

    @cached_property
    def mean(self) -> float:
        """Mean level of the pixels, 0 to 255."""
        return sum(int(block.sum(dtype=np.uint32)) for block in _blocks(self.pixels, 2**24)) / self.pixels.size

    @cached_property
    def deviation(self) -> float:
        """Standard deviation of the levels of the pixels."""
        blocks = _blocks(self.pixels, 2**16)
        squares = sum(int(np.square(block, dtype=np.uint16).sum(dtype=np.uint32)) for block in blocks)
        return math.sqrt(max(0.0, squares / self.pixels.size - self.mean**2))

    @cached_property
    def facts(self) -> ImageFacts:
        """All that is known of the file and its pixels; measured when first asked for."""
        return ImageFacts(
            **asdict(self.header),
            colour=self.colour,
            minimum=int(self.pixels.min()),
            maximum=int(self.pixels.max()),
            mean=self.mean,
            std=self.deviation,
            notes=self.notes,
            dicom=self.dicom,
        )


def read(path: Path, pixel_rules: int = PIXEL_RULES) -> XrayImage:
    """The pixels and facts of the image file at `path`.

    Samples of more than 8 bits map linearly to 0..255, rounded, from 0 to what the fewest of 8, 10, 12, 14 or 16 bits
    hold that hold all of the file's values (a PNG's sBIT, or a TIFF's MaxSampleValue, may say more), and a note tells
    where that is less than the file has; those of DICOM files as their headers say
    (`engine.data.image.dicom_windowing.grey`).
    Transparency is laid on black, but for an alpha channel that hides everything, or nearly, or is the same
    everywhere: it is ignored, with a note. RGB with equal channels comes out grey. `pixel_rules` names the rules, as
    they were for older runs. Raises ImageError for anything that is not one still, whole picture of a format in
    SUFFIXES, or that would need too much memory.
    """
    with held(path, pixel_rules) as image:
        return image


@contextmanager
def held(path: Path, pixel_rules: int = PIXEL_RULES) -> Iterator[XrayImage]:
    """As `read`, for work in threads on a picture that is used within the block and not after it.

    Until the block ends, what the picture takes counts as taken of the memory that all readers share, so that any
    number of threads takes no more than BOUND bytes beyond what the libraries do (see
    `engine.data.image.memory_budget`).
    """
    path = Path(path)
    with ROOM.claim() as claim:
        yield _read(path, claim, pixel_rules)


def _read(path: Path, claim: Claim, pixel_rules: int) -> XrayImage:
    image, header, content = _open(path, claim)
    if isinstance(image, Dicom):
        return _from_dicom(path, image, header, claim)
    notes = list(suffix_notes(path, header.format))
    if image.format == "MPO":
        notes.append(tr("holds several camera pictures, of which the first is read"))
    try:
        deep = is_deep(image, header.bit_depth, pixel_rules)
        in_scans = header.format == "JPEG" and (content.count(_SCAN) > 1 or "progressive" in image.info)
        claim.grow_to(memory_cost.pixels(image, header.orientation, len(content), in_scans, deep))
        multiplied = load(image, pixel_rules)
        left = _orientation(image)
        _let_go(image)
        content = content if deep else content[: 2 * MB] if header.bit_depth > 8 else b""
        flat = flatten(image, header.bit_depth, content, pixel_rules, multiplied)
        del image
        pixels = flat.pixels
        if left != 1:
            pixels = np.ascontiguousarray(_upright(pixels, left))
            header = replace(header, orientation=left)
        notes += [*flat.notes, *pixel_notes(pixels)]
    except Exception as exc:
        raise ImageError(path, _why(exc)) from exc
    height, width = pixels.shape[:2]
    return XrayImage(pixels, replace(header, width=width, height=height), tuple(notes), bits=flat.bits)


def _let_go(image: Image.Image) -> None:
    """Free what a decoder holds beside the pixels that it has decoded: the file's content, and canvases."""
    for name in ("fp", "_fp", "png", "_decoder", "_exif"):
        if getattr(image, name, None) is not None:
            setattr(image, name, None)


def _from_dicom(path: Path, file: Dicom, header: Header, claim: Claim) -> XrayImage:
    try:
        claim.grow_to(memory_cost.dicom_pixels(file, header.bytes))
        levels, facts = file.decode()
    except DicomError as exc:
        raise ImageError(path, str(exc)) from None
    except MemoryError as exc:
        raise ImageError(path, _why(exc)) from None
    pixels = grey_if_equal(levels)
    notes = (*suffix_notes(path, header.format), *file.notes, *pixel_notes(pixels))
    return XrayImage(pixels, header, notes, facts, bits=0)


def peek(path: Path) -> Header:
    """What the file at `path` says of itself, without decoding its pixels. Raises ImageError."""
    with ROOM.claim() as claim:
        return _open(Path(path), claim)[1]


def header_field(path: Path, field: str) -> str:
    """What the DICOM file at `path` says of one of `dicom_tags.FIELDS`; empty where it says nothing, or is no DICOM.

    Raises ImageError.
    """
    with ROOM.claim() as claim:
        data = _content(Path(path), claim)
        if not is_dicom(data):
            return ""
        hush()
        claim.grow_to(_header_room(data))
        try:
            return field_value(data, field)
        except DicomError as exc:
            raise ImageError(path, str(exc)) from None


def pixel_hash(pixels: Pixels) -> str:
    """SHA-256 in hex over the shape and the bytes of `pixels`: equal for equal pictures in whatever file format."""
    digest = hashlib.sha256(repr(tuple(map(int, pixels.shape))).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def resize(pixels: Pixels, size: int) -> Pixels:
    """`pixels` squashed to a square of `size` by antialiased bilinear resampling; grey stays (size, size)."""
    if pixels.shape[:2] == (size, size):
        return pixels
    if pixels.ndim == 3:  # a channel at a time, as Pillow would keep a copy of them all
        return np.dstack([resize(np.ascontiguousarray(pixels[..., channel]), size) for channel in range(3)])
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR))


def to_input(pixels: Pixels, size: int) -> Pixels:
    """What the network sees of `pixels`: uint8 (size, size, 3), grey repeated in the three channels."""
    small = resize(pixels, size)
    return np.repeat(small[..., None], 3, axis=2) if small.ndim == 2 else small


def seen(path: Path, size: int, pixel_rules: int = PIXEL_RULES) -> Pixels:
    """What a network of input `size` sees of the file at `path`, as `to_input` gives it. Raises ImageError."""
    with held(path, pixel_rules) as image:
        return to_input(image.pixels, size)


def _open(path: Path, claim: Claim) -> tuple[Image.Image | Dicom, Header, bytes]:
    """The file opened but not decoded, after every check that needs no pixels; and its content."""
    data = _content(path, claim)
    hush()
    if is_dicom(data):  # what stands before the mark may look like a TIFF
        return *_open_dicom(path, data, claim), data
    said = memory_cost.words(data)
    if said > memory_cost.MOST_WORDS:
        raise ImageError(path, tr("it says more beside its picture than is read (texts, profiles, tags); save it anew"))
    try:
        claim.grow_to(len(data) + said)
        image = Image.open(io.BytesIO(data), formats=_PILLOWS)
        header = _header(image, data)
    except UnidentifiedImageError as exc:
        raise ImageError(path, unknown_content(data)) from exc
    except Exception as exc:
        raise ImageError(path, _why(exc)) from exc
    width, height = header.width, header.height
    if width < 1 or height < 1:
        raise ImageError(path, tr("it has no pixels"))
    if reason := _too_large(width, height):
        raise ImageError(path, reason)
    if header.format == "JPEG" and data.count(_SCAN) * width * height > MAX_PASSES:
        raise ImageError(path, tr("it draws its picture in more passes than any camera does; save it anew"))
    if header.format != "JPEG" and getattr(image, "is_animated", False):
        raise ImageError(path, tr("it holds several pictures (pages or animation frames); save one of them as a file"))
    if header.mode in ("I", "F") or header.mode.startswith(("I;32", "F;")):
        raise ImageError(path, tr("its samples are signed, 32-bit or fractions; save it with 8 or 16 bits a sample"))
    return image, header, data


def _open_dicom(path: Path, data: bytes, claim: Claim) -> tuple[Dicom, Header]:
    try:
        claim.grow_to(_header_room(data))
        file = read_header(data, _too_large)
    except NoRoomError as exc:
        raise ImageError(path, _why(exc)) from None
    except DicomError as exc:
        raise ImageError(path, str(exc)) from None
    facts = file.facts
    mode, bits = facts.photometric_interpretation, facts.bits_stored
    return file, Header("DICOM", mode, bits, file.columns, file.rows, bytes=len(data), orientation=1)


def _header_room(data: bytes) -> int:
    """Bytes of memory that reading the header of a DICOM file with these contents takes at most."""
    return 2 * len(data) + (min(MOST_INFLATED, 1100 * len(data)) if DEFLATED.encode() in data[:1024] else 0)


def _too_large(width: int, height: int) -> str:
    if max(width, height) <= MAX_SIDE and width * height <= MAX_PIXELS:
        return ""
    return tr(
        "its {width}x{height} pixels are more than are read ({millions} million pixels, or {side} on a side); "
        "make it smaller", width=width, height=height, millions=MAX_PIXELS // 10**6, side=MAX_SIDE
    )  # fmt: skip


def _content(path: Path, claim: Claim) -> bytes:
    """The bytes of a regular file, never waiting on a pipe or a device."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ImageError(path, tr("it is not a file but a folder, pipe or device"))
            if status.st_size > MAX_BYTES:
                said = tr("its {size} bytes are more than are read ({most})", size=status.st_size, most=MAX_BYTES)
                raise ImageError(path, said)
            claim.grow_to(status.st_size)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(status.st_size + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError as exc:
        raise ImageError(path, tr("there is no such file")) from exc
    except PermissionError as exc:
        raise ImageError(path, tr("it may not be read; change its permissions")) from exc
    except OSError as exc:
        reason = tr("it is a pipe or a device") if exc.errno == errno.ENXIO else exc.strerror or type(exc).__name__
        raise ImageError(path, tr("it could not be opened ({reason})", reason=reason)) from exc
    except ValueError as exc:
        raise ImageError(path, tr("its name can't be that of a file")) from exc
    if not data:
        raise ImageError(path, tr("it is empty (0 bytes); copy it again"))
    return data


def _header(image: Image.Image, data: bytes) -> Header:
    orientation = _orientation(image)
    width, height = image.size
    if orientation >= 5 and image.format != "TIFF":  # Pillow turns the size of a TIFF when it opens it
        width, height = height, width
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    return Header(kind, image.mode, _bit_depth(image, data), width, height, bytes=len(data), orientation=orientation)


def _orientation(image: Image.Image) -> int:
    """The EXIF (or XMP) orientation as far as it is known yet: a PNG may tell it after its pixels."""
    if image.format == "PNG" and image.info.keys().isdisjoint(_TELLING):
        return 1  # asking now would make Pillow remember that there is none
    try:
        value = Image.Image.getexif(image).get(_ORIENTATION, 1)  # the PNG plugin's own getexif would decode the pixels
    except Exception:  # damaged EXIF says nothing about the pixels, which may be whole
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _bit_depth(image: Image.Image, data: bytes) -> int:
    if image.mode in ("P", "PA"):
        return 8
    if image.format == "PNG":
        return data[24]
    if image.format == "TIFF":
        bits = image.tag_v2.get(_BITS_PER_SAMPLE, (1,))  # type: ignore[attr-defined]
        return int(bits[0])
    return 1 if image.mode == "1" else 8


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """A view of `pixels` in which EXIF's `orientation` is undone."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    down, right = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}.get(orientation, (1, 1))
    return pixels[::down, ::right]


def _blocks(pixels: Pixels, length: int) -> Iterator[Pixels]:
    """The samples in pieces of `length`: up to 2^24 of them, or the squares of 2^16, add up within 32 bits."""
    flat = pixels.reshape(-1)
    return (flat[start : start + length] for start in range(0, flat.size, length))


def _why(exc: Exception) -> str:
    """The reason to show for an exception out of Pillow, which throws nearly any kind."""
    if isinstance(exc, Image.DecompressionBombError):
        return tr(
            "it would unfold into more pixels than are read ({millions} million); make it smaller",
            millions=MAX_PIXELS // 10**6,
        )
    if isinstance(exc, NoRoomError):
        return tr(
            "it would take {bytes} MB of memory, more than a picture gets ({most} MB); make it smaller",
            bytes=exc.bytes // MB,
            most=MOST // MB,
        )
    if isinstance(exc, MemoryError):
        return tr("it needs more memory than there is; make it smaller")
    detail = " ".join(str(exc).split())[:120] or type(exc).__name__
    if "truncated" in detail.lower():
        return tr("it is cut short; copy it again")
    return tr("it is damaged and can't be decoded ({detail}); copy it again", detail=detail)
