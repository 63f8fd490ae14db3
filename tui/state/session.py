"""What all screens share: data, recipe, runs, and which work is under way.

Work runs in threads; what it finds comes back as messages, and everything here changes in the screen's thread alone.
A screen asks the session to do something, then hears `DataChanged`, `ConfigChanged`, `RunChanged`, `RunsChanged` or
`JobChanged` and looks here for what is so.
"""

import dataclasses
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.auto.reading import planned
from engine.base.cancel import How
from engine.base.context import Context
from engine.base.errors import ConfigError, CovidTuiError, Stopped
from engine.base.events import Event
from engine.base.language import tr
from engine.base.wording import in_turn
from engine.data.subset import subset
from engine.network.freezing import FreezePlan
from engine.recipe.config import DataConfig, TrainConfig, followed
from engine.recipe.plans import AuditConfig
from engine.runs.directory import Run
from engine.runs.event_log import Timed
from engine.runs.replay import Replay, recorded
from engine.runs.watch import Entry, Library, News, RunView
from tui.services.models import Models
from tui.state.audit_job import AuditJob, run_audit
from tui.state.host import Host
from tui.state.jobs import Jobs
from tui.state.long_job import LongJob
from tui.state.memory import Memory
from tui.state.messages import ConfigChanged, DataChanged, JobChanged, RunChanged, RunsChanged
from tui.state.recipe_changes import Former, RecipeChanges
from tui.state.relay import SECONDS_BETWEEN_LOOKS, Relay
from tui.state.replay_job import ReplayJob
from tui.state.sweep_job import SweepJob, run_sweep
from tui.state.tour import Tour
from tui.state.training_job import TrainingJob, going_on
from tui.words.glyphs import PLAIN, RICH, Glyphs
from tui.words.recipe_terms import in_recipe_terms
from tui.words.settings import Settings

if TYPE_CHECKING:
    from engine.data.corrections import Applied
    from engine.data.divided import Divided
    from engine.data.records import Scan
    from engine.data.split import Split
    from engine.jobs.sweep_plan import Plan

T = TypeVar("T")
SCANNED_BY = ("labels", "label_column", "follow_links", "near_duplicates")
"""Fields of the recipe by which a folder is read: where one changes, it is read again."""
A_CHANGE = tr("a change of the recipe")
MOST_SPLIT_AT_ONCE = 4000
"""Images whose split is drawn within 50 ms; that of more is drawn in a thread."""


@dataclasses.dataclass(frozen=True, eq=False)
class Opened:
    """A folder as it was read, and the part of the recipe that it was read by."""

    folder: Path
    whole: "Scan"
    by: DataConfig


