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


def unlike(likeness: Floats) -> npt.NDArray[np.bool_]:
    """Which images, (n,), are unlike every other, by the likeness of their neighbours (n, count).

    Those whose distance to the last of their neighbours lies far outside what is usual: more than FAR robust standard
    deviations (1.4826 times the median absolute deviation) of log distances above their median.
    """
    distance = np.log(np.maximum(1 - likeness[:, -1], 1e-6))
    middle = np.median(distance)
    spread = 1.4826 * np.median(np.abs(distance - middle))
    return np.asarray(distance > middle + FAR * max(spread, SLIGHT))


FAR = 4.0
SLIGHT = 0.05
"""Least spread of log distances: a set of almost equal pictures makes no outlier of a picture that is 5% farther."""
