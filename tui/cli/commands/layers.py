"""The verb `layers`: the network layer by layer, and which block a folder's images pull at hardest."""

from pathlib import Path
from typing import Annotated

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.wording import whole_percent
from engine.recipe.config import (
    NetworkConfig,
    TrainConfig,
)
from tui.cli.app import Flat
from tui.cli.console import drawing, put, put_json, put_table
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped

BAR, BLOCK = 40, "█"


def layers(
    *,
    network: Annotated[NetworkConfig, Flat] = NetworkConfig(),  # noqa: B008
    classes: int = 2,
    suggest: Path | None = None,
    json: bool = False,
) -> int:
    """Show the network layer by layer: shapes, parameters, and which of them train.

    Parameters
    ----------
    classes
        Number of classes.
    suggest
        A folder of X-rays: say which block its images pull at hardest, by one pass of gradients after a linear probe.
    json
        Print one JSON object.
    """
    if suggest:
        return _suggest(suggest, TrainConfig(network=network), json)
    from engine.network.freezing import plan, table

    if classes < 2:
        raise ConfigError(tr("--classes is {classes}: give a whole number from 2.", classes=classes))
    chosen = plan(network)
    trainable, frozen = chosen.parameters(classes)
    rows = table(chosen, classes)
    if json:
        put_json({
            "backbone": network.backbone, "mode": network.mode, "trainable": trainable, "frozen": frozen,
            "parameters": trainable + frozen, "layers": [vars(row) for row in rows],
        })  # fmt: skip
        return 0
    put_table([("#", tr("layer"), tr("block"), tr("output"), tr("parameters"), tr("trains"))] + [
        ("-" if row.index is None else str(row.index), row.name, row.block, "x".join(map(str, row.shape)),
         f"{row.parameters:,}", "" if row.trains is None else tr("yes") if row.trains else tr("frozen"))
        for row in rows
    ])  # fmt: skip
    put()
    put(
        tr(
            "{all:,} parameters: {trainable:,} train, {frozen:,} are frozen.",
            all=trainable + frozen,
            trainable=trainable,
            frozen=frozen,
        )
    )
    put(
        tr(
            "An epoch on kept activations takes about {share} of the work of one without.",
            share=whole_percent(chosen.epoch_share),
        )
    )
    return 0


def _suggest(data: Path, config: TrainConfig, as_json: bool) -> int:
    from engine.jobs.probe import guide

    with stoppable() as (context, signals):
        hints, code = until_stopped(lambda: guide(data, config, context), signals)
    if hints is None:
        return code
    if as_json:
        put_json(hints.to_dict())
        return 0
    put_table([(tr("block"), tr("relative gradient"), "", tr("parameters"))] + [
        (one.block, f"{one.relative:.2e}",
         BLOCK * round(BAR * one.relative / (hints.hardest.relative or 1)) if drawing() else "", f"{one.parameters:,}")
        for one in hints.blocks
    ])  # fmt: skip
    put()
    put(hints.sentence)
    return 0
