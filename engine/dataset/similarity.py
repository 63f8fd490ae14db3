"""How alike two pictures are once one is cropped, mirrored and its grey levels scaled to fit the other.

All chest X-rays look alike, so a picture is described by its discrete cosine transform, each frequency weighted by its
height: that takes the brightness away and lets fine structure count as much as the common shape of a chest. Proposals
are found by tangent distance (Simard, LeCun, Denker 1993), for which a slight crop is no change at all; each is then
confirmed by fitting the crop (Gauss-Newton) and correlating what is left. Both are blocked matrix products, since the
perceptual hashes of one bit a frequency neither tell chests apart nor survive a crop.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from engine.dataset.images import Pixels, resize
from engine.dataset.parallel import spread
from engine.stopping import Stop

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]

SIDE = 64
"""Pixels on a side of the thumbnails that are compared."""
ALIKE, SURELY_ALIKE = 0.8, 0.98
"""Correlation from which on two fitted pictures are the same one: where strangers differ, and where they hardly do."""

_COARSE, _FINE = 12, 32  # frequencies along an axis that propose, and that confirm
_HEAVIER = {_COARSE: 1.0, _FINE: 1.5}  # power of the frequency that it is weighted by
_FLOOR = 0.93  # tangent similarity below which a pair is not proposed
_MOST = 3  # proposals a picture and way round
_FITTED, _BEST = 0.95, 2  # coarse similarity, and pairs a picture, that go on to the fine fit
_ANCHOR = 0.025  # the crop of each edge, as a share of the side, about which proposals are linear
_LEAST, _LARGEST = -0.02, 0.15  # crops of an edge that a fit may find
_FARTHEST = 0.03  # and the most that it moves in a step
_STEP = 0.004
_ROWS, _PAIRS = 128, 256  # pictures and pairs worked on at a time


@dataclass(frozen=True, slots=True)
class Match:
    """Two pictures, by their places in the list, that are one: `second` is the first, cropped and changed."""

    first: int
    second: int
    similarity: float
    """Correlation of the fitted pictures' weighted frequencies, ALIKE to 1."""
    mirrored: bool
    inverted: bool
    crop: tuple[float, float, float, float]
    """What is cut off the first one's left, top, right and bottom, as shares of its sides."""


def thumbnail(pixels: Pixels) -> Pixels:
    """The uint8 (SIDE, SIDE) grey picture that stands for `pixels` where pictures are compared."""
    small = resize(pixels, SIDE)
    return small if small.ndim == 2 else small.mean(axis=2).astype(np.uint8)


def border(thumb: Pixels) -> float:
    """Mean level, 0 to 255, of the outer twentieth of a thumbnail."""
    edge = SIDE // 20
    inner = thumb[edge:-edge, edge:-edge]
    return float((int(thumb.sum(dtype=np.int64)) - int(inner.sum(dtype=np.int64))) / (thumb.size - inner.size))


def matches(
    thumbs: Pixels, tick: Callable[[float], None] = lambda share: None, stop: Stop | None = None
) -> list[Match]:
    """Every pair of `thumbs`, uint8 (n, SIDE, SIDE), that shows one picture; n of them take time in n squared.

    `tick` hears the share that is done. Raises Stopped soon after `stop` is set.
    """
    if len(thumbs) < 2:
        return []
    proposed = np.concatenate([*_proposals(thumbs, lambda share: tick(0.5 * share), stop)])
    small = thumbs.reshape(len(thumbs), SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4), dtype=np.float32)
    crops = np.full((len(proposed), 4), _ANCHOR, np.float32)
    likeness, crops = _fits(small, proposed, crops, (_COARSE,) * 3, lambda share: tick(0.5 + 0.2 * share), stop)
    kept = _best(proposed[:, 0], np.where(np.abs(likeness) < _FITTED, 0, np.abs(likeness)))
    proposed, crops = proposed[kept], crops[kept]
    likeness, crops = _fits(thumbs, proposed, crops, (_FINE,) * 3, lambda share: tick(0.7 + 0.3 * share), stop)
    return _alike(len(thumbs), proposed, likeness, crops)


def _best(first: Ints, likeness: Floats) -> Ints:
    """Places of the _BEST pairs of each picture whose likeness is not 0."""
    order = np.lexsort((-likeness, first))
    begins = np.searchsorted(first[order], first[order])
    return np.sort(order[(np.arange(len(order)) - begins < _BEST) & (likeness[order] > 0)])


