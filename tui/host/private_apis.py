"""Every use of what Textual and textual-image keep to themselves, each behind one name, so that an upgrade is one look.

tests/tui/host/test_private_apis.py says which of them a new version has broken; pyproject.toml bounds the versions.
"""

import asyncio
import contextlib
import functools
import io
import os
import time
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Any

from engine.base.language import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from rich.console import Console
    from rich.segment import Segment
    from rich.style import Style
    from rich.text import Text
    from textual.app import App
    from textual.await_complete import AwaitComplete
    from textual.driver import Driver
    from textual.screen import Screen
    from textual.widgets import Input
    from textual.widgets.data_table import Column
    from textual.widgets.directory_tree import DirEntry
    from textual.widgets.tree import TreeNode


SECONDS_TO_MOUNT = 1.0
"""So long at most a screen that is being made holds up who leaves."""
MOST_STYLES = 1024
"""Pieces of styles that are kept as they were read; of Textual's own 64, some of ours would be read again and again."""


def crash_of(app: "App[Any]") -> Exception | None:
    """The error that an app closed with; Textual only prints it."""
    return app._exception


def shown_text(screen: "Screen[Any]") -> str:
    """What a screen shows, line by line."""
    return "\n".join("".join(segment.text for segment in line) for line in screen._compositor.render_strips())


def keep_styles(screen: "Screen[Any]") -> None:
    """Let a new screen take the styles as they are, and those of the app's size from the start: Textual would read all
    styles anew, twice, before it shows the screen first, and give each widget its own once more for the size.
    """
    app = screen.app
    screen._css_update_count = app._css_update_count
    for size, breakpoints in zip(app.size, (app.HORIZONTAL_BREAKPOINTS, app.VERTICAL_BREAKPOINTS), strict=True):
        screen.add_class(*screen._get_breakpoint_classes(size, breakpoints or []), update=False)


def make_hidden(app: "App[Any]", mode: str) -> None:
    """Make a mode's screen and lay it out, if it isn't yet, and leave open which one is."""
    app._init_mode(mode)


def draw_hidden(app: "App[Any]", mode: str) -> bool:
    """Lay out and draw a mode's screen, for its widgets to keep, where it isn't open and they changed; were they?"""
    (screen, *_) = app._screen_stacks[mode]
    if mode == app.current_mode or not screen._layout_required:
        return False
    screen._layout_required = False
    screen._refresh_layout(app.size)
    screen._compositor.render_strips()
    return True


def styles_ahead(app: "App[Any]", files: "Iterable[Path]") -> "Callable[[], None]":
    """Parse the styles in these files and those of all widgets that are imported; what is given back hands them to the
    app. Textual reads those of a widget when one is first mounted, a tenth of a second for a screen. For a thread.
    """
    from textual.cache import LRUCache
    from textual.css.errors import StylesheetError
    from textual.css.stylesheet import CssSource, Stylesheet
    from textual.css.tokenizer import TokenError
    from textual.widget import Widget

    sheet, kinds = app.stylesheet, list[type[Widget]]([Widget])
    colours, sources = sheet._variables, dict(sheet.source)
    for kind in kinds:
        kinds += kind.__subclasses__()
        bases = SimpleNamespace(_node_bases=kind._css_bases(kind))
        for where, css, rank, scope in kind._get_default_css(bases):  # type: ignore[arg-type]
            known = sources.get(where)
            sources[where] = CssSource(css, True, min(rank, known.tie_breaker) if known else rank, scope)
    for file in files:
        sources[str(file), ""] = CssSource(file.read_text(encoding="utf-8"), False, 0)
    aside, parsed = Stylesheet(variables=colours), LRUCache[Any, Any](MOST_STYLES)
    for where, (css, default, rank, scope) in list(sources.items()):
        try:
            parsed[css, where, default, rank, scope] = aside._parse_rules(css, where, default, rank, scope)
        except (StylesheetError, TokenError):
            del sources[where]  # of a widget that this app can't show: whoever mounts it hears of it

    def give() -> None:
        same = sheet._variables is colours  # else the theme has become another one
        sheet._parse_cache = parsed if same else LRUCache(MOST_STYLES)
        for where, (css, default, rank, scope) in sources.items():
            sheet.add_source(css, read_from=where, is_default_css=default, tie_breaker=rank, scope=scope)
        sheet.parse()

    return give


