"""A recipe with all that follows from it alone, found once and handed down in its place."""

import dataclasses
from dataclasses import dataclass

from engine.network.backbones import Backbone
from engine.network.freezing import FreezePlan
from engine.recipe.config import TrainConfig
from engine.training.phases import Phase, phases


@dataclass(frozen=True)
class Resolved:
    """A recipe, its phases in their order, and the layers that train in the last one."""

    config: TrainConfig
    phases: tuple[Phase, ...]

    @property
    def plan(self) -> FreezePlan:
        """Which layers the recipe trains in the end."""
        return self.phases[-1].plan

    @property
    def backbone(self) -> Backbone:
        """The pretrained layers; its `size` is that of the images, in pixels."""
        return self.plan.backbone

    def at(self, rate: float) -> "Resolved":
        """The same with its learning rate found, on which no phase depends."""
        fit = dataclasses.replace(self.config.fit, lr=rate)
        return dataclasses.replace(self, config=dataclasses.replace(self.config, fit=fit))


def resolve(config: TrainConfig) -> Resolved:
    """Raises ConfigError where the recipe's layers or epochs don't allow its phases."""
    return Resolved(config, phases(config))
