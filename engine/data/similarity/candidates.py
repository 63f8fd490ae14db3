"""Pairs of pictures that share landmarks: each landmark votes for the pictures that have the likest ones.

Landmarks are sorted into cells by the nearest of some of themselves, and compared within cells, so that the work for a
picture hardly grows with their number. How many copies there are changes nothing: a picture's votes are for the likest
few landmarks of all, whatever the others are.
"""

from collections.abc import Callable
from contextlib import closing

import numpy as np
import numpy.typing as npt

from engine.base.cancel import Stop
from engine.data.parallel import spread
from engine.data.similarity.landmarks import MOST, Floats, Ints, Landmarks, mirrored

_A_CELL = 1024  # landmarks
_SEEDS, _ROUNDS = 32, 4  # landmarks a cell that its middle is found from, and how often it is moved
_CELLS = 3  # that a landmark is looked for in
_LIKE = 0.7  # correlation of two descriptors from which on one votes for the other
_WEIGHTS = np.array([6, 3, 2])  # of a landmark's first, second and third vote in a cell
_FEWEST, _PARTNERS = 12, 7  # weight of the votes for a pair, and pairs a picture, that are looked at closely
_BLOCK = 512  # pictures that vote at a time, which bounds the memory


def candidates(
    found: Landmarks, tick: Callable[[float], None] = lambda share: None, stop: Stop | None = None
) -> tuple[Ints, Ints]:
    """Rows (first, second, mirrored), each pair once and first < second, of pictures that may be one; and the place
    of each row among the rows of either picture, from 0, by the votes.
    """
    count = len(found.signs)
    real = np.flatnonzero(found.signs.reshape(-1))
    if len(real) == 0:
        return np.zeros((0, 3), np.intp), np.zeros(0, np.intp)
    known = found.descriptors.reshape(count * MOST, -1)
    middles = _middles(known[real])
    cells = _Cells(known, real, _nearest(known[real], middles, 1, stop)[:, 0], len(middles))
    votes = []
    starts = [(start, flip) for start in range(0, count, _BLOCK) for flip in (False, True)]
    for done, (start, flip) in enumerate(starts, start=1):
        own = real[(real >= start * MOST) & (real < (start + _BLOCK) * MOST)]
        asked = mirrored(found, slice(start, start + _BLOCK))[1] if flip else found.descriptors[start : start + _BLOCK]
        asked = asked.reshape(-1, known.shape[1])[own - start * MOST]
        votes.append(
            _best(_votes(cells, asked, own // MOST, _nearest(asked, middles, _CELLS, stop), stop), count, flip)
        )
        tick(done / len(starts))
    pairs = np.concatenate(votes)
    ranks = rank(pairs[:, 0], pairs[:, 3])
    pairs[:, :2].sort(axis=1)
    unique, row = np.unique(pairs[:, :3], axis=0, return_inverse=True)
    best = np.full(len(unique), len(pairs), np.intp)
    np.minimum.at(best, row.reshape(-1), ranks)
    return unique, best


def rank(owners: Ints, values: npt.NDArray[np.number]) -> Ints:
    """The place of each value among those of its owner, the highest being 0."""
    order = np.lexsort((-values, owners))
    places = np.empty(len(order), np.intp)
    places[order] = np.arange(len(order)) - np.searchsorted(owners[order], owners[order])
    return places


class _Cells:
    """The landmarks of all pictures by their cells."""

    def __init__(self, known: npt.NDArray[np.int8], real: Ints, cell: Ints, count: int) -> None:
        order = np.argsort(cell, kind="stable")
        self.landmarks = real[order]
        self.known = known
        self.starts = np.searchsorted(cell[order], np.arange(count + 1))

    def __getitem__(self, cell: int) -> tuple[Floats, Ints]:
        """Descriptors and pictures of a cell's landmarks."""
        members = self.landmarks[self.starts[cell] : self.starts[cell + 1]]
        return self.known[members].astype(np.float32) / np.float32(127), members // MOST


def _middles(known: npt.NDArray[np.int8]) -> Floats:
    """The middles of the cells, unit vectors (cells, d): spherical k-means on some landmarks, always the same."""
    dice = np.random.default_rng(0)
    count = max(1, len(known) // _A_CELL)
    some = known[dice.permutation(len(known))[: count * _SEEDS]].astype(np.float32)
    some /= np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1e-6)
    middles = some[:count].copy()
    for _ in range(_ROUNDS if count > 1 else 0):
        nearest = np.concatenate(
            [(some[at : at + 4096] @ middles.T).argmax(axis=1) for at in range(0, len(some), 4096)]
        )
        order = np.argsort(nearest, kind="stable")
        filled, starts = np.unique(nearest[order], return_index=True)
        middles[filled] = np.add.reduceat(some[order], starts, axis=0)
        middles /= np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-6)
    return middles


def _nearest(known: npt.NDArray[np.int8], middles: Floats, most: int, stop: Stop | None) -> Ints:
    """The nearest cells of each landmark, (m, most or fewer)."""
    most = min(most, len(middles))

    def near(start: int) -> Ints:
        likeness = known[start : start + 2048].astype(np.float32) @ middles.T
        return _highest(likeness, most)[0]

    with closing(spread(near, range(0, len(known), 2048), stop, 1)) as results:
        return np.concatenate([np.zeros((0, most), np.intp), *results])


def _highest(values: Floats, most: int) -> tuple[Ints, Floats]:
    """Places and values of the highest few of each row, which are spoilt."""
    rows = np.arange(len(values))
    places, heights = [], []
    for _ in range(most):
        place = values.argmax(axis=1)
        places.append(place)
        heights.append(values[rows, place])
        values[rows, place] = -2
    return np.stack(places, axis=1), np.stack(heights, axis=1)


def _votes(cells: _Cells, asked: npt.NDArray[np.int8], owners: Ints, near: Ints, stop: Stop | None) -> Ints:
    """Rows (picture, picture voted for, weight) by the landmarks `asked` of the pictures `owners`, a row a vote."""
    order = np.argsort(near, axis=None, kind="stable")
    starts = np.searchsorted(near.reshape(-1)[order], np.arange(len(cells.starts)))

    def poll(cell: int) -> Ints:
        rows = order[starts[cell] : starts[cell + 1]] // near.shape[1]
        known, pictures = cells[cell]
        if not (len(rows) and len(known)):
            return np.zeros((0, 3), np.intp)
        likeness = (asked[rows].astype(np.float32) / np.float32(127)) @ known.T
        likeness[owners[rows, None] == pictures] = -1
        places, heights = _highest(likeness, min(len(_WEIGHTS), len(known)))
        row, vote = like = np.nonzero(heights >= _LIKE)
        return np.stack([owners[rows[row]], pictures[places[like]], _WEIGHTS[vote]], axis=1)

    with closing(spread(poll, range(len(cells.starts) - 1), stop, 4)) as results:
        return np.concatenate([np.zeros((0, 3), np.intp), *results])


def _best(votes: Ints, count: int, flip: bool) -> Ints:
    """Rows (first, second, mirrored, votes) of the pairs with the most votes of each picture."""
    keys, row = np.unique(votes[:, 0] * count + votes[:, 1], return_inverse=True)
    number = np.bincount(row, votes[:, 2], len(keys)).astype(np.intp)
    first, second = np.divmod(keys, count)
    kept = (number >= _FEWEST) & (rank(first, number) < _PARTNERS)
    return np.stack([first[kept], second[kept], np.full(kept.sum(), int(flip)), number[kept]], axis=1)