class SwitchesAtOnce:
    """For an App: shows a screen that is laid out already at once; Textual waits 50 ms, to hide how one is built."""

    size: Any
    _screen_stacks: Any
    _at_once = False

    def switch_mode(self, mode: str) -> Any:
        """Go to a mode's screen."""
        stack = self._screen_stacks.get(mode)
        self._at_once = bool(stack) and stack[0].outer_size == self.size
        try:
            return super().switch_mode(mode)  # type: ignore[misc]
        finally:
            self._at_once = False

    def delay_update(self, delay: float = 0.05) -> None:
        """Paint nothing for so many seconds."""
        if not self._at_once:
            super().delay_update(delay)  # type: ignore[misc]


class ClosesWhole:
    """For an App: a screen that is being made comes to its end before all are closed, as its widgets are half there."""

    _screen_stacks: Any

    async def _shutdown(self) -> None:
        end = time.monotonic() + SECONDS_TO_MOUNT
        stacks = self._screen_stacks
        while time.monotonic() < end and not all(
            screen._mounted_event.is_set() for stack in stacks.values() for screen in stack
        ):
            await asyncio.sleep(0.005)
        await super()._shutdown()  # type: ignore[misc]


class StaysLaidOut:
    """For a Screen: is laid out anew where its size is another or its widgets ask for it, not whenever it is opened.
    While nothing may be shown it isn't drawn; Textual draws it for nobody.
    """

    app: Any
    outer_size: Any
    _repaint_required: bool

    def _screen_resized(self, size: Any) -> None:
        if self.outer_size != size:
            super()._screen_resized(size)  # type: ignore[misc]

    def _compositor_refresh(self) -> None:
        if self.app._batch_count:
            self._repaint_required = True  # at the end of the batch
        else:
            super()._compositor_refresh()  # type: ignore[misc]


def spare_needless_work() -> None:
    """Let Textual look its rules up at the speed of C: for each widget it asks every rule for its hash, which is the
    identity that Python's own gives as well. And let a widget take the size that a layout gives it, and what it has to
    scroll over, without asking for another layout of the whole screen: where a scroll bar comes or goes, that asks.
    """
    from textual.css.model import RuleSet
    from textual.widget import Widget

    RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]
    Widget._size_updated.__defaults__ = (False,)  # `layout`


def suggestion_of(field: "Input") -> str:
    """The completion that a field shows in grey; empty where there is none."""
    return field._suggestion


def set_cell_size_of_images(width: int, height: int) -> None:
    """Tell textual-image a cell's size in pixels: once the screen is up, it can't ask the terminal any more."""
    from textual_image import _terminal

    _terminal.get_cell_size._result = _terminal.CellSize(width, height)  # type: ignore[attr-defined]


def driver_on(file: IO[str], descriptor: int) -> "type[Driver]":
    """Textual's driver for Linux, writing to `file`, and asking the terminal at `descriptor` for its size."""
    from textual.drivers.linux_driver import LinuxDriver

    class TerminalDriver(LinuxDriver):
        """Draws on a terminal of its own; Textual takes what standard error is."""

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._file = file  # type: ignore[assignment]

        def _get_terminal_size(self) -> tuple[int, int]:
            try:
                size = os.get_terminal_size(descriptor)
            except OSError:
                return 80, 24
            return size.columns or 80, size.lines or 24

        def _run_input_thread(self) -> None:
            with contextlib.suppress(OSError):  # a terminal that is gone can't be read; `on_hangup` sees to it
                self.run_input_thread()

    return TerminalDriver


