"""Panes beside or above each other, whose borders can be dragged."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from textual.containers import Container
from textual.events import MouseDown, MouseMove, MouseUp
from textual.geometry import Region
from textual.widget import Widget

from tui.widgets.fitted_table import FittedTable

NARROWEST, LOWEST = 20, 4
"""Columns and lines that each pane keeps; one with a table keeps what the table can't do without."""
Axis = Literal["width", "height"]


@dataclass(frozen=True)
class _Drag:
    """Two neighbours whose border is held: on which axis, and the place where the second began."""

    axis: Axis
    first: Widget
    second: Widget
    at: int
    sizes: tuple[int, int]


class Panes(Container):
    """Panes, and lines between them that stay as they are; a drag of a border makes one larger and the other smaller.

    With the class `columns` they stand beside each other where the screen is wide, else above. What was dragged holds
    for the width, wide or narrow, that it was dragged at, and is in proportion to the screen.
    """

    def __init__(self, *children: Widget, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(*children, id=id, classes=classes)
        self._drag: _Drag | None = None
        self._dragged: dict[bool, dict[Widget, tuple[Axis, int]]] = {}
        """By whether the screen is narrow, the share of each that has one."""
        self._narrow: bool | None = None

    def on_mouse_down(self, event: MouseDown) -> None:
        """Take a border, where there is one."""
        panes = [one for one in self.children if one.region.area and (one.has_class("pane") or one.query(".pane"))]
        for first, second in pairwise(panes):
            if drag := _border(first, second, event.screen_x, event.screen_y):
                self._drag = drag
                self.capture_mouse()
                event.stop()
                return

    def on_mouse_move(self, event: MouseMove) -> None:
        """Move it."""
        if not (drag := self._drag):
            return
        moved = (event.screen_x if drag.axis == "width" else event.screen_y) - drag.at
        least, other = (_least(one, drag.axis) for one in (drag.first, drag.second))
        whole = sum(drag.sizes)
        if least + other <= whole:
            size = max(least, min(whole - other, drag.sizes[0] + moved))
            self._share(drag, size, whole - size)

    def on_mouse_up(self, event: MouseUp) -> None:
        """Leave it."""
        if self._drag:
            self._drag = None
            self.release_mouse()

    def on_resize(self) -> None:
        """Narrow and wide have shares of their own; which it is is known once the screen is laid out."""
        self.call_after_refresh(self._put_back)

    def _share(self, drag: _Drag, first: int, second: int) -> None:
        """Give the two as many cells, and all others that share the room as many as they have."""
        narrow = self.screen.has_class("-narrow")
        self._narrow = narrow
        kept = self._dragged.setdefault(narrow, {})
        for one in self.children:
            rule = getattr(one.styles, drag.axis)
            if one.region.area and rule is not None and rule.is_fraction:
                kept[one] = drag.axis, _size(one.region, drag.axis)
        kept[drag.first], kept[drag.second] = (drag.axis, first), (drag.axis, second)
        self._apply(kept)

    def _apply(self, kept: dict[Widget, tuple[Axis, int]]) -> None:
        for one, (axis, cells) in kept.items():
            setattr(one.styles, axis, f"{cells}fr")
            setattr(one.styles, f"min_{axis}", 1)
            setattr(one.styles, f"max_{axis}", "100%")

    def _put_back(self) -> None:
        narrow = self.screen.has_class("-narrow")
        if not self._dragged or narrow == self._narrow:
            return
        self._narrow = narrow
        for child in self.children:
            for axis in ("width", "height"):
                for rule in (axis, f"min_{axis}", f"max_{axis}"):
                    child.styles.inline.clear_rule(rule)
            child.refresh(layout=True)
        self._apply(self._dragged.get(narrow, {}))


def _size(region: Region, axis: Axis) -> int:
    return region.width if axis == "width" else region.height


def _border(first: Widget, second: Widget, x: int, y: int) -> _Drag | None:
    """The border between the two, where the mouse is on it."""
    one, two = first.region, second.region
    if one.right <= two.x and x in (one.right - 1, two.x) and two.y <= y < two.bottom:
        return _Drag("width", first, second, x, (one.width, two.width))
    if one.bottom <= two.y and y in (one.bottom - 1, two.y) and two.x <= x < two.right:
        return _Drag("height", first, second, y, (one.height, two.height))
    return None


def _least(one: Widget, axis: Axis) -> int:
    """Cells that a pane keeps: those that its tables' columns can't do without, and each of panes in a row its own."""
    shown = [child for child in one.children if child.region.area]
    inner = [child for child in shown if child.has_class("pane") or child.query(".pane")]
    if inner:
        along = [_least(child, axis) for child in inner]
        spans = [child.region for child in inner]
        beside = all(a.right <= b.x for a, b in pairwise(spans))
        stacked = all(a.bottom <= b.y for a, b in pairwise(spans))
        return sum(along) if (beside if axis == "width" else stacked) else max(along)
    if axis == "height":
        return LOWEST
    tables = [one] if isinstance(one, FittedTable) else [*one.query(FittedTable)]
    shown_tables = [table for table in tables if table.region.area]
    frames = [one.region.width - table.scrollable_content_region.width for table in shown_tables]
    return max([NARROWEST, *(table.least_width + frame for table, frame in zip(shown_tables, frames, strict=True))])
