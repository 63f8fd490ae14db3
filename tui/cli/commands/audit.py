"""The verb `audit`: is there more to what a training learns than shortcuts?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from engine.base.language import tr
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
from tui.cli.console import also_in, put, put_json
from tui.cli.job_tables import put_audit
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped

if TYPE_CHECKING:
    pass


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
            put_audit(result)
            put()
            put(tr("audit: {folder}", folder=folder))
    return 0
