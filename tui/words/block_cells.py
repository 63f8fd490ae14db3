"""A picture in block characters, two to eight pixels each: for a widget of the workbench as for a line on stdout.

Measured beside chafa (chafa.py 1.2.0) by benchmarks/cells.py: as near to the picture, 1.7 to 4.6 times as fast where
Python needs the cells and not escapes, and with octants, which that one lacks.
"""

from functools import cache
from typing import TYPE_CHECKING, Literal

from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

if TYPE_CHECKING:
    import numpy as np

    from engine.data.image.reader import Pixels

Blocks = Literal["halfblock", "quadrant", "sextant", "octant"]
GRIDS: dict[Blocks, tuple[int, int]] = {"halfblock": (1, 2), "quadrant": (2, 2), "sextant": (2, 3), "octant": (2, 4)}
"""Pixels of a character, across and down."""
QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
OLDER_OCTANTS = {
    0x01: 0x1CEA8, 0x02: 0x1CEAB, 0x40: 0x1CEA3, 0x80: 0x1CEA0, 0x03: 0x1FB82, 0xC0: 0x2582, 0x3F: 0x1FB85,
    0xFC: 0x2586, 0x14: 0x1FBE6, 0x28: 0x1FBE7,
}  # fmt: skip
"""Patterns of eight that Unicode 16 already had under other names, beside those of the quadrants."""


@cache
def characters(kind: Blocks) -> str:
    """A character for each pattern of lit pixels; bit 0 is the first, then it goes to the right, then down."""
    match kind:
        case "halfblock":
            return " ▀▄█"
        case "quadrant":
            return QUADRANTS
        case "sextant":
            older = {0: " ", 21: "▌", 42: "▐", 63: "█"}
            return _counted_up(64, 0x1FB00, older)
        case "octant":
            halves = {_doubled(quadrant): QUADRANTS[quadrant] for quadrant in range(16)}
            return _counted_up(256, 0x1CD00, {**halves, **{place: chr(code) for place, code in OLDER_OCTANTS.items()}})


def _counted_up(patterns: int, first: int, older: dict[int, str]) -> str:
    """The characters from `first` on in the order of their patterns, but for those that are `older`."""
    signs = []
    for pattern in range(patterns):
        if pattern in older:
            signs.append(older[pattern])
        else:
            signs.append(chr(first))
            first += 1
    return "".join(signs)


def _doubled(quadrant: int) -> int:
    """The pattern of eight that looks like this one of four."""
    upper, lower = quadrant & 3, quadrant >> 2
    return upper | upper << 2 | lower << 4 | lower << 6


@cache
def _patterns(count: int) -> "np.ndarray":
    """Which of `count` pixels are lit, float32 (2 ** (count - 1), count): of a pattern and its reverse only one."""
    import numpy as np

    numbers = np.arange(2 ** (count - 1))
    return (numbers[:, None] >> np.arange(count) & 1).astype(np.float32)


def fitted_cells(pixels: "Pixels", kind: Blocks) -> "tuple[np.ndarray, Pixels, Pixels]":
    """Patterns, uint8 (rows, columns), with the colours of what they light and of the rest, uint8 (rows, columns, 3).

    `pixels` are uint8 RGB (h, w, 3), whose sides are multiples of those of the grid. Each character is the one of all
    patterns with two colours that is least off, by the sum of squares.
    """
    import numpy as np

    across, down = GRIDS[kind]
    height, width = pixels.shape[:2]
    rows, columns, count = height // down, width // across, across * down
    cells = pixels.reshape(rows, down, columns, across, 3).transpose(0, 2, 4, 1, 3).reshape(-1, count)
    values = cells.astype(np.float32)
    patterns = _patterns(count)
    lit = patterns.sum(axis=1)
    inside = (values @ patterns.T).reshape(rows * columns, 3, -1)
    whole = values.sum(axis=1).reshape(-1, 3, 1)
    # What two means explain of a sum of squares; nothing is lit by the first pattern, whose first part is 0.
    explained = (inside**2 / np.maximum(lit, 1) + (whole - inside) ** 2 / (count - lit)).sum(axis=1)
    best = explained.argmax(axis=1)
    taken = np.take_along_axis(inside, best[:, None, None], axis=2)[..., 0]
    ground = (whole[..., 0] - taken) / (count - lit[best])[:, None]
    front = np.where(lit[best][:, None] > 0, taken / np.maximum(lit[best], 1)[:, None], ground)

    def shaped(colours: "np.ndarray") -> "Pixels":
        return np.asarray(np.rint(colours).astype(np.uint8).reshape(rows, columns, 3))

    return best.astype(np.uint8).reshape(rows, columns), shaped(front), shaped(ground)


class _Styles(dict[tuple[int, ...], Style]):
    """Styles by their two colours. A style keeps what it was first written as, so each writing has its own."""

    def __missing__(self, colours: tuple[int, ...]) -> Style:
        style = self[colours] = Style.from_color(Color.from_rgb(*colours[:3]), Color.from_rgb(*colours[3:]))
        return style


class BlockCells:
    """What Rich prints for RGB pixels, uint8 (h, w, 3), whose sides are multiples of the grid's of `kind`."""

    def __init__(self, pixels: "Pixels", kind: Blocks = "halfblock") -> None:
        self.pixels, self.kind = pixels, kind

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines; in half blocks each character's colour is its upper pixel, its ground the lower one."""
        styles = _Styles()
        if self.kind == "halfblock":
            for upper, lower in zip(self.pixels[::2].tolist(), self.pixels[1::2].tolist(), strict=True):
                for above, below in zip(upper, lower, strict=True):
                    yield Segment("▀", styles[(*above, *below)])
                yield Segment.line()
            return
        signs = characters(self.kind)
        patterns, fronts, grounds = (part.tolist() for part in fitted_cells(self.pixels, self.kind))
        for row in zip(patterns, fronts, grounds, strict=True):
            for pattern, front, ground in zip(*row, strict=True):
                yield Segment(signs[pattern], styles[(*front, *ground)])
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as the picture, neither more nor less."""
        width = self.pixels.shape[1] // GRIDS[self.kind][0]
        return Measurement(width, width)
