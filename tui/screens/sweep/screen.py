"""Screen 8: which layers are worth training? A sweep planned, trained, followed and gone on with; the recipe chosen."""

import dataclasses
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import DataTable, Static

from engine.base.errors import CovidTuiError
from engine.base.language import tr
from engine.recipe.plans import SweepPlan
from engine.sweep.result import Grid, Swept
from tui.screens.plotted import PlottedScreen
from tui.screens.sweep.kept_list import KeptSweeps
from tui.screens.sweep.queue_table import QueueTable
from tui.screens.sweep.result_pane import ResultPane
from tui.screens.sweep.text import BEING_PLANNED, choice, course, summary, wanted
from tui.state.messages import JobChanged
from tui.state.relay import SECONDS_BETWEEN_LOOKS
from tui.state.sweep_job import (
    Followed,
    Kept,
    Look,
    SweepJob,
    config_of,
    kept_sweeps,
    new_plan,
    open_test,
    plan_of,
)
from tui.widgets.form import Form
from tui.widgets.panes import Panes
from tui.widgets.plot_dialog import ENLARGE
from tui.widgets.question_dialog import Answer, Ask
from tui.widgets.row_table import RowTable
from tui.widgets.safe_cells import content, lines
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.jobs.sweep_plan import Plan

PLAN, CHOOSE, LIST = "sweep-plan", "sweep-choose", "sweeps"
STOP = Answer("k", tr("Stop after the batch at hand; the sweep goes on from there another time"), "stop")
GO_ON = Answer("g", tr("Go on"), "")


