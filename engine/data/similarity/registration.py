"""Two pictures laid upon each other: how one is moved, turned and scaled to fit the other, and how well it then does.

The place is found from landmarks that agree on one (two of them propose it, the rest are counted, as RANSAC does), then
made exact on the pictures themselves (Gauss-Newton, Baker and Matthews 2004). All is done for many pairs at once.
A place is a matrix (2, 3) that takes x, y and 1 of the second picture, in pixels, to x and y of the first.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from engine.data.image.reader import Pixels
from engine.data.similarity.landmarks import MOST, SIDE, Floats, Ints, Landmarks, gaussian, mirrored

Bools = npt.NDArray[np.bool_]

_LIKE = 0.6  # correlation of two descriptors that may be one landmark
_RIGHT, _ALIKE_THERE = 0.7, 0.5  # pixels within which, and correlation from which on, one lies right upon another
_RIM = 3.0  # pixels at the edge of a picture where landmarks come and go
_PROPOSING = 14  # landmarks of a pair, two of which propose a place
_SMALLEST, _LARGEST, _TURN = 0.6, 1.67, 0.16  # scales and turn, in radians, that are proposed
_NEAR = (6.0, 4.0, 3.0)  # pixels that a landmark may be off, while the place is made better
_STEP, _ROUNDS = 2, 4  # pixels between those that are fitted and judged, and rounds of fitting
_AROUND, _BLUR, _FAINT = 5.0, 1.0, 3.0  # the surroundings that norm what is judged, and its blur, in pixels; levels
_ODD = 0.3  # normed levels from which on a difference weighs less, as writing does
_TILE, _SEEN = 8, 0.7  # fitted pixels along a tile, and its share that both show
_OVERLAID = 6.0  # contrasts that tell of writing
_GRAIN = ((0.5, 25), (0.8, 50))  # blurs in pixels that the finest is taken above, and percentiles over the tiles
_GRAIN_TILE, _GRAIN_AROUND, _GRAIN_FAINT = (
    16,
    4.0,
    0.25,
)  # pixels along a tile, surroundings that norm it, levels squared


def agreeing(found: Landmarks, pairs: Ints) -> tuple[Floats, Floats, Floats, Bools]:
    """For each row (first, second, mirrored): the place (m, 2, 3), how many landmarks agree on it, which share that is
    of those that could, and is one picture the other's negative?
    """
    one = found.places[pairs[:, 0]]
    other, there = _second(found, pairs)
    likeness = there @ np.swapaxes(found.descriptors[pairs[:, 0]].astype(np.float32), 1, 2) / np.float32(127**2)
    apart = np.abs(np.log(np.maximum(other[:, :, None, 2], 1) / np.maximum(one[:, None, :, 2], 1)))
    likeness[apart > np.log(_LARGEST)] = 0
    rows = np.arange(len(pairs))[:, None]
    partner = likeness.argmax(axis=2)
    like = np.take_along_axis(likeness, partner[..., None], axis=2)[..., 0]
    signs = found.signs[pairs[:, 1]] * found.signs[pairs[:, 0]][rows, partner]
    likely = np.where(like >= _LIKE, like, 0)
    negative: Bools = (likely * (signs < 0)).sum(axis=1) > (likely * (signs > 0)).sum(axis=1)
    weight = np.where(signs == np.where(negative, -1, 1)[:, None], likely, 0).astype(np.float32)
    source, target = other[..., :2], one[rows, partner, :2]
    place = _proposed(source, target, weight)
    for near in _NEAR:
        held = weight * (_distances(place, source, target) < near)
        place = _least_squares(source, target, held, place)
    held = weight * (_distances(place, source, target) < _NEAR[-1])
    count = _distinct(partner, held)
    could = np.maximum(_shared(place, one, other, found.signs, pairs), np.float32(_PROPOSING))
    return place, count, (count / could).astype(np.float32), negative


def _shared(place: Floats, one: Floats, other: Floats, signs: npt.NDArray[np.int8], pairs: Ints) -> Floats:
    """How many landmarks of the picture that has fewer there lie where the two overlap."""
    square = np.tile(np.eye(3, dtype=np.float32), (len(place), 1, 1))
    square[:, :2] = place
    back = np.linalg.inv(square)[:, :2].astype(np.float32)
    sides = ((place, other, pairs[:, 1]), (back, one, pairs[:, 0]))
    numbers = [(_inside(matrix, places) & (signs[owners] != 0)).sum(axis=1) for matrix, places, owners in sides]
    fewer: Floats = np.minimum(*numbers).astype(np.float32)
    return fewer


def close(found: Landmarks, pairs: Ints, place: Floats) -> Floats:
    """Share of the second pictures' landmarks, where the two overlap, that lie right upon one of the first's."""
    one, here = found.places[pairs[:, 0]], found.descriptors[pairs[:, 0]].astype(np.float32)
    other, there = _second(found, pairs)
    off = (other[..., :2] @ np.swapaxes(place[:, :, :2], 1, 2) + place[:, None, :, 2])[:, :, None] - one[:, None, :, :2]
    inside = _inside(place, other) & (found.signs[pairs[:, 1]] != 0)
    like = there @ np.swapaxes(here, 1, 2) > _ALIKE_THERE * np.float32(127**2)
    right = ((np.hypot(off[..., 0], off[..., 1]) < _RIGHT) & like).any(axis=2) & inside
    share: Floats = (right.sum(axis=1) / np.maximum(inside.sum(axis=1), 1)).astype(np.float32)
    return share


def _second(found: Landmarks, pairs: Ints) -> tuple[Floats, Floats]:
    """Places and descriptors of the second pictures, mirrored where they are to be."""
    places, descriptors = found.places[pairs[:, 1]].copy(), found.descriptors[pairs[:, 1]].astype(np.float32)
    flips = np.flatnonzero(pairs[:, 2])
    if len(flips):
        places[flips], descriptors[flips] = mirrored(found, pairs[flips, 1])
    return places, descriptors


def _inside(place: Floats, points: Floats) -> Bools:
    """Which points lie well within the picture once they are placed."""
    moved = points[..., :2] @ np.swapaxes(place[:, :, :2], 1, 2) + place[:, None, :, 2]
    inside: Bools = np.all((moved >= _RIM) & (moved <= SIDE - 1 - _RIM), axis=2)
    return inside


def _distinct(partner: Ints, held: Floats) -> Floats:
    """How many landmarks of the first are held, each once."""
    seen = np.zeros((len(held), MOST), bool)
    row, column = np.nonzero(held)
    seen[row, partner[row, column]] = True
    count: Floats = seen.sum(axis=1).astype(np.float32)
    return count


def _distances(place: Floats, source: Floats, target: Floats) -> Floats:
    moved = source @ np.swapaxes(place[:, :, :2], 1, 2) + place[:, None, :, 2]
    apart: Floats = np.hypot(moved[..., 0] - target[..., 0], moved[..., 1] - target[..., 1])
    return apart


@cache
def _couples() -> tuple[Ints, Ints]:
    return np.triu_indices(_PROPOSING, 1)


def _proposed(source: Floats, target: Floats, weight: Floats) -> Floats:
    """The place that most landmarks agree on, of those that two of the likest propose: scaled, turned, moved."""
    likest = np.argpartition(-weight, _PROPOSING, axis=1)[:, :_PROPOSING]
    before, after = (points[..., 0] + 1j * points[..., 1] for points in (source, target))
    few, there = (np.take_along_axis(points, likest, axis=1) for points in (before, after))
    one, other = _couples()
    away = few[:, one] - few[:, other]
    scale = (there[:, one] - there[:, other]) / np.where(np.abs(away) < 8, np.inf, away)
    move = there[:, one] - scale * few[:, one]
    size = np.abs(scale)
    fair = (size > _SMALLEST) & (size < _LARGEST) & (np.abs(np.angle(scale)) < _TURN)
    off = np.abs(scale[:, :, None] * before[:, None] + move[:, :, None] - after[:, None])
    support = (weight[:, None] * np.maximum(0, 1 - off / _NEAR[0])).sum(axis=2) * fair
    best = support.argmax(axis=1)
    rows = np.arange(len(best))
    scale, move = np.where(support[rows, best] > 0, scale[rows, best], 1), move[rows, best]
    place = np.stack([scale.real, -scale.imag, move.real, scale.imag, scale.real, move.imag], axis=1)
    return place.reshape(-1, 2, 3).astype(np.float32)


def _least_squares(source: Floats, target: Floats, weight: Floats, guess: Floats) -> Floats:
    """The affine place that fits weighted points best, held near `guess` by a little where few points tell."""
    points = np.concatenate([(source - SIDE / 2) / SIDE, np.ones_like(source[..., :1])], axis=2)
    moved = source @ np.swapaxes(guess[:, :, :2], 1, 2) + guess[:, None, :, 2]
    normal = np.einsum("mki,mk,mkj->mij", points, weight, points, optimize=True) + 0.05 * np.eye(3, dtype=np.float32)
    answer = np.linalg.solve(normal, np.einsum("mki,mk,mkj->mij", points, weight, target - moved, optimize=True))
    change = np.swapaxes(answer, 1, 2)
    place = guess.copy()
    place[:, :, :2] += change[:, :, :2] / SIDE
    place[:, :, 2] += change[:, :, 2] - change[:, :, :2].sum(axis=2) / 2
    return place


def fitted(first: Pixels, second: Pixels, place: Floats, negative: Bools) -> tuple[Floats, Floats]:
    """Places made exact, and the correlation of each tile there, NaN where the two don't overlap or show nothing.

    `first` and `second` are trimmed pictures, uint8 (m, SIDE, SIDE), the second one mirrored already where it is.
    """
    blur = gaussian(_BLUR)
    one, other = (blur @ pictures.astype(np.float32) @ blur.T for pictures in (first, second))
    sign = np.where(negative, -1, 1).astype(np.float32)[:, None, None]
    for _ in range(_ROUNDS):
        place = _closer(place, *_laid(one, other, place, sign)[:3])
    return place, _tiles(*_laid(one, other, place, sign))


def grain(first: Pixels, second: Pixels, place: Floats, negative: Bools) -> Floats:
    """Correlation of what is finest in two pictures that were laid upon each other as `fitted` says: (m, 2).

    Noise and edges a pixel wide stay where they are however the grey levels are changed, and those of strangers differ
    even where the same chest is drawn. It is taken tile by tile, at two widths: of the finest the lower quartile over
    the tiles, of the next the median. 0 where the two hardly overlap.
    """
    moved, mask = _sampled(first.astype(np.float32), place, 1)
    still = second.astype(np.float32)
    around, sign = gaussian(_GRAIN_AROUND), np.where(negative, -1, 1).astype(np.float32)[:, None]
    found = []
    for width, share in _GRAIN:
        blur = gaussian(width)
        one, two = (levels - blur @ levels @ blur.T for levels in (moved, still))
        one, two = (own / np.sqrt(around @ (own * own) @ around.T + np.float32(_GRAIN_FAINT)) for own in (one, two))
        both, *own = (
            _summed((left * right * mask).astype(np.float32)) for left, right in ((one, two), (one, one), (two, two))
        )
        tiles = sign * both / np.sqrt(np.maximum(own[0] * own[1], np.float32(1e-6)))
        tiles[_summed(mask) < _SEEN * _GRAIN_TILE**2] = np.nan
        told = ~np.isnan(tiles).all(axis=1)
        value = np.zeros(len(tiles), np.float32)
        value[told] = np.nanpercentile(tiles[told], share, axis=1)
        found.append(value)
    return np.stack(found, axis=1).astype(np.float32)


def _summed(values: Floats) -> Floats:
    """Sums over tiles of whole pictures (m, SIDE, SIDE): (m, tiles)."""
    many = SIDE // _GRAIN_TILE
    sums: Floats = values.reshape(-1, many, _GRAIN_TILE, many, _GRAIN_TILE).sum(axis=(2, 4))
    return sums.reshape(len(values), -1)


@cache
def _grid(step: int = _STEP) -> Floats:
    """x, y and 1 of the middle of every `step` by `step` pixels, (3, pixels)."""
    places = np.arange(SIDE // step, dtype=np.float32) * step + (step - 1) / 2
    x, y = np.meshgrid(places, places)
    return np.stack([x.ravel(), y.ravel(), np.ones(x.size)]).astype(np.float32)


def _sampled(pictures: Floats, place: Floats, step: int = _STEP) -> tuple[Floats, Floats]:
    """The pictures at the grid's pixels once these are placed, (m, side, side); and 1 where they lie in the picture."""
    at = place @ _grid(step)
    inside = ((at >= 0) & (at <= SIDE - 1)).all(axis=1)
    np.clip(at, 0, SIDE - 1.001, out=at)
    corner = at.astype(np.int32)
    at -= corner
    spot = corner[:, 1] * SIDE + corner[:, 0] + (np.arange(len(place), dtype=np.int32) * SIDE * SIDE)[:, None]
    flat = pictures.reshape(-1)
    across, down = at[:, 0], at[:, 1]
    upper: Floats = flat.take(spot)
    lower: Floats = flat.take(spot + SIDE)
    upper += across * (flat.take(spot + 1) - upper)
    lower += across * (flat.take(spot + SIDE + 1) - lower)
    upper += down * (lower - upper)
    side = SIDE // step
    return upper.reshape(-1, side, side), inside.reshape(-1, side, side).astype(np.float32)


