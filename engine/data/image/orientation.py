"""Is a chest X-ray upright, and are its bones bright? A linear probe on a small picture of it.

Features are the coarse levels and the directions of edges by cell (Dalal and Triggs 2005, with signed directions, since
inversion turns each by 180 degrees). The probe is ridge regression onto the eight ways in which a picture can lie and
be inverted; it was fitted on drawn phantoms alone, by `python -m sample_data.orientation`, and knows no dataset. So it
holds for a folder that lies wrongly as a whole, and for one class that does. Mirrored pictures are not recognised.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.base.language import tr
from engine.data.image.reader import Pixels, resize

SIDE = 32
"""Pixels on a side of the small pictures that are judged."""
SURE = 0.2
"""How much better than "upright" another pose must fit (0 to 1), so that it is worth a word."""
LIKE = 0.35
"""How well it must fit at all. Of real X-rays the 100th reaches 0.5; noise stays below 0.2, half of photographs too."""
POSES = tuple((quarters, inverted) for inverted in (False, True) for quarters in range(4))
"""What the probe tells apart: quarter turns to the left, and whether the levels are inverted; first as it should be."""

_COARSE, _CELLS, _DIRECTIONS = 16, 4, 8
_LEVELS_WEIGHT = 0.05
_AT_A_TIME = 256
_TURNED = ("", tr("turned by 90 degrees to the left"), tr("upside down"), tr("turned by 90 degrees to the right"))
_INVERTED = (
    tr("inverted"),
    tr("inverted and turned by 90 degrees to the left"),
    tr("inverted and upside down"),
    tr("inverted and turned by 90 degrees to the right"),
)


@dataclass(frozen=True, slots=True)
class Pose:
    """How a picture lies: `quarters` (0 to 3) turns by 90 degrees to the left, and whether it is `inverted`."""

    quarters: int
    inverted: bool

    @property
    def words(self) -> str:
        """Such as "inverted and upside down"; empty where all is as it should be."""
        return (_INVERTED if self.inverted else _TURNED)[self.quarters]

    @property
    def doubt(self) -> str:
        """What to say of the picture, as the rest of a sentence on it; empty where all is as it should be."""
        if not self.words:
            return ""
        return tr("looks {words}, where networks learn from upright pictures with bright bones", words=self.words)


def pose(pixels: Pixels) -> Pose:
    """How the uint8 picture, grey or RGB, lies."""
    return poses(reduced(pixels)[None])[0]


def reduced(pixels: Pixels) -> Pixels:
    """The small grey picture, uint8 (SIDE, SIDE), by which `pixels` is judged."""
    small = resize(pixels, SIDE)
    return small if small.ndim == 2 else small.mean(axis=2).astype(np.uint8)


def poses(pictures: Pixels) -> list[Pose]:
    """How pictures lie that `reduced` gave, uint8 (n, SIDE, SIDE); in doubt upright and not inverted."""
    found = []
    for start in range(0, len(pictures), _AT_A_TIME):
        scores = (features(pictures[start : start + _AT_A_TIME]) - _probe()[0]) @ _probe()[1:].T
        best = scores.max(axis=1)
        sure = (best - scores[:, 0] > SURE) & (best > LIKE)
        found += [Pose(*POSES[place]) for place in np.where(sure, scores.argmax(axis=1), 0)]
    return found


def features(pictures: Pixels) -> npt.NDArray[np.float32]:
    """What the probe sees of uint8 (n, SIDE, SIDE) pictures: float32 (n, 384), the same for any brightness or contrast.

    First the levels of 16x16 squares in standard deviations, then in each of 4x4 cells the share of the edges that
    run in each of 8 directions, as its square root.
    """
    count = len(pictures)
    levels = pictures.astype(np.float32)
    levels -= levels.mean(axis=(1, 2), keepdims=True)
    levels /= levels.std(axis=(1, 2), keepdims=True) + np.float32(1e-3)
    square = SIDE // _COARSE
    coarse = levels.reshape(count, _COARSE, square, _COARSE, square).mean(axis=(2, 4)).reshape(count, -1)
    down, across = np.zeros_like(levels), np.zeros_like(levels)
    down[:, 1:-1] = levels[:, 2:] - levels[:, :-2]
    across[:, :, 1:-1] = levels[:, :, 2:] - levels[:, :, :-2]
    strength = np.hypot(across, down)
    direction = np.arctan2(down, across) % (2 * np.pi) * (_DIRECTIONS / (2 * np.pi))
    cell = SIDE // _CELLS
    edges = np.empty((count, _CELLS, _CELLS, _DIRECTIONS), np.float32)
    for place in range(_DIRECTIONS):
        apart = np.abs(direction - place)
        share = strength * np.clip(1 - np.minimum(apart, _DIRECTIONS - apart), 0, 1)
        edges[..., place] = share.reshape(count, _CELLS, cell, _CELLS, cell).sum(axis=(2, 4))
    flat = edges.reshape(count, -1)
    flat = np.sqrt(flat / (flat.sum(axis=1, keepdims=True) + np.float32(1e-6)))
    return np.concatenate([_LEVELS_WEIGHT * coarse, flat], axis=1).astype(np.float32)


@cache
def _probe() -> npt.NDArray[np.float32]:
    """The probe's table, float32 (9, 384): the mean of the features, then a row of weights for each of POSES."""
    return np.asarray(np.load(table_file(), allow_pickle=False), np.float32)


def table_file() -> Path:
    """Where the probe's table lies."""
    return Path(__file__).parent / "tables" / "orientation.npy"
