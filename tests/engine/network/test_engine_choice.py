"""Which engine computes the frozen layers: measured once a machine, kept, and never taken from a damaged file."""

import errno
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.base import engines
from engine.base.cancel import Stop
from engine.base.errors import ConfigError, RunError
from engine.base.events import Event, Progress
from engine.network import engine_choice
from engine.network.backbones import BACKBONES
from engine.network.classifier import Classifier
from engine.network.engine_choice import KEPT, Timing, choose_engine, require, timed
from engine.network.frozen_engines import NcnnEngine

VGG16 = BACKBONES["vgg16"]


def ignore(event: Event) -> None:
    """Take no notice."""


class Refusing:
    """An ncnn that takes no network."""

    def __init__(self, classifier: Classifier) -> None:
        raise RunError("ncnn refuses.")


class NoRoom:
    """An ncnn whose weights are larger than a file may be."""

    def __init__(self, classifier: Classifier) -> None:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))


class Wrong(NcnnEngine):
    """An ncnn whose numbers are off by a thousandth."""

    def activations(self, inputs: Any, stop: Stop | None = None) -> np.ndarray:
        return np.asarray(super().activations(inputs, stop) * np.float32(1.001))


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which nothing was measured yet."""
    monkeypatch.setenv("COVID_TUI_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def without_ncnn(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine on which ncnn is not installed."""
    monkeypatch.setitem(sys.modules, "ncnn", None)
    engines.ncnn_fault.cache_clear()
    yield
    engines.ncnn_fault.cache_clear()


def test_both_are_timed_once_and_what_was_measured_is_kept(own_cache: Path) -> None:
    seen: list[Event] = []
    first = timed("float32", seen.append)
    assert first.keras > 1 and first.ncnn > 1
    assert [event.task for event in seen if isinstance(event, Progress)] == [
        "time what computes the frozen layers, once"
    ]
    seen.clear()
    assert timed("float32", seen.append) == first and not seen
    chosen = choose_engine("auto", VGG16, "float32", seen.append)
    assert chosen.engine == first.serving
    assert f"{first.ncnn:,.0f} ms" in chosen.reason and f"{first.keras:,.0f} ms" in chosen.reason


@pytest.mark.parametrize(
    ("keras", "ncnn", "wins"),
    [
        (560.0, 240.0, "ncnn"),
        (45.0, 175.0, "keras"),
        (136.2, 117.5, "ncnn"),
        (137.2, 122.1, "ncnn"),
        (100, 120, "ncnn"),
    ],
)
def test_ncnn_serves_unless_keras_is_faster_by_more_than_a_timing_errs(
    keras: float, ncnn: float, wins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_choice, "timed", lambda precision, emit: Timing(keras, ncnn))
    assert choose_engine("auto", VGG16, "float32", ignore).engine == wins


def test_a_kept_timing_that_was_altered_is_measured_anew(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = iter([Timing(500.0, 200.0), Timing(400.0, 300.0), Timing(450.0, 250.0)])
    monkeypatch.setattr(engine_choice, "measured", lambda precision, emit: next(measured))
    assert timed("float32", ignore) == Timing(500.0, 200.0)
    kept = json.loads((own_cache / KEPT).read_text(encoding="utf-8"))
    (entry,) = kept.values()
    entry["ncnn"] = 2000.0
    (own_cache / KEPT).write_text(json.dumps(kept), encoding="utf-8")
    assert timed("float32", ignore) == Timing(400.0, 300.0)
    (own_cache / KEPT).write_text("{", encoding="utf-8")
    assert timed("float32", ignore) == Timing(450.0, 250.0)


@pytest.mark.parametrize(
    ("engine", "said"),
    [(Refusing, "ncnn refuses"), (NoRoom, "File too large"), (Wrong, "other numbers than Keras on this machine")],
)
def test_an_ncnn_that_fails_or_computes_something_else_leaves_the_work_to_keras(
    engine: type, said: str, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_choice, "NcnnEngine", engine)
    chosen = choose_engine("auto", VGG16, "float32", ignore)
    assert chosen.engine == "keras" and said in chosen.reason
    assert not (own_cache / KEPT).exists()


def test_another_precision_is_measured_by_itself_and_the_first_stays(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = iter([Timing(500.0, 200.0), Timing(50.0, 200.0)])
    monkeypatch.setattr(engine_choice, "measured", lambda precision, emit: next(measured))
    assert [timed(precision, ignore).keras for precision in ("float32", "bfloat16", "float32")] == [500, 50, 500]


def test_other_backbones_are_kerass_and_asking_for_more_is_refused() -> None:
    resnet = BACKBONES["resnet50v2"]
    chosen = choose_engine("auto", resnet, "float32", ignore)
    assert chosen.engine == "keras" and "ResNet50V2" in chosen.reason
    with pytest.raises(ConfigError, match=r"--frozen-engine ncnn computes VGG16, VGG19 alone, not ResNet50V2"):
        require("ncnn", resnet)
    assert choose_engine("keras", VGG16, "float32", ignore).reason == "as asked"


def test_without_ncnn_keras_serves_and_says_why(without_ncnn: None) -> None:
    assert choose_engine("auto", VGG16, "float32", ignore) == engine_choice.EngineChoice(
        "keras", "ncnn is not installed"
    )
    with pytest.raises(ConfigError, match=r"ncnn is not installed; run pip install ncnn"):
        require("ncnn", VGG16)


def test_an_ncnn_that_can_not_be_loaded_is_told_from_one_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ncnn.py").write_text("raise ImportError('built for another system')", encoding="utf-8")
    monkeypatch.delitem(sys.modules, "ncnn", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    engines.ncnn_fault.cache_clear()
    try:
        assert engines.ncnn_fault() == "ncnn can't be loaded (built for another system)"
    finally:
        engines.ncnn_fault.cache_clear()
