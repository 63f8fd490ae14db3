"""Screen 3: the recipe, a training as it goes, and its stop."""

import dataclasses
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import DataTable, Static

from engine.base.errors import CovidTuiError
from engine.base.events import Notice
from engine.base.language import tr
from engine.base.wording import without_stop
from engine.network.freezing import plan
from engine.recipe import toml
from engine.recipe.config import TrainConfig
from engine.recipe.fields import advised
from engine.runs.watch import RunView
from engine.training.phases import phases
from tui.screens.plotted import PlottedScreen
from tui.screens.train import text
from tui.screens.train.epoch_curves import by_epoch
from tui.screens.train.epoch_table import columns, rows_of, titled
from tui.screens.train.log_dialog import TAKE, LogView, log_lines, values
from tui.screens.train.lr_dialog import Rates
from tui.screens.train.machine import Machine
from tui.screens.train.progress import course
from tui.screens.train.replay_keys import ReplayKeys
from tui.screens.train.rungs import curves_of
from tui.screens.train.schedule_dialog import Schedule
from tui.screens.undoing import UNDO, RecipeScreen
from tui.state.messages import RunChanged
from tui.widgets.curves import Curves
from tui.widgets.fitted_table import FittedTable
from tui.widgets.form import Form
from tui.widgets.panes import Panes
from tui.widgets.pick_dialog import AskFile
from tui.widgets.plot_dialog import ENLARGE
from tui.widgets.question_dialog import Ask
from tui.widgets.safe_cells import content, lines
from tui.words.recipe_terms import in_recipe_terms
from tui.words.safe_text import display_name

if TYPE_CHECKING:
    from engine.base.cancel import How

FILE = Path("recipe.toml")


