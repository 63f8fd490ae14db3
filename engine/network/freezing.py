"""Which layers train: presets, the parsing of --unfreeze, parameter counts, and where the network is cut.

Needs no TensorFlow, so that a screen can show a choice and its cost before any network exists.
"""

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.number_format import FeatureFormat
from engine.network.backbones import Backbone, Layer, backbone
from engine.network.heads import REPORT, Head
from engine.recipe.config import NetworkConfig
from engine.recipe.lists import split_list


@dataclass(frozen=True)
class FreezePlan:
    """The backbone's layers that train, and the head, which always does."""

    backbone: Backbone
    trainable: frozenset[str]
    head: Head = REPORT

    def trains(self, layer: Layer) -> bool:
        """Does this layer have weights that can train, and do they?"""
        return layer.name in self.trainable

    @cached_property
    def cut(self) -> int:
        """Index of the first layer that runs again: those before it are frozen and give the same every epoch.

        It lies before the first layer that trains, where one tensor alone goes on. It equals the number of layers when
        the head alone trains, and is 1 where no layer with work would lie before it.
        """
        layers = self.backbone.layers
        first = min((layer.index for layer in layers if self.trains(layer)), default=len(layers))
        found = max(layer.index for layer in layers[:first] if layer.cuttable) + 1
        return found if any(layer.macs for layer in layers[:found]) else 1

    def parameters(self, classes: int) -> tuple[int, int]:
        """(trainable, frozen) parameters of backbone and head together."""
        in_head = sum(layer.parameters for layer in self.head.layers(self.backbone, classes))
        trained = sum(layer.learnable for layer in self.backbone.layers if self.trains(layer))
        every = sum(layer.parameters for layer in self.backbone.layers)
        return in_head + trained, every - trained

    @property
    def repeated_share(self) -> float:
        """Share (0 to 1) of the backbone's forward work that each epoch repeats when the rest is kept."""
        total = sum(layer.macs for layer in self.backbone.layers)
        return sum(layer.macs for layer in self.backbone.layers[self.cut :]) / total

    @property
    def epoch_share(self) -> float:
        """Time of an epoch on kept activations as a share of one without, if time follows the multiply-adds.

        Going back through a layer costs twice as much as going forward, so it is 3s / (1 + 2s) of repeated share s.
        """
        return 3 * self.repeated_share / (1 + 2 * self.repeated_share)

    @property
    def kept_shape(self) -> tuple[int, ...]:
        """Shape of what is kept of an image: for the head alone what it gets, else the activations at the cut, and
        with them, as one row of numbers, the means of what the head reads below it.
        """
        if self.cut == len(self.backbone.layers):
            return (self.head.width(self.backbone),)
        at = self.backbone.layers[self.cut - 1].shape
        below = sum(self.head.width_of(self.backbone, name) for name in self.read_below)
        return (math.prod(at) + below,) if below else at

    @cached_property
    def read_below(self) -> tuple[str, ...]:
        """The layers that the head reads and that lie before the last one that is kept, input side first."""
        return tuple(name for name in self.head.reads if self.backbone.by_name[name].index < self.cut - 1)

    def kept_format(self, asked: FeatureFormat, precision: str) -> str:
        """The number format in which it is kept, under arithmetic in `precision`.

        "auto" takes the format that the frozen layers give it in, so that nothing is rounded. Feature maps in float32
        alone are kept in float16: twice the disk would put the maps of a set of 21,000 X-rays, 17 GB with five views of
        each, beyond the usual limit of 20 GB, and every epoch would go through the whole network.
        """
        if asked != "auto":
            return asked
        if self.cut == len(self.backbone.layers):
            return "float32"  # the pooled vector is, whatever the layers before it compute in
        return "float16" if precision == "float32" else precision


def head_classes(known: Sequence[str]) -> int:
    """Outputs of a head for the classes that are known: one for each, and two as long as there are fewer.

    Whoever counts parameters before a training has begun asks here.
    """
    return max(2, len(known))


