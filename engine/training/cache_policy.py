"""Whether what the frozen layers compute is kept, and what a choice of layers costs. Needs no TensorFlow.

The training decides by it, and a screen shows beforehand what it will decide.
"""

import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from engine.base.cache import size
from engine.base.number_format import BYTES
from engine.network.freezing import FreezePlan
from engine.recipe.config import TrainConfig

GB = 10**9
SPARE_DISK = 2 * GB
"""Bytes of the disk that kept activations leave free."""
Reason = Literal["", "first layer", "off", "no room", "new views"]
"""Why the training images' activations are not kept: the first layer trains, the recipe says so, they would take more
than there is room for, or every epoch draws new views; empty where they are.
"""


@dataclass(frozen=True)
class Caching:
    """Whether activations are kept, and what that takes."""

    reason: Reason
    shape: tuple[int, ...]
    """Of what is kept of an image in one view."""
    dtype: str
    """The number format in which it is kept."""
    views: int | None
    """Views kept of each training image; None where every epoch draws new ones."""
    needed: int
    """Bytes for all images and views."""
    limit: float
    """Bytes that kept activations may take by the recipe."""
    spare: float
    """Bytes that the disk has for them."""

    @property
    def kept(self) -> bool:
        """Are those of the training images kept?"""
        return not self.reason

    @property
    def row_bytes(self) -> int:
        """Size of what is kept of one view of an image."""
        return math.prod(self.shape) * BYTES[self.dtype]

    @property
    def room(self) -> float:
        """Bytes that they may take in all."""
        return max(0.0, min(self.spare, self.limit))


@dataclass(frozen=True)
class Costs:
    """What a choice of layers costs: parameters of backbone and head, work, and what is kept."""

    trainable: int
    frozen: int
    caching: Caching
    repeated: float
    """Share (0 to 1) of the backbone's forward work that each epoch repeats."""
    epoch: float
    """Time of an epoch as a share of one through the whole network."""

    @property
    def parameters(self) -> int:
        """All of them."""
        return self.trainable + self.frozen

    @property
    def trainable_share(self) -> float:
        """Share (0 to 1) of the parameters that train."""
        return self.trainable / self.parameters


def spare_disk(cache: Path) -> float:
    """Bytes of the disk at `cache` for kept activations once older ones are gone; negative where it is too full.

    Raises OSError.
    """
    return float(shutil.disk_usage(cache).free - SPARE_DISK + size(cache, "features"))


def caching(
    plan: FreezePlan, config: TrainConfig, precision: str, train: int, validation: int, spare: float
) -> Caching:
    """Decide for so many images of training and validation, under arithmetic in `precision`."""
    machine, views = config.machine, config.augment.kept_views
    dtype = plan.kept_format(machine.feature_dtype, precision)
    needed = (train * (views or 0) + validation) * math.prod(plan.kept_shape) * BYTES[dtype]
    found = Caching("", plan.kept_shape, dtype, views, needed, machine.cache_limit * GB, spare)
    full = machine.feature_cache == "auto" and needed > found.room
    reason: Reason = _beforehand(plan, config) or ("no room" if full else "" if views else "new views")
    return replace(found, reason=reason)


def _beforehand(plan: FreezePlan, config: TrainConfig) -> Reason:
    """Why nothing is kept, whatever room there is; empty where it depends on that."""
    return "first layer" if plan.cut <= 1 else "off" if config.machine.feature_cache == "off" else ""


def costs(
    plan: FreezePlan, config: TrainConfig, classes: int, train: int = 0, validation: int = 0, spare: float = math.inf
) -> Costs:
    """The costs of training `plan` for a head of so many classes on so many images (0: not known yet)."""
    # Where the precision is still to be found, maps are kept in two bytes whatever it will be.
    precision = "float32" if config.machine.precision == "auto" else config.machine.precision
    decided = caching(plan, config, precision, train, validation, spare)
    trainable, frozen = plan.parameters(classes)
    shares = (plan.repeated_share, plan.epoch_share) if decided.kept else (1.0, 1.0)
    return Costs(trainable, frozen, decided, *shares)
