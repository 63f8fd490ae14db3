"""What Pillow has loaded, of whatever mode, brought to 8-bit grey or RGB, a strip of rows at a time.

In strips, so that a large picture is there twice at most: as Pillow decoded it, and as it becomes.
"""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.base.language import tr
from engine.data.image.dicom_windowing import Pixels, fewest_bits, levels
from engine.data.image.formats import PIXEL_RULES

NEARLY_ALL = 99
"""An alpha channel that hides so many of a hundred pixels is no part of it: nobody shows the hundredth of an X-ray."""
TWICE = 50_000_000
"""16-bit colour of more pixels is not decoded a second time for its lower bytes."""

_PHOTOMETRIC, _MAX_SAMPLE, _MAX_SAMPLE_USED = 262, 281, 341
_STRIP = 2**20  # pixels
_SEEN = 8  # alpha, of 255, from which a pixel laid on black is more than black
_BARE = {"RGBa": "RGBA", "RGBa;16L": "RGBA;16L", "RGBa;16B": "RGBA;16B", "RGBa;16N": "RGBA;16N"}
_SWAPPED = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}

Values = npt.NDArray[np.uint16]
Strips = Callable[[], Iterator[Image.Image]]


@dataclass(frozen=True, eq=False)
class Flat:
    """`pixels` are uint8 (height, width), or (height, width, 3) where the channels truly differ."""

    pixels: Pixels
    notes: list[str] = field(default_factory=list)
    bits: int = 8
    """Bits of a sample that spread over the levels."""


def load(image: Image.Image, pixel_rules: int) -> bool:
    """Decode the pixels; are their colours multiplied with their alpha, and so lie on black already?

    Pillow would divide them again, and make black of whatever has no alpha.
    """
    tiles = getattr(image, "tile", [])
    raw = [_raw_mode(tile.args) for tile in tiles]
    multiplied = pixel_rules > 1 and bool(raw) and all(mode in _BARE for mode in raw)
    if multiplied:
        _reinterpret(image, _BARE[raw[0]])
    image.load()
    return multiplied


def is_deep(image: Image.Image, bit_depth: int, pixel_rules: int) -> bool:
    """May the file have to be decoded once more for the lower bytes of its samples?"""
    small = image.width * image.height <= TWICE
    return pixel_rules > 1 and bit_depth == 16 and image.mode in ("RGB", "RGBA") and small


def flatten(
    image: Image.Image, bit_depth: int, content: bytes, pixel_rules: int = PIXEL_RULES, multiplied: bool = False
) -> Flat:
    """The loaded image as grey or RGB, transparency laid on black, with notes on what that cost.

    `content` is the file's, and `multiplied` what `load` said.
    """
    if image.mode.startswith("I;16"):
        return _from_16_bits(image, bit_depth, content, pixel_rules)
    notes, bits = [], 8
    _fit_key(image, bit_depth)
    strips: Strips = partial(_strips, image)
    if bit_depth == 16:
        if is_deep(image, bit_depth, pixel_rules):
            bits, strips = _deep(image, content)
        else:
            bits = 16
        notes.append(
            tr("16-bit colour is read as the upper 8 bits of each sample") if bits == 16 else _spread_note(bits, 16)
        )
    if not image.has_transparency_data:
        plain = "L" if image.mode == "1" else "RGB"
        keep = image.mode in ("L", "RGB")
        shown = (np.asarray(strip if keep else strip.convert(plain)) for strip in strips())
        return Flat(_gathered(shown, image), notes, bits)
    note, laid = _judged_alpha((_with_alpha(strip).getchannel("A") for strip in strips()), image, pixel_rules)
    laid = laid and not multiplied
    return Flat(_gathered((_shown(_with_alpha(strip), laid) for strip in strips()), image), [*notes, note], bits)


def _from_16_bits(image: Image.Image, bit_depth: int, content: bytes, pixel_rules: int) -> Flat:
    declared = 12 if bit_depth == 12 else 16
    brightest = max(int(values.max()) for values in _values(image))
    bits = _significant(image, content, brightest, declared) if pixel_rules > 1 else declared
    notes = []
    if bits < declared:
        notes.append(_spread_note(bits, declared))
    elif pixel_rules == 1 and declared == 16 and 0 < brightest < 2**14:
        notes.append(
            tr(
                "uses {bits} of its 16 bits and looks dark, as when this run was trained",
                bits=brightest.bit_length(),
            )
        )
    # WhiteIsZero, which Pillow undoes for 8 bits only.
    flipped = 2**bits - 1 if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0 else None
    key = image.info.get("transparency")
    hides = False
    if isinstance(key, int):
        count = sum(int((values == key).sum()) for values in _values(image, flipped))
        note, hides = _on_alpha(count, image.width * image.height, count < image.width * image.height, pixel_rules)
        notes.append(note)
    table = levels(bits)

    def grey(values: Values) -> Pixels:
        found: Pixels = table[values]
        if hides:
            found[values == key] = 0
        return found

    return Flat(_gathered((grey(values) for values in _values(image, flipped)), image), notes, bits)


