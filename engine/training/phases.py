"""A recipe as phases: stretches of epochs, each with the layers that train in it and its learning rates.

Most recipes have one. Probe-then-finetune first trains the head alone; gradual unfreezing (Howard and Ruder 2018,
"ULMFiT") lets one block more train every so many epochs, from the head downward. Each phase trains what the one before
trained and more, so that its activations can be kept up to its own first layer that trains. A phase begins with the
best weights so far and with a fresh optimizer.
"""

from dataclasses import dataclass
from functools import cached_property

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.wording import counted, in_turn
from engine.network.freezing import FreezePlan, plan
from engine.recipe.config import TrainConfig
from engine.training.schedule import learning_rate

FINETUNE_SHARE = 0.1
"""The rate after the probe, as a share of the recipe's: pretrained layers bear smaller steps than a new head."""


@dataclass(frozen=True)
class Phase:
    """The epochs `first` to `last`, counted from 1, of a training."""

    name: str
    plan: FreezePlan
    first: int
    last: int
    since: int
    """The epoch with which the schedule began that this phase goes on with."""
    share: float
    """That schedule's peak, as a share of the recipe's rate."""
    decay: float
    """Each block further from the head has its rate times this."""

    def rate(self, peak: float, epoch: int) -> float:
        """The head's learning rate in an epoch of this phase, for a recipe's rate `peak`."""
        return learning_rate(peak * self.share, epoch - self.since + 1)

    @cached_property
    def multipliers(self) -> dict[str, float]:
        """What the rate of each layer of the backbone is multiplied by; the head's is not."""
        backbone = self.plan.backbone
        depth = {block: number for number, block in enumerate(reversed(backbone.blocks), start=1)}
        deepest = len(backbone.blocks)
        return {layer.name: self.decay ** depth.get(layer.block, deepest) for layer in backbone.layers}


def phases(config: TrainConfig) -> tuple[Phase, ...]:
    """The phases of a recipe, in order. Raises ConfigError where its epochs or its layers don't allow them."""
    fit, final = config.fit, plan(config.network)
    probed = config.network.mode == "probe-then-finetune"
    plans = _unfrozen(final) if fit.gradual else [FreezePlan(final.backbone, frozenset()), final] if probed else [final]
    if fit.gradual and len(plans) == 1:
        raise ConfigError(tr("--gradual unfreezes blocks one by one: give a --mode that trains more than the head."))
    lengths = [fit.gradual] * (len(plans) - 1)
    if probed:
        lengths[0] = fit.probe_epochs
    if sum(lengths) >= fit.epochs:
        raise ConfigError(
            tr(
                "--epochs is {epochs}, and the phases before the last one take {before}: give more epochs.",
                epochs=fit.epochs,
                before=sum(lengths),
            )
        )
    found, first = [], 1
    for number, (own, length) in enumerate(zip(plans, [*lengths, fit.epochs - sum(lengths)], strict=True)):
        after = probed and number > 0
        since = 1 + lengths[0] if after else 1
        share = FINETUNE_SHARE if after else 1.0
        found.append(Phase(_name(own), own, first, first + length - 1, since, share, fit.layer_decay))
        first += length
    return tuple(found)


def rates(config: TrainConfig, peak: float) -> list[float]:
    """The head's learning rate in each epoch of a recipe, for the rate `peak`. Raises ConfigError as `phases` does."""
    return [phase.rate(peak, epoch) for phase in phases(config) for epoch in range(phase.first, phase.last + 1)]


def sentence(every: tuple[Phase, ...], config: TrainConfig) -> str:
    """What will be trained when, for the user."""
    told = tr("; ").join(
        tr("epochs {first} to {last}: {name}, {rate}", first=p.first, last=p.last, name=p.name, rate=_rate(p, config))
        for p in every
    )
    found = [tr("{stretches}.", stretches=f"{told[0].upper()}{told[1:]}")]
    if len(every) > 1:
        found.append(
            tr("Each phase begins with the best weights so far and a fresh optimizer; patience counts in the last one.")
        )
    decay = config.fit.layer_decay
    if decay != 1:
        found.append(
            tr("Each block further from the head has {decay:g} times the rate of the one above it.", decay=decay)
        )
    return in_turn(*found)


def _rate(phase: Phase, config: TrainConfig) -> str:
    if phase.since < phase.first:
        return tr("the schedule going on")
    if config.fit.lr == "auto":
        if phase.share == 1:
            return tr("rate as found")
        return tr("rate from {share:g} of the one found", share=phase.share)
    return tr("rate from {peak:g}", peak=config.fit.peak * phase.share)


def _unfrozen(final: FreezePlan) -> list[FreezePlan]:
    """The head alone, then one more of the blocks that `final` trains at a time, that nearest to the head first."""
    found = [FreezePlan(final.backbone, frozenset())]
    for block in reversed(final.backbone.blocks):
        more = frozenset(layer.name for layer in final.backbone.layers if layer.block == block and final.trains(layer))
        if more:
            found.append(FreezePlan(final.backbone, found[-1].trainable | more))
    if found[-1].trainable != final.trainable:  # layers that belong to no block
        found[-1] = final
    return found


def _name(own: FreezePlan) -> str:
    if not own.trainable:
        return tr("the head alone")
    training = [layer for layer in own.backbone.layers if own.trains(layer)]
    if len(training) == sum(layer.learnable > 0 for layer in own.backbone.layers):
        return tr("all layers")
    return tr("{layers} from {name} on", layers=counted(len(training), "layer"), name=training[0].name)
