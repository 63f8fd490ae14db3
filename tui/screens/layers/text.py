"""What a choice of layers costs, in sentences: parameters that train, repeated work, what is kept on disk."""

from dataclasses import dataclass
from math import prod

from textual.content import Content

from engine.base.wording import counted
from engine.network.freezing import FreezePlan
from engine.recipe.config import TrainConfig
from tui.widgets.safe_cells import content, lines
from tui.words.glyphs import Glyphs
from tui.words.numbers import as_size, whole_percent

KEPT_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4}
GB = 10**9
NEXT = "Applies to the next training."


@dataclass(frozen=True)
class Choice:
    """The layers that train, in a recipe, for a head of so many classes, on so many images (0: not known yet)."""

    plan: FreezePlan
    config: TrainConfig
    classes: int
    train: int = 0
    validation: int = 0

    @property
    def kept_bytes(self) -> int:
        """Size of what is kept of one view of an image."""
        machine = self.config.machine
        # Where the precision is still to be found, maps are kept in two bytes whatever it will be.
        precision = "float32" if machine.precision == "auto" else machine.precision
        kept = self.plan.kept_format(machine.feature_dtype, precision)
        return prod(self.plan.kept_shape) * KEPT_BYTES[kept]

    def not_kept(self) -> str:
        """Why the frozen layers' activations won't be kept, as a sentence; empty where they will."""
        machine = self.config.machine
        if self.plan.cut <= 1:
            return "The first layer trains: each epoch goes through the whole network."
        if machine.feature_cache == "off":
            return "Nothing is kept, as asked (feature cache off): each epoch goes through the whole network."
        if self.config.augment.kept_views is None:
            return "Each epoch draws new views, so the training images pass the frozen layers each time."
        if machine.feature_cache == "auto" and self.needed > machine.cache_limit * GB:
            return f"Not kept: {as_size(self.needed)} are more than the limit of {machine.cache_limit:g} GB."
        return ""

    @property
    def needed(self) -> int:
        """Bytes to keep of all images."""
        return (self.train * (self.config.augment.kept_views or 0) + self.validation) * self.kept_bytes

    def kept(self) -> str:
        """What is kept, as a sentence."""
        shape = "x".join(map(str, self.plan.kept_shape))
        shape = f"{shape} numbers" if len(self.plan.kept_shape) == 1 else shape
        text = f"Kept once: {shape} a view, {as_size(self.kept_bytes)}"
        if not self.train:
            return f"{text}."
        views = self.config.augment.kept_views or 1
        return f"{text}; {as_size(self.needed)} for {counted(views, 'view')} of {counted(self.train, 'image')}."


def whole(choice: Choice, glyphs: Glyphs, width: int) -> Content:
    """Everything, with bars `width` columns long."""
    plan, network = choice.plan, choice.config.network
    trains, frozen = choice.plan.parameters(choice.classes)
    share = trains / (trains + frozen)
    repeated = 1.0 if choice.not_kept() else plan.repeated_share
    rows = [
        Content.assemble("mode    ", (network.mode, "bold"), "  ", content(network.unfreeze)),
        Content(""),
        Content.assemble(f"trains  {trains:>11,}  ", (f"{share:4.0%}", "bold")),
        Content(f"frozen  {frozen:>11,}  {1 - share:4.0%}"),
        Content(f"all     {trains + frozen:>11,}"),
        Content.styled(glyphs.bar(share, width), "$primary"),
        Content(""),
        Content("Forward work repeated each epoch"),
        Content.assemble((glyphs.bar(repeated, width), "$warning"), f" {whole_percent(repeated)}"),
    ]
    if choice.not_kept():
        rows += [Content(""), content(choice.not_kept(), "$warning")]
    else:
        rows += [
            content(
                f"An epoch takes about {whole_percent(plan.epoch_share)} of the time of one through the whole network."
            ),
            Content(""),
            content(choice.kept()),
        ]
    return lines([*rows, Content(""), Content.styled(f"{NEXT} A training under way is not touched.", "italic")])


def short(choice: Choice) -> Content:
    """The same in a few lines."""
    plan, network = choice.plan, choice.config.network
    trains, frozen = plan.parameters(choice.classes)
    share = trains / (trains + frozen)
    cost = (
        choice.not_kept()
        or f"Repeated each epoch: {whole_percent(plan.repeated_share)} of the forward work, about "
        f"{whole_percent(plan.epoch_share)} of the time. {choice.kept()}"
    )
    return lines(
        [
            Content.assemble((network.mode, "bold"), "  ", content(network.unfreeze), "  ", (NEXT, "italic")),
            Content.assemble(
                "trains ", (f"{trains:,} ({share:.0%})", "bold"), f"  frozen {frozen:,} ({1 - share:.0%})"
            ),
            content(cost),
        ]
    )
