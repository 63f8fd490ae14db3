"""The landmarks of a picture: blobs that are found again once it is cropped, turned, moved, written on or brightened.

A landmark is an extremum of differences of Gaussians in place and scale (Lowe 2004) of the picture with its grey levels
normed by their surroundings, which undoes gamma, equalisation and most of what a viewer does. It is described by the
low frequencies of the patch around it. Few pixels across, a patch holds what differs between patients (vessels,
crossings of ribs), where a whole picture holds what all chests share; and a cropped picture still has most of its
patches.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.base.cancel import Stop
from engine.data.image.reader import Pixels
from engine.data.parallel import spread

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]

SIDE = 128
"""Pixels on a side of the thumbnails that are compared."""
MOST = 64
"""Landmarks of a picture, its strongest ones."""

_FIRST, _A_STEP, _LEVELS = 1.5, 2 ** (1 / 3), 8  # Gaussians: the finest in pixels, the ratio of two, and how many
_AROUND = 12.0  # the surroundings that norm the levels, in pixels
_FAINT = 4.0  # and a contrast that is nothing, in levels
_FLOOR = 0.02  # normed contrast of a landmark
_PATCH, _HIGHEST, _HEAVIER, _WINDOW = 16, 7, 1.5, 4.5  # samples along a patch, its frequencies, their weight, its width
_FLAT = 12  # levels that a margin of one grey spans after compression
_BATCH = 32  # pictures worked on at a time


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Of n pictures: MOST places each, those that a picture lacks being zeros throughout."""

    places: Floats
    """(n, MOST, 3): x and y in pixels of the picture without its flat margins, and the scale in pixels."""
    descriptors: npt.NDArray[np.int8]
    """(n, MOST, LENGTH): unit vectors times 127, the same for a picture and its negative."""
    signs: npt.NDArray[np.int8]
    """(n, MOST): 1 for a bright blob, -1 for a dark one, 0 where there is none."""
    frames: Floats
    """(n, 4): the flat margins left, top, right and bottom, as shares of the sides."""


def trimmed(thumb: Pixels) -> tuple[Pixels, tuple[float, float, float, float]]:
    """A thumbnail stretched to SIDE without its margins of one grey, and these margins as shares of the sides."""
    lines = [thumb.max(axis=axis).astype(int) - thumb.min(axis=axis) > _FLAT for axis in (0, 1)]
    if not (lines[0].any() and lines[1].any()):
        return thumb, (0, 0, 0, 0)
    (left, right), (top, bottom) = ((int(line.argmax()), int(line[::-1].argmax())) for line in lines)
    if left + top + right + bottom == 0 or max(left + right, top + bottom) > SIDE // 2:
        return thumb, (0, 0, 0, 0)
    box = (left, top, SIDE - right, SIDE - bottom)
    small = Image.fromarray(thumb).resize((SIDE, SIDE), Image.Resampling.BILINEAR, box)
    return np.asarray(small), (left / SIDE, top / SIDE, right / SIDE, bottom / SIDE)


def normed(pictures: Pixels) -> Floats:
    """Pictures (m, SIDE, SIDE), each level as its difference from its surroundings over their contrast."""
    levels = pictures.astype(np.float32)
    around = gaussian(_AROUND)
    levels -= around @ levels @ around.T
    contrast = np.sqrt(np.maximum(around @ (levels * levels) @ around.T, 0)) + np.float32(_FAINT)
    levels /= contrast
    return levels


@cache
def gaussian(width: float, side: int = SIDE) -> Floats:
    """The (side, side) matrix that blurs an axis by a Gaussian of this width in pixels, mirrored at the ends."""
    places = np.arange(side)
    matrix = np.zeros((side, side))
    for turn in (-2 * side, 0, 2 * side):
        for source in (places, -1 - places):
            matrix += np.exp(-0.5 * ((places[:, None] - source - turn) / width) ** 2)
    matrix[matrix < 1e-9] = 0  # numbers too small for a float32 to hold well are slow
    rows: Floats = (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)
    return rows


def landmarks(
    thumbs: Pixels, tick: Callable[[float], None] = lambda share: None, stop: Stop | None = None
) -> Landmarks:
    """The landmarks of thumbnails, uint8 (n, SIDE, SIDE). Raises Stopped soon after `stop` is set."""
    count = len(thumbs)
    found = Landmarks(
        np.zeros((count, MOST, 3), np.float32),
        np.zeros((count, MOST, len(_basis()[0])), np.int8),
        np.zeros((count, MOST), np.int8),
        np.zeros((count, 4), np.float32),
    )

    def fill(start: int) -> None:
        own = slice(start, start + _BATCH)
        pictures, frames = zip(*map(trimmed, thumbs[own]), strict=True)
        found.frames[own] = frames
        levels = normed(np.stack(pictures))
        smooth = np.empty((len(levels), _LEVELS, SIDE, SIDE), np.float32)
        for level in range(_LEVELS):
            blur = gaussian(_width(level))
            np.matmul(blur @ levels, blur.T, out=smooth[:, level])
        owner, x, y, scale, height, rank = _extrema(smooth)
        at = owner + start, rank
        found.places[at] = np.stack([x, y, _widths(scale)], axis=1)
        found.descriptors[at] = np.rint(127 * _described(smooth, owner, x, y, scale) * np.sign(height)[:, None])
        found.signs[at] = np.sign(height)

    starts = range(0, count, _BATCH)
    with closing(spread(fill, starts, stop, 1)) as done:
        for start, _ in zip(starts, done, strict=True):
            tick(min(1.0, (start + _BATCH) / count))
    return found


