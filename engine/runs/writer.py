"""A run directory while it is written: made or opened again, held by its lock, its events appended."""

import contextlib
import csv
import dataclasses
import errno
import io
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from engine.base.context import Context
from engine.base.errors import ConfigError, RunError
from engine.base.escape import escaped
from engine.base.events import Epoch, Event, Failed, Notice, Started
from engine.base.files import open_lock, open_private, private_dir, replacing, require_inside, write_json
from engine.base.language import tr
from engine.base.locks import try_lock
from engine.base.wording import listing, unwritable
from engine.recipe.config import RESUMABLE, TrainConfig, differences, to_dict
from engine.runs.directory import CONFIG, CORRECTIONS, ENVIRONMENT, FOLDERS, LOG, SPLIT, Run
from engine.runs.event_log import FILE, whole_lines

HISTORY = tuple(f.name for f in dataclasses.fields(Epoch))
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


class RunWriter:
    """A run directory while its training is alive: holds the lock and appends events. A context manager."""

    def __init__(self, run: Run, again: bool = False) -> None:
        """`again` is for a run that was trained before: a stop that was asked of it then no longer counts.

        Entering raises RunError where another process trains the run or it can't be written, LinkError where a link in
        it stands for a file or folder that a training writes.
        """
        self.run, self._again = run, again
        self._events: Any = None
        self._started = False
        self._before: list[str] | None = None
        self._then: Callable[[], None] = lambda: None
        self._held = contextlib.ExitStack()
        """The open files; however one of them ends, all are closed, or the run would seem to live on."""

    def __enter__(self) -> Self:
        with self._held:
            try:
                self._open()
            except OSError as error:
                raise self._unwritable(error) from error
            self._held = self._held.pop_all()
        return self

    def _open(self) -> None:
        require_inside(self.run.path, FOLDERS)
        take_lock(self._held.enter_context(open_lock(self.run.path / "lock")), self.run.path)
        self._log = self._opened(LOG, "a")
        if self._again:  # its records wait until there is something to write
            for name in (FILE, "history.csv"):
                with contextlib.suppress(FileNotFoundError):
                    open_private(self.run.path / name, "r+b").close()
            (self.run.path / "stop").unlink(missing_ok=True)
        else:
            self._open_records()

    def _open_records(self) -> None:
        _mend(self.run.path / FILE)
        self._events = self._opened(FILE, "a")
        self._history = self._opened("history.csv", "a")
        if self._history.tell() == 0:
            csv.writer(self._history).writerow(HISTORY)
            self._history.flush()

    def _opened(self, name: str, mode: str) -> Any:
        return self._held.enter_context(open_private(self.run.path / name, mode))

    def __exit__(self, *error: object) -> None:
        try:
            self._held.close()
        except OSError as left:  # what a full disk did not take before, it does not take now
            if error[1] is None:
                raise self._unwritable(left) from left

    def wait(self, then: Callable[[], None]) -> None:
        """Keep what comes before the training has begun, a Started event, out of the run, and call `then` when it
        begins: what could not be gone on with stays as it was, to the byte.
        """
        self._before, self._then = [], then

    def leave_nothing(self) -> None:
        """Take away a new run whose training has not begun, so that its name is free again; files of others stay."""
        if self._started or self._again:
            return
        with contextlib.suppress(OSError):
            for name in (FILE, "history.csv", LOG, "stop", SPLIT, CORRECTIONS, ENVIRONMENT, "lock", CONFIG):
                (self.run.path / name).unlink(missing_ok=True)
            self.run.path.rmdir()

    def append(self, event: Event) -> None:
        """Write the event to events.jsonl, and an epoch to history.csv, before anybody else learns of it."""
        line = json.dumps({**event.to_dict(), "time": round(time.time(), 3)}, allow_nan=False) + "\n"
        self._started = self._started or isinstance(event, Started)
        try:
            if self._before is not None:
                if not isinstance(event, Started):
                    self._before.append(line)
                    return
                self._open_records()
                self._then()
                line, self._before = "".join([*self._before, line]), None
            if self._events is None:
                self._open_records()
            self._events.write(line)
            self._events.flush()
            if isinstance(event, Epoch):
                csv.writer(self._history).writerow(dataclasses.astuple(event))
                self._history.flush()
            if isinstance(event, Notice | Failed):
                self.log(event.text if isinstance(event, Notice) else event.reason)
        except OSError as error:
            raise self._unwritable(error) from error

    def keep_config(self, config: TrainConfig, folder: Path) -> None:
        """Write the recipe anew, where the run goes on under a changed one or with its images in another folder."""
        if not differences(self.run.config(), config) and folder == self.run.folder():
            return
        try:
            write_json(self.run.path / CONFIG, {"folder": str(folder.absolute()), **to_dict(config)})
        except OSError as error:
            raise self._unwritable(error) from error

    def rewind(self, history: Sequence[Epoch]) -> None:
        """Write history.csv anew with these epochs, whatever a killed process left there."""
        if self._events is None:
            self._open_records()
        self._history.close()
        text = io.StringIO(newline="")
        csv.writer(text).writerows([HISTORY, *map(dataclasses.astuple, history)])
        with replacing(self.run.path / "history.csv") as file:
            file.write(text.getvalue().encode())
        self._history = self._opened("history.csv", "a")

    def log(self, text: str) -> None:
        """Write `text` to train.log under the time of day; nothing foreign in it can act on a terminal."""
        shown = "\n".join(map(escaped, text.split("\n")))
        self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {shown}\n")
        self._log.flush()

    def _unwritable(self, error: OSError) -> RunError:
        return RunError(unwritable(self.run.path, error))

    def tee(self, context: Context) -> Context:
        """A context that appends each event to the run before it passes it on, and sets the stop where somebody has
        asked this run to stop by `Run.request_stop`; a "now" counts after a "keep" as well.
        """

        def both(event: Event) -> None:
            self.append(event)
            context.emit(event)
            how = self.run.stop_requested()
            if how:
                context.stop.request(how)

        return context.heard_by(both)


