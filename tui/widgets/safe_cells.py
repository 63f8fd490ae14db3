"""Foreign text as cells and lines: never parsed as markup, never an escape code, of a known width."""

from collections.abc import Iterable

from rich.style import Style
from rich.text import Text
from textual.content import Content

from tui.words.safe_text import display_name


def cell(value: object, style: str | Style = "", right: bool = False) -> Text:
    """A table's cell, or a line, that shows `value` literally."""
    return Text(display_name(value), style=style, justify="right" if right else "left", no_wrap=True, end="")


def content(value: object, style: str = "") -> Content:
    """Text for a Static, a label or a toast that shows `value` literally; `style` may be "bold $error"."""
    return Content.styled(display_name(value), style) if style else Content(display_name(value))


def lines(values: Iterable[Content]) -> Content:
    """Several contents below each other."""
    return Content("\n").join(values)


def number(value: float | None, form: str = ",.0f") -> Text:
    """A number, right-aligned; a dash where there is none."""
    return cell("-" if value is None else format(value, form), right=True)
