"""The verb `audit`: is there more to what a training learns than shortcuts?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from engine.base.language import tr
from engine.base.wording import counted
from engine.recipe.config import (
    ChoiceConfig,
    DataConfig,
    MachineConfig,
    NetworkConfig,
    OutputConfig,
    Recipe,
    TrainConfig,
)
from engine.recipe.plans import AuditConfig
from tui.cli.app import RUNS, Flat
from tui.cli.console import also_in, put, put_json, put_table
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped
from tui.words.numbers import as_interval, as_number, as_share

if TYPE_CHECKING:
    from engine.audit.verdict import Audit


BAR = 40
"""Columns of a full bar."""


def audit(
    data: Path,
    *,
    recipe: Recipe = "auto",
    images: Annotated[DataConfig, Flat] = DataConfig(),  # noqa: B008
    network: Annotated[NetworkConfig, Flat] = NetworkConfig(),  # noqa: B008
    machine: Annotated[MachineConfig, Flat] = MachineConfig(),  # noqa: B008
    plan: Annotated[AuditConfig, Flat] = AuditConfig(),  # noqa: B008
    out: Path = RUNS,
    name: str = "",
    json: bool = False,
) -> int:
    """Say whether a training learns from the lungs or from shortcuts: it is repeated on parts of the images.

    The whole image, lungs only, lungs blacked out, the mask's silhouette, the outer border, a 16x16 thumbnail, and
    shuffled labels get the same split, recipe and number of epochs, without augmentation. With --recipe auto they get
    the same linear head, which whole images choose; --mode, epochs, batch, rate and patience are then not used.

    Parameters
    ----------
    data
        Folder that holds CLASS/images, with CLASS/masks beside them where there are lung masks.
    recipe
        auto judges by a linear head on the frozen layers, report by epochs as the flags say. To give a flag that says
        how to train, such as --mode or --epochs, chooses report.
    out
        Folder in which the audit's own folder is made, with audit.json and audit.svg.
    name
        Name of that folder (date and time when empty).
    json
        Print one JSON object.
    """
    from engine.audit import store
    from engine.audit.audit import audit as audit_folder
    from engine.audit.verdict import Audit
    from engine.network import pretrained
    from engine.network.backbones import backbone

    config = TrainConfig(
        ChoiceConfig(recipe), data=images, network=network, machine=machine, output=OutputConfig(out, name)
    )
    with stoppable() as (context, signals):

        def work() -> Audit:
            pretrained.require(config.network.weights, backbone(config.network.backbone), context)
            store.require_free(config.output.out, config.output.name)  # makes the folder, so it comes second
            return audit_folder(data, plan.recipe(config), context, plan.folds)

        result, code = until_stopped(work, signals)
    if result is None:
        return code
    folder = store.write(result, config.output.out, config.output.name)
    with also_in(folder):
        if json:
            put_json({"audit": str(folder), **result.to_dict()})
        else:
            _put_audit(result)
            put()
            put(tr("audit: {folder}", folder=folder))
    return 0


def _put_audit(result: "Audit") -> None:
    rows = [(tr("shown"), "", tr("accuracy"), tr("95% interval"), "AUC")]
    for variant in result.variants:
        shown, ends = bar(variant.accuracy, result.baseline), as_interval(variant.accuracy_ci)
        rows.append((variant.title, shown, as_share(variant.accuracy), ends, as_number(variant.auc)))
    put_table(rows)
    images = counted(sum(result.tested.values()), "test image")
    always = {"name": result.baseline_class, "share": result.baseline}
    put(
        tr(
            "{images}, {folds} folds, each image tested once; | always {name}: {share:.1%}",
            images=images,
            folds=result.folds,
            **always,
        )
        if result.folds > 1
        else tr("{images}, one split; | always {name}: {share:.1%}", images=images, **always)
    )
    put()
    put(result.verdict)


def bar(share: float, baseline: float, width: int = BAR) -> str:
    """A bar of block characters as long as the share (0 to 1) of `width`, with the baseline's place as "|"."""
    signs = list(("█" * round(share * width)).ljust(width, "·"))
    signs[min(width - 1, round(baseline * width))] = "|"
    return "".join(signs)
