"""What is painted in a terminal's own sixteen colours, without what makes letters hard to read there."""

from functools import lru_cache, partial

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.color import Color as AnyColor
from textual.filter import LineFilter

BRIGHT = 8
"""From here on the sixteen are the brighter ones."""
STILL_READ = 4
"""Blue: the one of the eight whose brighter form can be read on white as well."""


class FewColours(LineFilter):
    """Takes dim away, of which some terminals leave nothing, and bold where it would make letters brighter than can be
    read: many terminals, the Linux console among them, show it as a brighter colour.
    """

    def __init__(self, dark: bool) -> None:
        super().__init__()
        self._readable = lru_cache(1024)(partial(_readable, dark))

    def apply(self, segments: list[Segment], background: AnyColor) -> list[Segment]:
        """The same text in styles that can be read."""
        return [
            Segment(text, self._readable(style), control) if style and (style.dim or style.bold) else one
            for one in segments
            for text, style, control in (one,)
        ]


def _readable(dark: bool, style: Style) -> Style:
    if style.dim:
        style += Style(dim=False)
    ink = None if style.color is None else style.color.number
    pale = not dark and ink is not None and 0 < ink < BRIGHT and ink != STILL_READ
    return style + Style(bold=False) if style.bold and (pale or _turned(style)) else style


def _turned(style: Style) -> bool:
    """Is it turned round, or on another ground than the terminal's own in an ink that may become brighter?"""
    ink = None if style.color is None else style.color.number
    return bool(style.reverse) or (not _plain(style.bgcolor) and (ink is None or ink < BRIGHT))


def _plain(color: Color | None) -> bool:
    return color is None or color.is_default
