"""The verb `sweep`: a grid of recipes, its queue and costs, its frontier, and the one that is chosen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from engine.base.language import tr
from engine.base.typed_files import plain_object
from engine.base.wording import counted, in_turn
from engine.recipe.config import (
    AugmentConfig,
    DataConfig,
    FitConfig,
    MachineConfig,
    NetworkConfig,
    OutputConfig,
    TrainConfig,
)
from engine.recipe.plans import SweepConfig
from tui.cli.app import Flat
from tui.cli.console import also_in, put, put_json, put_table
from tui.cli.job_tables import put_sweep
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped
from tui.words.numbers import as_number

if TYPE_CHECKING:
    from engine.data.split import Split
    from engine.jobs.sweep import Sweep
    from engine.sweep.result import Swept


def sweep(
    data: Path,
    *,
    images: Annotated[DataConfig, Flat] = DataConfig(),  # noqa: B008
    augmentation: Annotated[AugmentConfig, Flat] = AugmentConfig(),  # noqa: B008
    fit: Annotated[FitConfig, Flat] = FitConfig(),  # noqa: B008
    machine: Annotated[MachineConfig, Flat] = MachineConfig(),  # noqa: B008
    output: Annotated[OutputConfig, Flat] = OutputConfig(),  # noqa: B008
    grid: Annotated[SweepConfig, Flat] = SweepConfig(),  # noqa: B008
    weights: str = "imagenet",
    plan: bool = False,
    choose: str = "",
    json: bool = False,
) -> int:
    """Say which layers are worth training: a grid of recipes on one split, the test part shut until one is chosen.

    The runs lie under OUT/NAME with sweep.json, sweep.md and sweep.svg. The same command goes on where it was stopped.

    Parameters
    ----------
    data
        Folder that holds CLASS/images, or class folders of images.
    weights
        Where the backbone starts: imagenet, none (random), or a Keras .weights.h5 file.
    plan
        Only show the queue and what each training costs.
    choose
        Afterwards open the test part for this recipe or run; "auto" takes the recommended one.
    json
        Print each event as a line of JSON on stdout.
    """
    network = NetworkConfig(weights=weights)
    recipe = TrainConfig(data=images, network=network, augment=augmentation, fit=fit, machine=machine, output=output)
    return _sweep(data, recipe, grid, plan, choose, json)


def _sweep(data: Path, config: TrainConfig, wanted: SweepConfig, only_plan: bool, choose: str, as_json: bool) -> int:
    from engine.jobs.sweep import Sweep
    from engine.sweep.result import Grid

    job = Sweep(data, config, Grid.of(wanted, config))
    with stoppable(as_json and not only_plan) as (context, signals):
        if only_plan:
            split, code = until_stopped(lambda: job.split(context), signals)
            if split is not None:
                _put_plan(job, split, as_json)
            return code

        def work() -> "Swept":
            result = job.train(context, wanted.limit)
            if choose and not context.stop.is_set():
                return job.choose("" if choose == "auto" else choose, context)
            return result

        result, code = until_stopped(work, signals)
    if result is None:
        return code
    with also_in(job.path):
        put_json({"event": "swept", "folder": str(job.path), **plain_object(result)}) if as_json else put_sweep(
            result, job.path
        )
    return 128 + signals[0] if signals else 0


def _put_plan(job: "Sweep", split: "Split", as_json: bool) -> None:
    from engine.jobs.sweep_plan import Plan

    plan = Plan.of(job, split)
    rows = [(tr("training"), tr("trains"), tr("kept once"), tr("epochs"), tr("share"), tr("minutes"), tr("state"))]
    for one in plan.queue:
        seconds, trainable = plan.seconds(one), plan.trainable(one)
        minutes = None if seconds is None else seconds / 60
        if as_json:
            put_json({"name": one.point.name, "trainable": trainable, "filling": one.filling, "training": one.training,
                      "minutes": minutes, "state": one.state})  # fmt: skip
        share = f"{plan.share(one):.1%}"
        rows.append((one.point.name, f"{trainable:,}", _work(one.filling), _work(one.training), share,
                     as_number(minutes, 1), tr(one.state)))  # fmt: skip
    if as_json:
        return
    put_table(rows)
    put()
    put(
        in_turn(
            tr(
                "{trainings} on {images}. Work is in multiply-adds if every epoch is trained; what is kept is computed "
                "by the first training that needs it.",
                trainings=counted(len(plan.queue), "training"),
                images=counted(plan.images, "image"),
            ),
            tr("Minutes are judged by those finished, each backbone's by its job.")
            if any(plan.rates.values())
            else tr("Minutes follow once a training is finished."),
        )
    )


def _work(count: float) -> str:
    return f"{count / 1e12:,.1f} T"
