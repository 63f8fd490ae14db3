"""Shares as bars and intervals as lines of box characters; numbers stand beside them, so nothing hangs on colour."""

import math
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from tui.glyphs import Glyphs
from tui.text import display_name
from tui.widgets.cells import content


def capped(name: object, width: int) -> str:
    """`name`, shown literally, cut to `width` columns where it is longer; wide letters count as two."""
    shown = display_name(name)
    return shown if cell_len(shown) <= width else set_cell_size(shown, max(0, width - 2)) + ".."


def shortened(name: object, width: int) -> str:
    """A file's name cut in its middle where it is longer than `width` columns: its end tells files apart."""
    shown = display_name(name)
    if cell_len(shown) <= width:
        return shown
    end = ""
    for letter in reversed(shown):
        if cell_len(letter + end) > (width - 2) * 2 // 3:
            break
        end = letter + end
    return set_cell_size(shown, max(0, width - 2 - cell_len(end))) + ".." + end


def fitted(name: object, width: int) -> str:
    """`name`, shown literally, cut or padded to `width` columns."""
    return set_cell_size(capped(name, width), width)


def bars(shares: dict[str, float], said: str, glyphs: Glyphs, width: int, marks: Sequence[str] = ()) -> list[Content]:
    """A line for each class: sign, name, probability, bar, and the mark of its place; the one that is said is bold."""
    names = min(max(map(cell_len, map(display_name, shares)), default=0), max(8, width // 3))
    room = max(4, width - names - 12 - max((len(mark) + 2 for mark in marks), default=0))
    rows = []
    for place, (name, share) in enumerate(shares.items()):
        sign = ">" if name == said else " "
        mark = f"  {marks[place]}" if place < len(marks) and marks[place] else ""
        text = f"{sign} {fitted(name, names)} {share:>6.1%}  {glyphs.bar(share, room)}{mark}"
        rows.append(Content.styled(text, "bold $primary" if name == said else ""))
    return rows


def span(low: float, value: float, high: float, baseline: float, width: int) -> Content:
    """An interval with its value, and the baseline "|", on a scale whose ends are written beside it."""
    start = max(0.0, math.floor(10 * min(low, baseline) - 0.5) / 10)
    line = max(12, width - 13)

    def at(share: float) -> int:
        return min(line - 1, max(0, round((share - start) / (1 - start) * (line - 1))))

    signs = [" "] * line
    for place in range(at(low), at(high) + 1):
        signs[place] = "─"
    signs[at(low)], signs[at(high)], signs[at(value)] = "├", "┤", "█"
    if signs[at(baseline)] == " ":
        signs[at(baseline)] = "|"
    return Content.assemble(
        content(f"{start:>4.0%} "), ("".join(signs).rstrip().ljust(line), "$primary"), content(" 100%")
    )
