"""How a picture is looked at: which part of it, how large, and which of its levels go from black to white.

Pure arithmetic. A window is told by its two ends, as radiologists' viewers tell it by width and level: the levels, 0 to
255, that are drawn black and white; what lies between is spread evenly.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.data.image.reader import Pixels

WHITE = 255
MOST_ZOOM = 16.0
NARROWEST = 4
"""Levels that a window has at least between black and white."""


@dataclass(frozen=True)
class Part:
    """A rectangle of a picture, in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class View:
    """`zoom` 1 is the whole picture; (x, y), from 0 to 1, is the place in the middle; `width` and `level` are the span
    and the middle of the levels from black to white.
    """

    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5
    width: float = float(WHITE)
    level: float = WHITE / 2
    inverted: bool = False

    def zoomed(self, factor: float) -> "View":
        """Nearer by this factor, or farther away below 1; never smaller than whole."""
        return replace(self, zoom=min(MOST_ZOOM, max(1.0, self.zoom * factor)))

    def moved(self, right: float, down: float) -> "View":
        """Aside by so many times what is seen of the picture."""
        x, y = self.x + right / self.zoom, self.y + down / self.zoom
        return replace(self, x=min(1.0, max(0.0, x)), y=min(1.0, max(0.0, y)))

    def moved_within(self, right: float, down: float, height: int, width: int, shape: float) -> "View":
        """As `moved` of a picture, (height, width), on such a screen as `part` has, but no farther than to its edges;
        the same where there is nothing more on that side.
        """
        aside, now = self.moved(right, down), self.part(height, width, shape)
        if aside.part(height, width, shape) == now:
            return self
        edges = now.width / width / 2, now.height / height / 2
        x, y = (min(1 - edge, max(edge, place)) for edge, place in zip(edges, (aside.x, aside.y), strict=True))
        return replace(self, x=x, y=y)

    def windowed(self, wider: float = 0.0, higher: float = 0.0) -> "View":
        """With a window that is so many levels wider, and whose middle is so many levels higher."""
        width = min(float(WHITE), max(float(NARROWEST), self.width + wider))
        return replace(self, width=width, level=min(float(WHITE), max(0.0, self.level + higher)))

    def turned(self) -> "View":
        """White for black, and back."""
        return replace(self, inverted=not self.inverted)

    @property
    def ends(self) -> tuple[int, int]:
        """The levels that are drawn black and white; they may lie beyond those of a picture."""
        return round(self.level - self.width / 2), round(self.level + self.width / 2)

    @property
    def whole_window(self) -> bool:
        """Are the levels drawn as they are?"""
        return self.ends == View().ends

    def part(self, height: int, width: int, shape: float) -> Part:
        """What is seen of a picture, (height, width), on a screen that is `shape` times as wide as high."""
        scale = min(shape / width, 1 / height) * self.zoom  # heights of the screen in a pixel
        seen_width, seen_height = min(width, shape / scale), min(height, 1 / scale)
        columns, rows = max(1, round(seen_width)), max(1, round(seen_height))
        left = min(width - columns, max(0, round(self.x * width - columns / 2)))
        top = min(height - rows, max(0, round(self.y * height - rows / 2)))
        return Part(left, top, columns, rows)


def cut(pixels: "Pixels", part: Part) -> "Pixels":
    """The part of an image, (h, w) or (h, w, 3); it shares memory with the whole."""
    return pixels[part.top : part.top + part.height, part.left : part.left + part.width]


def levels(view: View) -> "npt.NDArray[np.uint8]":
    """What each level from 0 to 255 is drawn as: uint8 (256,), rising, or falling where the view is inverted."""
    import numpy as np

    black = view.level - view.width / 2
    shares = np.clip((np.arange(WHITE + 1) - black) / view.width, 0, 1)
    table = np.rint(WHITE * shares).astype(np.uint8)
    return np.asarray(WHITE - table) if view.inverted else table


def seen(pixels: "Pixels", view: View, shape: float) -> "Pixels":
    """What a view shows of an image, uint8 (h, w) or (h, w, 3), on a screen `shape` times as wide as high."""
    part = view.part(pixels.shape[0], pixels.shape[1], shape)
    found: Pixels = levels(view)[cut(pixels, part)]
    return found


def outline(mask: "npt.NDArray[np.bool_]", thickness: int = 1) -> "npt.NDArray[np.bool_]":
    """The inner edge of a mask (h, w), so many pixels thick; where it meets the picture's border it has one too."""
    import numpy as np

    inner = mask
    for _ in range(thickness):
        wide = np.pad(inner, 1)
        inner = wide[1:-1, 1:-1] & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return np.asarray(mask & ~inner)
