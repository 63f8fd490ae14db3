"""The colours of terminals that have sixteen, as a reader meets them: what nobody but the terminal decides."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.color import Color as Ink
from rich.color import ColorType
from rich.style import Style
from textual.color import Color


def _palette(colours: str) -> tuple[Color, ...]:
    return tuple(Color.parse(f"#{colour}") for colour in colours.split())


XTERM = _palette(
    "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff"
)
"""From xterm's XTerm-col.ad."""
CONSOLE = _palette(
    "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa 555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff"
)
"""Of the Linux console, which is VGA's."""
OWN = {"ansi-dark": (7, 0), "ansi-light": (0, 15)}
"""Of a terminal for which the theme is made: its ink and its ground where nothing is said."""


@dataclass(frozen=True)
class Seen:
    """One way in which a terminal paints a style: ink and ground, and how that comes about."""

    ink: Color
    ground: Color
    how: str


def ways(style: Style, theme: str) -> Iterator[Seen]:
    """All ways in which terminals of sixteen colours paint a style. Bold is thick with one, with another a brighter
    ink, of the palette's other half; and the console keeps what is bright with the letter when it turns a pair round.
    """
    own_ink, own_ground = OWN[theme]
    for name, palette in (("xterm", XTERM), ("console", CONSOLE)):
        ink, ground = _number(style.color, own_ink), _number(style.bgcolor, own_ground)
        said = style.color is not None and not style.color.is_default  # xterm leaves its own ink as it is
        brighter = style.bold and (said or palette is CONSOLE)
        bright = ink | 8 if brighter and isinstance(ink, int) else ink
        shown, under = (ground, ink) if style.reverse else (ink, ground)
        yield _seen(palette, shown, under, name)
        shown, under = (ground, bright) if style.reverse else (bright, ground)
        yield _seen(palette, shown, under, f"{name}, bold as bright")
        if palette is CONSOLE and isinstance(bright, int) and isinstance(ground, int):
            if style.reverse and bright & 8:
                yield _seen(palette, ground | 8, bright & 7, f"{name}, bright stays with the letter")
            elif not style.reverse and style.bgcolor and ground & 8 and not style.bgcolor.is_default:
                yield _seen(palette, bright, ground & 7, f"{name}, no bright grounds")


def _seen(palette: tuple[Color, ...], ink: "int | Color", ground: "int | Color", how: str) -> Seen:
    shown, under = (palette[one] if isinstance(one, int) else one for one in (ink, ground))
    return Seen(shown, under, how)


def _number(colour: Ink | None, own: int) -> "int | Color":
    """Which of the sixteen it is; itself where it is none of them."""
    if colour is None or colour.is_default:
        return own
    if colour.type == ColorType.STANDARD and colour.number is not None:
        return colour.number
    return Color.from_rich_color(colour)
