"""Counts how often a run's model is loaded; the models are real."""

from pathlib import Path
from typing import Any

import pytest

from engine.runs.directory import Run


def count_loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The directories of the runs whose model is loaded from now on, one for each time."""
    from engine.evaluation import predictor

    loads: list[Path] = []

    class Counted(predictor.Predictor):
        """A predictor whose beginning is noted."""

        def __init__(self, run: Run, *how: Any, **named: Any) -> None:
            loads.append(run.path)
            super().__init__(run, *how, **named)

    monkeypatch.setattr(predictor, "Predictor", Counted)
    return loads
