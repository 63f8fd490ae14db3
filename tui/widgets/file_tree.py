"""Files to choose from: a tree that shows every name literally, and a field for a path that completes it."""

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from rich.style import Style
from rich.text import Text, TextType
from textual import work
from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import DirectoryTree, Input
from textual.widgets.directory_tree import DirEntry
from textual.widgets.tree import TreeNode

from engine.base.language import tr
from engine.base.paths import is_folder, typed
from engine.data.file_names import natural
from tui.host.private_apis import ListsInOrder, ListsWithoutWaiting, suggestion_of
from tui.widgets.filter_line import FILTER, holds, open_filter
from tui.widgets.safe_cells import cell
from tui.words.safe_text import display_name

MOST_FILES = 2000
MOST_COMPLETIONS = 20_000
"""So many names of a folder are looked through for a completion."""


class FileTree(ListsInOrder, ListsWithoutWaiting, DirectoryTree):
    """Folders, and files with one of `suffixes` (all when empty), or that `fits` takes; hidden ones are left out.

    Both are in natural order: 2 before 10.
    """

    HELP = tr(
        "Folders and files. Enter opens a folder or takes a file, left and right close and open a "
        "folder, backspace begins one folder higher. Of a large folder {most_files:,} files are "
        "listed: type the path of others. / leaves only what holds a text in its name, and the folders that are open.",
        most_files=MOST_FILES,
    )
    ICON_NODE, ICON_NODE_EXPANDED, ICON_FILE = "+ ", "- ", ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "close", tr("Close"), show=False, tooltip=tr("Close the folder, or go to the one above.")),
        Binding("right", "open", tr("Open"), show=False, tooltip=tr("Open the folder.")),
        Binding("backspace", "up", tr("Up"), show=False, tooltip=tr("Begin the tree one folder higher.")),
        FILTER,
    ]

    def __init__(
        self,
        path: Path,
        suffixes: frozenset[str] = frozenset(),
        fits: Callable[[Path], bool] = lambda path: False,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(path, id=id)
        self.suffixes, self.fits = suffixes, fits
        self._text, self._open = "", frozenset[Path]()
        self._listed: dict[Path, list[Path]] = {}
        """What can be chosen in each folder that was opened."""

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Only what can be chosen, and not more than can be looked through."""
        there = sorted((path for path in paths if not path.name.startswith(".")), key=lambda path: natural(path.name))
        found = [path for path, _ in zip(filter(self._can_be_chosen, there), range(MOST_FILES), strict=False)]
        if found:
            self._listed[found[0].parent] = found
        return [path for path in found if path in self._open or holds(self._text, path.name)]

    def narrow(self, text: str) -> tuple[int, int]:
        """Show only what holds `text` in its name and the folders that are open, all where it is empty; how many hold
        it, and of how many.
        """
        nodes, opened = [self.root], set[Path]()
        for node in nodes:
            if node.is_expanded and node.data:
                opened.add(node.data.path.resolve())
                nodes.extend(node.children)
        self._text, self._open = text, frozenset(opened)
        self._list_anew(text)
        names = [path.name for folder in opened for path in self._listed.get(folder, ())]
        return sum(holds(text, name) for name in names), len(names)

    @work(exclusive=True, group="filter")
    async def _list_anew(self, text: str) -> None:
        await self.reload()
        below = range(1, self.last_line + 1) if text else ()
        names = ((line, node.data.path.name) for line in below if (node := self.get_node_at_line(line)) and node.data)
        self.cursor_line = next((line for line, name in names if holds(text, name)), self.cursor_line)

    def action_filter(self) -> None:
        """Ask for a text that names are to hold."""
        open_filter(self)

    def order(self, name: str) -> object:
        """As the names of files everywhere."""
        return natural(name)

    def _can_be_chosen(self, path: Path) -> bool:
        known = not self.suffixes or path.suffix.lower() in self.suffixes
        return known or is_folder(path) or self.fits(path)

    def process_label(self, label: TextType) -> Text:
        """The name, literally."""
        return cell(label.plain if isinstance(label, Text) else label)

    def render_label(self, node: TreeNode[DirEntry], base_style: Style, style: Style) -> Text:
        """The name behind a sign for folders."""
        sign = "" if not node.allow_expand else self.ICON_NODE_EXPANDED if node.is_expanded else self.ICON_NODE
        label = node.label.copy() if isinstance(node.label, Text) else cell(node.label)
        if node is self.root and node.data:
            label = cell(node.data.path.name or node.data.path)
        label.stylize(style)
        return Text.assemble((sign or self.ICON_FILE, base_style), label)

    def on_mount(self) -> None:
        """Signs instead of guides of their own width."""
        self.guide_depth = 2

    def action_close(self) -> None:
        """Close, or go up."""
        node = self.cursor_node
        if node and node.is_expanded:
            node.collapse()
        elif node and node.parent:
            self.move_cursor(node.parent)

    def action_open(self) -> None:
        """Open."""
        if self.cursor_node and self.cursor_node.allow_expand:
            self.cursor_node.expand()

    def action_up(self) -> None:
        """The folder above becomes the root."""
        self.path = Path(self.path).absolute().parent


class PathField(Input):
    """A path to type. Tab and right complete it; what it shows is literal, `path` is the path that it means."""

    HELP = tr("Type a path. Tab or the right arrow takes the completion shown in grey, enter opens it, escape leaves.")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab", "complete", tr("Complete"), show=False, tooltip=tr("Take the completion, or go on to the next part.")
        ),
        Binding("enter", "submit", tr("Choose"), tooltip=tr("Take the path that is written here.")),
        Binding("down", "app.focus_next", tr("On"), show=False, tooltip=tr("To what lies below.")),
    ]

    def __init__(
        self, placeholder: str, *, id: str | None = None, folders: bool = False, suffixes: frozenset[str] = frozenset()
    ) -> None:
        """`folders` completes to folders alone, `suffixes` to folders and files that end so; what begins as a folder,
        to be gone on from, is not selected.
        """
        self._meant: dict[str, Path] = {}
        self._folders = folders
        self._begun = ""
        """A folder that stands here to be gone on from."""
        completion = _Completion(self._meant, folders, suffixes)
        super().__init__(placeholder=placeholder, id=id, suggester=completion, select_on_focus=not folders)

    def validate_value(self, value: str) -> str:
        """Nothing that a terminal would act upon; an absolute path that is typed behind a folder replaces it."""
        shown = display_name(value)
        rest = shown.removeprefix(self._begun)
        return rest if self._begun and rest != shown and rest.startswith(("/", "~")) else shown

    @property
    def path(self) -> Path | None:
        """The path that is written here; None where nothing is."""
        written = self.value.strip()
        return _meaning(self._meant, written) if written else None

    def mean(self, path: Path) -> None:
        """Write this path here."""
        shown = display_name(path)
        self._meant[shown] = path
        self.value = f"{shown}/" if self._folders and not shown.endswith("/") else shown
        self._begun = self.value if self._folders else ""
        self.cursor_position = len(self.value)

    def action_complete(self) -> None:
        """Take the completion; where there is none, go on."""
        suggestion = suggestion_of(self)
        if suggestion and self.cursor_at_end and suggestion != self.value:
            self.value = suggestion
            self.cursor_position = len(self.value)
        else:
            self.screen.focus_next()


class _Completion(Suggester):
    """The first name, in order, that begins as the text does."""

    def __init__(self, meant: dict[str, Path], folders: bool, suffixes: frozenset[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._meant, self._folders, self._suffixes = meant, folders, suffixes

    async def get_suggestion(self, value: str) -> str | None:
        """The completion of `value`, whose end is that of a name or a slash after a folder's."""
        head, slash, begun = value.rpartition("/")
        folder = _meaning(self._meant, head or slash) if slash else Path()
        first = await asyncio.to_thread(self._first, folder, begun)
        if first is None:
            return None
        completed = f"{head}{slash}{display_name(first[0])}"
        self._meant[completed] = folder / first[0]
        return f"{completed}/" if first[1] else completed

    def _first(self, folder: Path, begun: str) -> tuple[str, bool] | None:
        """The first fitting name in `folder`, and whether it is a folder's."""
        try:
            with os.scandir(folder) as entries:
                looked_at = [entry for entry, _ in zip(entries, range(MOST_COMPLETIONS), strict=False)]
        except (OSError, ValueError):
            return None
        fitting = [entry for entry in looked_at if self._fits(entry, begun)]
        first = min(fitting, key=lambda entry: natural(entry.name), default=None)
        return (first.name, _is_folder(first)) if first else None

    def _fits(self, entry: "os.DirEntry[str]", begun: str) -> bool:
        name = display_name(entry.name)
        if not name.startswith(begun) or name.startswith(".") > begun.startswith("."):
            return False
        return _is_folder(entry) or (
            not self._folders and (not self._suffixes or Path(entry.name).suffix.lower() in self._suffixes)
        )


def _meaning(meant: dict[str, Path], text: str) -> Path:
    """The path that `text` stands for, where it, or its beginning, is how a path was shown."""
    head, rest = text.rstrip("/"), list[str]()
    while head:
        if head in meant:
            return meant[head].joinpath(*reversed(rest))
        head, _, name = head.rpartition("/")
        rest.append(name)
    return typed(text)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
