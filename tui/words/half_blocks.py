"""A picture in half blocks, two pixels a character: for a widget of the workbench as for a line on stdout."""

from typing import TYPE_CHECKING

from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

if TYPE_CHECKING:
    from engine.data.image.reader import Pixels

UPPER_HALF = "▀"


class HalfBlocks:
    """What Rich prints for RGB pixels, uint8 (h, w, 3) of even height: h / 2 lines of w characters."""

    def __init__(self, pixels: "Pixels") -> None:
        self.pixels = pixels

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines; each character's colour is its upper pixel, its ground the lower one."""
        for upper, lower in zip(self.pixels[::2].tolist(), self.pixels[1::2].tolist(), strict=True):
            for above, below in zip(upper, lower, strict=True):
                yield Segment(UPPER_HALF, Style.from_color(Color.from_rgb(*above), Color.from_rgb(*below)))
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as the picture, neither more nor less."""
        width = self.pixels.shape[1]
        return Measurement(width, width)