class DrawsLinesOfText:
    """For a DataTable of Text in single lines, with a cursor of whole rows and no fixed columns: draws a row from its
    texts. Textual's own hands each cell to Rich, to be measured, wrapped, cut and padded, which was a third of what it
    takes to show a screen first. What is drawn is the same to the character (tests/tui/host/test_drawn_rows.py).
    """

    app: Any
    cell_padding: int
    cursor_foreground_priority: Any
    cursor_background_priority: Any
    ordered_columns: "list[Column]"
    rows: Any
    show_cursor: bool
    size: Any
    _get_row_renderables: Any
    _get_row_style: Any
    _get_styles_to_render_cell: Any
    _pseudo_class_state: Any
    _row_locations: Any
    _row_render_cache: Any
    _show_hover_cursor: bool
    _update_count: int

    def _render_line_in_row(
        self, row_key: Any, line_no: int, base_style: "Style", cursor_location: Any, hover_location: Any
    ) -> "tuple[list[list[Segment]], list[list[Segment]]]":
        from rich.segment import Segment
        from rich.style import Style

        row = self._row_locations.get(row_key) if row_key in self._row_locations else -1
        cursor, hover = cursor_location.row == row, hover_location.row == row
        key = (
            row_key, base_style, cursor, hover, self.show_cursor, self._show_hover_cursor, self.size.width,
            self._update_count, self._pseudo_class_state,
        )  # fmt: skip
        if key not in self._row_render_cache:
            own, after = self._get_styles_to_render_cell(
                row == -1, False, False, hover, cursor, self.show_cursor, self._show_hover_cursor,
                self.cursor_foreground_priority == "css", self.cursor_background_priority == "css",
            )  # fmt: skip
            style = self._get_row_style(row, base_style) + own
            drawn, left = [], self.size.width
            for place, (column, cell) in enumerate(
                zip(self.ordered_columns, self._get_row_renderables(row).cells, strict=True)
            ):
                under = style + Style.from_meta({"row": row, "column": place})
                drawn.append(_drawn(cell, column.width, self.cell_padding, under, after))
                left -= column.width + 2 * self.cell_padding
            beyond = style + Style.from_meta({"row": row, "column": 0, "out_of_bounds": True})
            drawn.append([Segment(" " * max(0, left), beyond)])
            self._row_render_cache[key] = [], drawn
        found: tuple[list[list[Segment]], list[list[Segment]]] = self._row_render_cache[key]
        return found


def _drawn(text: "Text", width: int, padding: int, under: "Style", after: "Style") -> "list[Segment]":
    """A text in one line of so many columns, between paddings, on the style of its cell."""
    from rich.segment import Segment
    from rich.style import Style

    if text.justify == "right" and text.plain.endswith(" "):
        text = text.copy()
        text.rstrip()
    own = Style.parse(text.style) if isinstance(text.style, str) else text.style
    parts = [Segment(text.plain, own)] if not text.spans else list(text.render(_plain_console()))
    spare = width - text.cell_len
    if spare < 0:
        parts = Segment.adjust_line_length(parts, width)
    before, behind = " " * padding, " " * padding
    if spare > 0 and text.justify == "right":
        parts.insert(0, Segment(" " * spare, own))
    elif spare > 0 and text.justify == "left":
        parts.append(Segment(" " * spare, own))
    elif spare > 0:
        behind += " " * spare
    inner = [Segment(part.text, under + part.style + after if part.style else under + after) for part in parts]
    edge = under + after
    return [Segment(before, edge), *inner, Segment(behind, edge)]


@functools.cache
def _plain_console() -> "Console":
    from rich.console import Console

    return Console(file=io.StringIO())


class ListsInOrder:
    """For a DirectoryTree: what is in a folder by `order` of its name, folders first; Textual's own is 1, 10, 2."""

    _safe_is_dir: "Callable[[Path], bool]"

    def order(self, name: str) -> Any:
        """What the names are sorted by."""
        raise NotImplementedError

    def _populate_node(self, node: "TreeNode[DirEntry]", content: "Iterable[Path]") -> None:
        ordered = sorted(content, key=lambda path: (not self._safe_is_dir(path), self.order(path.name)))
        super()._populate_node(node, ordered)  # type: ignore[misc]


class ListsWithoutWaiting:
    """For a DirectoryTree: has a folder listed, and waits for nothing.

    Textual's own would wait for the listing, which never ends where who leaves cancels it.
    """

    _load_queue: Any

    def _add_to_load_queue(self, node: "TreeNode[DirEntry]") -> "AwaitComplete":
        from textual.await_complete import AwaitComplete

        if node.data and not node.data.loaded:
            node.data.loaded = True
            self._load_queue.put_nowait(node)
        return AwaitComplete()


class SaysNoMatches:
    """For a CommandPalette: says in the chosen language that nothing is found; Textual's own says it in English."""

    _list_visible: Any
    _no_matches_timer: Any
    _stop_no_matches_countdown: "Callable[[], None]"
    query_one: Any
    set_timer: Any

    def _start_no_matches_countdown(self, search_value: str) -> None:
        from rich.align import Align
        from rich.text import Text
        from textual.command import CommandList, CommandPalette
        from textual.widgets.option_list import Option

        def say() -> None:
            if search_value:
                said = Align.center(Text(tr("No matches found"), style="not bold"))
                self.query_one(CommandList).add_option(Option(said, disabled=True, id=CommandPalette._NO_MATCHES))
            self._list_visible = bool(search_value)

        self._stop_no_matches_countdown()
        self._no_matches_timer = self.set_timer(CommandPalette._NO_MATCHES_COUNTDOWN, say)