def plan(network: NetworkConfig) -> FreezePlan:
    """The freeze plan that a recipe ends with; "partial" without layers trains the last block.

    Raises ConfigError for a layer that does not exist.
    """
    chosen = backbone(network.backbone)
    if network.mode == "transfer":
        return FreezePlan(chosen, frozenset())
    if network.mode == "finetune" or (network.mode == "probe-then-finetune" and not network.unfreeze):
        return FreezePlan(chosen, frozenset(layer.name for layer in chosen.layers if layer.learnable))
    return FreezePlan(chosen, parse_unfreeze(network.unfreeze or chosen.blocks[-1], chosen))


def parse_unfreeze(text: str, chosen: Backbone) -> frozenset[str]:
    """The layers with weights that `text` names: blocks ("block5"), layers ("block5_conv3"), indices ("15-18").

    Raises ConfigError where an item names nothing, or all items together name no layer with weights.
    """
    named = [layer for item in split_list(text) for layer in _layers(item, chosen)]
    trainable = frozenset(layer.name for layer in named if layer.learnable)
    if not trainable:
        raise ConfigError(
            tr('--unfreeze "{text}" names no layer with weights: try "{block}".', text=text, block=chosen.blocks[-1])
        )
    return trainable


def parse_from(text: str, chosen: Backbone) -> frozenset[str]:
    """The layers with weights from the first that `text` names on, to the head. Raises as `parse_unfreeze`."""
    first = min(chosen.by_name[name].index for name in parse_unfreeze(text, chosen))
    return frozenset(layer.name for layer in chosen.layers[first:] if layer.learnable)


def _layers(item: str, chosen: Backbone) -> list[Layer]:
    if item in chosen.blocks:
        return [layer for layer in chosen.layers if layer.block == item]
    if item in chosen.by_name:
        return [chosen.by_name[item]]
    numbers = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", item)
    if numbers:
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        if first <= last < len(chosen.layers):
            return list(chosen.layers[first : last + 1])
    learners = [layer for layer in chosen.layers if layer.learnable]
    raise ConfigError(
        tr(
            '--unfreeze "{item}" is no part of {title}: give blocks ({first} to {last}), layers such as {layer}, or '
            "indices from 0 to {most} such as 15-18.",
            item=item,
            title=chosen.title,
            first=chosen.blocks[0],
            last=chosen.blocks[-1],
            layer=learners[-1].name,
            most=len(chosen.layers) - 1,
        )
    )


def recipe(network: NetworkConfig, trainable: frozenset[str], backbone: Backbone) -> NetworkConfig:
    """`network` with the mode and the --unfreeze text that train exactly these layers."""
    weighted = [layer for layer in backbone.layers if layer.learnable]
    probed = network.mode == "probe-then-finetune"
    if not trainable:
        return dataclasses.replace(network, mode="transfer", unfreeze="")
    if len(trainable) == len(weighted):
        return dataclasses.replace(network, mode=network.mode if probed else "finetune", unfreeze="")
    items: list[str] = []
    for block in backbone.blocks:
        inside = [layer.name for layer in weighted if layer.block == block]
        chosen = [name for name in inside if name in trainable]
        items += [block] if chosen == inside else chosen
    return dataclasses.replace(network, mode=network.mode if probed else "partial", unfreeze=",".join(items))


@dataclass(frozen=True)
class Row:
    """A line of the network's table; `index` is None in the head, `trains` is None where nothing can train."""

    index: int | None
    name: str
    block: str
    shape: tuple[int, ...]
    parameters: int
    trains: bool | None
    work: float = 0.0
    """Its share (0 to 1) of the backbone's multiply-adds for an image; 0 in the head."""


def table(chosen: FreezePlan, classes: int) -> list[Row]:
    """The whole network, layer by layer, as the report prints it."""
    whole = sum(layer.macs for layer in chosen.backbone.layers)
    rows = [
        Row(
            index=layer.index,
            name=layer.name,
            block=layer.block,
            shape=layer.shape,
            parameters=layer.parameters,
            trains=chosen.trains(layer) if layer.learnable else None,
            work=layer.macs / whole,
        )
        for layer in chosen.backbone.layers
    ]
    return rows + [
        Row(None, layer.name, "head", layer.shape, layer.parameters, True if layer.parameters else None)
        for layer in chosen.head.layers(chosen.backbone, classes)
    ]