def _alike(count: int, pairs: Ints, likeness: Floats, crops: Floats) -> list[Match]:
    """The fitted pairs, out of `count` pictures, that are one picture: each once, by its better fit.

    Where even strangers come near each other, as drawings of one chest do, a pair must be five times as near as the
    nearest tenth of the pictures' neighbours, up to SURELY_ALIKE.
    """
    nearest = np.zeros(count, np.float32)
    np.maximum.at(nearest, pairs[:, 0], np.abs(likeness))
    enough = float(np.clip(1 - (1 - np.quantile(nearest, 0.9)) / 5, ALIKE, SURELY_ALIKE))
    found: dict[tuple[int, int], Match] = {}
    for (one, other, flip), alike, crop in zip(pairs.tolist(), likeness.tolist(), crops.tolist(), strict=True):
        pair = min(one, other), max(one, other)
        if abs(alike) >= enough and (pair not in found or found[pair].similarity < abs(alike)):
            found[pair] = Match(one, other, min(1.0, abs(alike)), bool(flip), alike < 0, tuple(crop))
    return [found[pair] for pair in sorted(found)]


def _proposals(thumbs: Pixels, tick: Callable[[float], None], stop: Stop | None) -> Iterator[Ints]:
    """Rows (first, second, mirrored) of pairs worth a fit: the most alike of each picture, cropped and mirrored."""
    whole, spans = _tangents(thumbs)
    flips = np.stack([whole, whole * _weights(_COARSE)[1]])
    blocks = [(flip, start) for flip in (0, 1) for start in range(0, len(thumbs), _ROWS)]

    def propose(block: tuple[int, int]) -> Ints:
        flip, start = block
        span = spans[:, start : start + _ROWS]
        height = span.shape[1]
        products = (span.reshape(-1, span.shape[2]) @ flips[flip].T).reshape(len(span), height, -1)
        likeness = np.einsum("kmn,kmn->mn", products, products)
        likeness[np.arange(height), np.arange(start, start + height)] = 0
        few = min(_MOST, len(thumbs) - 1)
        best = np.argpartition(likeness, -few, axis=1)[:, -few:]
        row, place = np.nonzero(np.take_along_axis(likeness, best, axis=1) >= _FLOOR**2)
        return np.stack([row + start, best[row, place], np.full(len(row), flip)], axis=1)

    with closing(spread(propose, blocks, stop, 1)) as results:
        for done, result in enumerate(results, start=1):
            yield result
            tick(done / len(blocks))


def _tangents(thumbs: Pixels) -> tuple[Floats, Floats]:
    """Unit descriptors of the pictures, float32 (n, d), and orthonormal spans (5, n, d) of what slight crops make."""
    count = len(thumbs)
    wholes, spans = [], []
    for start in range(0, count, 1024):
        part = thumbs[start : start + 1024].astype(np.float32)
        wholes.append(_unit(_crops(part, np.zeros((1, 4), np.float32), _COARSE)[0]))
        value, slopes = _crops(part, np.full((1, 4), _ANCHOR, np.float32), _COARSE)
        value = _unit(value)
        slopes = slopes - value[..., None] * np.einsum("nd,ndk->nk", value, slopes)[:, None]
        directions = np.linalg.qr(slopes)[0]
        directions[np.linalg.norm(value, axis=1) == 0] = 0  # a flat picture is like none
        spans.append(np.concatenate([value[None], np.moveaxis(directions, 2, 0)]))
    return np.concatenate(wholes), np.ascontiguousarray(np.concatenate(spans, axis=1))


def _fits(
    pictures: Pixels | Floats,
    pairs: Ints,
    crops: Floats,
    steps: Sequence[int],
    tick: Callable[[float], None],
    stop: Stop | None,
) -> tuple[Floats, Floats]:
    """Likeness of each pair, negative where inverted, and its crop, fitted from `crops` in `steps` of frequencies."""
    starts = list(range(0, len(pairs), _PAIRS))
    likeness = np.zeros(len(pairs), np.float32)

    def fit(start: int) -> tuple[Floats, Floats]:
        part = slice(start, start + _PAIRS)
        one, other = (pictures[pairs[part, side]].astype(np.float32) / np.float32(255) for side in (0, 1))
        return _fit(one, np.where(pairs[part, 2, None, None] == 1, other[:, :, ::-1], other), crops[part], steps)

    with closing(spread(fit, starts, stop, 1)) as results:
        for start, result in zip(starts, results, strict=True):
            likeness[start : start + _PAIRS], crops[start : start + _PAIRS] = result
            tick(start / len(pairs))
    return likeness, crops


