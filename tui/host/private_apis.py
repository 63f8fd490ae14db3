"""Every use of what Textual and textual-image keep to themselves, each behind one name, so that an upgrade is one look.

tests/tui/host/test_private_apis.py says which of them a new version has broken; pyproject.toml bounds the versions.
"""

import contextlib
import os
from typing import IO, TYPE_CHECKING, Any

from engine.base.language import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from textual.app import App
    from textual.await_complete import AwaitComplete
    from textual.driver import Driver
    from textual.screen import Screen
    from textual.widgets import Input
    from textual.widgets.directory_tree import DirEntry
    from textual.widgets.tree import TreeNode


def crash_of(app: "App[Any]") -> Exception | None:
    """The error that an app closed with; Textual only prints it."""
    return app._exception


def shown_text(screen: "Screen[Any]") -> str:
    """What a screen shows, line by line."""
    return "\n".join("".join(segment.text for segment in line) for line in screen._compositor.render_strips())


def keep_styles(screen: "Screen[Any]") -> None:
    """Let a new screen take the styles as they are: Textual would read all anew, twice, before it shows it first."""
    screen._css_update_count = screen.app._css_update_count


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