def _significant(image: Image.Image, content: bytes, brightest: int, declared: int) -> int:
    """How many bits spread over the levels: as the file says, else the fewest that hold its brightest value."""
    said = _significant_bits(content) if image.format == "PNG" else 0
    if said and brightest < 2**said:  # where values are larger, the bits that count are the upper ones of all
        return min(said, declared)
    if said:
        return declared
    tags = getattr(image, "tag_v2", {})
    for tag in (_MAX_SAMPLE, _MAX_SAMPLE_USED):
        most = tags.get(tag)
        most = most[0] if isinstance(most, tuple) and most else most
        if isinstance(most, int | float) and 0 < most < 2**declared - 1:  # which it is where nobody thought of it
            brightest = max(brightest, int(most))
    return fewest_bits(brightest, declared)


def _significant_bits(content: bytes) -> int:
    """What a PNG's sBIT chunk says of its greys, or the most that it says of its colours; 0 where there is none."""
    at = 8
    while content[at + 4 : at + 8] not in (b"IDAT", b"") and at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] == b"sBIT":
            said = content[at + 8 : at + 8 + min(length, 3)]
            return max(said, default=0) if max(said, default=0) <= 16 else 0
        at += 12 + length
    return 0


def _deep(image: Image.Image, content: bytes) -> tuple[int, Strips]:
    """16-bit colour whose values use fewer bits: how many, and the strips with those spread over the levels.

    Pillow gives the upper byte of each sample alone; the lower ones come from the same file read in the other order.
    """
    upper = max(int(np.asarray(strip)[..., :3].max()) for strip in _strips(image))
    key = image.info.get("transparent 16 bits")
    lower = _lower_bytes(image, content) if upper < 2**6 else None
    if lower is None:
        return 16, partial(_strips, image)
    band = 1 if lower.info.get("grey with alpha") else slice(0, 3)

    def both() -> Iterator[tuple[Image.Image, Values]]:
        for high, low in zip(_strips(image), _strips(lower), strict=True):
            low_bytes = np.asarray(low)[..., band]
            low_bytes = low_bytes[..., None] if low_bytes.ndim == 2 else low_bytes
            yield high, np.asarray(high)[..., :3].astype(np.uint16) << 8 | low_bytes

    bits = _significant(image, content, max(int(values.max()) for _, values in both()), 16)
    if bits == 16:
        return bits, partial(_strips, image)

    def brought() -> Iterator[Image.Image]:
        table = levels(bits)
        for high, values in both():
            colours = Image.fromarray(np.broadcast_to(table[values], (*values.shape[:2], 3)))
            if high.mode == "RGBA":
                colours.putalpha(high.getchannel("A"))
            elif key is not None:
                colours.putalpha(Image.fromarray(np.where((values == key).all(axis=2), np.uint8(0), np.uint8(255))))
            yield colours

    return bits, brought


def _lower_bytes(image: Image.Image, content: bytes) -> Image.Image | None:
    again = Image.open(io.BytesIO(content), formats=(str(image.format),))
    raw = _raw_mode(again.tile[0].args)
    if raw == "LA;16B":
        _reinterpret(again, "RGBA")
        again.info["grey with alpha"] = True
    elif raw.split(";")[0] in ("RGB", "RGBX", "RGBA", "RGBa"):
        _reinterpret(again, _BARE.get(raw, raw)[:-1] + _SWAPPED[raw[-1]])
    else:
        return None
    again.load()
    return again


def _spread_note(bits: int, declared: int) -> str:
    return tr("uses {bits} of its {declared} bits, so those are spread over all levels", bits=bits, declared=declared)


