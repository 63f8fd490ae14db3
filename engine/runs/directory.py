"""The run directory: the one interface between a training and whoever watches, resumes, judges or uses it."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.base.cancel import How
from engine.base.errors import ConfigError, NoModelError, RunError
from engine.base.events import Epoch, Event, Failed, Finished, Interrupted
from engine.base.files import replacing
from engine.base.language import marked, tr
from engine.base.locks import is_locked
from engine.base.typed_files import UnfitError, content, json_object
from engine.base.wording import counted, listing, reason
from engine.recipe.config import TrainConfig, from_dict
from engine.runs.event_log import FILE, Last, Timed, events, last_event, read_line
from engine.runs.summary import RunSummary, SummaryReader

State = Literal["live", "finished", "stopped, tested", "stopped", "failed", "died", "damaged"]
"""What a run is at. Finished: its recipe is through. Stopped, tested: it was told to stop before, and to keep and test
what it had. Damaged: its events can't be read.
"""
_SHOWN = (
    marked("live"), marked("finished"), marked("stopped, tested"), marked("stopped"), marked("failed"), marked("died"),
    marked("damaged"),
)  # fmt: skip
"""The same for who translates."""
WEIGHTS = "best.weights.h5"
CONFIG = "config.json"
SPLIT = "split.csv"
CORRECTIONS = "corrections.csv"
LOG = "train.log"
FOLDERS = ("checkpoint", "tensorboard", "tensorboard/train", "tensorboard/validation", "external")
"""The folders of a run in which a training writes or removes something."""
ENVIRONMENT = "environment.json"
MOST_NAMED = 10
"""Runs that a sentence names."""
IN_BIN = re.compile(r"\.bin-(?P<stamp>\d{8}-\d{6}-\d{3})-(?P<name>.+)", re.DOTALL)
"""What a deleted run is called, by `engine.runs.bin`: no listing shows it."""


@dataclass(frozen=True)
class Run:
    """A run directory, read. Nothing here writes except `request_stop`."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name, which is its directory's."""
        return self.path.name

    def config(self) -> TrainConfig:
        """The recipe. Raises RunError where it is missing or damaged."""
        try:
            return from_dict(TrainConfig, {k: v for k, v in self._saved().items() if k != "folder"})
        except ConfigError as error:
            raise RunError(tr("{path} is damaged: {error}", path=self.path / CONFIG, error=error)) from None

    def folder(self) -> Path:
        """The folder of X-rays that the run was trained on. Raises RunError where nothing says which."""
        saved = self._saved().get("folder")
        if not isinstance(saved, str) or not saved or "\0" in saved:
            raise RunError(
                tr("{path} names no folder of images: it is not a run's, or damaged.", path=self.path / CONFIG)
            )
        return Path(saved)

    def read_json(self, name: str) -> dict[str, Any]:
        """The JSON object in the run's file `name`. Raises RunError where it is missing or damaged."""
        return json_object(self.path / name)

    def events(self) -> Iterator[Event]:
        """All whole events so far, oldest first; a line cut off by a crash is passed over.

        Raises RunError where the file can't be read, or an event in it is damaged.
        """
        return (event for _, event in self.timed_events())

    def timed_events(self) -> Iterator[Timed]:
        """As `events`, each with the time when it was written, in seconds since 1970."""
        return events(self.path / FILE)

    def summary(self) -> RunSummary:
        """What its events add up to. Raises RunError as `events`; whoever asks again and again keeps a reader."""
        return self.reader().read()

    def reader(self) -> SummaryReader:
        """Its summary, to be kept up to date without reading an event twice."""
        return SummaryReader(self.path / FILE)

    def epochs(self) -> list[Epoch]:
        """The finished epochs, oldest first, each once: those that a resume did again count in their last form."""
        return self.summary().epochs

    def state(self) -> State:
        """Is it training, or how did it end? Told by the lock and the last event, never by age."""
        if is_locked(self.path / "lock"):
            return "live"
        try:
            last = last_event(self.path / FILE)
        except RunError:
            return "damaged"
        return _state_by(last) if last else "died"

    def finished(self) -> Finished | None:
        """The run's result; None before it has one, and where it goes on from a resume point to another."""
        return self.summary().result

    def trouble(self) -> str:
        """What of its recipe and its events can't be read, as a sentence; empty where all can."""
        try:
            self.config(), self.folder()
            for _ in self.events():
                pass
        except RunError as error:
            return str(error)
        return ""

    def request_stop(self, how: How) -> None:
        """Ask the process that trains this run, whichever it is, to stop. Raises RunError where it can't be asked."""
        try:
            with replacing(self.path / "stop") as file:
                file.write(how.encode())
        except OSError as error:
            raise RunError(
                tr(
                    "{path} can't be written ({reason}), so it can't be stopped.",
                    path=self.path / "stop",
                    reason=reason(error),
                )
            ) from error

    def stop_requested(self) -> How | None:
        """What a `request_stop` asked for, if any."""
        try:
            return "now" if content(self.path / "stop") == b"now" else "keep"
        except OSError:
            return None

    def _saved(self) -> dict[str, Any]:
        return self.read_json(CONFIG)


