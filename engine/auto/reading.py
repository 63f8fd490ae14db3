"""What the recipe "auto" computes of each image before it chooses: the widest head, and the views.

Needs no TensorFlow, so that a screen can show it.
"""

from dataclasses import replace

from engine.network.backbones import Backbone
from engine.network.freezing import FreezePlan, plan
from engine.network.heads import Head
from engine.recipe.config import AugmentConfig, TrainConfig

CELLS = 2
"""Along each side of the grid that the widest head reads."""
DEPTHS = 3


def widest(backbone: Backbone) -> Head:
    """The head that gets all that any rung may use: the ends of the deepest stages, cell by cell."""
    return Head(tuple(reversed(backbone.ends[:DEPTHS])), CELLS)


def mirrored(config: TrainConfig) -> TrainConfig:
    """The recipe with the one augmentation that the ladder uses."""
    return replace(config, augment=AugmentConfig(augment="mirror"))


def planned(config: TrainConfig) -> tuple[FreezePlan, TrainConfig]:
    """The plan that a training ends with, for "auto" before its choice, and the recipe with the views that it uses.

    Raises ConfigError for a layer that does not exist.
    """
    chosen = plan(config.network)
    if config.way != "auto":
        return chosen, config
    return FreezePlan(chosen.backbone, frozenset(), widest(chosen.backbone)), mirrored(config)
