"""The trainings of a sweep: each combination of backbone, depth, learning rate and seed, the cheapest first.

Needs no TensorFlow, so that a screen can show a queue and its cost.
"""

import contextlib
import dataclasses
import re
from dataclasses import dataclass
from functools import cached_property

from engine.auto.reading import planned
from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.network.backbones import backbone
from engine.network.freezing import FreezePlan, parse_from, parse_unfreeze, plan, recipe
from engine.recipe.config import ChoiceConfig, NetworkConfig, Rate, TrainConfig
from engine.runs.writer import plain_name
from engine.sweep.result import Grid

HEAD, ALL, ONLY, AUTO, LADDER = "head", "all", "only:", "auto", "ladder"


@dataclass(frozen=True)
class Point:
    """One training of the grid."""

    label: str
    """What of backbone, depth and learning rate the grid varies, as the user wrote it."""
    recipe: str
    """Backbone, depth and learning rate; the points that differ from it in their seed alone make one candidate."""
    config: TrainConfig

    @property
    def name(self) -> str:
        """The name of its run."""
        return self.config.output.name

    @cached_property
    def plan(self) -> FreezePlan:
        """Which layers train, and the head on them."""
        return planned(self.config)[0]

    def work(self, images: int) -> tuple[float, float]:
        """Multiply-adds of what is computed once to be kept, and of all epochs: a step back costs two forward."""
        layers, views = self.plan.backbone.layers, planned(self.config)[1].augment.kept_views
        whole = sum(layer.macs for layer in layers)
        kept = self.config.machine.feature_cache != "off" and self.plan.cut > 1 and views is not None
        below = sum(layer.macs for layer in layers[: self.plan.cut]) if kept else 0
        back = sum(layer.macs for layer in layers[self.plan.cut :])
        epochs = self.config.fit.epochs
        again = 0 if self.config.way == "auto" else (whole - below + 2 * back) * images * epochs
        return float(below * images * (views or 0)), float(again)


def unfreezing(depth: str, network: NetworkConfig) -> NetworkConfig:
    """`network` with the layers of this depth trainable. Raises ConfigError where there is no such depth."""
    chosen = backbone(network.backbone)
    if depth in (HEAD, LADDER):
        return recipe(network, frozenset(), chosen)
    weighted = [layer for layer in chosen.layers if layer.learnable]
    if depth == ALL:
        return recipe(network, frozenset(layer.name for layer in weighted), chosen)
    if depth.startswith(ONLY):
        return recipe(network, parse_unfreeze(depth.removeprefix(ONLY).replace("+", ","), chosen), chosen)
    return recipe(network, parse_from(depth, chosen), chosen)


def queue(config: TrainConfig, grid: Grid) -> list[Point]:
    """The grid's points, the cheapest first; those that keep the same activations stand together.

    Depths that train the same layers are one. Raises ConfigError for a depth that no backbone has.
    """
    if len(grid.backbones) > 1 and config.network.weights not in ("imagenet", "none"):
        weights = config.network.weights
        text = tr("--weights {weights} fits one backbone: name that one alone in --backbones.", weights=weights)
        raise ConfigError(text)
    known: dict[tuple[str, bool, frozenset[str]], tuple[str, NetworkConfig]] = {}
    for depth in grid.depths:
        refused: list[ConfigError] = []
        for name in grid.backbones:
            own = dataclasses.replace(config.network, backbone=name)  # type: ignore[arg-type]
            for one in (HEAD, *backbone(name).depths, ALL) if depth == AUTO else (depth,):
                try:
                    network = unfreezing(one, own)
                except ConfigError as error:
                    refused.append(error)
                    continue
                known.setdefault((name, one == LADDER, plan(network).trainable), (one, network))
        if len(refused) == len(grid.backbones):
            raise refused[0]
    points = [
        _point(config, grid, network, depth, lr, seed)
        for depth, network in known.values()
        for lr in (grid.lrs[:1] if depth == LADDER else grid.lrs)  # which has no rate
        for seed in grid.seeds
    ]  # fmt: skip
    return sorted(points, key=lambda point: (point.work(1)[1], point.plan.cut, point.recipe, point.config.machine.seed))


def lacking(grid: Grid) -> list[str]:
    """Which depths some backbone lacks that another has, in a sentence for each backbone: they are left out for it."""

    def has(depth: str, name: str) -> bool:
        with contextlib.suppress(ConfigError):
            return depth == AUTO or bool(unfreezing(depth, NetworkConfig(backbone=name)))  # type: ignore[arg-type]
        return False

    told = []
    for chosen in map(backbone, grid.backbones):
        absent = [depth for depth in grid.depths if not has(depth, chosen.name)]
        if absent:
            told.append(
                tr(
                    "{backbone} has no {depths}, so that is left out for it: its blocks are {first} to {last}, and "
                    "--depths auto takes each backbone's own.",
                    backbone=chosen.title,
                    depths=tr(" and no ").join(absent),
                    first=chosen.blocks[0],
                    last=chosen.blocks[-1],
                )
            )
    return told


def _point(config: TrainConfig, grid: Grid, network: NetworkConfig, depth: str, lr: Rate, seed: int) -> Point:
    named = re.sub(r"[^A-Za-z0-9._+-]", "-", depth)
    rate = lr if lr == "auto" else f"{lr:g}"
    ladder = depth == LADDER
    # What "auto" means for the report's recipe, so that a sweep of before there was "auto" goes on.
    weight = config.fit.class_weight if ladder or config.fit.class_weight != "auto" else "none"
    name = f"{network.backbone}-{named}" + ("" if ladder else f"-lr{rate}")
    own = dataclasses.replace(
        config,
        network=network,
        fit=dataclasses.replace(config.fit, lr=lr, class_weight=weight),
        machine=dataclasses.replace(config.machine, seed=seed),
        judge=dataclasses.replace(config.judge, test=False),
        output=dataclasses.replace(config.output, name=f"{name}-seed{seed}"),
        choice=ChoiceConfig("auto" if ladder else "report"),
    )
    plain_name(own)
    varied = (
        [network.backbone] * (len(grid.backbones) > 1) + [depth] + [f"lr {rate}"] * (len(grid.lrs) > 1 and not ladder)
    )
    return Point(" ".join(varied), name, own)