def state_at(end: Finished | Interrupted | Failed) -> State:
    """What a run is at whose training ended so."""
    match end:
        case Finished() if end.through:
            return "finished"
        case Finished():
            return "stopped, tested" if end.test else "stopped"
        case Interrupted():
            return "stopped"
        case Failed():
            return "failed"


def _state_by(last: Last) -> State:
    """What a run is at that nobody trains, by its last event."""
    ends: dict[type[Event], State] = {Finished: "finished", Interrupted: "stopped", Failed: "failed"}
    if last.kind is Finished:
        with contextlib.suppress(UnfitError):  # whoever reads all of its events is told of the damage
            if (timed := read_line(last.line)) and isinstance(timed[1], Finished):
                return state_at(timed[1])
    return ends.get(last.kind, "died")


def find(run: Path, out: Path) -> Run:
    """The run that a user named, by path or by its name under `out`. Raises RunError where there is none."""
    for path in (run, out / run):
        with contextlib.suppress(OSError, ValueError):  # a name too long for a file, or a folder that can't be entered
            if _mark(path) is not None:
                return Run(path.absolute())
    raise RunError(tr("{run} is not a run directory: `covid-tui runs` lists those under {out}.", run=run, out=out))


def _mark(path: Path) -> os.stat_result | None:
    """What makes a directory a run: its config.json, whatever has become of that; else events. None without either."""
    for name in (CONFIG, FILE):
        with contextlib.suppress(FileNotFoundError):
            return (path / name).lstat()
    return None


def all_runs(out: Path) -> list[Run]:
    """The runs under `out`, newest first; without those that this user may not look into, or that vanish meanwhile.

    Raises RunError where `out` is there but can't be looked into, as none would be untrue.
    """
    found: list[tuple[int, str, Run]] = []
    try:
        with os.scandir(f"{out}/.") as listed:  # with the dot, as a folder may be listed that can't be entered
            names = [entry.name for entry in listed if not IN_BIN.fullmatch(entry.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(
            tr(
                "{out} can't be looked into ({reason}): name another folder with --out, or change its permissions.",
                out=out,
                reason=reason(error),
            )
        ) from error
    for name in names:
        with contextlib.suppress(OSError):
            if (about := _mark(out / name)) is not None:
                found.append((about.st_mtime_ns, name, Run((out / name).absolute())))
    return [run for *_, run in sorted(found, key=lambda one: one[:2], reverse=True)]


def live(out: Path) -> Run:
    """The run under `out` that is being trained. Raises RunError where there is none, or several, which it names."""
    found = [run for run in all_runs(out) if run.state() == "live"]
    if len(found) == 1:
        return found[0]
    if not found:
        raise RunError(
            tr("No run under {out} is being trained now: name one, and `covid-tui runs` lists all.", out=out)
        )
    names = listing(run.name for run in found[:MOST_NAMED])
    if len(found) > MOST_NAMED:
        names = tr("{names} and {count} more", names=names, count=len(found) - MOST_NAMED)
    raise RunError(
        tr(
            "{runs} under {out} are being trained now: name one of {names}.",
            runs=counted(len(found), "run"),
            out=out,
            names=names,
        )
    )


def newest(out: Path) -> Run:
    """The newest run under `out` that has weights to predict with. Raises NoModelError where there is none."""
    for run in all_runs(out):
        if (run.path / WEIGHTS).is_file():
            return run
    raise NoModelError(
        tr("There is no trained run under {out}: train one with `covid-tui --train DATA` or give --run.", out=out)
    )
