"""Choosing a folder: a tree to walk through, and a path to type, completed as one types."""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static, Tree
from textual.widgets.tree import TreeNode

from engine.base.context import Context
from engine.base.language import tr
from engine.base.paths import is_folder
from engine.base.wording import not_a_path
from engine.data.file_names import natural
from tui.widgets.dialog import Dialog
from tui.widgets.file_tree import PathField
from tui.widgets.filter_line import FILTER, holds, open_filter
from tui.widgets.safe_cells import content
from tui.words.safe_text import display_name

if TYPE_CHECKING:
    from tui.state.session import Session

ABOUT = tr("The folder holds one folder a class: CLASS/images beside CLASS/masks, or CLASS with the images in it.")
MOST_FOLDERS = 1000


def folders(where: Path) -> list[str]:
    """Names of the folders in `where`, without hidden ones, in natural order; none where it can't be read."""
    try:
        with os.scandir(where) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    except (OSError, ValueError):
        return []
    return sorted(names, key=natural)


class FolderTree(Tree[Path]):
    """Folders, listed in a thread when they are opened."""

    HELP = tr(
        "Right opens a folder, left closes it or goes up, enter chooses it as the folder of X-rays; / leaves only the "
        "folders whose names hold a text, and those that are open."
    )
    ICON_NODE, ICON_NODE_EXPANDED = "+ ", "- "
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", tr("Choose"), id="folder.choose", tooltip=tr("Read the X-rays of this folder.")),
        Binding("right", "unfold", tr("Open"), id="folder.unfold", tooltip=tr("Show the folders in it.")),
        Binding("left", "fold", tr("Shut"), id="folder.fold", tooltip=tr("Close it, or go to the folder above.")),
        Binding("backspace", "up", tr("Above"), id="folder.up", tooltip=tr("Begin the tree one folder higher.")),
        FILTER,
    ]

    def __init__(self, session: "Session", root: Path) -> None:
        super().__init__(self._label(root, True), root)
        self._session = session
        self.auto_expand = False
        self._found: dict[Path, list[tuple[str, bool]]] = {}
        """The folders in each that was opened, and whether there are some in those."""
        self._text = ""

    @staticmethod
    def _label(path: Path, whole: bool = False) -> Text:
        return Text(display_name(path if whole else path.name), no_wrap=True)

    def on_mount(self) -> None:
        """List the root."""
        self.root.expand()

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Path]) -> None:
        """List what is in it, once."""
        node = event.node
        if node.data in self._found:
            if not node.children:
                self._grow(node, frozenset())
        elif node.data is not None:
            self._session.start(
                f"folders {node.id}",
                tr("listing folders"),
                partial(_list, node.data),
                partial(self._fill, node),
            )

    def _fill(self, node: TreeNode[Path], names: list[tuple[str, bool]]) -> None:
        if node.data is not None and self.is_attached:
            self._found[node.data] = names
            self._grow(node, frozenset())

    def _grow(self, node: TreeNode[Path], opened: frozenset[Path]) -> tuple[int, int]:
        """Hang what is known of a folder, and of those `opened`, below it: what the filter leaves; how many of all."""
        assert node.data is not None
        node.remove_children()
        names = self._found[node.data]
        left = of = 0
        for name, deeper in names[:MOST_FOLDERS]:
            path = node.data / name
            held, known = holds(self._text, name), path in opened and path in self._found
            left, of = left + held, of + 1
            if not held and not known:
                continue
            child = node.add(self._label(path), path, allow_expand=deeper, expand=known)
            if known:
                below = self._grow(child, opened)
                left, of = left + below[0], of + below[1]
        if len(names) > MOST_FOLDERS:
            node.add_leaf(tr("and {count:,} more: type the path", count=len(names) - MOST_FOLDERS))
        if not names:
            node.allow_expand = False
        return left, of

    def narrow(self, text: str) -> tuple[int, int]:
        """Show only the folders whose names hold `text` and those that are open, all where it is empty; how many hold
        it, and of how many.
        """
        self._text = text
        nodes, opened = [self.root], set[Path]()
        for node in nodes:
            if node.is_expanded and node.data is not None:
                opened.add(node.data)
                nodes.extend(node.children)
        if self.root.data not in self._found:
            return 0, 0  # it is still being listed
        counted = self._grow(self.root, frozenset(opened))
        below = range(1, self.last_line + 1) if text else ()
        names = ((line, at.data.name) for line in below if (at := self.get_node_at_line(line)) and at.data)
        self.cursor_line = next((line for line, name in names if holds(text, name)), 0)
        return counted

    def action_filter(self) -> None:
        """Ask for a text that names are to hold."""
        open_filter(self)

    def action_choose(self) -> None:
        """Choose the folder under the cursor."""
        node = self.cursor_node
        if node is not None and node.data is not None and isinstance(self.screen, FolderDialog):
            self.screen.dismiss(node.data)

    def action_unfold(self) -> None:
        """Open the folder, or go into an open one."""
        node = self.cursor_node
        if node is None:
            return
        if node.is_expanded:
            self.action_cursor_down()
        elif node.allow_expand:
            node.expand()

    def action_fold(self) -> None:
        """Close the folder, or go to the one above."""
        node = self.cursor_node
        if node is None:
            return
        if node.is_expanded and node is not self.root:
            node.collapse()
        elif node.parent is not None:
            self.move_cursor(node.parent)
        else:
            self.action_up()

    def action_up(self) -> None:
        """Begin one folder higher."""
        here = self.root.data
        if here is not None and here.parent != here:
            self.reset(self._label(here.parent, True), here.parent)
            self.root.expand()
            self.move_cursor(self.root)


class FolderDialog(Dialog[Path]):
    """Gives the chosen folder, or nothing."""

    HELP = ABOUT

    def __init__(self, session: "Session") -> None:
        super().__init__()
        self._session = session

    def body(self) -> ComposeResult:
        """The path above the tree."""
        here = self._session.data or Path.cwd()
        root = here.parent if self._session.data else here
        with Vertical(classes="dialog large") as box:
            box.border_title = tr("Open a folder of X-rays")
            field = PathField(tr("type a path; tab completes it"), folders=True, id="path")
            field.mean(root)
            yield field
            yield Static(Content(""), id="path-wrong")
            yield FolderTree(self._session, root)
            yield Static(content(ABOUT), classes="muted")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose what was typed, where it is a folder."""
        path = self.query_one(PathField).path
        if path is None:
            return
        if is_folder(path):
            self.dismiss(path)
        else:
            self.query_one("#path-wrong", Static).update(
                content(not_a_path(str(path)) or tr("{path} is no folder.", path=path), "$error")
            )

    def on_input_changed(self) -> None:
        """What was wrong is wrong no more."""
        self.query_one("#path-wrong", Static).update("")


def _list(where: Path, context: Context) -> list[tuple[str, bool]]:
    """The folders in `where`, and whether each holds folders of its own."""
    found: list[tuple[str, bool]] = []
    for name in folders(where):
        if context.stop.is_set():
            break
        found.append((name, len(found) >= MOST_FOLDERS or bool(folders(where / name))))
    return found