class SweepScreen(PlottedScreen):
    """What to sweep on the left; the queue, or the frontier with the recipes and the advice, on the right."""

    MODE = "sweep"
    CSS_PATH = "sweep.tcss"
    HELP = tr(
        "A grid of recipes (networks, depths, learning rates) is trained with several seeds on one "
        "split, the cheapest first. The frontier shows which are worth their cost. The test part "
        "stays shut until you choose one. A sweep that was stopped, or whose minutes are used up, "
        "goes on another time; so does one of `covid-tui sweep`."
    )
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "start", tr("Start"), id="sweep.start", tooltip=tr("Train the grid on the open data.")),
        Binding("r", "go_on", tr("Go on"), id="sweep.go_on",
                tooltip=tr("Train what is left of the sweep that is shown.")),
        Binding("s", "stop", tr("Stop"), id="sweep.stop", tooltip=tr("Stop the sweep under way: you are asked.")),
        Binding("o", "choose", tr("Choose"), id="sweep.choose",
                tooltip=tr("Choose a recipe and open the test part for it: you are asked.")),
        Binding("e", "setup", tr("Setup"), id="sweep.setup", tooltip=tr("To the grid and earlier sweeps, and back.")),
        Binding("n", "new", tr("New"), id="sweep.new", tooltip=tr("Plan a new sweep with the grid of the form.")),
        Binding("u", "queue", tr("Queue"), id="sweep.queue", tooltip=tr("The queue in place of the result, and back.")),
        Binding("x", "axis", tr("Cost"), id="sweep.axis",
                tooltip=tr("Plot by training seconds, or by parameters that train.")),
        ENLARGE,
        Binding("v", "plot", tr("Turn"), id="sweep.plot",
                tooltip=tr("The plot in place of table and advice, and back.")),
        Binding("c", "copy", tr("Copy"), id="sweep.copy", tooltip=tr("Copy the table in focus, or the sweep's path.")),
    ]  # fmt: skip
    _wanted = SweepPlan()
    _plan: "Plan | None" = None
    _trouble = ""
    _shown: Followed | None = None
    _seen = False
    """Did anybody see which sweep is shown? Until then that is the newest."""
    _known = False
    """Is it known whether there is a sweep to show? Until then nothing is planned that nobody would see."""
    _queued = True
    """Is the queue shown, and not the result?"""

    def __init__(self) -> None:
        super().__init__("-setup")
        self._texts: dict[str, Content] = {}

    def body(self) -> Iterable[Widget]:
        """Grid, data and earlier sweeps beside progress, queue and result."""
        with Panes(classes="columns"):
            with Panes(id="left"):
                yield Form(self._wanted, id="grid").add_class("pane")
                with Panes(id="sources"):
                    yield Static(id="what", classes="pane")
                    yield KeptSweeps(self.session.glyphs, id="earlier")
            with Vertical(id="outcome"):
                yield Static(id="progress")
                yield QueueTable(id="queue").add_class("pane")
                yield ResultPane(id="result")

    def on_mount(self) -> None:
        """Titles, columns, and a clock for the time left."""
        for name, title in (("#grid", tr("Grid")), ("#what", tr("Data and cost")), ("#earlier", tr("Sweeps on disk"))):
            self.query_one(name).border_title = title
        self.query_one(Form).show(self._wanted)
        self._show_queue(True)
        if self.session.sweep:
            self._open(self.session.sweep.path)
        self._list()
        self._draw()
        self.query_one("#grid FieldTable").focus()
        self.set_interval(1.0, self._tick)

    def on_unmount(self) -> None:
        """No thread may follow a sweep any longer."""
        if self._shown:
            self._shown.leave()

    def on_screen_resume(self) -> None:
        """Another process may have begun a sweep."""
        if LIST not in self.session.jobs:
            self._list()

    def _tick(self) -> None:
        if self._shown and self._live and self.workbench.current_mode == self.MODE:
            self._progress()

    @property
    def _job(self) -> SweepJob | None:
        """The sweep that is shown, where this process trains it or did last."""
        job = self.session.sweep
        return job if job and self._shown and job.path == self._shown.path else None

    @property
    def _live(self) -> bool:
        return self._shown is not None and (self._shown.live or bool(self._job and self._job.alive))

    # What changes

    def data_changed(self) -> None:
        """The plan is of this data."""
        self._replan()

    def config_changed(self) -> None:
        """The recipe is part of it."""
        self._replan()

    def run_changed(self, message: object) -> None:
        """A training's end lets a sweep begin."""
        self._what()

    def job_changed(self, message: JobChanged) -> None:
        """The sweep is further, or over."""
        if message.job.group == SweepJob.GROUP:
            self._progress()
            self._what()
            if message.job.over:
                self._list()
                self._replan()
        if message.job.group == CHOOSE:
            self._progress()

    def on_form_changed(self, event: Form.Changed) -> None:
        """Another grid is another sweep; another budget is not."""
        before, self._wanted = self._wanted.sweep, SweepPlan(event.value)
        self.query_one(Form).show(self._wanted)
        if dataclasses.replace(before, budget=event.value.budget) != event.value:
            self._show(None)

    def _replan(self) -> None:
        """Judge anew what the sweep that is shown, or the one that is planned, costs; in a thread."""
        session = self.session
        if self._shown:
            if self._shown.result is None:
                return  # it has only begun, or can't be read
            work = partial(plan_of, self._shown.path, session.data)
        elif not self._known:
            return
        elif session.data and session.split:
            work = self._new()
        else:
            self._planned(None)
            return
        session.start(PLAN, tr("planning the sweep"), work, self._planned, self._not_planned)

    def _new(self) -> "partial[Plan]":
        session = self.session
        assert session.data and session.split
        output = dataclasses.replace(session.config.output, out=session.runs)
        config = dataclasses.replace(session.config, output=output)
        return partial(new_plan, session.data, config, self._wanted.sweep, session.split)

    def _planned(self, plan: "Plan | None") -> None:
        self._plan, self._trouble = plan, ""
        self._draw()

    def _not_planned(self, error: Exception) -> None:
        self._plan, self._trouble = None, in_recipe_terms(error)
        self._draw()

    def _show(self, path: Path | None) -> None:
        """Show the sweep at `path`; None for the one that is planned."""
        if self._shown:
            self._shown.leave()
        self._shown = Followed(path) if path else None
        self._plan, self._trouble = None, ""
        self.set_narrow(False, "-plot")
        self._show_queue(True)
        if self._shown:
            follow = partial(self._shown.follow, self._post_look, SECONDS_BETWEEN_LOOKS)
            self.session.run_thread("sweep-follow", follow)
        else:
            self._replan()
        self._draw()

    def _post_look(self, followed: Followed, look: Look) -> None:
        """From the thread that follows."""
        self.app.call_later(self._took, followed, look)

    def _took(self, followed: Followed, look: Look) -> None:
        if followed is not self._shown or not self.app.is_running:
            return
        first = followed.result is None
        followed.take(look)
        if look.result:
            if first:
                self._take_grid(look.result.grid)
            if first and look.result.candidates and not self._live:
                self._turn()
            self._replan()
            if not self.query_one(KeptSweeps).has(followed):
                self._list()
            self._draw()
            return
        self._progress()
        self._queue()
        self.refresh_bindings()

    def _take_grid(self, grid: Grid) -> None:
        try:
            self._wanted = SweepPlan(config_of(grid, self._wanted.sweep.budget))
        except CovidTuiError as error:
            self.session.complain(error)
        self.query_one(Form).show(self._wanted)

    def _list(self) -> None:
        work = partial(kept_sweeps, self.session.runs)
        self.session.start(LIST, tr("reading the sweeps"), work, self._listed, self._not_listed)

    def _not_listed(self, error: Exception) -> None:
        self.session.complain(error)
        self._listed(((), ()))

    def _listed(self, read: tuple[Sequence[Kept], Sequence[str]]) -> None:
        kept, troubles = read
        self.warn_of_new(troubles)
        self.query_one(KeptSweeps).show_kept(kept)
        seen, self._seen = self._seen, self._seen or self.workbench.current_mode == self.MODE
        newer = kept and not seen and self._shown and not self._job and self._shown.path != kept[0].path
        known, self._known = self._known, True
        if kept and not seen and (newer or self._shown is None):
            self._open(kept[0].path)
        elif not known:
            self._replan()

    # What is shown

    def _draw(self) -> None:
        self._what()
        self._progress()
        self._queue()
        self.query_one(ResultPane).show(self._shown.result if self._shown else None)
        self.refresh_bindings()

    def _what(self) -> None:
        session = self.session
        sweep = self._plan.sweep if self._plan and self._shown else None
        folder, config = (sweep.folder, sweep.config) if sweep else (session.data, session.config)
        rows = wanted(folder, config, self._plan)
        reason = self._trouble or (session.at_work() if self._shown else session.cannot_sweep())
        if reason:
            rows.append(content(reason, "$warning"))
        elif self.check_action("start", ()):
            rows.append(content(tr("r starts the sweep."), "$foreground-muted"))
        elif self.check_action("go_on", ()):
            rows.append(content(tr("r goes on with the sweep."), "$foreground-muted"))
        self._say("#what", rows)

    def _progress(self) -> None:
        rows: list[Content] = []
        if CHOOSE in self.session.jobs:
            rows = [content(tr("The test part is being opened for the chosen recipe ..."), "bold $warning")]
        elif self._shown:
            rows = course(self._shown, self._job, self._plan, self.session.glyphs)
        elif self._plan:
            rows = [content(tr("A plan: nothing is trained yet. {summary}", summary=summary(self._plan)))]
        self._say("#progress", rows)

    def _say(self, name: str, rows: list[Content]) -> None:
        """Put lines into a box, laid out anew only where they are others."""
        text, before = lines(rows), self._texts.get(name)
        if before is None or not before.is_same(text):
            self._texts[name] = text
            self.query_one(name, Static).update(text)

    def _queue(self) -> None:
        self.query_one(QueueTable).show(self._plan, self._shown, self.session.glyphs)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Start a plan, go on with what is not complete, stop what is live here; choose what is finished."""
        session, shown = self.session, self._shown
        result = shown.result if shown else None
        if action == "start":
            return shown is None and ((not session.cannot_sweep() and self._plan is not None) or None)
        if action == "go_on":
            open_end = shown is not None and not self._live and self._plan is not None and not self._plan.complete
            return open_end and (not session.at_work() or None)
        if action == "stop":
            return session.sweep is not None and session.sweep.alive
        if action in ("choose", "queue", "axis", "plot"):
            narrow = self.has_class("-narrow")
            there = bool(result and result.advice) and not (narrow and self.has_class("-setup"))
            if action == "choose":
                return there and not self._live and CHOOSE not in session.jobs
            if action == "queue":
                return there
            return there and not self._queued and (action == "axis" or narrow)
        return shown is not None if action in ("copy", "new") else True

    def why_not(self, action: str) -> str:
        """Why no sweep can be started, or gone on with, now."""
        if action == "go_on":
            return self.session.at_work()
        return self.session.cannot_sweep() or self._trouble or BEING_PLANNED if action == "start" else ""

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open an earlier sweep."""
        listed = event.data_table
        if isinstance(listed, KeptSweeps):
            self._open(listed.kept[listed.place_of(event.cursor_row)].path)

    def _open(self, path: Path) -> None:
        self.set_narrow(False, "-setup")
        self._show(path)
        self.call_after_refresh(self._focus)

    def _focus(self) -> None:
        self.query_one("#queue" if self._queued else "#recipes").focus()

    def action_start(self) -> None:
        """Plan once more, so that the name is new, and train."""
        self.session.start(PLAN, tr("planning the sweep"), self._new(), self._begin, self._not_planned)

    def action_go_on(self) -> None:
        """Train what is left."""
        if self._plan:
            self._begin(self._plan)

    def _begin(self, plan: "Plan") -> None:
        try:
            self.session.begin_sweep(plan, self._wanted.sweep.limit)
        except CovidTuiError as error:
            self.session.complain(error)
            return
        self._open(plan.path)
        self._plan = plan
        self._draw()

    def action_stop(self) -> None:
        """Ask, then stop."""
        self.app.push_screen(Ask(tr("Stop the sweep?"), (STOP,), GO_ON), self._stop)

    def _stop(self, answer: str | None) -> None:
        if answer == "stop":
            self.session.cancel(SweepJob.GROUP)

    def action_choose(self) -> None:
        """Ask for which recipe, then open its test part."""
        shown, mine = self._shown, self.query_one(ResultPane).highlighted
        if shown is None or shown.result is None or mine is None:
            return
        self.app.push_screen(Ask(*choice(shown.result, mine)), partial(self._choose, shown.path))

    def _choose(self, path: Path, name: str | None) -> None:
        if name:
            self.session.start(CHOOSE, tr("testing the chosen recipe"), partial(open_test, path, name), self._chose)
            self._draw()

    def _chose(self, result: Swept) -> None:
        self.query_one("#advice-pane").scroll_home(animate=False)
        self._draw()

    def action_setup(self) -> None:
        """To the form and the list, or back to what is shown."""
        away = self.has_class("-setup") if self.has_class("-narrow") else self.query_one("#left").has_focus_within
        self.set_narrow(not away, "-setup")
        self.call_after_refresh(self._focus if away else self.query_one("#grid FieldTable").focus)
        self.refresh_bindings()

    def action_new(self) -> None:
        """Plan another."""
        self._show(None)
        self.set_narrow(True, "-setup")
        self.query_one("#grid FieldTable").focus()

    def action_queue(self) -> None:
        """The queue, or the result."""
        self._show_queue(not self._queued)
        self.call_after_refresh(self._focus)
        self.refresh_bindings()

    def _show_queue(self, shown: bool) -> None:
        self._queued = shown
        self.query_one("#queue").display, self.query_one("#result").display = shown, not shown

    def _turn(self) -> None:
        """From the queue to the result; the focus too, unless it is elsewhere once the result is there."""
        self._show_queue(False)
        self.call_after_refresh(self._follow)

    def _follow(self) -> None:
        if self.focused is None or self.focused.id == "queue":
            self._focus()

    def action_axis(self) -> None:
        """The other cost."""
        self.query_one(ResultPane).turn_axis()

    def action_plot(self) -> None:
        """The plot, or table and advice."""
        self.set_narrow(not self.has_class("-plot"), "-plot")

    def plotted(self) -> str:
        """The sweep."""
        return self._shown.path.name if self._shown else self.MODE

    def action_copy(self) -> None:
        """The table in focus, else the sweep's path."""
        if isinstance(self.focused, RowTable):
            self.workbench.copy_table(self.focused.texts(), tr("the table"))
        elif self._shown:
            self.workbench.copy(str(self._shown.path), tr("the sweep's path"))


SCREEN = SweepScreen
