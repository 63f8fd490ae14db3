"""Shares as bars and intervals as lines of box characters; numbers stand beside them, so nothing hangs on colour."""

import math
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from tui.widgets.safe_cells import content
from tui.words.glyphs import Glyphs
from tui.words.safe_text import display_name

SHORT_BAR = 6
"""Columns that a bar keeps before a name beside it is cut."""


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


def bars(shares: dict[str, float], label: str, glyphs: Glyphs, width: int, marks: Sequence[str] = ()) -> list[Content]:
    """A line for each class: sign, name, probability, bar, and the mark of its place; the one that is said is bold."""
    left = width - 12 - max((len(mark) + 2 for mark in marks), default=0)
    # A name may make its bar short, as it is worth more than the bar's length, but a bar must still be one.
    names = min(max(map(cell_len, map(display_name, shares)), default=0), max(8, width // 3, left - SHORT_BAR))
    room = max(4, left - names)
    rows = []
    for place, (name, share) in enumerate(shares.items()):
        sign = ">" if name == label else " "
        mark = f"  {marks[place]}" if place < len(marks) and marks[place] else ""
        text = f"{sign} {fitted(name, names)} {share:>6.1%}  {glyphs.bar(share, room)}{mark}"
        rows.append(Content.styled(text, "bold $primary" if name == label else ""))
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


def whiskers(value: float, ends: tuple[float, float], baseline: float | None, width: int) -> str:
    """A share's bar on a scale from 0 to 1, its 95% interval at its end, and the baseline "|" where neither lies."""
    low, at, high = (_column(share, width) for share in (ends[0], value, ends[1]))
    signs = ["░"] * low + ["─"] * (high - low + 1) + [" "] * (width - high - 1)
    if baseline is not None and not low <= _column(baseline, width) <= high:
        signs[_column(baseline, width)] = "|"
    signs[low], signs[high], signs[at] = "├", "┤", "█"
    return "".join(signs)


def around_zero(value: float, ends: tuple[float, float], width: int) -> str:
    """A difference of shares with its 95% interval, "|" at zero, on a scale whose ends, in points, stand beside it."""
    reach = max(0.1, math.ceil(10 * max(map(abs, ends)) - 1e-9) / 10)
    line = max(11, width - 12)
    low, at, high, zero = (_column((one + reach) / (2 * reach), line) for one in (ends[0], value, ends[1], 0.0))
    signs = [" "] * low + ["─"] * (high - low + 1) + [" "] * (line - high - 1)
    signs[low], signs[high] = "├", "┤"
    signs[zero], signs[at] = "|", "█"
    return f"{-100 * reach:>5.0f} {''.join(signs)} {100 * reach:<+5.0f}"


def _column(share: float, width: int) -> int:
    return min(width - 1, max(0, round(share * (width - 1))))
