"""Which pictures are one and the same, whatever was done to a copy: cropped, turned, moved, framed, written on,
mirrored, inverted, stretched, blurred, compressed, or its grey levels changed.

All chest X-rays look alike, so whole pictures tell little. Pictures that share landmarks are proposed
(`candidates.py`), laid upon each other (`registration.py`), and are one where nearly every tile then agrees. What is
enough is no matter of how many copies there are: it is a fixed measure, which is stricter only where strangers are
shown to share landmarks, as drawings of one chest do.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.base.cancel import Stop
from engine.data.image.reader import Pixels, resize
from engine.data.parallel import spread
from engine.data.similarity.candidates import candidates, rank
from engine.data.similarity.landmarks import SIDE, Floats, Ints, Landmarks, landmarks, trimmed
from engine.data.similarity.registration import agreeing, close, fitted, grain

__all__ = ["SIDE", "Match", "border", "matches", "thumbnail"]

_VOTED, _SHARED = 3, 1  # pairs a picture, by their votes and by the landmarks that agree, that are laid upon each other
_AGREEING, _SHARE = 12, 0.25  # landmarks that agree, and their share, from which on a pair is
_TOGETHER, _FITS = 128, 32  # pairs worked on at a time
_STRANGE, _ENOUGH = (0.18, 0.22), (0.62, 2.42)  # share of landmarks that strangers have, and the evidence asked there
_SURE = 4.0  # evidence of tiles that agree entirely
_LIKELY, _GRAIN = 0.955, (0.74, 0.875)  # correlation of tiles from which on the grain is looked at, and what is enough


@dataclass(frozen=True, slots=True)
class Match:
    """Two pictures, by their places in the list, that are one: `second` is the first, cropped and changed."""

    first: int
    second: int
    similarity: float
    """Correlation of the two where they overlap, the median over tiles of an eighth of a side, 0 to 1."""
    mirrored: bool
    inverted: bool
    crop: tuple[float, float, float, float]
    """What is cut off the first one's left, top, right and bottom, as shares of its sides; negative where the second
    shows more than the first.
    """
    turn: float = 0.0
    """Degrees by which the second is turned clockwise."""
    framed: bool = False
    """Has one of them a margin of one grey that the other lacks?"""


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
    """Every pair of `thumbs`, uint8 (n, SIDE, SIDE), that shows one picture, as far as each is among another's nearest.

    The time grows little faster than n. `tick` hears the share that is done. Raises Stopped soon after `stop` is set.
    """
    from threadpoolctl import threadpool_limits

    if len(thumbs) < 2:
        return []
    with threadpool_limits(1, "blas"):  # the pictures are spread over the processors already
        found = landmarks(thumbs, lambda share: tick(0.35 * share), stop)
        pairs, voted = candidates(found, lambda share: tick(0.35 + 0.25 * share), stop)
        laid = _laid(found, pairs, lambda share: tick(0.6 + 0.15 * share), stop)
        chosen = _chosen(laid, voted)
        flipped = laid.pairs[chosen] * (1, 1, -1) + (0, 0, 1)
        strangers = _laid(found, flipped, lambda share: None, stop)
        usual = _usual(len(thumbs), laid, strangers)
        return _judged(thumbs, found, laid.of(chosen), usual, lambda share: tick(0.75 + 0.25 * share), stop)


@dataclass(frozen=True, eq=False)
class _Laid:
    """Pairs with what `agreeing` found of them."""

    pairs: Ints
    place: Floats
    agree: Floats
    share: Floats
    negative: npt.NDArray[np.bool_]

    def of(self, rows: Ints | slice) -> "_Laid":
        return _Laid(self.pairs[rows], self.place[rows], self.agree[rows], self.share[rows], self.negative[rows])


def _laid(found: Landmarks, pairs: Ints, tick: Callable[[float], None], stop: Stop | None) -> _Laid:
    count = len(pairs)
    place, negative = np.zeros((count, 2, 3), np.float32), np.zeros(count, bool)
    agree, share = np.zeros(count, np.float32), np.zeros(count, np.float32)
    starts = range(0, count, _TOGETHER)

    def lay(start: int) -> None:
        own = slice(start, start + _TOGETHER)
        place[own], agree[own], share[own], negative[own] = agreeing(found, pairs[own])

    with closing(spread(lay, starts, stop, 1)) as done:
        for start, _ in zip(starts, done, strict=True):
            tick(min(1.0, (start + _TOGETHER) / count))
    return _Laid(pairs, place, agree, share, negative)


def _chosen(laid: _Laid, voted: Ints) -> Ints:
    """Rows of the pairs worth a fit: of each picture those with the most votes, and the one that agrees best."""
    owners = laid.pairs[:, :2].T.reshape(-1)
    shared = rank(owners, np.tile(laid.share, 2)).reshape(2, -1).min(axis=0)
    near = (voted < _VOTED) | (shared < _SHARED)
    return np.flatnonzero(near & (laid.agree >= _AGREEING) & (laid.share >= _SHARE))


def _usual(count: int, laid: _Laid, strangers: _Laid) -> Floats:
    """Of each picture the share of landmarks that it has in common with strangers.

    That is the median over the pictures that are likest to it, and over those chosen as if one were mirrored:
    even where it has some copies most of these are strangers.
    """
    owners = np.concatenate([one.pairs[:, side] for one in (laid, strangers) for side in (0, 1)])
    shares = np.concatenate([one.share for one in (laid, strangers) for _ in (0, 1)])
    order = np.lexsort((shares, owners))
    starts = np.searchsorted(owners[order], np.arange(count + 1))
    places = starts[:-1] + (np.diff(starts) - 1) // 2
    usual = np.zeros(count, np.float32)
    known = np.diff(starts) > 0
    usual[known] = shares[order][places[known]]
    return usual


def _judged(
    thumbs: Pixels, found: Landmarks, laid: _Laid, usual: Floats, tick: Callable[[float], None], stop: Stop | None
) -> list[Match]:
    """The pairs that are one picture: each once, by its better fit."""

    def judge(start: int) -> list[Match]:
        own = laid.of(slice(start, start + _FITS))
        first, second, flips = own.pairs.T
        one = np.stack([trimmed(thumbs[place])[0] for place in first])
        other = np.stack([trimmed(thumbs[place])[0] for place in second])
        other[flips == 1] = other[flips == 1, :, ::-1]
        place, tiles = fitted(one, other, own.place, own.negative)
        told = ~np.isnan(tiles).all(axis=1)
        alike = np.zeros(len(tiles))
        alike[told] = np.nanmedian(tiles[told], axis=1)
        evidence = -np.log10(1 - np.clip(alike, 0, 1 - 10**-_SURE)) + close(found, own.pairs, place)
        enough = np.interp((usual[first] + usual[second]) / 2, _STRANGE, _ENOUGH)
        same = evidence >= enough
        doubtful = np.flatnonzero(~same & (alike >= _LIKELY))
        if len(doubtful):
            finest = grain(one[doubtful], other[doubtful], place[doubtful], own.negative[doubtful])
            same[doubtful] = (finest >= _GRAIN).any(axis=1)
        return [
            _match(own.pairs[row], place[row], float(alike[row]), bool(own.negative[row]), found.frames)
            for row in np.flatnonzero(same)
        ]

    starts = range(0, len(laid.pairs), _FITS)
    best: dict[tuple[int, int], Match] = {}
    with closing(spread(judge, starts, stop, 1)) as results:
        for start, result in zip(starts, results, strict=True):
            for match in result:
                pair = match.first, match.second
                if pair not in best or best[pair].similarity < match.similarity:
                    best[pair] = match
            tick(min(1.0, (start + _FITS) / len(laid.pairs)))
    return [best[pair] for pair in sorted(best)]


def _match(pair: Ints, place: Floats, alike: float, negative: bool, frames: Floats) -> Match:
    """What was done between two pictures, told from where the second's corners lie in the first."""
    first, second, flip = (int(value) for value in pair)
    frame = frames[second][[2, 1, 0, 3]] if flip else frames[second]
    place = (_whole(frames[first]) @ np.vstack([place, (0, 0, 1)]) @ np.linalg.inv(_whole(frame)))[:2]
    middle = (place @ np.array([(SIDE - 1) / 2, (SIDE - 1) / 2, 1])) + 0.5
    across, down = np.hypot(place[0, 0], place[1, 0]), np.hypot(place[0, 1], place[1, 1])
    turn = float(np.degrees(np.arctan2(place[1, 0] - place[0, 1], place[0, 0] + place[1, 1])))
    low = middle / SIDE - (across / 2, down / 2)
    high = 1 - middle / SIDE - (across / 2, down / 2)
    crop = tuple(float(value) for value in (*low, *high))
    framed = bool(np.abs(frames[first] - frame).max() >= 0.02)
    return Match(
        first, second, min(1.0, alike), bool(flip), negative, (crop[0], crop[1], crop[2], crop[3]), -turn, framed
    )


def _whole(frame: Floats) -> npt.NDArray[np.float64]:
    """The (3, 3) matrix from pixels of a picture without its margins to pixels of the whole one."""
    left, top, right, bottom = frame.astype(float)
    scales = 1 - left - right, 1 - top - bottom
    moves = left * SIDE + (scales[0] - 1) / 2, top * SIDE + (scales[1] - 1) / 2
    return np.array([[scales[0], 0, moves[0]], [0, scales[1], moves[1]], [0, 0, 1]])
