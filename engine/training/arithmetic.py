"""How a training computes: the number format of its network, and what computes its frozen layers."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.base.engines import EngineName
from engine.base.events import Emit, Notice
from engine.base.language import tr
from engine.base.runtime import choose_precision
from engine.network.engine_choice import EngineChoice, choose_engine
from engine.network.freezing import FreezePlan
from engine.recipe.config import MachineConfig


@dataclass(frozen=True)
class Arithmetic:
    """A number format (`engine.base.number_format`), and an engine."""

    precision: str
    engine: EngineName


def fastest(machine: MachineConfig, plans: Iterable[FreezePlan], emit: Emit) -> Arithmetic:
    """What computes these plans of one backbone fastest on this machine, as far as the recipe leaves it open; and says
    why. Raises ConfigError where it asks for an engine that can't serve.
    """
    precision = choose_precision(machine.precision)
    emit(
        Notice("info", tr("Precision: {precision} ({reason}).", precision=precision.precision, reason=precision.reason))
    )
    kept = [plan for plan in plans if plan.cut > 1] if machine.feature_cache != "off" else []
    if not kept:
        return Arithmetic(precision.precision, "keras")
    chosen = choose_engine(machine.frozen_engine, kept[0].backbone, precision.precision, emit)
    emit(Notice("info", sentence(chosen)))
    return Arithmetic(precision.precision, chosen.engine)


def sentence(chosen: EngineChoice) -> str:
    """What computes the frozen layers, and why, for people."""
    return tr("Frozen layers: {engine} ({reason}).", engine=chosen.engine, reason=chosen.reason)
