"""Screen 4: every run on disk, live ones of other processes included; picked ones compared."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import DataTable, Static

from engine.base.errors import CovidTuiError
from engine.base.language import tr
from engine.runs.bin import Deleted, delete, undo
from engine.runs.directory import Run
from engine.runs.watch import Entry
from tui.screens.plotted import PlottedScreen
from tui.screens.runs import text
from tui.screens.runs.comparison import COLOURS, SIGNS, Comparison, seconds, test, testable, validation, verdict
from tui.state.messages import RunChanged, RunsChanged
from tui.widgets.bars import shortened
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.panes import Panes
from tui.widgets.plot_dialog import ENLARGE
from tui.widgets.question_dialog import Ask
from tui.widgets.safe_cells import cell, content, number
from tui.words.numbers import duration
from tui.words.recipe_terms import in_recipe_terms

COLUMNS = (
    Column("", "pick"), Column(tr("state"), "state", rank=1), Column(tr("run"), "run", least=12, middle=True),
    Column(tr("mode"), "mode", rank=2), Column(tr("validation"), "validation", rank=3), Column(tr("test"), "test"),
    Column(tr("epochs"), "epochs", rank=5, right=True), Column(tr("time"), "time", rank=4, right=True),
    Column(tr("backbone"), "backbone", rank=6),
)  # fmt: skip
VIEWS = ("", "-charts", "-table")
WIDEST_PATH = 60
FEW = 5
"""Runs that leave most of the screen to their comparison."""
ROOMY = 28
"""Lines from which on that is so on a narrow terminal too."""


class RunTable(FittedTable):
    """The runs; the keys that concern the one under the cursor are answered here."""

    HELP = tr(
        "All runs in the runs folder, newest first; those that other processes train are followed "
        "live. Space picks a run: picked runs are compared, a letter standing for each. The "
        "percentages in brackets are the 95% interval."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", tr("Open"), id="runs.open", tooltip=tr("The run's result, or its course.")),
        Binding("space", "screen.pick", tr("Pick"), id="runs.pick",
                tooltip=tr("Pick the run to compare it, or no longer.")),
    ]  # fmt: skip


class RunsScreen(PlottedScreen):
    """The table of runs over their comparison."""

    MODE = "runs"
    CSS_PATH = "runs.tcss"
    HELP = tr("Pick two runs or more to lay their curves over each other and to see what differs.")
    AUTO_FOCUS = "#runs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "view", tr("View"), id="runs.view", tooltip=tr("Charts alone, differences alone, or all.")),
        Binding(
            "f", "follow", tr("Follow"), id="runs.follow", tooltip=tr("Show the run's course on the Train screen.")
        ),
        Binding(
            "r", "resume", tr("Resume"), id="runs.resume", tooltip=tr("Go on with a run whose recipe is not through.")
        ),
        Binding("u", "unpick", tr("Unpick"), id="runs.unpick", show=False, tooltip=tr("Pick no run.")),
        Binding(
            "d,delete", "delete", tr("Delete"), id="runs.delete", tooltip=tr("Delete the picked runs, or this one.")
        ),
        Binding("z", "undo", tr("Undelete"), id="runs.undo", tooltip=tr("Bring back what was deleted last.")),
        Binding("c", "copy_path", tr("Copy path"), id="runs.copy", tooltip=tr("Copy the run's path to the clipboard.")),
        ENLARGE,
    ]
    _view = 0
    _deletions = 0
    """Those of this workbench that are not undone."""

    def __init__(self) -> None:
        super().__init__()
        self._picked: list[Path] = []
        self._compared: object = None
        self._judged: object = None

    def body(self) -> Iterable[Widget]:
        """The table, or a word where there is no run; the comparison."""
        with Panes():
            with Vertical(classes="pane", id="runs-pane"):
                yield RunTable(*COLUMNS, id="runs")
                yield Static(id="no-runs", classes="muted")
            yield Comparison()

    def keys_first(self) -> tuple[str, ...]:
        """Delete, and once that is done first of all what undoes it."""
        return ("undo", "delete", "resume") if self._deletions else ("delete", "resume")

    def on_mount(self) -> None:
        """The title."""
        folder = shortened(self.session.runs, WIDEST_PATH)
        self.query_one("#runs-pane").border_title = content(tr("Runs in {folder}", folder=folder))

    def on_resize(self, event: Resize) -> None:
        """There is room for charts below the runs, or none."""
        self.set_class(event.size.height >= ROOMY, "-roomy")

    def runs_changed(self) -> None:
        """Fill the table anew, the cursor staying on its run."""
        table, entries = self.query_one(RunTable), self.session.library.entries()
        self.warn_of_new(entry.trouble for entry in entries if entry.trouble)
        self._picked = [path for path in self._picked if self.session.library.get(path)]
        self.query_one("#no-runs").display = not entries
        table.display = bool(entries)
        self.set_class(len(entries) <= FEW, "-few")
        self.query_one("#no-runs", Static).update(content(text.NO_RUN))
        table.fill([self._cells(entry) for entry in entries], [str(entry.run.path) for entry in entries])
        self._compare()

    def run_changed(self, message: RunChanged) -> None:
        """Refresh the line of a live run."""
        entry = self.session.library.get(message.view.path) if message.view.path else None
        if entry and str(entry.run.path) in self.query_one(RunTable).rows:
            self.query_one(RunTable).change(str(entry.run.path), self._cells(entry))
            self._compare()

    def _cells(self, entry: Entry) -> tuple[Text, ...]:
        view, network = entry.view, entry.config.network if entry.config else None
        place = self._picked.index(entry.run.path) if entry.run.path in self._picked else None
        mark = cell("") if place is None else cell(SIGNS[place], "bold")
        state = f"{self.session.glyphs.state(view.state)} {tr(view.state)}"
        return (
            mark, cell(state, "bold" if view.live else ""), cell(entry.run.name),
            cell(tr(entry.config.way if entry.config else "unreadable")), cell(validation(entry)),
            cell(test(entry), "bold"), number(view.done), cell(duration(seconds(entry)), right=True),
            cell(network.backbone if network else "-"),
        )  # fmt: skip

    def _selected(self) -> Entry | None:
        table = self.query_one(RunTable)
        if not table.row_count:
            return None
        key = table.key_at_cursor
        return self.session.library.get(Path(key)) if key else None

    def _chosen(self) -> list[Entry]:
        """The picked runs, else the one under the cursor."""
        picked = [entry for path in self._picked if (entry := self.session.library.get(path))]
        under = self._selected()
        return picked or ([under] if under else [])

    def _compare(self) -> None:
        entries = self._chosen()
        known = [(e.run.path, e.view.state, e.view.done) for e in entries]
        if known != self._compared:
            self._compared = known
            self.query_one(Comparison).show(entries)
        if known != self._judged:
            self._judged = known
            self._judge(entries)

    def _judge(self, entries: list[Entry]) -> None:
        """Say which of two runs is better, once a thread has found it; until then nothing, not the last pair's."""
        comparison = self.query_one(Comparison)
        comparison.conclude("")
        self.session.cancel("verdict")
        if testable(entries):
            self.session.start("verdict", tr("comparing two runs"), partial(verdict, entries), comparison.conclude)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Without picks, the run under the cursor is shown."""
        if event.data_table.id == "runs" and not self._picked:
            self.call_after_refresh(self._compare)  # the cursor first

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """To the run's result; to its course where it has none."""
        entry = self._selected()
        if event.data_table.id != "runs" or entry is None:
            return
        if entry.view.result:
            self.session.judged = entry.run.path
            self.session.announce(RunsChanged)
            self.app.switch_mode("results")
        else:
            self.action_follow()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can be done with the run under the cursor."""
        return None if self.is_mounted and self.why_not(action) else True

    def why_not(self, action: str) -> str:
        """Why a key can't do this with the run under the cursor, or with those that are picked."""
        if action == "unpick":
            return "" if self._picked else text.NONE_PICKED
        if action not in ("resume", "pick", "follow", "copy_path", "delete", "view"):
            return ""
        entry = self._selected()
        if entry is None:
            return text.NO_RUN
        if action == "delete" and not self._deletable():
            return text.LIVE
        return text.through(entry) if action == "resume" else ""

    def action_pick(self) -> None:
        """Pick, or no longer; then go on to the next."""
        entry, table = self._selected(), self.query_one(RunTable)
        if entry is None:
            return
        if entry.run.path in self._picked:
            self._picked.remove(entry.run.path)
        elif len(self._picked) == len(COLOURS):
            said = tr("{count} runs are picked already; more can't be told apart.", count=len(COLOURS))
            self.workbench.say(said, "warning")
            return
        else:
            self._picked.append(entry.run.path)
        table.action_cursor_down()
        self.runs_changed()

    def action_unpick(self) -> None:
        """Pick none."""
        self._picked = []
        self.runs_changed()

    def action_view(self) -> None:
        """All, or a part of it in the whole room."""
        self._view = (self._view + 1) % len(VIEWS)
        for place, name in enumerate(VIEWS):
            if name:
                self.set_class(place == self._view, name)
        self.query_one("#differences" if self._view == 2 else "#runs").focus()
        self._compared = None
        self.call_after_refresh(self._compare)

    def action_follow(self) -> None:
        """Show the course on the Train screen."""
        if entry := self._selected():
            self.session.show(entry.view)
            self.app.switch_mode("train")

    def action_resume(self) -> None:
        """Go on with the run from its last resume point, and show its course."""
        entry = self._selected()
        if entry is None:
            return
        try:
            self.session.resume(entry)
        except CovidTuiError as error:
            self.workbench.say(in_recipe_terms(error), "warning")
            return
        self.app.switch_mode("train")

    def _deletable(self) -> list[Entry]:
        return [entry for entry in self._chosen() if not entry.view.live]

    def action_delete(self) -> None:
        """Ask, then delete; a live run stays."""
        entries = self._deletable()
        ask = Ask(text.question(entries), (text.DELETE,), text.KEEP)
        self.app.push_screen(ask, lambda answer: self._delete(entries, answer))

    def _delete(self, entries: list[Entry], answer: str | None) -> None:
        if answer == text.DELETE.value:
            work = partial(delete, [entry.run for entry in entries])
            self.session.start("delete", tr("deleting runs"), work, self._deleted)

    def _deleted(self, done: list[Deleted]) -> None:
        self._deletions += bool(done)
        self.workbench.say(text.deleted(done))
        self.refresh_bindings()

    def action_undo(self) -> None:
        """Bring back what was deleted last, by this workbench or another."""
        self.session.start("delete", tr("bringing runs back"), partial(undo, self.session.runs), self._undone)

    def _undone(self, runs: list[Run]) -> None:
        self._deletions = max(0, self._deletions - 1) if runs else 0
        self.workbench.say(text.undone(runs))
        self.refresh_bindings()
        if self.focused is None:  # an empty table had lost it
            self.call_after_refresh(self.query_one("#runs").focus)

    def action_copy_path(self) -> None:
        """To the clipboard."""
        if entry := self._selected():
            self.workbench.copy(str(entry.run.path), tr("the run's path"))


SCREEN = RunsScreen
