"""From samples of more bits to 8-bit levels: linearly, or as DICOM PS3.3 says for a file of that kind.

That is modality, values of interest, presentation. A grey value has at most 16 bits, so each step is worked out once
for every value that there can be, in float64, and the picture is looked up in the result.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float64]

WIDTHS = (8, 10, 12, 14, 16)
"""Bits a sample that detectors and scanners give."""
_STRIP = 2**20


@dataclass(frozen=True, eq=False)
class Table:
    """A lookup table: `data` for inputs from `first` on, of entries with `bits` bits."""

    first: int
    bits: int
    data: npt.NDArray[np.uint16]

    def at(self, values: Values) -> Values:
        """The entries for `values`; those outside of the table get its ends."""
        places = np.clip(np.floor(values) - self.first, 0, len(self.data) - 1).astype(np.intp)
        found: Values = self.data[places].astype(np.float64)
        return found


@dataclass(frozen=True)
class Window:
    """A window of values that spreads over all levels (PS3.3 C.11.2.1.2)."""

    center: float
    width: float
    function: str = "LINEAR"
    """LINEAR, LINEAR_EXACT or SIGMOID."""

    def at(self, values: Values) -> Values:
        """0 to 1 for each value."""
        center, width = self.center, self.width
        if self.function == "SIGMOID":
            with np.errstate(over="ignore"):
                return np.asarray(1 / (1 + np.exp(-4 * (values - center) / width)))
        if self.function == "LINEAR":
            center, width = center - 0.5, width - 1
        if width == 0:
            return (values > center).astype(np.float64)
        with np.errstate(over="ignore"):
            return np.clip((values - center) / width + 0.5, 0, 1)

    @property
    def valid(self) -> bool:
        """Does PS3.3 allow it?"""
        least = self.width >= 1 if self.function == "LINEAR" else self.width > 0
        return bool(np.isfinite(self.center) and np.isfinite(self.width) and least)


@dataclass(frozen=True, eq=False)
class Greys:
    """How a file's stored values become grey levels."""

    bits: int
    """Bits stored."""
    slope: float = 1.0
    intercept: float = 0.0
    modality: Table | None = None
    """Takes the place of slope and intercept."""
    voi: Table | Window | None = None
    inverted: bool = False
    """MONOCHROME1: the least value is white."""
    padding: tuple[int, int] | None = None
    """Stored values that are no part of the picture, both ends included."""


@cache
def levels(bits: int) -> Pixels:
    """The 8-bit level of each value of `bits` bits: linear and rounded."""
    top = 2**bits - 1
    found: Pixels = ((np.arange(top + 1, dtype=np.uint64) * 510 + top) // (2 * top)).astype(np.uint8)
    return found


def fewest_bits(brightest: int, declared: int) -> int:
    """The fewest of WIDTHS that hold the value `brightest`, and at most the `declared` ones.

    So coarse a measure is nearly always the same for all files of a source, which keeps them comparable, where the
    range of each file's own values never is.
    """
    return min(declared, next(bits for bits in WIDTHS if brightest < 2**bits))


def grey(stored: npt.NDArray[Any], how: Greys) -> tuple[Pixels, Window | Table | tuple[float, float]]:
    """The levels of `stored`, int or uint of 8 or 16 bits, and what spread over them: a window, a table, or a range.

    Where the file says nothing, it is all that 8 bits can hold, as in any 8-bit picture, and of more bits the range of
    the values that occur, without padding.
    """
    places, every = _looked_up(stored)
    values = _modality(every.astype(np.float64), how)
    found: Window | Table | tuple[float, float]
    if isinstance(how.voi, Window):
        found, shares = how.voi, how.voi.at(values)
    elif isinstance(how.voi, Table):
        found, shares = how.voi, how.voi.at(values) / (2**how.voi.bits - 1)
    else:
        found = low, high = _range(places, every, values, how)
        shares = np.clip((values - low) / (high - low), 0, 1) if high > low else np.zeros_like(values)
    shares = 1 - shares if how.inverted else shares
    return chosen(np.rint(255 * np.clip(shares, 0, 1)).astype(np.uint8), places), found


def chosen(table: Pixels, places: npt.NDArray[Any]) -> Pixels:
    """`table[places]`, a strip of rows at a time, as NumPy makes eight bytes of each place."""
    found: Pixels = np.empty((*places.shape, *table.shape[1:]), np.uint8)
    for part in _parts(places):
        found[part] = table[places[part]]
    return found


def _parts(places: npt.NDArray[Any]) -> Iterator[slice]:
    rows = max(1, _STRIP // places.shape[1])
    return (slice(top, top + rows) for top in range(0, len(places), rows))


def _looked_up(stored: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Where each of `stored` stands among all values of its type, and those values."""
    kind = np.dtype(f"u{stored.dtype.itemsize}")
    native = stored.dtype.newbyteorder("=")
    every = np.arange(2 ** (8 * kind.itemsize), dtype=np.uint32).astype(kind).view(native)
    return stored.astype(native, copy=False).view(kind), every


def _modality(values: Values, how: Greys) -> Values:
    """What stored values stand for. Raises ValueError where that is beyond all numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = how.modality.at(values) if how.modality else values * how.slope + how.intercept
    if not np.isfinite(found).all():
        raise ValueError("not finite")
    return found


def _range(places: npt.NDArray[Any], every: npt.NDArray[Any], values: Values, how: Greys) -> tuple[float, float]:
    if how.bits <= 8:
        span = np.arange(2**how.bits) - (2 ** (how.bits - 1) if every.dtype.kind == "i" else 0)
        ends = _modality(span.astype(np.float64), how)
        return float(ends.min()), float(ends.max())
    occurs = _occurring(places, len(every))
    if how.padding:
        real = occurs & ((every < how.padding[0]) | (every > how.padding[1]))
        occurs = real if real.any() else occurs
    return float(values[occurs].min()), float(values[occurs].max())


def _occurring(places: npt.NDArray[Any], count: int) -> npt.NDArray[np.bool_]:
    found = np.zeros(count, bool)
    for part in _parts(places):
        found[places[part]] = True
    return found


def colours(samples: npt.NDArray[Any], bits: int) -> Pixels:
    """Unsigned samples of `bits` bits as 8-bit ones: the upper 8 of more, and of fewer all of their range."""
    if bits < 8:
        table = levels(bits)
        return chosen(table, np.minimum(samples, len(table) - 1))
    found: Pixels = (samples >> (bits - 8) if bits > 8 else samples).astype(np.uint8)
    return found


def palette(stored: npt.NDArray[Any], tables: tuple[Table, ...]) -> Pixels:
    """The RGB colours, (height, width, 3), that the three tables give to stored values."""
    places, every = _looked_up(stored)
    found = [colours(table.at(every.astype(np.float64)).astype(np.uint16), table.bits) for table in tables]
    return chosen(np.stack(found, axis=1), places)
