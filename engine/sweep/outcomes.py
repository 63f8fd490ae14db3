"""What has come of the runs of a sweep, each read once for each state of its files, however often it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from engine.base.events import Finished
from engine.base.locks import is_locked
from engine.base.typed_files import Stamp, stamp_of
from engine.evaluation.predictions_csv import VALIDATION, read_predictions
from engine.runs.directory import Run, State
from engine.runs.event_log import FILE

MOST = 4096
"""Runs that are remembered."""


@dataclass(frozen=True)
class Outcome:
    """How a run stands."""

    state: State
    end: Finished | None
    """Its result; None where it has none, or goes on to another."""
    through: bool
    """Is all of its recipe done?"""
    seconds: float
    """Training seconds, without what was computed once and kept."""
    filling: float
    """Seconds of that."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a run answered to the validation images `files`: `right` (n,), of so many classes."""

    files: tuple[str, ...]
    right: npt.NDArray[np.bool_]
    classes: int

    def of(self, files: Sequence[str]) -> "Answers":
        """Those to `files` alone, in that order, as far as there are any: a ladder answers training images too."""
        places = {file: place for place, file in enumerate(self.files)}
        own = tuple(file for file in files if file in places)
        return Answers(own, self.right[[places[file] for file in own]], self.classes)


def outcome_of(run: Run) -> Outcome:
    """How the run stands; its events are read again only where they are others. Raises RunError."""
    if is_locked(run.path / "lock"):  # it changes while it is read
        return _read(run)
    return _remembered(run, stamp_of(run.path / FILE))


def answers_of(run: Run) -> Answers:
    """The run's answers to its validation images, read again only where the file is another. Raises RunError."""
    return _answers(run, stamp_of(run.path / VALIDATION))


def _read(run: Run) -> Outcome:
    state, summary = run.state(), run.summary()  # the state first, so that an end is never missed
    return Outcome(state, summary.result, summary.through, summary.training, summary.filling)


@lru_cache(MOST)
def _remembered(run: Run, stamp: Stamp | None) -> Outcome:
    return _read(run)


@lru_cache(MOST)
def _answers(run: Run, stamp: Stamp | None) -> Answers:
    found = read_predictions(run, VALIDATION)
    return Answers(found.files, np.asarray(found.right, bool), len(found.classes))
