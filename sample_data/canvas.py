"""Raster helpers, chosen so that every machine gets the same pixels: curves, 8-bit layers, resampling.

Layers are drawn by Pillow in 8 bits (integer arithmetic) and combined by numpy with sums and products alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from sample_data.phantom import Phantom

Points = NDArray[np.float64]  # (n, 2): x to the image's right from the midline, y down from the top edge
Field = NDArray[np.float32]  # (rows, columns), a quantity per pixel
Bytes = NDArray[np.uint8]  # (rows, columns), 0 to 255

PIVOT_Y = 0.45  # the height about which a chest turns and scales


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a phantom's chest lies in a square picture of `size` pixels."""

    phantom: Phantom
    size: int

    def pixels(self, points: Points) -> Points:
        """Chest coordinates (..., 2) in fractions of the side, as pixel coordinates."""
        p = self.phantom
        cos, sin = np.cos(p.tilt), np.sin(p.tilt)
        x, y = points[..., 0] * p.width, (points[..., 1] - PIVOT_Y) * p.height
        across = 0.5 + p.shift_x + cos * x - sin * y
        down = PIVOT_Y + p.shift_y + sin * x + cos * y
        return np.stack([across, down], axis=-1) * self.size

    def grid(self) -> tuple[Field, Field]:
        """Chest coordinates x and y at every pixel's centre, each (size, size)."""
        p = self.phantom
        cos, sin = np.cos(p.tilt), np.sin(p.tilt)
        centres = (np.arange(self.size) + 0.5) / self.size
        across = (centres - 0.5 - p.shift_x)[None, :]
        down = (centres - PIVOT_Y - p.shift_y)[:, None]
        x = (cos * across + sin * down) / p.width
        y = (cos * down - sin * across) / p.height + PIVOT_Y
        return x.astype(np.float32), y.astype(np.float32)


class Layer:
    """An 8-bit drawing of `size` by `size` pixels that takes chest coordinates."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.image = Image.new("L", (frame.size, frame.size))
        self._draw = ImageDraw.Draw(self.image)

    def fill(self, outline: Points, value: int = 255) -> Layer:
        """Paint the inside of an outline (n, 2)."""
        self._draw.polygon(self.frame.pixels(outline).ravel().tolist(), fill=value)
        return self

    def fill_all(self, outlines: Points, value: int = 255, rim: int | None = None) -> Layer:
        """Paint many outlines (k, n, 2), each with a one-pixel rim of another grey if one is given."""
        for outline in self.frame.pixels(outlines).reshape(len(outlines), -1).tolist():
            self._draw.polygon(outline, fill=value, outline=rim)
        return self

    def add(self, other: Layer) -> Layer:
        """Lay another drawing of the same size over this one; what overlaps adds up, to 255 at most."""
        self.image = ImageChops.add(self.image, other.image)
        return self

    def stroke_all(self, paths: Points, widths: Points, values: Points) -> Layer:
        """Draw paths (k, n, 2), with widths (k, n-1) in fractions of the side and greys (k, n-1) to 255."""
        pixels = self.frame.pixels(paths).tolist()
        pens = np.maximum(1, np.rint(widths * self.frame.size)).astype(int).tolist()
        for path, pen, grey in zip(pixels, pens, values.astype(int).tolist(), strict=True):
            for start, end, width, value in zip(path, path[1:], pen, grey, strict=False):
                self._draw.line([*start, *end], fill=value, width=width)
        return self

    def soften(self, radius: float) -> Layer:
        """Blur by `radius`, in fractions of the side."""
        self.image = self.image.filter(ImageFilter.BoxBlur(radius * self.frame.size))
        return self

    def smooth(self, radius: float) -> Layer:
        """Blur like a bell of standard deviation `radius`, in fractions of the side."""
        self.image = self.image.filter(ImageFilter.GaussianBlur(radius * self.frame.size))
        return self

    def bytes(self) -> Bytes:
        """The drawing as it is, 0 to 255."""
        return np.asarray(self.image)

    def field(self) -> Field:
        """The drawing scaled to 0 to 1."""
        return np.asarray(self.image, dtype=np.float32) * np.float32(1 / 255)


@lru_cache(maxsize=16)
def _spline_basis(steps: int) -> Points:
    """Catmull-Rom weights (steps, 4) of four neighbouring control points."""
    t = np.arange(steps)[:, None] / steps
    powers = np.concatenate([np.ones_like(t), t, t**2, t**3], axis=1)
    matrix = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2
    return np.asarray(powers @ matrix)


@lru_cache(maxsize=16)
def _neighbours(count: int) -> NDArray[np.intp]:
    """For each of `count` points on a ring, itself with one before and two after it (count, 4)."""
    return (np.arange(count)[:, None] + np.arange(-1, 3)) % count


def closed_curve(control: Points, steps: int = 6) -> Points:
    """A smooth closed outline (n * steps, 2) through control points (n, 2)."""
    around = control[_neighbours(len(control))]
    return np.asarray(np.matmul(_spline_basis(steps), around)).reshape(-1, 2)


def ribbon(centre: Points, half_width: Points) -> Points:
    """The outline (..., 2n, 2) of bands around paths (..., n, 2) with half widths (n,) or (..., n)."""
    along = np.gradient(centre, axis=-2)
    along /= np.hypot(along[..., 0], along[..., 1])[..., None]
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1) * half_width[..., None]
    return np.asarray(np.concatenate([centre + across, (centre - across)[..., ::-1, :]], axis=-2))


def mirror(points: Points) -> Points:
    """The same points on the other side of the midline."""
    return np.asarray(points * np.array([-1.0, 1.0]))


def smoothstep(edge0: float, edge1: float, values: Field) -> Field:
    """0 before `edge0`, 1 after `edge1`, smooth in between; `edge0` may be the larger."""
    t = np.clip((values - np.float32(edge0)) * np.float32(1 / (edge1 - edge0)), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


@lru_cache(maxsize=64)
def _bilinear(old: int, new: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Field]:
    """Left neighbour, right neighbour and weight of the right one for each of `new` samples."""
    where = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    left = np.minimum(where.astype(np.intp), max(old - 2, 0))
    return left, np.minimum(left + 1, old - 1), (where - left).astype(np.float32)


def upsample(field: Field, size: int) -> Field:
    """A square field, bilinearly resampled to (size, size)."""
    left, right, weight = _bilinear(field.shape[0], size)
    rows = _between(field.take(left, 0), field.take(right, 0), weight[:, None])
    return _between(rows.take(left, 1), rows.take(right, 1), weight)


def _between(low: Field, high: Field, weight: Field) -> Field:
    """`low` moved towards `high` by `weight`, 0 to 1; both are used up."""
    high -= low
    high *= weight
    low += high
    return low


def clouds(rng: np.random.Generator, cells: int, size: int) -> Field:
    """Smooth random texture (size, size) about 0, within -1 to 1, with `cells` lumps along a side."""
    lumps = Image.fromarray(rng.integers(0, 256, (cells, cells), dtype=np.uint8))
    smooth = lumps.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.float32) * np.float32(2 / 255) - 1
