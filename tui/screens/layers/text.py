"""What a choice of layers costs, in sentences: parameters that train, repeated work, what is kept on disk."""

from textual.content import Content

from engine.base.language import tr
from engine.base.wording import counted, small_percent
from engine.recipe.config import TrainConfig
from engine.training.cache_policy import GB, Caching, Costs
from tui.widgets.safe_cells import content, lines
from tui.words.cells import padded
from tui.words.glyphs import Glyphs
from tui.words.numbers import as_size, two_percents

LABEL = 8
"""Cells of the names of what is added up."""
NEXT = tr("Applies to the next training.")
AUTO = tr(
    'The recipe "auto" finds out by itself which of these layers the head reads best, judged on images that it has '
    'not learnt from. To choose layers here is to go on with the recipe "report".'
)


def not_kept(caching: Caching) -> str:
    """Why the frozen layers' activations won't be kept, as a sentence; empty where they will."""
    match caching.reason:
        case "first layer":
            return tr("The first layer trains: each epoch goes through the whole network.")
        case "off":
            return tr("Nothing is kept, as asked (feature cache off): each epoch goes through the whole network.")
        case "new views":
            return tr("Each epoch draws new views, so the training images pass the frozen layers each time.")
        case "no room" if caching.spare < caching.limit:
            return tr(
                "Not kept: they would take {needed}, and the disk has room for {room}.",
                needed=as_size(caching.needed), room=as_size(caching.room),
            )  # fmt: skip
        case "no room":
            needed, limit = as_size(caching.needed), caching.limit / GB
            return tr("Not kept: {needed} are more than the limit of {limit:g} GB.", needed=needed, limit=limit)
    return ""


def kept(caching: Caching, images: int) -> str:
    """What is kept, as a sentence; `images` train (0: not known yet)."""
    shape = "x".join(map(str, caching.shape))
    shape = tr("{shape} numbers", shape=shape) if len(caching.shape) == 1 else shape
    size = as_size(caching.row_bytes)
    if not images:
        return tr("Kept once: {shape} a view, {size}.", shape=shape, size=size)
    return tr(
        "Kept once: {shape} a view, {size}; {needed} for {views} of {images}.",
        shape=shape, size=size, needed=as_size(caching.needed),
        views=counted(caching.views or 1, "view"), images=counted(images, "image"),
    )  # fmt: skip


def whole(costs: Costs, config: TrainConfig, images: int, glyphs: Glyphs, width: int) -> Content:
    """Everything, with bars `width` columns long."""
    share, caching = costs.trainable_share, costs.caching
    trains, rest = two_percents(share)
    rows = [
        Content.assemble(_label(tr("mode")), (config.way, "bold"), "  ", content(_named(config))),
        Content(""),
        Content.assemble(f"{_label(tr('trains'))}{costs.trainable:>11,}  ", (f"{trains:>4}", "bold")),
        Content(f"{_label(tr('frozen'))}{costs.frozen:>11,}  {rest:>4}"),
        Content(f"{_label(tr('all'))}{costs.parameters:>11,}"),
        Content.styled(glyphs.bar(share, width), "$primary"),
        Content(""),
    ]
    if config.way == "auto":
        rows.append(content(AUTO))
        return lines([*rows, Content(""), _next()])
    rows += [
        Content(tr("Forward work repeated each epoch")),
        Content.assemble((glyphs.bar(costs.repeated, width), "$warning"), f" {small_percent(costs.repeated)}"),
    ]
    if caching.kept:
        epoch = small_percent(costs.epoch)
        rows += [
            content(tr("An epoch takes about {epoch} of the time of one through the whole network.", epoch=epoch)),
            Content(""),
            content(kept(caching, images)),
        ]
    else:
        rows += [Content(""), content(not_kept(caching), "$warning")]
    return lines([*rows, Content(""), _next()])


def _next() -> Content:
    return Content.styled(tr("Applies to the next training. A training under way is not touched."), "italic")


def _label(text: str) -> str:
    return padded(text, LABEL)


def _named(config: TrainConfig) -> str:
    """The layers that the recipe names to train."""
    return "" if config.way == "auto" else config.network.unfreeze


def short(costs: Costs, config: TrainConfig, images: int) -> Content:
    """The same in a few lines."""
    trains, rest = two_percents(costs.trainable_share)
    frozen = f"{costs.frozen:,} ({rest})"
    cost = AUTO if config.way == "auto" else _repeated(costs, images)
    return lines(
        [
            Content.assemble((config.way, "bold"), "  ", content(_named(config)), "  ", (NEXT, "italic")),
            Content.assemble(
                f"{tr('trains')} ", (f"{costs.trainable:,} ({trains})", "bold"), f"  {tr('frozen')} {frozen}"
            ),
            content(cost),
        ]
    )


def _repeated(costs: Costs, images: int) -> str:
    """What each epoch does again, and what is kept."""
    if not costs.caching.kept:
        return not_kept(costs.caching)
    return tr(
        "Repeated each epoch: {work} of the forward work, about {time} of the time. {kept}",
        work=small_percent(costs.repeated), time=small_percent(costs.epoch), kept=kept(costs.caching, images),
    )  # fmt: skip
