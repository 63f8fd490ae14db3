"""The one place that starts, watches and stops work, and that holds what all screens share.

Work runs in threads; what it finds comes back as messages, and everything here changes in the screen's thread alone.
A screen asks the session to do something, then hears `DataChanged`, `ConfigChanged`, `RunChanged`, `RunsChanged` or
`JobChanged` and looks here for what is so.
"""

import dataclasses
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from textual.message import Message

from engine.config import AuditConfig, DataConfig, TrainConfig
from engine.errors import ConfigError, CovidTuiError, Stopped
from engine.events import Emit, Event, Notice, Progress
from engine.network.freezing import FreezePlan, plan
from engine.runs import Run
from engine.stopping import How, Stop
from tui.auditing import AUDIT, Auditing, audited
from tui.glyphs import PLAIN, RICH, Glyphs
from tui.messages import (
    ConfigChanged,
    DataChanged,
    EventsWaiting,
    JobChanged,
    JobEnded,
    Relay,
    RunChanged,
    RunsChanged,
)
from tui.settings import Settings
from tui.subset import subset
from tui.training import Training, going_on
from tui.watch import Entry, Library, News, RunView

if TYPE_CHECKING:
    from engine.dataset.scan import Scan
    from engine.dataset.split import Split
    from tui.app import Workbench

T = TypeVar("T")
SECONDS_BETWEEN_LOOKS = 0.5
SHOWN_AFTER = 0.1
MOST_SPLIT_AT_ONCE = 4000
"""Images whose split is drawn within 50 ms; that of more is drawn in a thread."""


@dataclass(eq=False)
class Job:
    """Work in a thread: how far it is, and how to stop it. A new job of a group takes the place of the one before."""

    group: str
    title: str
    relay: Relay
    stop: Stop = field(default_factory=Stop)
    progress: Progress | None = None
    began: float = field(default_factory=time.monotonic)
    over: bool = False
    error: Exception | None = None
    result: Any = None
    done: Callable[[Any], None] = lambda result: None
    failed: Callable[[Exception], None] | None = None
    hear: Callable[[Event], None] | None = None
    """Takes the job's events, in place of toasts and of `progress`."""