class Session(Jobs):
    """The state of the workbench: data, recipe, runs and work. Only for the screen's thread."""

    work: Callable[..., Any] | None = None
    """What `train` runs in place of the engine's job, where a demonstration or a test needs another."""

    def __init__(self, host: Host, runs: Path, settings: Settings, memory: Memory | None = None) -> None:
        super().__init__(host)
        self.memory = memory
        """What is remembered from one time to the next; None for nothing."""
        self.tour: Tour | None = None
        """The way of a newcomer, while one goes it."""
        self.settings = settings
        self.glyphs: Glyphs = RICH if settings.unicode else PLAIN
        self.runs = runs.absolute()
        self.data: Path | None = None
        """The folder of X-rays; its scan may still be under way."""
        self.whole: Scan | None = None
        """What all classes of the folder hold."""
        self.scan: Scan | None = None
        """What the classes that the recipe picks hold."""
        self.split: Split | None = None
        self.split_problem = ""
        """Why the data can't be split, as a sentence; empty where it can, or nothing is known yet."""
        self.corrected: Applied | None = None
        """What the recipe's corrections did to the scan; None where it could not be divided."""
        self.config = settings.recipe
        """The recipe of the next training."""
        self._changes = RecipeChanges()
        self.training: TrainingJob | None = None
        """The training of this process, live or ended."""
        self.shown: RunView | None = None
        """The run that the Train screen shows."""
        self.audit: AuditJob | None = None
        """The audit of this process, live or ended."""
        self.sweep: SweepJob | None = None
        """The sweep of this process, live or ended."""
        self.picture: Path | None = None
        """The image file to predict, where the command line named one."""
        self.judged: Path | None = None
        """The run directory that the Results screen is to show; None for the newest that was tested."""
        self.asked: Path | None = None
        """The run directory whose model the Predict screen asks; None for the newest that is trained."""
        self.library = Library(self.runs)
        self.models = Models()
        """The one model in memory, for every screen."""
        self._before: Opened | None = None
        """What was open while another folder is being read."""
        self.wanted: Path | None = None
        """The run directory that is to be shown as soon as it is read."""
        self.replay: ReplayJob | None = None
        """What plays back the run that the Train screen shows; None where that is no replay."""

    # What is so

    @property
    def live(self) -> RunView | None:
        """The run to speak of in the title: this process's own, else the newest live one of another process."""
        if self.training and self.training.alive:
            return self.training.view
        return next((entry.view for entry in self.library.entries() if entry.view.live), None)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names of the next training, as far as they are known."""
        return self.config.data.class_names or tuple(self.scan.classes if self.scan else ())

    @property
    def freeze(self) -> FreezePlan:
        """Which layers the next training trains, and the head on them."""
        return planned(self.config)[0]

    def cannot_train(self) -> str:
        """Why no training can be started now, as a sentence; empty where it can."""
        return self._cannot_begin() or self.split_problem

    def cannot_audit(self) -> str:
        """Why no audit can be started now, as a sentence; empty where it can."""
        return self._cannot_begin()

    def cannot_sweep(self) -> str:
        """Why no sweep can be started now, as a sentence; empty where it can."""
        return self.cannot_train()

    def _cannot_begin(self) -> str:
        if self.at_work():
            return self.at_work()
        if self.data is None:
            return tr("Choose a folder of X-rays first.")
        return tr("The folder is still being read.") if self.scan is None or "split" in self.jobs else ""

    @property
    def long_job(self) -> LongJob | None:
        """The audit or the sweep that is under way here."""
        return next((one for one in (self.audit, self.sweep) if one and one.alive), None)

    def at_work(self) -> str:
        """The sentence that refuses another training, audit or sweep while one is under way here; else empty."""
        under_way = tr("A training is under way") if self.training and self.training.alive else ""
        if not under_way and self.long_job:
            under_way = self.long_job.UNDER_WAY
        return tr("{under_way}: stop it first, or wait until it ends.", under_way=under_way) if under_way else ""

    # Data

    def open_data(self, folder: Path, before: DataConfig | None = None) -> None:
        """Read the folder of X-rays and split it, in a thread; screens hear DataChanged now and when it is done.

        If that fails, or is cancelled, what was open is open again. `before` is the recipe that it was read by, where
        that is not the one at hand.
        """
        folder = folder.absolute()
        if self.data and self.whole:
            self._before = Opened(self.data, self.whole, before or self.config.data)
        if self.data and self.data != folder and self.config.data.classes:  # the classes of another folder
            self.config = dataclasses.replace(self.config, data=dataclasses.replace(self.config.data, classes=""))
            self.announce(ConfigChanged)
        self.data, self.whole, self.scan, self.split, self.split_problem = folder, None, None, None, ""
        self.corrected = None
        self.cancel("split")
        self.start(
            "scan",
            tr("reading the images"),
            partial(scan_folder, folder, self.config.data),
            self._scanned,
            self._not_scanned,
        )
        self.announce(DataChanged)

    def _scanned(self, whole: "Scan") -> None:
        self.whole, self._before = whole, None
        if self.memory and self.data:
            self.memory.opened(self.data)
        self._draw_split()
        self.announce(DataChanged)

    def _not_scanned(self, error: Exception) -> None:
        before, self._before, self.data = self._before, None, None
        stays = ""
        if before:
            self.data, self.whole, stays = (
                before.folder,
                before.whole,
                tr("{folder} stays open.", folder=before.folder),
            )
            read_by = {name: getattr(before.by, name) for name in (*SCANNED_BY, "classes")}
            data = dataclasses.replace(self.config.data, **read_by)
            if data != self.config.data:
                self.config = dataclasses.replace(self.config, data=data)
                self.announce(ConfigChanged)
            self._draw_split()
        self.announce(DataChanged)
        if not isinstance(error, Stopped):
            self.host.say(in_turn(in_recipe_terms(error), stays), "error")

    def _draw_split(self) -> None:
        """Split what the recipe picks: at once, or for many images in a thread, whose end screens hear of."""
        self.cancel("split")
        self.split, self.split_problem, self.scan, self.corrected = None, "", self.whole, None
        if self.whole is None:
            return
        try:
            self.scan = subset(self.whole, self.config.data.class_names)
            work = partial(_divided, self.scan, self.config)
            if len(self.scan.records) <= MOST_SPLIT_AT_ONCE:
                self._take_split(work())
                return
        except CovidTuiError as error:
            self.split_problem = in_recipe_terms(error)
            return
        self.start("split", tr("drawing the split"), lambda context: work(), self._split_drawn, self._split_failed)

    def _take_split(self, found: "Divided") -> None:
        self.scan, self.split, self.corrected = found.scan, found.split, found.applied

    def _split_drawn(self, found: "Divided") -> None:
        self._take_split(found)
        self.announce(DataChanged)

    def _split_failed(self, error: Exception) -> None:
        self.split_problem = in_recipe_terms(error)
        self.announce(DataChanged)

    # The recipe

    @property
    def last_change(self) -> str:
        """The change of the recipe that `undo_change` would take back, in words; empty for none."""
        former = self._changes.last(self.config, self.data)
        return former.change if former else ""

    def configure(self, change: str = A_CHANGE, /, **parts: Any) -> None:
        """Replace groups of the recipe: `configure(network=...)`. The split and the scan follow where they must.

        `change` says what that is, for who undoes it.
        """
        self._changes.note(Former(self.config, self.data, change))
        self._follow(followed(self.config, dataclasses.replace(self.config, **parts)))

    def undo_change(self) -> str:
        """Take the last change of the recipe back; what it was, in words, empty where there was none."""
        former = self._changes.take_back(self.config, self.data)
        if former:
            self._follow(former.recipe)
        return former.change if former else ""

    def _follow(self, recipe: TrainConfig) -> None:
        before, self.config = self.config, recipe
        self.announce(ConfigChanged)
        now, then = self.config.data, before.data
        if self.data and any(getattr(now, name) != getattr(then, name) for name in SCANNED_BY):
            self.open_data(self.data, before.data)
        elif self.config.data != before.data or self.config.machine.seed != before.machine.seed:
            self._draw_split()
            self.announce(DataChanged)

    def corrections_changed(self, file: Path) -> None:
        """A review wrote to this table: where the recipe learns with it, the scan and the split follow."""
        if self.whole and self.config.data.corrections == file:
            self._draw_split()
            self.announce(DataChanged)

    # Training

    def train(self) -> None:
        """Start a training of the recipe on the data. Raises ConfigError with the reason where it can't be."""
        reason = self.cannot_train()
        if reason or self.data is None:
            raise ConfigError(reason)
        output = dataclasses.replace(self.config.output, out=self.runs)
        config = dataclasses.replace(self.config, output=output)
        self.training = TrainingJob(self.data, config, self._wake, self.host.write_log, self.work)
        self.training.start()
        self.show(self.training.view)

    def resume(self, entry: Entry) -> None:
        """Go on with a run that died, failed or was stopped. Raises ConfigError with the reason where it can't be."""
        if reason := self.at_work():
            raise ConfigError(reason)
        if entry.config is None:
            raise ConfigError(tr("The run's recipe can't be read."))
        config = entry.run.config()  # not the entry's, which may be of before the run found its learning rate
        self.training = TrainingJob(
            Path(entry.folder), config, self._wake, self.host.write_log, going_on(entry.run), entry.view.gone_on()
        )
        self.training.start()
        self.show(self.training.view)

    def stop_run(self, view: RunView, how: How) -> None:
        """Ask a live run to stop, whichever process trains it."""
        if self.training and view is self.training.view:
            self.training.request_stop(how)
        elif view.path:
            try:
                Run(view.path).request_stop(how)
            except CovidTuiError as error:
                self.complain(error)

    def show(self, view: RunView) -> None:
        """Let the Train screen show this run."""
        self.shown = view
        if self.replay and view is not self.replay.view:
            self.replay.left, self.replay = True, None
        self.announce(RunChanged, view)

    def play(self, path: Path, speed: float) -> None:
        """Let the Train screen play the run at `path` back, so many times as fast as it was trained."""
        run = Run(path)

        def begin(events: list[Timed]) -> None:
            replay = Replay(events, speed, time.monotonic())
            self.replay = ReplayJob(run.path, replay, run.state(), self.host, self.show)
            self.replay.play()

        self.start("replay", tr("reading the run"), lambda context: recorded(run), begin)

    def recipe_of(self, view: RunView) -> TrainConfig | None:
        """The recipe that a run is trained by, or was; None where it is not known or can't be read."""
        if self.training and view is self.training.view:
            return self.training.config
        entry = self.library.get(view.path) if view.path else None
        return entry.config if entry else None

    # Audits and sweeps

    def begin_audit(self, plan: AuditConfig) -> None:
        """Audit the recipe on the data. Raises ConfigError with the reason where that can't be."""
        reason = self.cannot_audit()
        if reason or self.data is None:
            raise ConfigError(reason)
        self.audit = AuditJob(self.data, self.config, plan)
        self._begin_long(self.audit, tr("auditing"), partial(run_audit, self.audit, self.runs), self.audit.finish)

    def begin_sweep(self, planned: "Plan", budget: float | None) -> None:
        """Train what is left of a sweep, for so many seconds at most (None: no limit). Raises ConfigError as above."""
        if reason := self.at_work():
            raise ConfigError(reason)
        self.sweep = SweepJob(planned, budget)
        self._begin_long(self.sweep, tr("sweeping"), partial(run_sweep, self.sweep), self.sweep.finish)

    def _begin_long(self, long: LongJob, title: str, work: Callable[[Context], T], done: Callable[[T], None]) -> None:
        def failed(error: Exception) -> None:
            long.fail(error)
            if not isinstance(error, Stopped):
                self.complain(error)

        job = self.start(long.GROUP, title, work, done, failed)
        long.stop, job.hear, job.holds = job.stop, partial(long.fold, job), True
        self.announce(JobChanged, job)

    def close(self) -> None:
        """Stop all work but the training."""
        self.library.halt.set()
        for group in list(self.jobs):
            self.cancel(group)

    # What threads tell

    def watch_runs(self) -> None:
        """Follow the runs on disk, those of other processes too, until `close`."""

        def tell(news: list[News]) -> None:
            self.host.call_later(self._take, news)

        def complain(error: Exception) -> None:
            self.host.call_later(self.complain, error)

        follow = partial(self.library.follow, tell, complain, SECONDS_BETWEEN_LOOKS)
        self.run_thread("watch", follow)

    def _take(self, news: list[News]) -> None:
        for view in self.library.take(news):
            if self.shown is None and self.wanted and view.path == self.wanted and "replay" not in self.jobs:
                self.shown = view
            self.announce(RunChanged, view)
        self.announce(RunsChanged)

    def take_events(self, relay: Relay, events: list[Event]) -> None:
        """Take in the events of the training, or of a job."""
        if not self.training or relay is not self.training.relay:
            super().take_events(relay, events)
            return
        for event in events:
            self.training.view.fold(event)
        self.announce(RunChanged, self.training.view)


def scan_folder(folder: Path, wanted: DataConfig, context: Context) -> "Scan":
    from engine.data.scan import scan
    from engine.data.tables import tables

    whole = scan(folder, (), context, wanted.follow_links, wanted.near_duplicates, labels=wanted.label_table)
    tables(whole)  # read here, and kept, so that the screen's thread need not wait for them
    return whole


def _divided(picked: "Scan", config: TrainConfig) -> "Divided":
    from engine.data.divided import divided

    return divided(picked, config.data, config.machine.seed)
