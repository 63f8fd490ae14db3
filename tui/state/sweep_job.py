"""Sweeps for the screen: planned, trained in a thread of this process, and followed on disk whoever trains them."""

import contextlib
import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.context import Context
from engine.base.errors import CovidTuiError, RunError
from engine.base.events import Event, Notice, Progress
from engine.base.language import marked, tr, trn
from engine.base.locks import is_locked
from engine.base.runtime import announce_tensorflow
from engine.base.wording import counted
from engine.recipe.config import NetworkConfig, TrainConfig
from engine.recipe.plans import SweepConfig
from engine.recipe.span import span
from engine.runs.directory import SPLIT
from engine.runs.watch import Library, News, RunView
from engine.sweep.result import Grid, Swept
from tui.state.job import Job
from tui.state.long_job import LongJob
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.data.split import Split
    from engine.jobs.sweep_plan import Plan

TRAININGS = marked("trainings")


def new_plan(folder: Path, config: TrainConfig, wanted: SweepConfig, split: "Split", context: Context) -> "Plan":
    """The plan of a sweep under `config.output.out` that is named by date; nothing is written. Raises ConfigError."""
    from engine.jobs.sweep import Sweep
    from engine.jobs.sweep_plan import Plan
    from engine.sweep.store import fresh_name

    network = NetworkConfig(weights=config.network.weights)
    output = dataclasses.replace(config.output, name=fresh_name(config.output.out))
    config = dataclasses.replace(config, network=network, output=output)
    return Plan.of(Sweep(folder, config, Grid.of(wanted, config)), split)


def plan_of(path: Path, folder: Path | None, context: Context) -> "Plan":
    """The plan of the sweep at `path`, as far as it is. Raises RunError or ConfigError where it can't go on."""
    from engine.data.split import Split
    from engine.jobs.sweep import Sweep
    from engine.jobs.sweep_plan import Plan

    return Plan.of(Sweep.begun(path, folder), Split.read(path / SPLIT))


def config_of(grid: Grid, budget: str) -> SweepConfig:
    """The form's values for a grid. Raises ConfigError for one that the form can't hold."""
    rates = ",".join(f"{rate:g}" if isinstance(rate, float) else rate for rate in grid.lrs)
    return SweepConfig(",".join(grid.backbones), ",".join(grid.depths), rates, len(grid.seeds), budget)


@dataclass(eq=False)
class SweepJob(LongJob):
    """A sweep that this process trains."""

    GROUP = "sweep"
    UNDER_WAY = tr("A sweep is under way")
    QUIT = tr(
        "A sweep is under way in this workbench, and stops with it; finished trainings are kept, and the one at hand "
        "goes on another time."
    )
    QUIT_ANSWER = tr("Quit, and stop the sweep")

    plan: "Plan"
    budget: float | None
    """Seconds; None for no limit."""
    result: Swept | None = None
    began: float | None = None
    """When its training began, by the monotonic clock."""

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.plan.path

    def budget_left(self) -> float | None:
        """Seconds; None without a limit."""
        if self.budget is None:
            return None
        return max(0.0, self.budget - (time.monotonic() - self.began if self.began else 0.0))

    def fold(self, job: Job, event: Event) -> None:
        """Take in the next event; how far the run at hand is stands in its own directory."""
        match event:
            case Progress(task="sweep"):
                self.progress, job.progress = None, Progress(TRAININGS, event.done, event.total)
            case Progress():
                self.progress = None if event.total is not None and event.done >= event.total else event
            case Notice() if event.level == "warning":
                self.warnings.append(in_recipe_terms(event.text))
            case Notice():
                pass
            case _:
                self.progress = None

    def finish(self, result: Swept) -> None:
        """Its thread is done: all is trained, or it was stopped, or its budget is used up."""
        self.result, self.progress = result, None
        total, left = len(result.points), len(result.points) - result.finished
        self.state = "stopped" if left else "finished"
        if left:
            used = self.budget is not None and not self.stop.is_set()
            why = tr("The budget of {budget} is used up", budget=span(self.budget or 0)) if used else tr("Stopped")
            self.error = trn(
                "{why}: {number} of {total} is left.",
                "{why}: {number} of {total} are left.",
                left,
                why=why,
                total=counted(total, "training"),
            )


def run_sweep(job: SweepJob, context: Context) -> Swept:
    """Train as `covid-tui sweep` does; called in a thread."""
    announce_tensorflow(context.emit, as_task=True)
    job.began = time.monotonic()
    return job.plan.sweep.train(context, job.budget)


def open_test(path: Path, name: str, context: Context) -> Swept:
    """Open the test part for one recipe of the sweep at `path`; what sweep.json then holds. Called in a thread."""
    from engine.jobs.sweep import Sweep

    announce_tensorflow(context.emit)
    return Sweep.begun(path).choose(name, context)


@dataclass(frozen=True)
class Kept:
    """A sweep on disk, as a line of a list."""

    path: Path
    finished: int
    total: int
    live: bool


def kept_sweeps(out: Path, context: Context) -> tuple[list[Kept], list[str]]:
    """The sweeps under `out`, newest first, and a sentence for each that can't be read."""
    from engine.sweep import store

    kept, troubles = [], []
    for path in store.all_sweeps(out):
        if context.stop.is_set():
            break
        try:
            one = store.read(path)
        except RunError as error:
            troubles.append(in_recipe_terms(error))
            continue
        kept.append(Kept(path, one.finished, len(one.points), is_locked(path / "lock")))
    return kept, troubles


@dataclass(frozen=True)
class Look:
    """What a look at a sweep's folder brought."""

    news: tuple[News, ...]
    result: Swept | None
    """What sweep.json holds, where it changed."""
    live: bool
    trouble: str


class Followed:
    """A sweep's folder as it changes: `look` reads it in a thread of its own, `take` keeps what that found."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.result: Swept | None = None
        self.live = False
        """Does any process train it?"""
        self.trouble = ""
        """Why sweep.json can't be read, as a sentence."""
        self._library = Library(path)
        self._seen: tuple[int, bool] | None = None

    @property
    def runs(self) -> dict[str, RunView]:
        """What is known of the runs, by name. For the screen's thread."""
        return {entry.run.name: entry.view for entry in self._library.entries()}

    def look(self) -> Look | None:
        """Read what is new on disk; None for nothing. For the thread that follows."""
        from engine.sweep import store

        live = is_locked(self.path / "lock")  # before the rest, so that an end is never missed
        news = tuple(self._library.look())
        stamp = 0
        with contextlib.suppress(OSError):
            stamp = (self.path / store.REPORT).stat().st_mtime_ns
        result, trouble, seen = None, "", self._seen
        if stamp and (seen is None or seen[0] != stamp):
            try:
                result = store.read(self.path)
            except CovidTuiError as error:
                trouble = in_recipe_terms(error)
        self._seen = stamp, live
        return Look(news, result, live, trouble) if news or result or trouble or seen != self._seen else None

    def take(self, look: Look) -> None:
        """Keep what was found. For the screen's thread."""
        self._library.take(look.news)
        self.live = look.live
        if look.result or look.trouble:
            self.result, self.trouble = look.result, look.trouble

    def follow(self, tell: Callable[["Followed", Look], None], seconds: float) -> None:
        """Look every so many seconds and tell what is new, until `leave`. For a thread."""
        while not self._library.halt.is_set():
            with contextlib.suppress(CovidTuiError, OSError):
                if look := self.look():
                    tell(self, look)
            self._library.halt.wait(seconds)

    def leave(self) -> None:
        """Follow it no longer."""
        self._library.halt.set()
