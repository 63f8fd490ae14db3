"""Which engine computes the frozen layers on this machine: both are timed on a few images, once. ncnn serves, unless
Keras is clearly faster.

What is timed is VGG16 up to its pooled vector, as most recipes freeze nearly all of it. Processor time is taken, not
the clock's, so that neither other programs nor the number of processors decide.
"""

import contextlib
import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.base.engines import INSTALL, AskedEngine, EngineName, identity, ncnn_fault
from engine.base.errors import ConfigError, RunError
from engine.base.events import Emit, Progress
from engine.base.files import write_json
from engine.base.language import tr
from engine.base.runtime import cache_dir, cpu, tensorflow
from engine.base.wording import listing, reason, without_stop
from engine.network.backbones import BACKBONES, Backbone
from engine.network.classifier import build
from engine.network.freezing import FreezePlan
from engine.network.frozen_engines import FrozenEngine, KerasEngine, NcnnEngine, served_by

IMAGES = 4
"""So many are timed at a time; fewer would leave TensorFlow's threads without work."""
ROUNDS = 2
ALIKE, ALIKE_SHORT = 1e-4, 0.1
"""By how much of the largest activation both may differ: in float32, and where Keras computes in a shorter format."""
KERAS_FASTER_BY = 1.25
"""So many times as fast as ncnn Keras must be to serve; ncnn keeps to float32, which rounds less than Keras's shorter
formats. Measured were 4 with AMX, 0.8 to 0.9 on a Zen 4 in bfloat16, 0.4 to 0.6 in float32 (benchmarks/README.md): far
enough from each that two timings of a machine agree, and the same command gives the same run with an emptied cache.
"""
KEPT = "frozen-engines.json"


@dataclass(frozen=True)
class EngineChoice:
    """What computes the frozen layers, and why."""

    engine: EngineName
    reason: str


@dataclass(frozen=True)
class Timing:
    """Processor time of an image in each engine, in milliseconds."""

    keras: float
    ncnn: float

    @property
    def serving(self) -> EngineName:
        """What serves."""
        return "keras" if self.ncnn >= KERAS_FASTER_BY * self.keras else "ncnn"


def require(asked: AskedEngine, backbone: Backbone) -> None:
    """Raise ConfigError where an engine is asked for that can't compute the backbone, or is not here."""
    if asked != "ncnn":
        return
    if "ncnn" not in served_by(backbone):
        served = listing(one.title for one in BACKBONES.values() if "ncnn" in served_by(one))
        raise ConfigError(
            tr(
                "--frozen-engine ncnn computes {served} alone, not {title}: give auto or keras.",
                served=served,
                title=backbone.title,
            )
        )
    fault = ncnn_fault()
    if fault:
        raise ConfigError(
            tr("--frozen-engine ncnn: {fault}; {install}, or give auto or keras.", fault=fault, install=INSTALL)
        )


def choose_engine(asked: AskedEngine, backbone: Backbone, precision: str, emit: Emit) -> EngineChoice:
    """What computes the backbone's frozen layers in a training in `precision`.

    ncnn computes in float32 whatever the precision is, so it is compared with Keras in that precision. Raises as
    `require` does.
    """
    require(asked, backbone)
    if asked != "auto":
        return EngineChoice(asked, tr("as asked"))
    if "ncnn" not in served_by(backbone):
        return EngineChoice("keras", tr("ncnn does not compute {title}", title=backbone.title))
    if tensorflow().config.list_physical_devices("GPU"):
        return EngineChoice("keras", tr("a GPU computes them"))
    fault = ncnn_fault()
    if fault:
        return EngineChoice("keras", fault)
    try:
        timing = timed(precision, emit)
    except RunError as error:
        return EngineChoice("keras", without_stop(str(error)))
    except OSError as error:  # where files may be small only
        return EngineChoice("keras", tr("ncnn can't be given its weights: {reason}", reason=reason(error)))
    times = tr(
        "ncnn takes {ncnn:,.0f} ms of processor time an image, Keras in {precision} {keras:,.0f} ms",
        ncnn=timing.ncnn,
        precision=precision,
        keras=timing.keras,
    )
    return EngineChoice(timing.serving, times)


def timed(precision: str, emit: Emit) -> Timing:
    """Both engines' times on this machine, taken once and kept for the versions that they are of."""
    kept = cache_dir() / KEPT
    context = f"{cpu()[0]}, tensorflow {tensorflow().__version__}, {identity('ncnn')}, {precision}"
    known: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError, RecursionError):
        found = json.loads(kept.read_bytes())
        known = found if isinstance(found, dict) else {}
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        saved = known[context]
        if saved == _entry(context, timing := Timing(float(saved["keras"]), float(saved["ncnn"]))):
            return timing
    timing = measured(precision, emit)
    with contextlib.suppress(OSError):
        write_json(kept, {**known, context: _entry(context, timing)})
    return timing


def _entry(context: str, timing: Timing) -> dict[str, Any]:
    """What is kept of a timing; it decides what computes, so a damaged one must not be taken for another."""
    digest = hashlib.sha256(f"{context} {timing.keras} {timing.ncnn}".encode()).hexdigest()
    return {"keras": timing.keras, "ncnn": timing.ncnn, "sha256": digest}


def measured(precision: str, emit: Emit) -> Timing:
    """Both engines on the same drawn images, in turns. Raises RunError where ncnn fails, or gives other numbers."""
    task = tr("time what computes the frozen layers, once")
    emit(Progress(task, 0, None))
    backbone = BACKBONES["vgg16"]
    classifier = build(FreezePlan(backbone, frozenset()), 2, precision, seed=0)
    images = np.random.default_rng(0).uniform(-100, 100, (IMAGES, backbone.size, backbone.size, 3)).astype(np.float32)
    engines: tuple[FrozenEngine, FrozenEngine] = KerasEngine(classifier), NcnnEngine(classifier)
    gave = [engine.activations(images) for engine in engines]  # which makes them ready
    difference = float(np.abs(gave[0] - gave[1]).max() / np.abs(gave[0]).max())
    if not difference <= (ALIKE if precision == "float32" else ALIKE_SHORT):
        raise RunError(
            tr(
                "ncnn gives other numbers than Keras on this machine, by {difference:.1g} of the largest.",
                difference=difference,
            )
        )
    least = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for place, engine in enumerate(engines):
            began = time.process_time()
            engine.activations(images)
            least[place] = min(least[place], time.process_time() - began)
    return Timing(*(round(1000 * seconds / IMAGES, 1) for seconds in least))
