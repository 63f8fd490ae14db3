"""The histogram of a picture's levels."""

import numpy as np

from engine.data.image.reader import Pixels

BINS = 32
_STRIP = 2**20
"""Samples counted at a time: NumPy counts in eight bytes each."""


def histogram(pixels: Pixels, bins: int = BINS) -> np.ndarray:
    """How many samples of `pixels`, of all channels, lie in each of `bins` equal ranges of 0 to 255: int64 (bins,).

    256 must be a multiple of `bins`.
    """
    counts = np.zeros(bins, np.int64)
    for strip in np.array_split(pixels, max(1, pixels.size // _STRIP)):
        counts += np.bincount(strip.ravel() // (256 // bins), minlength=bins)
    return counts
