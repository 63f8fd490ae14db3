"""The files of a run that hold a result, test.json and external/*.json: the one place that reads them, and only whole.

Whoever shows or compares a result may rely on what is checked here: a file that was cut, edited or made by something
else ends in a sentence that names it. Keys that older runs lack may be missing.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.base.errors import RunError
from engine.base.result import Tested
from engine.base.typed_files import Count, Ends, Number, Share, UnfitError, checked
from engine.runs.directory import Run

TEST, FOLDER = "test.json", "external"
CARDS = "card.md", "card.html"


@dataclass(frozen=True)
class Drop:
    """A measure on the run's own test and elsewhere."""

    test: Number
    here: Number
    difference: Number
    difference_ci: tuple[Number, Number]


@dataclass(frozen=True)
class Beyond:
    """How many of the images are unlike anything seen."""

    beyond: Share
    beyond_ci: Ends


@dataclass(frozen=True)
class Shift:
    """How far the images lie from those of the training."""

    features: Beyond
    told_apart: Share | None


@dataclass(frozen=True, kw_only=True)
class Elsewhere(Tested):
    """The result of an external test."""

    folder: str
    mapping: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, Count] = field(default_factory=dict)
    learnt_from: Count = 0
    drop: dict[str, Drop] | None = None
    shift: Shift | None = None


def was_tested(run: Run) -> bool:
    """Was the run's test part opened?"""
    return os.path.lexists(run.path / TEST)


def read_test(run: Run) -> dict[str, Any]:
    """What test.json holds. Raises RunError where it is missing or damaged."""
    mend = f"remove it, and `covid-tui evaluate {run.name}` measures the test part anew"
    return _read(run, TEST, Tested, mend)


def read_external(run: Run) -> list[dict[str, Any]]:
    """The results of the run's external tests, by file name. Raises RunError where one of them is damaged."""
    mend = f"remove it, or do that test again with `covid-tui evaluate {run.name} --on FOLDER`"
    names = (str(Path(FOLDER) / path.name) for path in sorted((run.path / FOLDER).glob("*.json")))
    return [_read(run, name, Elsewhere, mend) for name in names]


def _read(run: Run, name: str, form: type[Tested], mend: str) -> dict[str, Any]:
    """The values of a result that has this form, and what else the file says."""
    try:
        values = run.read_json(name)
        checked(values, form)
    except RunError as error:
        raise RunError(f"{str(error).removesuffix('.')}: {mend}.") from error
    except UnfitError as error:
        raise RunError(f"{run.path / name} is damaged: {error}; {mend}.") from None
    return values
