"""Which images look most alike to the frozen layers."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
AT_A_TIME = 512


def nearest(rows: npt.NDArray[np.floating], groups: Sequence[str], count: int) -> tuple[Ints, Floats]:
    """For each of rows (n, columns) the places of the `count` most alike, (n, count), and their likeness, -1 to 1.

    Likeness is the cosine between rows less the mean row. Rows of one group, such as copies and images of one patient,
    are no neighbours of each other. There are fewer than `count` where the images are fewer; where a row's own group
    leaves too few others, the rest are itself, with the likeness -1.
    """
    wide = np.asarray(rows, np.float32)
    wide = wide - wide.mean(axis=0)
    wide /= np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    _, own = np.unique(np.asarray(groups), return_inverse=True)
    count = min(count, len(wide) - 1)
    places, likeness = np.empty((len(wide), count), np.intp), np.empty((len(wide), count))
    for start in range(0, len(wide), AT_A_TIME):
        part = slice(start, start + AT_A_TIME)
        alike = wide[part] @ wide.T
        alike[own[part, None] == own[None]] = -2
        order = np.argsort(-alike, axis=1, kind="stable")[:, :count]
        places[part], likeness[part] = order, np.take_along_axis(alike, order, axis=1)
    none = likeness < -1.5
    places[none], likeness[none] = np.nonzero(none)[0], -1.0
    return places, likeness


def unlike(rows: npt.NDArray[np.floating], groups: Sequence[str], count: int) -> npt.NDArray[np.bool_]:
    """Which of rows (n, columns) are unlike every other, (n,).

    Those whose distance to their `count`th nearest row of another group lies far outside what is usual: more than FAR
    robust standard deviations (1.4826 times the median absolute deviation) of log distances above their median. The
    distance is that between the signed square roots of the rows, which keeps their size, as the cosine does not, and
    lets no single large activation decide: of photographs, a CT and an MR slice among real X-rays the least scores
    5.0 and no X-ray above 2.5; by the cosine a photograph scored 1.3 and an X-ray 1.4.
    """
    wide = np.asarray(rows, np.float32)
    wide = np.sign(wide) * np.sqrt(np.abs(wide))
    wide -= wide.mean(axis=0)  # the distances stay, and rounding takes less of them
    squares = (wide**2).sum(axis=1)
    _, own = np.unique(np.asarray(groups), return_inverse=True)
    distance, last = np.empty(len(wide)), min(count, len(wide) - 1) - 1
    for start in range(0, len(wide), AT_A_TIME):
        part = slice(start, start + AT_A_TIME)
        apart = squares[part, None] + squares[None] - 2 * (wide[part] @ wide.T)
        apart[own[part, None] == own[None]] = np.inf
        distance[part] = np.partition(apart, last, axis=1)[:, last]
    known = np.isfinite(distance)
    if not known.any():
        return known
    logs = np.log(np.maximum(np.where(known, distance, 1), 1e-12)) / 2
    middle = np.median(logs[known])
    spread = 1.4826 * np.median(np.abs(logs[known] - middle))
    return np.asarray(known & (logs > middle + FAR * max(spread, SLIGHT)))


FAR = 4.0
SLIGHT = 0.05
"""Least spread of log distances: a set of almost equal pictures makes no outlier of a picture that is 5% farther."""