def _laid(one: Floats, other: Floats, place: Floats, sign: Floats) -> tuple[Floats, Floats, Floats, list[Floats]]:
    """The first picture laid upon the second and that one itself, normed where both are; where that is; and both as
    differences from their surroundings alone.
    """
    moved, mask = _sampled(one, place)
    still: Floats = other.reshape(len(other), SIDE // _STEP, _STEP, SIDE // _STEP, _STEP).mean(axis=(2, 4))
    around = gaussian(_AROUND / _STEP, SIDE // _STEP)
    weight: Floats = np.maximum(around @ mask @ around.T, np.float32(1e-3))
    raw: list[Floats] = [(levels - (around @ (levels * mask) @ around.T) / weight) * mask for levels in (moved, still)]
    contrast = [
        np.sqrt(np.maximum(around @ (levels * levels) @ around.T / weight, np.float32(0))) + np.float32(_FAINT)
        for levels in raw
    ]
    return raw[0] / contrast[0], sign * raw[1] / contrast[1], mask, raw


def _closer(place: Floats, moved: Floats, still: Floats, mask: Floats) -> Floats:
    """A round of Gauss-Newton; what differs much, as writing does, weighs little."""
    count = len(place)
    slopes = np.gradient((moved + still) / 2, _STEP, axis=(2, 1))
    middle = np.float32(SIDE / 2)
    x, y, ones = _grid()
    points = np.stack([(x - middle) / SIDE, (y - middle) / SIDE, ones])
    steepest = (np.stack([slope.reshape(count, 1, -1) for slope in slopes], axis=1) * points).reshape(count, 6, -1)
    error = (moved - still).reshape(count, -1)
    weight = mask.reshape(count, -1) / (1 + (error / np.float32(_ODD)) ** 2)
    weighted = steepest * weight[:, None]
    normal = weighted @ np.swapaxes(steepest, 1, 2)
    normal += (1e-4 * np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-4) * np.eye(6, dtype=np.float32)
    change = np.linalg.solve(normal, weighted @ error[..., None])[..., 0].reshape(-1, 2, 3)
    change = np.clip(change, -_NEAR[0], _NEAR[0])
    whole = np.zeros((count, 3, 3), np.float32)
    whole[:, :2, :2] = change[:, :, :2] / SIDE
    whole[:, :2, 2] = change[:, :, 2] - middle * whole[:, :2, :2].sum(axis=2)
    whole += np.eye(3, dtype=np.float32)
    closer: Floats = (place @ np.linalg.inv(whole)).astype(np.float32)  # what moves one forward moves the other back
    return closer


def _tiles(moved: Floats, still: Floats, mask: Floats, raw: list[Floats]) -> Floats:
    """Correlation of the two in each tile, (m, tiles); NaN too where one has far more contrast, as writing has."""
    one, two, seen = _cut(moved), _cut(still), _cut(mask)
    area = np.maximum(seen.sum(axis=2), 1)
    one, two = ((part - ((part * seen).sum(axis=2) / area)[..., None]) * seen for part in (one, two))
    energies = [np.einsum("mtp,mtp->mt", part, part) / area for part in (one, two)]
    both = np.einsum("mtp,mtp->mt", one, two) / area
    told = (area >= _SEEN * _TILE**2) & (np.minimum(*energies) > 0.01)
    first, second = ((_cut(levels) ** 2).mean(axis=2) + 1 for levels in raw)
    ratio = np.where(told, np.log(first / second), np.nan)
    usual = np.array([np.median(own[known]) if (known := ~np.isnan(own)).any() else 0 for own in ratio])
    told &= np.abs(np.nan_to_num(ratio) - usual[:, None]) < np.log(_OVERLAID)
    return np.where(told, both / np.sqrt(np.maximum(energies[0] * energies[1], 1e-9)), np.nan).astype(np.float32)


def _cut(values: Floats) -> Floats:
    """Pictures (m, side, side) as tiles, (m, tiles, pixels)."""
    many = values.shape[1] // _TILE
    return values.reshape(-1, many, _TILE, many, _TILE).swapaxes(2, 3).reshape(-1, many * many, _TILE * _TILE)
