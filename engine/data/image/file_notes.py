"""What is noted on an image file: on its pixels, and on its name."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.base.language import tr
from engine.data.image.formats import SUFFIXES

Pixels = npt.NDArray[np.uint8]


def pixel_notes(pixels: Pixels) -> Iterator[str]:
    """What to say of the pixels, uint8 (height, width) or (height, width, 3), as the rest of a sentence on them."""
    if pixels.ndim == 3:
        rows = max(1, 2**20 // pixels.shape[1])
        strips = (pixels[top : top + rows] for top in range(0, len(pixels), rows))
        spans = sum(int(_span(strip).sum(dtype=np.int64)) for strip in strips)
        coloured = tr("is in colour, as photographs and marked pictures are; X-rays are grey")
        yield tr("has a faint tint") if spans / (pixels.shape[0] * pixels.shape[1]) < 4 else coloured
    elif pixels[0, 0] == pixels[-1, -1] == pixels.min() == pixels.max():
        yield tr("is one flat grey")


def _span(pixels: Pixels) -> Pixels:
    """How far apart the channels are at each pixel."""
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    span: Pixels = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return span


def suffix_notes(path: Path, kind: str) -> tuple[str, ...]:
    """What to say of a file of the format `kind` whose name doesn't end as those usually do."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES[kind]:
        return ()
    if not suffix:
        return (tr("is a {kind} without a suffix", kind=kind),)
    return (tr('is a {kind} file, though its name ends in "{suffix}"', kind=kind, suffix=suffix),)