def _fit(one: Floats, other: Floats, crop: Floats, steps: Sequence[int]) -> tuple[Floats, Floats]:
    """Likeness and crops of pictures `one` fitted to `other`, both (n, side, side) with levels 0 to 1: Gauss-Newton.

    The levels are fitted with the crop, by a cubic: that undoes changes of brightness, contrast and gamma and most of
    what was cut off in the brightest and darkest parts. The likeness is the multiple correlation with the cubic.
    """
    for step, count in enumerate(steps):
        target = _unit(_crops(other, np.zeros((1, 4), np.float32), count)[0])
        value, slopes = _crops(one, crop, count)
        square, cube = (_crops(one**power, crop, count, slopes=False)[0] for power in (2, 3))
        system = np.stack([value, square, cube], axis=2)
        if step == len(steps) - 1:
            break
        answer = _solved(np.concatenate([system, slopes], axis=2), target)
        levels = one.mean(axis=(1, 2))[:, None]
        gain = answer[:, :1] + 2 * answer[:, 1:2] * levels + 3 * answer[:, 2:3] * levels**2
        move = answer[:, 3:] / np.where(np.abs(gain) < 1e-9, np.inf, gain)
        crop = np.clip(crop + np.clip(move, -_FARTHEST, _FARTHEST), _LEAST, _LARGEST).astype(np.float32)
    residual = target - np.einsum("ndi,ni->nd", system, _solved(system, target))
    explained = np.sqrt(np.clip(np.sum(target**2, axis=1) - np.sum(residual**2, axis=1), 0, 1))
    likeness = np.copysign(explained, np.einsum("nd,nd->n", value, target))
    return likeness.astype(np.float32), crop.astype(np.float32)


def _solved(system: Floats, target: Floats) -> Floats:
    """Least squares of (n, d, k) systems for (n, d) targets, with a touch of ridge against what does not matter."""
    scale = np.maximum(np.linalg.norm(system, axis=1), 1e-9)
    system = system / scale[:, None]
    normal = np.einsum("ndi,ndj->nij", system, system, optimize=True) + 1e-5 * np.eye(system.shape[2], dtype=np.float32)
    answer: Floats = np.linalg.solve(normal, np.einsum("ndi,nd->ni", system, target)[..., None])[..., 0]
    answer = (answer / scale).astype(np.float32)
    return answer


def _crops(pictures: Floats, crop: Floats, count: int, slopes: bool = True) -> tuple[Floats, Floats]:
    """Weighted frequencies of cropped pictures, (n, d), and how they change with each of the four crops, (n, d, 4).

    `pictures` are (n, side, side); `crop` holds left, top, right and bottom, of each picture or of all: (n or 1, 4).
    """
    weights = _weights(count)[0]
    side = pictures.shape[1]
    across = _axis(crop[:, 0], crop[:, 2], count, side, slopes)
    down = _axis(crop[:, 1], crop[:, 3], count, side, slopes)
    rows = down[0] @ pictures
    products = [rows @ np.swapaxes(across[0], 1, 2)]
    if slopes:
        columns = pictures @ np.swapaxes(across[0], 1, 2)
        left, right = (rows @ np.swapaxes(slope, 1, 2) for slope in across[1:])
        products += [left, down[1] @ columns, right, down[2] @ columns]
    flat: Floats = np.stack([(product * weights)[:, weights > 0] for product in products], axis=2).astype(np.float32)
    return flat[..., 0], flat[..., 1:]


def _axis(low: Floats, high: Floats, count: int, side: int, slopes: bool) -> list[Floats]:
    """Matrices (m, count, side) that crop one axis and transform it, and their slopes in the two crops."""
    cosines = _cosines(count, side)
    value = cosines @ _resampling(low, high, side)
    if not slopes:
        return [value]
    moved = (_resampling(low + _STEP, high, side), _resampling(low, high + _STEP, side))
    return [value, *((cosines @ matrix - value) / _STEP for matrix in moved)]


def _resampling(low: Floats, high: Floats, side: int) -> Floats:
    """Matrices (m, side, side) that stretch an axis without its cropped ends to its whole length, linearly."""
    places = np.arange(side, dtype=np.float32)
    at = low[:, None] * side + (places + 0.5) * (1 - low - high)[:, None] - 0.5
    at = np.clip(at, 0, side - 1)
    matrices: Floats = np.maximum(0, 1 - np.abs(at[:, :, None] - places)).astype(np.float32)
    return matrices


@cache
def _cosines(count: int, side: int) -> Floats:
    """The first `count` rows of the orthonormal DCT-II of length `side`."""
    places = 2 * np.arange(side) + 1
    angles = np.pi * places * np.arange(count)[:, None] / (2 * side)
    rows: Floats = (np.cos(angles) * np.sqrt(2 / side)).astype(np.float32)
    rows[0] /= np.float32(np.sqrt(2))
    return rows


@cache
def _weights(count: int) -> tuple[Floats, Floats]:
    """The weight of each frequency, (count, count), 0 where it is left out; and the signs that mirror those kept."""
    across, down = np.meshgrid(np.arange(count), np.arange(count))
    height = np.hypot(across, down)
    weights = np.where((height > 0) & (height < count), height ** _HEAVIER[count], 0).astype(np.float32)
    signs = (1.0 - 2.0 * (across % 2))[weights > 0]
    return weights, signs.astype(np.float32)


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(lengths > 1e-3, vectors / np.maximum(lengths, 1e-12), 0).astype(np.float32)
