"""A picture read from a file, ready to be shown: its facts, and its pixels in no more detail than a screen has."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.context import Context
from engine.network.backbones import backbone
from engine.recipe.config import TrainConfig

if TYPE_CHECKING:
    from engine.data.image.reader import ImageFacts, Pixels

MOST = 1400
"""Pixels of the longer side beyond which a picture is reduced for the screen."""
BINS = 16


@dataclass(frozen=True, eq=False)
class Picture:
    """A file's picture: for the screen, as the network sees it, and what there is to know of it."""

    path: Path
    shown: "Pixels"
    seen: "Pixels"
    facts: "ImageFacts"
    histogram: tuple[int, ...]
    """Pixels in BINS bins from black to white."""
    notes: tuple[str, ...]
    mask: "Pixels | None" = None
    """The lung mask that lies beside the file, at a size of its own."""


def network_side(config: TrainConfig | None) -> int:
    """Side of the square, in pixels, that the network of a recipe sees; of the usual recipe where none is known."""
    return backbone((config or TrainConfig()).network.backbone).size


def read_picture(path: Path, side: int, context: Context) -> Picture:
    """Read the file, in a worker, for a network that sees squares of `side` pixels. Raises ImageError."""
    import numpy as np
    from PIL import Image

    from engine.data.image.histogram import histogram
    from engine.data.image.inspect import network_notes
    from engine.data.image.reader import read, to_input

    image = read(path)
    seen = to_input(image.pixels, side)
    facts = image.facts
    counts = histogram(seen[..., 0], BINS)
    pixels = image.pixels
    longer = max(pixels.shape[:2])
    if longer > MOST:
        size = tuple(max(1, round(side * MOST / longer)) for side in pixels.shape[1::-1])
        pixels = np.asarray(Image.fromarray(pixels).resize((size[0], size[1]), Image.Resampling.BOX))
    bins = tuple(int(count) for count in counts)
    return Picture(path, pixels, seen, facts, bins, network_notes(facts, side), mask_of(path))


def mask_of(path: Path) -> "Pixels | None":
    """The lung mask beside the file of an image; None where there is none, or none that can be read."""
    from engine.data.image.reader import ImageError, read
    from engine.data.masks import mask_beside

    found = mask_beside(path)
    try:
        return read(found).pixels if found else None
    except ImageError:
        return None
