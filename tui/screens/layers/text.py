"""What a choice of layers costs, in sentences: parameters that train, repeated work, what is kept on disk."""

from textual.content import Content

from engine.base.wording import counted
from engine.recipe.config import TrainConfig
from engine.training.cache_policy import GB, Caching, Costs
from tui.widgets.safe_cells import content, lines
from tui.words.glyphs import Glyphs
from tui.words.numbers import as_size, small_percent, two_percents

NEXT = "Applies to the next training."
AUTO = (
    "The recipe auto chooses by itself, out of fold, which of these depths the head reads. To choose layers here "
    "chooses the recipe report."
)


def not_kept(caching: Caching) -> str:
    """Why the frozen layers' activations won't be kept, as a sentence; empty where they will."""
    match caching.reason:
        case "first layer":
            return "The first layer trains: each epoch goes through the whole network."
        case "off":
            return "Nothing is kept, as asked (feature cache off): each epoch goes through the whole network."
        case "new views":
            return "Each epoch draws new views, so the training images pass the frozen layers each time."
        case "no room" if caching.spare < caching.limit:
            room = f"the disk has room for {as_size(caching.room)}"
            return f"Not kept: they would take {as_size(caching.needed)}, and {room}."
        case "no room":
            return f"Not kept: {as_size(caching.needed)} are more than the limit of {caching.limit / GB:g} GB."
    return ""


def kept(caching: Caching, images: int) -> str:
    """What is kept, as a sentence; `images` train (0: not known yet)."""
    shape = "x".join(map(str, caching.shape))
    shape = f"{shape} numbers" if len(caching.shape) == 1 else shape
    text = f"Kept once: {shape} a view, {as_size(caching.row_bytes)}"
    if not images:
        return f"{text}."
    views = counted(caching.views or 1, "view")
    return f"{text}; {as_size(caching.needed)} for {views} of {counted(images, 'image')}."


def whole(costs: Costs, config: TrainConfig, images: int, glyphs: Glyphs, width: int) -> Content:
    """Everything, with bars `width` columns long."""
    share, caching = costs.trainable_share, costs.caching
    trains, rest = two_percents(share)
    rows = [
        Content.assemble("mode    ", (config.way, "bold"), "  ", content(_named(config))),
        Content(""),
        Content.assemble(f"trains  {costs.trainable:>11,}  ", (f"{trains:>4}", "bold")),
        Content(f"frozen  {costs.frozen:>11,}  {rest:>4}"),
        Content(f"all     {costs.parameters:>11,}"),
        Content.styled(glyphs.bar(share, width), "$primary"),
        Content(""),
    ]
    if config.way == "auto":
        rows.append(content(AUTO))
        return lines([*rows, Content(""), _next()])
    rows += [
        Content("Forward work repeated each epoch"),
        Content.assemble((glyphs.bar(costs.repeated, width), "$warning"), f" {small_percent(costs.repeated)}"),
    ]
    if caching.kept:
        epoch = small_percent(costs.epoch)
        rows += [
            content(f"An epoch takes about {epoch} of the time of one through the whole network."),
            Content(""),
            content(kept(caching, images)),
        ]
    else:
        rows += [Content(""), content(not_kept(caching), "$warning")]
    return lines([*rows, Content(""), _next()])


def _next() -> Content:
    return Content.styled(f"{NEXT} A training under way is not touched.", "italic")


def _named(config: TrainConfig) -> str:
    """The layers that the recipe names to train."""
    return "" if config.way == "auto" else config.network.unfreeze


def short(costs: Costs, config: TrainConfig, images: int) -> Content:
    """The same in a few lines."""
    trains, rest = two_percents(costs.trainable_share)
    frozen = f"{costs.frozen:,} ({rest})"
    cost = (
        AUTO
        if config.way == "auto"
        else f"Repeated each epoch: {small_percent(costs.repeated)} of the forward work, about "
        f"{small_percent(costs.epoch)} of the time. {kept(costs.caching, images)}"
        if costs.caching.kept
        else not_kept(costs.caching)
    )
    return lines(
        [
            Content.assemble((config.way, "bold"), "  ", content(_named(config)), "  ", (NEXT, "italic")),
            Content.assemble("trains ", (f"{costs.trainable:,} ({trains})", "bold"), f"  frozen {frozen}"),
            content(cost),
        ]
    )
