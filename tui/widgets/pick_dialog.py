"""Dialogs that end in a path: one of the runs, or a file to read or to write."""

import os
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.outputs import require_new
from engine.base.paths import is_folder, is_there
from engine.base.wording import not_a_path
from engine.runs.watch import Entry
from tui.widgets.bars import fitted
from tui.widgets.dialog import Dialog
from tui.widgets.file_tree import PathField
from tui.widgets.filter_line import FILTER, holds, open_filter
from tui.widgets.question_dialog import CHOOSE, Answer, Ask
from tui.widgets.safe_cells import content
from tui.words.cells import padded
from tui.words.numbers import as_share
from tui.words.recipe_terms import in_recipe_terms
from tui.words.safe_text import display_name

OVER = Answer("w", tr("Write over it"), "over")
ANOTHER = Answer("b", tr("Back, to name another file"), "another")
NAME, MODE = 34, 9
"""Cells for a run's name, and for its mode."""


def described(entry: Entry, width: int = NAME) -> str:
    """A run in a line: name, in so many cells, mode, test result."""
    mode = entry.config.way if entry.config else tr("unreadable")
    test = entry.test
    result = (
        tr("test {accuracy} of {n:,}", accuracy=as_share(test.accuracy), n=test.n) if test else tr(entry.view.state)
    )
    return f"{fitted(entry.run.name, width)}  {padded(mode, MODE)} {result}"


def free_name(path: Path) -> Path:
    """The path, numbered where something is there."""
    others = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(one for one in chain((path,), others) if not os.path.lexists(one))


class RunList(OptionList):
    """The runs to choose from, the id of each its place among all."""

    BINDINGS: ClassVar[list[BindingType]] = [CHOOSE, FILTER]

    def __init__(self, entries: Sequence[Entry]) -> None:
        width = min(NAME, max((cell_len(display_name(entry.run.name)) for entry in entries), default=NAME))
        self._described = [described(entry, width) for entry in entries]
        super().__init__(*self._offered(range(len(self._described))))

    def _offered(self, places: Iterable[int]) -> list[Option]:
        return [Option(content(self._described[place]), id=str(place)) for place in places]

    def narrow(self, text: str) -> tuple[int, int]:
        """Show only the runs whose lines hold `text`, all where it is empty; how many those are, and of how many."""
        left = [place for place, line in enumerate(self._described) if holds(text, line)]
        self.set_options(self._offered(left))
        self.highlighted = 0 if left else None
        return len(left), len(self._described)

    def action_filter(self) -> None:
        """Ask for a text that runs are to hold."""
        open_filter(self)


class PickRun(Dialog[Path | None]):
    """Choose one of these runs; dismissed with its path, or None."""

    DEFAULT_CSS = "PickRun RunList { max-height: 60vh; }"
    HELP = tr("Enter takes the run under the cursor; / leaves only the runs whose lines hold a text.")

    def __init__(self, question: str, entries: Sequence[Entry], chosen: Path | None) -> None:
        super().__init__()
        self._question, self._entries, self._chosen = question, tuple(entries), chosen

    def body(self) -> ComposeResult:
        """The question above the runs, the chosen one highlighted."""
        with Vertical(classes="dialog"):
            yield Static(content(self._question), classes="question")
            yield RunList(self._entries)

    def on_mount(self) -> None:
        """The cursor on what is chosen now."""
        paths = [entry.run.path for entry in self._entries]
        if self._chosen in paths:
            self.query_one(RunList).highlighted = paths.index(self._chosen)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        self.dismiss(self._entries[int(str(event.option_id))].run.path)


class AskFile(Dialog[Path | None]):
    """Asks for a file; enter gives it back, escape None. Whether a file is written over is asked first."""

    HELP = PathField.HELP
    DEFAULT_CSS = """
    AskFile #trouble { height: auto; margin-top: 1; }
    """

    def __init__(
        self, question: str, first: Path, *, suffixes: Sequence[str], writes: bool, exact: bool = False
    ) -> None:
        """With `exact` the name must end in one of the suffixes."""
        super().__init__()
        self._question, self._first, self._suffixes, self._writes = question, first, tuple(suffixes), writes
        self._exact = exact

    def body(self) -> ComposeResult:
        """The question, the path, and what is wrong with it."""
        with Vertical(classes="dialog"):
            yield Static(content(self._question), classes="question")
            about = tr("path of a {suffix} file", suffix=self._ends)
            yield PathField(about, suffixes=frozenset(self._suffixes), id="path")
            yield Static(id="trouble")

    def on_mount(self) -> None:
        """Write the suggestion down."""
        self.query_one(PathField).mean(self._first)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the path back, if it can be used."""
        event.stop()
        path = self.query_one(PathField).path
        if path is None:
            return
        if trouble := self._trouble(path):
            self.query_one("#trouble", Static).update(content(f"! {trouble}", "$warning"))
        elif self._writes and os.path.lexists(path):
            question = tr("{path} exists already. Write over it?", path=path)
            self.app.push_screen(Ask(question, (OVER,), ANOTHER), partial(self._answered, path))
        else:
            self.dismiss(path)

    def on_input_changed(self) -> None:
        """What was wrong is wrong no more."""
        self.query_one("#trouble", Static).update("")

    def _answered(self, path: Path, answer: str | None) -> None:
        if answer == OVER.value:
            self.dismiss(path)

    @property
    def _ends(self) -> str:
        """How the name ends."""
        return tr(" or ").join(self._suffixes)

    def _trouble(self, path: Path) -> str:
        if is_folder(path):
            return tr("{path} is a folder: name a file in it.", path=path)
        if address := not_a_path(str(path)):
            return address
        suffix = path.suffix.lower()
        if self._exact and suffix not in self._suffixes:
            return tr("The name must end in {suffix}.", suffix=self._ends)
        if not self._writes:
            return "" if is_there(path) else tr("There is no file {path}.", path=path)
        try:
            require_new(path, suffix if self._exact else self._suffixes[0], force=True)
        except ConfigError as error:
            return in_recipe_terms(error)
        return ""
