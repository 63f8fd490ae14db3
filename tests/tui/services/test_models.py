"""The keeper of a loaded model: one for all screens, and never two models in memory."""

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.events import Event
from engine.runs.directory import Run
from tui.app import Workbench
from tui.services.models import Models


class Counted:
    """Stands for a predictor: knows its run, and how many of its kind are alive."""

    loads: list[Path]
    alive: "weakref.WeakSet[Counted]"

    def __init__(self, run: Run, context: Context) -> None:
        gc.collect()
        assert not Counted.alive, "another model is still in memory while this one is loaded"
        self.run = run
        Counted.loads.append(run.path)
        Counted.alive.add(self)

    def predict(self, paths: list[Path], stop: Stop) -> Any:
        """An answer for each path."""
        return iter(paths)


class Cut:
    """Stands for what the heat is computed with: holds its predictor."""

    def __init__(self, predictor: Counted) -> None:
        self.predictor = predictor


class Explanation:
    """Stands for the heat of an image."""

    heat = None


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Models:
    """A keeper, with models that only count."""
    Counted.loads, Counted.alive = [], weakref.WeakSet()
    monkeypatch.setattr("tui.services.models.load_tensorflow", lambda emit: None)
    monkeypatch.setattr("engine.evaluation.predictor.Predictor", Counted)
    monkeypatch.setattr("engine.evaluation.saliency.Explainer", Cut)
    monkeypatch.setattr("engine.evaluation.saliency.explain", lambda cut, path, **_: Explanation())
    return Models()


def emit(event: Event) -> None:
    """Nobody listens."""


def test_a_prediction_and_the_heat_of_a_run_load_its_model_once(models: Models, tmp_path: Path) -> None:
    run = Run(tmp_path / "one")
    models.predict(run, tmp_path / "a.png", Context(emit, Stop()))
    models.heat(run, tmp_path / "a.png", None, Context(emit, Stop()))  # type: ignore[arg-type]
    models.heat(Run(tmp_path / "one"), tmp_path / "b.png", None, Context(emit, Stop()))  # type: ignore[arg-type]
    models.predict(run, tmp_path / "b.png", Context(emit, Stop()))
    assert Counted.loads == [run.path]


def test_another_run_s_model_takes_the_place_of_the_one_before(models: Models, tmp_path: Path) -> None:
    first, second = Run(tmp_path / "one"), Run(tmp_path / "two")
    models.predict(first, tmp_path / "a.png", Context(emit, Stop()))
    models.heat(first, tmp_path / "a.png", None, Context(emit, Stop()))  # type: ignore[arg-type]
    models.heat(second, tmp_path / "a.png", None, Context(emit, Stop()))  # type: ignore[arg-type]
    models.predict(first, tmp_path / "a.png", Context(emit, Stop()))
    gc.collect()
    assert Counted.loads == [first.path, second.path, first.path]
    assert len(Counted.alive) == 1


def test_all_screens_of_a_workbench_ask_the_same_keeper(tmp_path: Path) -> None:
    import inspect

    from tui.screens.predict import screen as predict
    from tui.screens.results import mistakes

    assert isinstance(Workbench(tmp_path).session.models, Models)
    assert all("Models()" not in inspect.getsource(module) for module in (predict, mistakes))