def mirrored(found: Landmarks, which: Ints | slice) -> tuple[Floats, npt.NDArray[np.int8]]:
    """Places and descriptors of some of the pictures as if they were mirrored left to right."""
    places = found.places[which].copy()
    places[..., 0] = SIDE - 1 - places[..., 0]
    return places, found.descriptors[which] * _basis()[1]


def _width(level: int) -> float:
    return float(_FIRST * _A_STEP**level)


def _widths(levels: Floats) -> Floats:
    widths: Floats = (_FIRST * _A_STEP**levels).astype(np.float32)
    return widths


def _extrema(smooth: Floats) -> tuple[Ints, Floats, Floats, Floats, Floats, Ints]:
    """Owner, x, y, level, contrast and rank of the strongest extrema of pictures at all scales, (m, _LEVELS, ...)."""
    steps = np.diff(smooth, axis=1)
    high = np.abs(steps)
    middle = high[:, 1:-1, 1:-1, 1:-1]
    peak = middle > _FLOOR
    for other in (high[:, 1:-1, 1:-1, :-2], high[:, 1:-1, 1:-1, 2:], high[:, 1:-1, :-2, 1:-1], high[:, 1:-1, 2:, 1:-1]):
        peak &= middle >= other
    spot = np.flatnonzero(peak)
    owner, scale, row, column = (index + (axis > 0) for axis, index in enumerate(np.unravel_index(spot, middle.shape)))
    strides = np.array(steps.strides) // steps.itemsize
    spot = owner * strides[0] + scale * strides[1] + row * strides[2] + column
    flat = high.reshape(-1)
    value = flat[spot]
    most = np.ones(len(spot), bool)
    for finer in (-1, 0, 1):
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                most &= value >= flat[spot + finer * strides[1] + down * strides[2] + across]
    owner, spot, value, scale, row, column = (one[most] for one in (owner, spot, value, scale, row, column))
    order = np.lexsort((-value, owner))
    rank = np.arange(len(order)) - np.searchsorted(owner[order], owner[order])
    order, rank = order[rank < MOST], rank[rank < MOST]
    owner, spot, scale, row, column = (one[order] for one in (owner, spot, scale, row, column))
    x, y, level = (
        at + _offset(flat, spot, int(stride)) for at, stride in ((column, 1), (row, strides[2]), (scale, strides[1]))
    )
    return owner, x, y, level, steps.reshape(-1)[spot], rank


def _offset(flat: Floats, spot: Ints, stride: int) -> Floats:
    """Where the parabola through three neighbours is highest, from the middle one, -0.5 to 0.5."""
    before, here, after = flat[spot - stride], flat[spot], flat[spot + stride]
    bend = np.minimum(before - 2 * here + after, np.float32(-1e-9))
    offset: Floats = np.clip(0.5 * (before - after) / bend, -0.5, 0.5).astype(np.float32)
    return offset


def _described(smooth: Floats, owner: Ints, x: Floats, y: Floats, level: Floats) -> Floats:
    """Unit descriptors of the patches at these places, each sampled at its scale from what is as smooth."""
    steps = (np.arange(_PATCH) - (_PATCH - 1) / 2).astype(np.float32) * _widths(level)[:, None]
    across, down = (np.clip(at[:, None] + steps, 0, SIDE - 1.001).astype(np.float32) for at in (x, y))
    column, row = across.astype(np.int32), down.astype(np.int32)
    across, down = (across - column)[:, None, :], (down - row)[:, :, None]
    start = (owner * _LEVELS + np.clip(np.rint(level - 1).astype(int), 0, _LEVELS - 1)) * SIDE
    spot = ((start[:, None] + row) * SIDE)[:, :, None] + column[:, None, :]
    flat = smooth.reshape(-1)
    upper = flat[spot] * (1 - across) + flat[spot + 1] * across
    lower = flat[spot + SIDE] * (1 - across) + flat[spot + SIDE + 1] * across
    patches = (upper * (1 - down) + lower * down).reshape(len(spot), _PATCH * _PATCH)
    described = patches @ _basis()[2].T
    lengths = np.linalg.norm(described, axis=1, keepdims=True)
    unit: Floats = described / np.maximum(lengths, 1e-6)
    return unit


@cache
def _basis() -> tuple[Floats, npt.NDArray[np.int8], Floats]:
    """The weights of the frequencies kept, the signs that mirror them, and the matrix from a patch to all of them."""
    places = np.arange(_PATCH)
    cosines = np.cos(np.pi * (2 * places + 1) * places[:, None] / (2 * _PATCH)) * np.sqrt(2 / _PATCH)
    down, across = np.divmod(np.arange(_PATCH**2), _PATCH)
    height = np.hypot(across, down)
    kept = (height > 0) & (height <= _HIGHEST)
    weights = height[kept] ** _HEAVIER
    window = np.exp(-0.5 * ((places - (_PATCH - 1) / 2) / _WINDOW) ** 2)
    window = np.multiply.outer(window, window).ravel()
    waves = np.einsum("di,dj->dij", cosines[down[kept]], cosines[across[kept]]).reshape(len(weights), -1) * window
    level = window / window.sum()  # taking away the windowed mean of a patch is one with the waves
    matrix = weights[:, None] * (waves - np.multiply.outer(waves.sum(axis=1), level))
    signs = np.where(across[kept] % 2, -1, 1).astype(np.int8)
    return weights.astype(np.float32), signs, matrix.astype(np.float32)
