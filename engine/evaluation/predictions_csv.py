"""A run's answers on its test and validation parts, as its CSV files hold them, without loading what a model needs."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.base.errors import RunError
from engine.base.escape import from_cell
from engine.base.language import tr
from engine.base.typed_files import cells, why
from engine.runs.directory import Run

PREDICTIONS, VALIDATION = "predictions.csv", "validation.csv"
DECIMALS = 8
"""Of a probability in the files."""
ROUNDED = 1e-6
"""What rounding may add to a probability."""


@dataclass(frozen=True)
class Predictions:
    """A run's answers on a part of its split, by file: labels (n,) from 0 and probabilities (n, classes)."""

    classes: tuple[str, ...]
    files: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Was each answer right? (n,)"""
        return np.asarray(self.probabilities.argmax(axis=1) == self.labels)


@dataclass(frozen=True)
class Line:
    """A line of predictions.csv: file, true class, class said, and the probability of each class."""

    file: str
    truth: str
    said: str
    shares: tuple[float, ...]


def read_lines(path: Path) -> tuple[tuple[str, ...], list[Line]]:
    """The classes and lines of a predictions.csv. Raises OSError, ValueError or csv.Error where it is none."""
    head, *rows = cells(path) or [[]]
    classes = tuple(map(from_cell, head[3:]))
    if len(set(classes)) < 2 or len(set(classes)) < len(classes):
        raise ValueError(tr("its first line does not name the classes"))
    return classes, [_line(row, classes, number) for number, row in enumerate(rows, start=2)]


def _line(row: Sequence[str], classes: Sequence[str], number: int) -> Line:
    file, truth, said = map(from_cell, row[:3]) if len(row) == len(classes) + 3 else ("", "", "")
    if truth not in classes or said not in classes:
        raise ValueError(
            tr("its line {number} is not a file, its class, the class said and their probabilities", number=number)
        )
    shares = tuple(map(float, row[3:]))
    if not all(-ROUNDED <= share <= 1 + ROUNDED for share in shares):
        raise ValueError(tr("its line {number} has a probability that is none", number=number))
    return Line(file, truth, said, shares)


def read_predictions(run: Run, name: str = PREDICTIONS) -> Predictions:
    """The answers in the run's predictions.csv, or in the other file `name`. Raises RunError where it is missing or
    damaged.
    """
    path = run.path / name
    try:
        classes, lines = read_lines(path)
        labels = np.array([classes.index(line.truth) for line in lines], int)
        shares = np.array([line.shares for line in lines])
        if shares.shape != (len(lines), len(classes)) or not lines:
            raise ValueError(tr("it has no answers"))
        return Predictions(classes, tuple(line.file for line in lines), labels, shares)
    except FileNotFoundError:
        remedy = (
            tr("`covid-tui evaluate {name}` tests the run", name=run.name)
            if name == PREDICTIONS
            else tr("train the run again")
        )
        raise RunError(tr("{path} is missing: {remedy}.", path=path, remedy=remedy)) from None
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(tr("{path} can't be read ({why}).", path=path, why=why(error))) from None