def _on_alpha(hidden: int, whole: int, varies: bool, pixel_rules: int) -> tuple[str, bool]:
    """What to say of an alpha channel that hides so many of all pixels, and whether the picture is laid on black."""
    if pixel_rules == 1 or (varies and hidden * 100 < NEARLY_ALL * whole):
        return tr("has transparent parts, which are laid on black"), True
    if hidden == whole:
        return tr("has an alpha channel that hides all of it, which is ignored"), False
    if hidden * 100 >= NEARLY_ALL * whole:
        return tr("has an alpha channel that hides {most}% of it or more, which is ignored", most=NEARLY_ALL), False
    return tr("has an alpha channel that is the same everywhere, which is ignored"), False


def _judged_alpha(channels: Iterable[Image.Image], image: Image.Image, pixel_rules: int) -> tuple[str, bool]:
    hidden, least, most = 0, 255, 0
    for channel in channels:
        low, high = channel.getextrema()
        least, most = min(least, int(low)), max(most, int(high))  # type: ignore[arg-type]
        hidden += sum(channel.histogram()[:_SEEN])
    if least == 255:
        return tr("has an alpha channel that hides nothing"), False
    return _on_alpha(hidden, image.width * image.height, least < most, pixel_rules)


def _fit_key(image: Image.Image, bit_depth: int) -> None:
    """Bring the transparent colour, which stays as it is in the file, to the 8 bits that Pillow made of the samples."""
    key = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple) and bit_depth == 16:
        image.info["transparency"] = tuple(part >> 8 for part in key)
        image.info["transparent 16 bits"] = key
    elif image.mode == "L" and isinstance(key, int) and bit_depth in (2, 4):
        image.info["transparency"] = min(key * (255 // (2**bit_depth - 1)), 255)


def _with_alpha(strip: Image.Image) -> Image.Image:
    if strip.mode == "La":
        return strip.convert("LA")
    return strip if strip.mode in ("LA", "RGBA") else strip.convert("LA" if strip.mode in ("1", "L") else "RGBA")


def _shown(strip: Image.Image, laid: bool) -> Pixels:
    """The colours of a strip in mode LA or RGBA, laid on black or as they are."""
    colours = strip.convert("L" if strip.mode == "LA" else "RGB")
    if not laid:
        return np.asarray(colours)
    black = Image.new(colours.mode, colours.size)
    black.paste(colours, mask=strip.getchannel("A"))
    return np.asarray(black)


def _strips(image: Image.Image) -> Iterator[Image.Image]:
    """The image from top to bottom, in pieces of whole rows."""
    rows = max(1, _STRIP // image.width)
    if rows >= image.height:
        yield image
        return
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _values(image: Image.Image, flipped: int | None = None) -> Iterator[Values]:
    """The 16-bit samples of each strip, taken from `flipped` where that is given."""
    for strip in _strips(image):
        values = np.asarray(strip).astype(np.uint16, copy=False)
        yield values if flipped is None else flipped - values


def _gathered(strips: Iterable[Pixels], image: Image.Image) -> Pixels:
    """Strips of (rows, width) or (rows, width, 3) below each other; grey as long as the channels are equal."""
    found: Pixels = np.empty(0, np.uint8)
    top = 0
    for strip in strips:
        strip = grey_if_equal(strip)
        if len(strip) == image.height:
            return strip
        if top == 0:
            found = np.empty((image.height, *strip.shape[1:]), np.uint8)
        elif strip.ndim > found.ndim:
            found = _in_colour(found)
        found[top : top + len(strip)] = strip if strip.ndim == found.ndim else strip[..., None]
        top += len(strip)
    return found


def _in_colour(grey: Pixels) -> Pixels:
    colour: Pixels = np.empty((*grey.shape, 3), np.uint8)
    colour[:] = grey[..., None]
    return colour


def grey_if_equal(pixels: Pixels) -> Pixels:
    """`pixels` without their channels, where those are equal."""
    if pixels.ndim == 3:
        red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
        if np.array_equal(red, green) and np.array_equal(red, blue):
            return np.ascontiguousarray(red)
    return pixels


def _raw_mode(args: object) -> str:
    """How the decoder of a tile unpacks samples, in Pillow's terms."""
    return args if isinstance(args, str) else str(args[0]) if isinstance(args, tuple) and args else ""


def _reinterpret(image: Image.Image, raw: str) -> None:
    """Let the decoder unpack samples as `raw` says, which takes as many bits a pixel as what it did."""
    image.tile = [  # type: ignore[attr-defined]
        tile._replace(args=raw if isinstance(tile.args, str) else (raw, *tile.args[1:]))
        for tile in image.tile  # type: ignore[attr-defined]
    ]