def create(folder: Path, config: TrainConfig) -> RunWriter:
    """A new run directory under `config.output.out` with its config.json; an old name is never used again.

    Raises ConfigError for a name that is taken or is no plain name, RunError where the directory can't be written.
    """
    name = plain_name(config)
    out = config.output.out.absolute()
    try:
        private_dir(out)
        path = _claim(out, name, numbered=not config.output.name)
        try:
            write_json(path / CONFIG, {"folder": str(folder.absolute()), **to_dict(config)})
        except OSError:
            path.rmdir()  # the name stays free for whoever made room
            raise
    except OSError as error:
        raise _no_room(out, os.strerror(error.errno or 0)) from error
    return RunWriter(Run(path))


def plain_name(config: TrainConfig) -> str:
    """The name that a new run gets, but for a number behind it. Raises ConfigError for one that is no plain name."""
    name = config.output.name or usual_name(config)
    if not _NAME.fullmatch(name):
        raise ConfigError(
            tr('--name is "{name}": use up to 100 letters, digits, dots, dashes and underscores.', name=name)
        )
    return name


def usual_name(config: TrainConfig) -> str:
    """The name of a run that was given none: date, time, mode and backbone."""
    return f"{time.strftime('%Y%m%d-%H%M')}-{config.way}-{config.network.backbone}"


def reopen(run: Run, config: TrainConfig) -> RunWriter:
    """An existing run, to be trained on under `config`, which may differ in the fields of RESUMABLE alone.

    Raises ConfigError where it differs in others, and RunError from the writer where another process trains the run.
    """
    fixed = [name for name in differences(run.config(), config) if name not in RESUMABLE]
    if fixed:
        flags, free = ([f"--{name.replace('_', '-')}" for name in names] for names in (fixed, RESUMABLE))
        raise ConfigError(
            tr("A resumed run keeps its {flags}: only {free} may change.", flags=listing(flags), free=listing(free))
        )
    return RunWriter(run, again=True)


def _claim(out: Path, name: str, numbered: bool) -> Path:
    for number in range(1, 10_000):
        path = out / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir(mode=0o700)
            return path
        except FileExistsError:
            if not numbered:
                raise _taken(path) from None
    raise RunError(tr("{folder} already holds ten thousand runs named {name}.", folder=out, name=name))


def require_room(config: TrainConfig) -> None:
    """Raise ConfigError where the name of the new run is taken or no plain name, and RunError where no run can be made
    under `config.output.out`. Nothing is made.
    """
    name, out = plain_name(config), config.output.out.absolute()
    if config.output.name and os.path.lexists(out / name):
        raise _taken(out / name)
    there = next(folder for folder in (out, *out.parents) if os.path.lexists(folder))
    if not there.is_dir():
        raise _no_room(out, tr("{path} is not a folder", path=there))
    if not os.access(there, os.W_OK | os.X_OK):
        why = errno.EROFS if os.statvfs(there).f_flag & os.ST_RDONLY else errno.EACCES
        raise _no_room(out, os.strerror(why))


def _no_room(out: Path, why: str) -> RunError:
    return RunError(tr("{out} can't hold a new run ({why}): choose another folder with --out.", out=out, why=tr(why)))


def _taken(path: Path) -> ConfigError:
    return ConfigError(tr("{path} exists already: choose another --name.", path=path))


def _mend(path: Path) -> None:
    """Take off a last line that a crash cut short, so that the next one stands alone."""
    with contextlib.suppress(FileNotFoundError), open_private(path, "r+b") as file:
        file.truncate(whole_lines(path))


def take_lock(file: Any, path: Path) -> None:
    """Hold `path`, whose lock file is open as `file`, until that is closed. Raises RunError where another does."""
    try:
        free = try_lock(file)
    except OSError as error:
        raise RunError(unwritable(path, error)) from error
    if not free:
        raise RunError(tr("{path} is being trained by another process.", path=path))
