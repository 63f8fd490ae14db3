"""A run's answers on its test part, as predictions.csv holds them, without loading what a model needs."""

import csv
from dataclasses import dataclass

import numpy as np

from engine.errors import RunError
from engine.foreign import from_cell
from engine.runs import Run

PREDICTIONS = "predictions.csv"


@dataclass(frozen=True)
class Predictions:
    """A run's answers on its test part, by file: labels (n,) from 0 and probabilities (n, classes)."""

    classes: tuple[str, ...]
    files: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Was each answer right? (n,)"""
        return np.asarray(self.probabilities.argmax(axis=1) == self.labels)


def read_predictions(run: Run) -> Predictions:
    """The answers in the run's predictions.csv. Raises RunError where it is missing or damaged."""
    path = run.path / PREDICTIONS
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            rows = csv.reader(file)
            classes = tuple(map(from_cell, next(rows)[3:]))
            lines = list(rows)
        labels = np.array([classes.index(from_cell(line[1])) for line in lines], int)
        shares = np.array([[float(value) for value in line[3:]] for line in lines])
        if shares.shape != (len(lines), len(classes)) or not lines:
            raise ValueError("it has no answers")
        return Predictions(classes, tuple(from_cell(line[0]) for line in lines), labels, shares)
    except FileNotFoundError:
        raise RunError(f"{path} is missing: `covid-tui evaluate {run.name}` tests the run.") from None
    except (OSError, ValueError, IndexError, StopIteration, csv.Error) as error:
        raise RunError(f"{path} can't be read ({error}).") from None