class Session:
    """The state of the workbench: data, recipe, runs and work. Only for the screen's thread."""

    work: Callable[..., Any] | None = None
    """What `train` runs in place of the engine's job, where a demonstration or a test needs another."""

    def __init__(self, app: "Workbench", runs: Path, settings: Settings) -> None:
        self.app = app
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
        self.config = settings.recipe
        """The recipe of the next training."""
        self.training: Training | None = None
        """The training of this process, live or ended."""
        self.shown: RunView | None = None
        """The run that the Train screen shows."""
        self.audit: Auditing | None = None
        """The audit of this process, live or ended."""
        self.picture: Path | None = None
        """The image file to predict, where the command line named one."""
        self.judged: Path | None = None
        """The run directory that the Results screen is to show; None for the newest that was tested."""
        self.asked: Path | None = None
        """The run directory whose model the Predict screen asks; None for the newest that is trained."""
        self.library = Library(self.runs)
        self._wanted: Path | None = None
        self.jobs: dict[str, Job] = {}

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
        """Which layers the next training trains."""
        return plan(self.config.network)

    @property
    def busy(self) -> Job | None:
        """The job to speak of in the title: the oldest that has run long enough to be worth a word, an audit last."""
        since = time.monotonic() - SHOWN_AFTER
        found = [job for job in self.jobs.values() if not job.over and job.began <= since]
        return min(found, key=lambda job: job.group == AUDIT, default=None)

    def cannot_train(self) -> str:
        """Why no training can be started now, as a sentence; empty where it can."""
        return self._cannot_begin() or self.split_problem

    def cannot_audit(self) -> str:
        """Why no audit can be started now, as a sentence; empty where it can."""
        return self._cannot_begin()

    def _cannot_begin(self) -> str:
        if self._at_work():
            return self._at_work()
        if self.data is None:
            return "Choose a folder of X-rays first."
        return "The folder is still being read." if self.scan is None or "split" in self.jobs else ""

    def _at_work(self) -> str:
        """The sentence that refuses to train or audit while either is under way here; empty where none is."""
        if self.training and self.training.alive:
            return "A training is under way: stop it first, or wait until it ends."
        if self.audit and self.audit.alive:
            return "An audit is under way: stop it first, or wait until it ends."
        return ""

    # Data

    def open_data(self, folder: Path) -> None:
        """Read the folder of X-rays and split it, in a thread; screens hear DataChanged now and when it is done."""
        folder = folder.absolute()
        if self.data and self.data != folder and self.config.data.classes:  # the classes of another folder
            self.config = dataclasses.replace(self.config, data=dataclasses.replace(self.config.data, classes=""))
            self.tell(ConfigChanged)
        self.data, self.whole, self.scan, self.split, self.split_problem = folder, None, None, None, ""
        self.cancel("split")
        self.start(
            "scan", "reading the images", partial(_scan, folder, self.config.data), self._scanned, self._not_scanned
        )
        self.tell(DataChanged)

    def _scanned(self, found: "Scan") -> None:
        self.whole = found
        self._draw_split()
        self.tell(DataChanged)

    def _not_scanned(self, error: Exception) -> None:
        self.data = None
        self.tell(DataChanged)
        if not isinstance(error, Stopped):
            self.complain(error)

    def _draw_split(self) -> None:
        """Split what the recipe picks: at once, or for many images in a thread, whose end screens hear of."""
        self.cancel("split")
        self.split, self.split_problem, self.scan = None, "", self.whole
        if self.whole is None:
            return
        try:
            self.scan = subset(self.whole, self.config.data.class_names)
            work = partial(_split, self.scan, self.config)
            if len(self.scan.records) <= MOST_SPLIT_AT_ONCE:
                self.split = work()
                return
        except CovidTuiError as error:
            self.split_problem = str(error)
            return
        self.start("split", "drawing the split", lambda emit, stop: work(), self._split_drawn, self._split_failed)

    def _split_drawn(self, found: "Split") -> None:
        self.split = found
        self.tell(DataChanged)

    def _split_failed(self, error: Exception) -> None:
        self.split_problem = str(error)
        self.tell(DataChanged)

    # The recipe

    def configure(self, **parts: Any) -> None:
        """Replace groups of the recipe: `configure(network=...)`. The split and the scan follow where they must."""
        before, self.config = self.config, dataclasses.replace(self.config, **parts)
        self.tell(ConfigChanged)
        now, then = self.config.data, before.data
        if self.data and (now.follow_links, now.near_duplicates) != (then.follow_links, then.near_duplicates):
            self.open_data(self.data)
        elif self.config.data != before.data or self.config.machine.seed != before.machine.seed:
            self._draw_split()
            self.tell(DataChanged)

    # Training

    def train(self) -> None:
        """Start a training of the recipe on the data. Raises ConfigError with the reason where it can't be."""
        reason = self.cannot_train()
        if reason or self.data is None:
            raise ConfigError(reason)
        output = dataclasses.replace(self.config.output, out=self.runs)
        config = dataclasses.replace(self.config, output=output)
        self.training = Training(self.data, config, self._wake, self.app.write_log, self.work)
        self.shown = self.training.view
        self.training.start()
        self.tell(RunChanged, self.training.view)

    def resume(self, entry: Entry) -> None:
        """Go on with a run that died, failed or was stopped. Raises ConfigError with the reason where it can't be."""
        if reason := self._at_work():
            raise ConfigError(reason)
        if entry.config is None:
            raise ConfigError("The run's recipe can't be read.")
        config = entry.run.config()  # not the entry's, which may be of before the run found its learning rate
        self.training = Training(
            Path(entry.folder), config, self._wake, self.app.write_log, going_on(entry.run), entry.view.gone_on()
        )
        self.shown = self.training.view
        self.training.start()
        self.tell(RunChanged, self.training.view)

    def stop_run(self, view: RunView, how: How) -> None:
        """Ask a live run to stop, whichever process trains it."""
        if self.training and view is self.training.view:
            self.training.request_stop(how)
        elif view.path:
            Run(view.path).request_stop(how)

    def show(self, view: RunView) -> None:
        """Let the Train screen show this run."""
        self.shown = view
        self.tell(RunChanged, view)

    # The audit

    def begin_audit(self, plan: AuditConfig) -> None:
        """Audit the recipe on the data. Raises ConfigError with the reason where that can't be."""
        reason = self.cannot_audit()
        if reason or self.data is None:
            raise ConfigError(reason)
        audit = Auditing(self.data, self.config, plan)
        job = self.start(
            AUDIT, "auditing", partial(audited, audit, self.runs), audit.finish, partial(self._audit_ended, audit)
        )
        audit.stop, job.hear, self.audit = job.stop, partial(audit.fold, job), audit
        self.tell(JobChanged, job)

    def _audit_ended(self, audit: "Auditing", error: Exception) -> None:
        audit.fail(error)
        if not isinstance(error, Stopped):
            self.complain(error)

    # Work in threads

    def start(
        self,
        group: str,
        title: str,
        work: Callable[[Emit, Stop], T],
        done: Callable[[T], None] = lambda result: None,
        failed: Callable[[Exception], None] | None = None,
    ) -> Job:
        """Run `work(emit, stop)` in a thread, in place of the group's last job; then call `done(result)` here.

        An error is shown as a sentence unless `failed` takes it. Screens hear JobChanged as it goes on.
        """
        self.cancel(group)
        job = Job(group, title, Relay(self._wake), done=done, failed=failed)
        self.jobs[group] = job
        run = partial(self._run, job, work)
        self.app.run_worker(run, thread=True, exclusive=True, group=group, exit_on_error=False, name=group)
        self.app.set_timer(SHOWN_AFTER, lambda: None if job.over else self.tell(JobChanged, job))
        return job

    def cancel(self, group: str) -> None:
        """Ask the group's job, where there is one, to stop; its result is not wanted any more.

        An audit is asked alone: nothing else may begin before its thread has come to its end.
        """
        if group == AUDIT and self.audit and self.audit.alive:
            self.audit.request_stop()
            self.tell(JobChanged, self.jobs[group])
            return
        if job := self.jobs.pop(group, None):
            job.stop.request("now")
            job.over = True
            self.tell(JobChanged, job)

    def close(self) -> None:
        """Stop all work but the training."""
        self.library.halt.set()
        for group in list(self.jobs):
            self.cancel(group)

    def _run(self, job: Job, work: Callable[[Emit, Stop], Any]) -> None:
        try:
            job.result = work(job.relay.emit, job.stop)
        except CovidTuiError as error:
            job.error = error
        except Exception as error:
            self.app.write_log(traceback.format_exc())
            job.error = error
        self.app.post_message(JobEnded(job))

    def end(self, job: Job) -> None:
        """A job's thread has come to its end: hand its result on, unless nobody wants it any more."""
        job.over = True
        if self.jobs.get(job.group) is not job:
            return
        del self.jobs[job.group]
        if job.error is None:
            job.done(job.result)
        elif job.failed:
            job.failed(job.error)
        elif not isinstance(job.error, Stopped):
            self.complain(job.error)
        self.tell(JobChanged, job)

    # What threads tell

    def watch_runs(self, shown: Path | None = None) -> None:
        """Follow the runs on disk, those of other processes too, until `close`; the run at `shown` is to be shown."""
        self._wanted = shown.absolute() if shown else None

        def tell(news: list[News]) -> None:
            self.app.call_later(self._take, news)

        follow = partial(self.library.follow, tell, SECONDS_BETWEEN_LOOKS)
        self.app.run_worker(follow, thread=True, group="watch", exit_on_error=False, name="watch")

    def _take(self, news: list[News]) -> None:
        for view in self.library.take(news):
            if self.shown is None and view.path == self._wanted:
                self.shown = view
            self.tell(RunChanged, view)
        self.tell(RunsChanged)

    def _wake(self, relay: Relay) -> None:
        self.app.post_message(EventsWaiting(relay))

    def drain(self, relay: Relay) -> None:
        """Take a relay's events, now or as soon as enough time has passed since the last ones."""
        if wait := relay.due():
            self.app.set_timer(wait, partial(self.drain, relay))
            return
        events = relay.drain()
        if self.training and relay is self.training.relay:
            for event in events:
                self.training.view.fold(event)
            self.tell(RunChanged, self.training.view)
            return
        job = next((job for job in self.jobs.values() if job.relay is relay), None)
        for event in events:
            if job and job.hear:
                job.hear(event)
                continue
            if isinstance(event, Notice):
                self.app.say(event.text, "warning" if event.level == "warning" else "information")
            if isinstance(event, Progress) and job:
                job.progress = event
        if job:
            self.tell(JobChanged, job)

    def complain(self, error: Exception) -> None:
        """Show an error as its sentence."""
        own = "" if isinstance(error, CovidTuiError) else f"An error of its own, {type(error).__name__}: "
        self.app.say(f"{own}{error}", "error")

    def tell(self, kind: Callable[..., Message], *values: Any) -> None:
        """Post a message of this kind to every screen."""
        for screen in self.app.work_screens:
            screen.post_message(kind(*values))


def _scan(folder: Path, wanted: DataConfig, emit: Emit, stop: Stop) -> "Scan":
    from engine.dataset.metadata import tables
    from engine.dataset.scan import scan

    found = scan(folder, (), emit, stop, wanted.follow_links, wanted.near_duplicates)
    tables(folder)  # read here, and kept, so that the screen's thread need not wait for them
    return found


def _split(found: "Scan", config: TrainConfig) -> "Split":
    from engine.dataset.split import for_recipe

    return for_recipe(found, config.data, config.machine.seed)[0]


def load_tensorflow(emit: Emit) -> None:
    """Load TensorFlow in the calling worker, saying so first; at once where it is loaded already."""
    if "tensorflow" not in sys.modules:
        emit(Notice("info", "TensorFlow is being loaded; this takes a few seconds, once."))
    from engine.runtime import tensorflow

    tensorflow()
