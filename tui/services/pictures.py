"""The pictures that a screen makes of an X-ray: moved by an augmentation, and with its lung mask.

Needs no TensorFlow. The tests hold `moved` to what the training's own step makes of the same image.
"""

import numpy as np
from PIL import Image, ImageFilter

from engine.data.image.reader import Pixels

OUTSIDE = 0.4
"""How bright what lies outside the lungs stays under the mask."""
LARGEST = 512
"""About the longest side of a picture with its mask: more than a terminal shows, and little work."""
EDGE = (255, 215, 95)


def moved(pixels: Pixels, transform: np.ndarray) -> Pixels:
    """Square `pixels` moved by a projective transform (8): bilinear, the nearest pixel beyond the border."""
    size = pixels.shape[0]
    a, b, c, d, e, f = transform[:6].astype(np.float64)
    y, x = np.mgrid[0:size, 0:size]
    from_x = np.clip(a * x + b * y + c, 0, size - 1)
    from_y = np.clip(d * x + e * y + f, 0, size - 1)
    left, top = from_x.astype(np.intp), from_y.astype(np.intp)
    right, bottom = np.minimum(left + 1, size - 1), np.minimum(top + 1, size - 1)
    along, down = from_x - left, from_y - top
    if pixels.ndim == 3:
        along, down = along[..., None], down[..., None]
    upper = pixels[top, left] * (1 - along) + pixels[top, right] * along
    lower = pixels[bottom, left] * (1 - along) + pixels[bottom, right] * along
    result: Pixels = np.rint(upper * (1 - down) + lower * down).astype(np.uint8)
    return result


def masked(pixels: Pixels, mask: Pixels) -> Pixels:
    """RGB `pixels` darkened outside the lungs of `mask`, whose edge is drawn; a large picture comes out smaller."""
    picture = Image.fromarray(pixels)
    picture = picture.reduce(max(1, max(picture.size) // LARGEST))
    width, height = picture.size
    lungs = Image.fromarray(mask).convert("L").resize((width, height), Image.Resampling.NEAREST)
    lungs = lungs.point([0] * 128 + [255] * 128)
    grown = lungs
    for _ in range(max(1, min(height, width) // 100)):
        grown = grown.filter(ImageFilter.MaxFilter(3))
    edge = np.asarray(grown) != np.asarray(lungs)
    colours = np.asarray(picture.convert("RGB")).astype(np.float32)
    colours[np.asarray(lungs) == 0] *= OUTSIDE
    colours[edge] = EDGE
    result: Pixels = colours.astype(np.uint8)
    return result