class TrainScreen(ReplayKeys, RecipeScreen, PlottedScreen):
    """The recipe on the left; curves, epochs, log and progress of the shown run on the right."""

    MODE = "train"
    CSS_PATH = "train.tcss"
    HELP = tr(
        "Start a training of the recipe on the open data, and follow it. A training that was started elsewhere can "
        "be followed too."
    )
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "start", tr("Start"), id="train.start", tooltip=tr("Train the recipe on the open data.")),
        Binding("s", "stop('keep')", tr("Stop"), id="train.stop",
                tooltip=tr("Stop the training shown: you are asked how.")),
        Binding("x,S", "stop('now')", tr("Stop now"), id="train.stop_now",
                tooltip=tr("Stop the training without a test.")),
        Binding("e", "recipe", tr("Recipe"), id="train.recipe", tooltip=tr("To the next training's recipe, and back.")),
        Binding(TAKE, "take_advice", tr("Take advice"), id="train.advice", tooltip=tr("Do as a warning advises.")),
        Binding("l", "schedule", tr("Rates"), id="train.schedule",
                tooltip=tr("Plot the learning rate over the epochs.")),
        Binding("f", "find_rate", tr("Find rate"), id="train.find_rate",
                tooltip=tr("Test which learning rate fits the data.")),
        Binding("v", "view", tr("View"), id="train.view",
                tooltip=tr("Plot the epoch at hand alone, or the whole run.")),
        ENLARGE,
        Binding("g", "log_axis", tr("Log axis"), id="train.log_axis",
                tooltip=tr("The loss on a logarithmic axis, and back.")),
        Binding("n", "log", tr("Log"), id="train.log", tooltip=tr("All that the run had to say.")),
        Binding("w", "save", tr("Save"), id="train.save", tooltip=tr("Save the recipe to a file.")),
        Binding("o", "load", tr("Load"), id="train.load", tooltip=tr("Load a recipe from a file.")),
        UNDO,
        Binding("b", "background", tr("Quit, train on"), id="train.background",
                tooltip=tr("Close the workbench; train on.")),
    ]  # fmt: skip
    _shown: tuple[object, int] | None = None
    _logged: tuple[object, int] | None = None
    _by_batch = False
    _view: RunView | None = None
    """The run that was shown last."""
    _next = False
    """Is it the recipe of the next training that is looked at, though a run is shown?"""
    _formed: tuple[object, ...] = ()
    """What the form shows."""

    def __init__(self) -> None:
        super().__init__()
        if not self._about_a_run:
            self.add_class("-form")

    @property
    def _about_a_run(self) -> bool:
        return self.session.shown is not None or self.session.wanted is not None

    def body(self) -> Iterable[Widget]:
        """Recipe beside curves, epochs, log and progress."""
        with Panes(classes="columns"):
            with Vertical(id="left"):
                yield Form(id="recipe").add_class("pane")
                machine = Machine(self.session.glyphs, self._in_sight, self.session.library.halt)
                machine.id = "machine"
                yield machine.add_class("pane", "fit")
            with Panes(id="course"):
                with Panes(id="curves"):
                    yield Curves(tr("loss"), id="loss").add_class("pane")
                    yield Curves(tr("accuracy"), y_limits=(None, 1.0), id="accuracy").add_class("pane")
                yield FittedTable(*columns(), id="epochs", classes="pane")
                with VerticalScroll(classes="pane", id="log"):
                    yield Static(id="log-text")
                yield Static(id="progress")

    def on_mount(self) -> None:
        """Titles."""
        epochs = self.query_one("#epochs", FittedTable)
        epochs.border_title = tr("Epochs")
        self.query_one("#log").border_title = tr("Log")
        if self._about_a_run:
            epochs.focus()
        else:
            self.query_one(Form).edit()
        self.data_changed()

    def _in_sight(self) -> bool:
        return self.workbench.current_mode == self.MODE

    def _invitation(self) -> str:
        return text.READING if self.session.wanted else self.session.cannot_train() or text.READY

    def data_changed(self) -> None:
        """Say whether a training can start."""
        if self.session.shown is None:
            self.query_one("#progress", Static).update(content(self._invitation()), layout=False)

    def config_changed(self) -> None:
        """Show the recipe."""
        view, own, form = self.session.shown, self._own_recipe, self.query_one(Form)
        if self._formed == (key := (view and view.name, own is None, own or self.session.config)):
            return
        self._formed = key
        if own and view:
            name = view.name or tr("the new run")
            self.query_one("#recipe").border_title = content(tr("Recipe of {name}", name=name))
            form.show(own, text.FIXED)
        else:
            self.query_one("#recipe").border_title = text.NEXT
            form.show(self._next_recipe)

    @property
    def _own_recipe(self) -> TrainConfig | None:
        """The recipe of the run that is shown, where that is what is looked at."""
        view = self.session.shown
        return self.session.recipe_of(view) if view and not self._next else None

    @property
    def _next_recipe(self) -> TrainConfig:
        output = dataclasses.replace(self.session.config.output, out=self.session.runs)
        return dataclasses.replace(self.session.config, output=output)

    def runs_changed(self) -> None:
        """The recipe of the run that is shown may be known by now."""
        self.config_changed()

    def run_changed(self, message: RunChanged) -> None:
        """Show the run's course."""
        view = self.session.shown
        if view is None or message.view is not view:
            return
        if view is not self._view:  # to its curves, whatever was looked at before
            self._view = view
            self._to_run()
        self.config_changed()
        self._epochs(view)
        self._curves(view)
        self._log(view)
        rows = course(view, self.session.glyphs)
        self.query_one("#progress", Static).update(lines(rows), layout=False)

    def _epochs(self, view: RunView) -> None:
        table = self.query_one("#epochs", FittedTable)
        table.border_title = content(titled(view))
        key = (view, len(view.epochs) + len(view.rungs) + len(view.skipped))
        if self._shown == key:
            return
        self._shown = key
        table.offer(*columns(view))
        table.fill(rows_of(view, self.session.glyphs.best))

    def _curves(self, view: RunView) -> None:
        glyphs = self.session.glyphs
        if view.unit == "rung":
            self._paths(view)
            return
        limits = (0.0, float(view.started.epochs)) if view.started else None
        epoch = view.batch.epoch if view.batch else len(view.epochs)
        if self._by_batch and epoch:
            limits = (float(epoch - 1), float(epoch))
        for name in ("loss", "accuracy"):
            plot = self.query_one(f"#{name}", Curves)
            alone = tr("epoch {epoch}", epoch=epoch) if self._by_batch and epoch else ""
            plot.name_it(tr(name), alone, tr("epoch"))
            plot.draw(by_epoch(view, name, glyphs), limits)

    def plotted(self) -> str:
        """The run."""
        return self.session.shown.name if self.session.shown and self.session.shown.name else "run"

    def action_log_axis(self) -> None:
        """The loss by its powers of ten, and back."""
        plot = self.query_one("#loss", Curves)
        plot.logarithmic = not plot.logarithmic
        plot.redraw()

    def _paths(self, view: RunView) -> None:
        """The fits of each rung along their strengths, out of fold, and the accuracy's spread between the folds."""
        limits = (0.0, float(view.started.epochs)) if view.started else None
        for name, curves in curves_of(view.tried, self.session.glyphs.val_mark).items():
            plot = self.query_one(f"#{name}", Curves)
            plot.name_it(tr(name), x_title=tr("rung"))
            plot.draw(curves, limits)

    def _log(self, view: RunView) -> None:
        key = (view, len(view.log) and id(view.log[-1]))
        if self._logged != key:
            self._logged = key
            self.query_one("#log-text", Static).update(log_lines(view.log))
            self.query_one("#log", VerticalScroll).scroll_end(animate=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Start when there is something to train, stop when there is something to stop."""
        if not super().check_action(action, parameters):
            return False
        if action == "take_advice":
            return bool(self._advice())
        return None if self.why_not(action) else True

    def why_not(self, action: str) -> str:
        """Why a key can't do this now."""
        shown, training = self.session.shown, self.session.training
        match action.partition("(")[0]:
            case "start" | "find_rate":
                return self.session.cannot_train()
            case "background":
                return "" if training and training.alive else text.NOT_HERE
            case "stop" | "log" | "view" | "log_axis" if shown is None:
                return text.NOTHING_SHOWN
            case "stop" if self.session.replay:
                return text.REPLAYED
            case "stop" if shown and not shown.live:
                return text.NOT_LIVE
            case "view" if shown and not shown.batch and not shown.epochs:
                return text.NO_EPOCH
        return super().why_not(action)

    def on_form_changed(self, event: Form.Changed) -> None:
        """A field of the recipe is another one."""
        value = event.value
        if event.part == "output":
            value = dataclasses.replace(value, out=self.session.config.output.out)
        self.session.configure(tr("the field {name}", name=event.name), **{event.part: value})

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter on the epochs starts, when nothing is under way; a click on a field of the recipe is the form's."""
        if event.data_table.id == "epochs" and not self.session.cannot_train():
            self.action_start()

    def action_start(self) -> None:
        """Train."""
        try:
            self.session.train()
        except CovidTuiError as error:
            self.session.complain(error)
            return
        self._to_run()

    def _to_run(self) -> None:
        """The curves in sight, and the recipe of their run."""
        self._next = False
        self.set_narrow(False, "-form")
        self.query_one("#epochs").focus()
        self.config_changed()

    def action_stop(self, how: str) -> None:
        """Ask how, then stop."""
        view = self.session.shown
        if view is not None and view.live:
            answers = (text.KEEP, text.NOW) if how == "keep" else (text.NOW,)
            question = tr("Stop the training {name}?", name=view.name) if view.name else tr("Stop the training?")
            self.app.push_screen(Ask(question, answers, text.GO_ON), lambda answer: self._stop(view, answer))

    def _stop(self, view: RunView, how: str | None) -> None:
        if how in ("keep", "now") and view.live:
            try:
                self.session.stop_run(view, cast("How", how))
            except (OSError, CovidTuiError) as error:
                why = without_stop(in_recipe_terms(error))
                self.workbench.say(tr("The run can't be asked to stop ({error}).", error=why), "error")
                return
            view.stopping = cast("How", how)
            self.run_changed(RunChanged(view))

    def action_recipe(self) -> None:
        """To the recipe of the next training, and back; where there is no room beside the run, its own comes first."""
        form, own = self.query_one(Form), self._own_recipe
        narrow = self.has_class("-narrow")
        there = self.has_class("-form") if narrow else form.has_focus_within
        if there and own is None:
            self._to_run()
            return
        self._next = there or not (narrow and own)
        self.set_narrow(True, "-form")
        self.config_changed()
        form.edit()

    def _advice(self) -> Mapping[str, str]:
        """What the last warning of the shown run that advises something advises."""
        log = self.session.shown.log if self.session.shown else ()
        notices = (event for event in reversed(log) if isinstance(event, Notice))
        return next((notice.advice for notice in notices if notice.advice), {})

    def action_take_advice(self) -> None:
        """The next training is as a warning of this one advised."""
        advice = self._advice()
        try:
            taken = advised(self.session.config, advice, plan)
        except CovidTuiError as error:
            self.session.complain(error)
            return
        self._take(tr("advice taken, {values}", values=values(advice)), taken)
        self.workbench.say(tr("The recipe of the next training has {values}.", values=values(advice)))

    def action_schedule(self) -> None:
        """Plot the rates."""
        view = self.session.shown
        done = len(view.epochs) if view and view.live else 0
        recipe = self._own_recipe or self.session.config
        try:
            phases(recipe)
        except CovidTuiError as error:
            self.session.complain(error)
            return
        self.app.push_screen(Schedule(recipe, done, self.session.glyphs.val_mark))

    def action_find_rate(self) -> None:
        """Test rates."""
        if reason := self.session.cannot_train():
            self.workbench.say(reason)
        else:
            self.app.push_screen(Rates(self.session))

    def action_view(self) -> None:
        """The epoch at hand, or all."""
        self._by_batch = not self._by_batch
        if self.session.shown:
            self._curves(self.session.shown)

    def action_log(self) -> None:
        """All lines."""
        if view := self.session.shown:
            self.app.push_screen(LogView(tr("Log of {name}", name=view.name or tr("the new run")), view.log))

    def action_save(self) -> None:
        """Ask for a file and write the recipe there."""
        own, view = self._own_recipe, self.session.shown
        question = (
            tr("Save the recipe of {name} to which file?", name=view.name)
            if own and view
            else tr("Save the recipe of the next training to which file?")
        )
        ask = AskFile(question, FILE.absolute(), suffixes=[".toml"], writes=True)
        self.app.push_screen(ask, partial(self._save, own or self._next_recipe))

    def _save(self, recipe: TrainConfig, path: Path | None) -> None:
        if path is None:
            return
        try:
            toml.save(recipe, path)
        except CovidTuiError as error:
            self.session.complain(error)
        else:
            self.workbench.say(
                tr("Saved. `covid-tui --train DATA --config {path}` trains it.", path=display_name(path))
            )

    def action_load(self) -> None:
        """Ask for a file and take its recipe."""
        ask = AskFile(tr("Load the recipe of which file?"), FILE.absolute(), suffixes=[".toml"], writes=False)
        self.app.push_screen(ask, self._load)

    def _load(self, path: Path | None) -> None:
        if path is None:
            return
        try:
            loaded = toml.load(path, plan)
        except CovidTuiError as error:
            self.session.complain(error)
            return
        if loaded.output.out.absolute() != self.session.runs:
            self.workbench.say(
                tr("The runs stay in {runs}, not in the recipe's {out}.", runs=self.session.runs, out=loaded.output.out)
            )
        self._take(tr("the recipe of {path}", path=path), loaded)
        self.workbench.say(tr("Loaded {path}.", path=path))

    def action_undo_change(self) -> None:
        """Take the last change back where it is seen."""
        self._next = True
        super().action_undo_change()

    def _take(self, change: str, recipe: TrainConfig) -> None:
        """The next training is by this recipe."""
        self._next = True
        self.session.configure(change, **{f.name: getattr(recipe, f.name) for f in dataclasses.fields(recipe)})

    def action_background(self) -> None:
        """Leave; the training goes on."""
        self.workbench.leave()


SCREEN = TrainScreen
