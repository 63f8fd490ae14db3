"""Lung masks as the network sees them, and the rectangle that stands in for them where a dataset has none."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.base.language import marked
from engine.data.file_names import pair_key
from engine.data.image.reader import ImageError, held, resize

Mask = npt.NDArray[np.bool_]
LUNGS = marked("lung mask")
RECTANGLE = marked("central rectangle")
"""The names of the two regions, which are kept; where they are shown, they are translated."""
_MARGINS = (0.12, 0.15)
"""What the rectangle leaves out above and below, and left and right, as shares of the side."""


def read_mask(path: Path, size: int) -> Mask:
    """The mask in the file at `path`, resized as its image is: True (size, size) wherever a pixel has any lung in it.

    A mask's pixels are lung above half of white. Raises ImageError.
    """
    with held(path) as image:
        grey = image.pixels if image.pixels.ndim == 2 else image.pixels.max(axis=2)
        return resize(np.where(grey > 127, np.uint8(255), np.uint8(0)), size) > 0


def mask_beside(image: Path) -> Path | None:
    """The mask of an image in CLASS/images, which lies in CLASS/masks under the same name; None where there is none."""
    if image.parent.name.casefold() != "images":
        return None
    folder = image.parent.parent
    try:
        rooms = [path for path in folder.iterdir() if path.name.casefold() == "masks"]
        return next((_listed(room, room.stat().st_mtime_ns).get(pair_key(image.name)) for room in rooms), None)
    except OSError:
        return None


def central_rectangle(size: int) -> Mask:
    """A rectangle, (size, size), about where the lungs lie in a frontal X-ray: the middle 76% by 70% of the picture."""
    top, left = (round(size * margin) for margin in _MARGINS)
    mask = np.zeros((size, size), bool)
    mask[top : size - top, left : size - left] = True
    return mask


def region_of(image: Path, size: int) -> tuple[str, Mask]:
    """The lungs of the image file: its mask where one lies beside it and can be read, else the rectangle; and which."""
    path = mask_beside(image)
    if path:
        try:
            return LUNGS, read_mask(path, size)
        except ImageError:
            pass
    return RECTANGLE, central_rectangle(size)


@lru_cache(maxsize=64)
def _listed(folder: Path, changed: int) -> dict[str, Path]:
    """The files of a masks folder, as it was last `changed`, by pair key."""
    return {pair_key(path.name): path for path in folder.iterdir()}
