"""Heat over an image in colours: in all of them, in the 256 that many terminals have, and what its scale is."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.data.image.reader import Pixels

Heat = npt.NDArray[np.float32]
"""(height, width), from 0 to 1, its largest value 1 unless it is 0 everywhere."""
_PLASMA = np.array([(13, 8, 135), (156, 23, 158), (237, 121, 83), (240, 249, 33)], np.float64)
"""Four anchors of matplotlib's colour map "plasma", from no heat to most: even steps of heat look evenly apart."""
_OPACITY = 0.65
BANDS = (0.25, 0.5, 0.75)
"""Where the bands of heat begin in few colours; below the first the image stays as it is."""
_LEVELS = np.array([0, 95, 135, 175, 215, 255], np.uint8)
"""The steps of red, green and blue of which the 256 colours of xterm have a cube."""
_BELOW = ((0, 3, 0), (0, 3, 3), (0, 0, 5))
"""By band, how many steps red, green and blue lie below the image's own: magenta, red, yellow."""
_MIDDLE = 160
"""The grey of an image of which a scale is."""


def spread_over(heat: Heat, width: int, height: int) -> Heat:
    """The heat at this size, bilinear."""
    return np.asarray(Image.fromarray(heat).resize((width, height), Image.Resampling.BILINEAR))


def overlay(pixels: Pixels, heat: Heat) -> Pixels:
    """The image, uint8 (h, w) or (h, w, 3), under its heat of any size: uint8 RGB (h, w, 3), more opaque where hot."""
    height, width = pixels.shape[:2]
    hot = spread_over(heat, width, height)
    opacity = (_OPACITY * hot)[..., None]
    mixed = _in_three(pixels) * (1 - opacity) + colours(hot) * opacity
    return np.asarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))


def overlay_in_few(pixels: Pixels, heat: Heat) -> Pixels:
    """The same for a terminal of 256 colours: in bands of one hue each, none but colours of xterm's cube and greys.

    A colour between these would be drawn as the one next to it, which is now one hue and now another.
    """
    height, width = pixels.shape[:2]
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    band = np.digitize(spread_over(heat, width, height), BANDS)
    step = 1 + grey.astype(np.intp) * 5 // 256
    shown = np.repeat(grey[..., None], 3, axis=2)
    for place, below in enumerate(_BELOW, start=1):
        here = band == place
        steps = np.maximum(step[here][:, None] - np.array(below), 0)
        shown[here] = _LEVELS[steps]
    return shown


def colours(heat: Heat) -> npt.NDArray[np.float64]:
    """The colour of each value from 0 to 1: RGB from 0 to 255, (..., 3)."""
    at = np.linspace(0, 1, len(_PLASMA))
    return np.stack([np.interp(heat, at, _PLASMA[:, channel]) for channel in range(3)], axis=-1)


def scale(steps: int, few: bool) -> Pixels:
    """What grey looks like under no heat, at the left, to the most: uint8 RGB (1, steps, 3)."""
    heat = np.linspace(0, 1, steps, dtype=np.float32)[None]
    grey = np.full((1, steps), _MIDDLE, np.uint8)
    return overlay_in_few(grey, heat) if few else overlay(grey, heat)


def _in_three(pixels: Pixels) -> Pixels:
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
