"""The verb `sweep`: a grid of recipes, its queue and costs, its frontier, and the one that is chosen."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.base.context import Context
from engine.base.wording import counted
from engine.recipe.config import SweepConfig, TrainConfig
from tui.cli.progress import also_in, put, put_json, reporting, stop_on_signals, until_stopped
from tui.cli.verbs import put_table
from tui.words.numbers import as_number
from tui.words.plot import frontier, letters

if TYPE_CHECKING:
    from engine.jobs.sweep import Sweep

BAR, BLOCK = 40, "█"


def sweep(data: Path, config: TrainConfig, wanted: SweepConfig, only_plan: bool, choose: str, as_json: bool) -> int:
    """`covid-tui sweep`."""
    from engine.jobs.sweep import Grid, Sweep

    own = Sweep(data, config, Grid.of(wanted, config))
    with stop_on_signals() as (stop, signals), reporting(as_json and not only_plan) as emit:
        if only_plan:
            images, code = until_stopped(lambda: own.images(Context(emit, stop)), signals)
            if images is not None:
                _put_plan(own, images, as_json)
            return code

        def work() -> dict[str, Any]:
            result = own.train(Context(emit, stop), wanted.budget or None)
            if choose and not stop.is_set():
                return own.choose("" if choose == "auto" else choose, Context(emit, stop))
            return result

        result, code = until_stopped(work, signals)
    if result is None:
        return code
    with also_in(own.path):
        put_json({"event": "swept", "folder": str(own.path), **result}) if as_json else put_result(result, own.path)
    return 128 + signals[0] if signals else 0


def suggest(data: Path, config: TrainConfig, as_json: bool) -> int:
    """`covid-tui layers --suggest DATA`."""
    from engine.jobs.probe import guide

    with stop_on_signals() as (stop, signals), reporting(as_json=False) as emit:
        found, code = until_stopped(lambda: guide(data, config, Context(emit, stop)), signals)
    if found is None:
        return code
    if as_json:
        put_json(found.to_dict())
        return 0
    put_table([("block", "relative gradient", "", "parameters")] + [
        (one.block, f"{one.relative:.2e}", BLOCK * round(BAR * one.relative / (found.hardest.relative or 1)),
         f"{one.parameters:,}")
        for one in found.blocks
    ])  # fmt: skip
    put()
    put(found.sentence)
    return 0


def _put_plan(own: "Sweep", images: int, as_json: bool) -> None:
    planned = own.plan(images)
    rates = {name: own.seconds_per_work(images, name) for name in own.grid.backbones}
    whole = sum(one.filling + one.training for one in planned) or 1.0
    rows = [("training", "trains", "kept once", "epochs", "share", "minutes", "state")]
    for one in planned:
        work = one.filling + one.training
        rate = rates[one.point.config.network.backbone]
        minutes = None if rate is None else rate * work / 60
        trainable = one.point.plan.parameters(2)[0]
        if as_json:
            put_json({"name": one.point.name, "trainable": trainable, "filling": one.filling, "training": one.training,
                      "minutes": minutes, "state": one.state})  # fmt: skip
        rows.append((one.point.name, f"{trainable:,}", _work(one.filling), _work(one.training), f"{work / whole:.1%}",
                     as_number(minutes, 1), one.state))  # fmt: skip
    if as_json:
        return
    put_table(rows)
    put()
    put(
        f"{counted(len(planned), 'training')} on {counted(images, 'image')}. Work is in multiply-adds if every epoch "
        "is trained; what is kept is computed by the first training that needs it. "
        + (
            "Minutes are judged by those finished, each backbone's by its own."
            if any(rates.values())
            else "Minutes follow once a training is finished."
        )
    )


def _work(count: float) -> str:
    return f"{count / 1e12:,.1f} T"


def put_result(result: dict[str, Any], folder: Path) -> None:
    """The table, the frontier as a plot, the advice and the files."""
    from engine.sweep import store

    put(store.counts(result))
    if not result["candidates"]:
        return
    put()
    ordered = store.by_cost(result["candidates"])
    lines = zip(letters(ordered), store.rows(result), strict=True)
    put_table([("", *store.HEADER), *((letter, *row) for letter, row in lines)])
    put()
    put("validation accuracy in percent by training seconds (logarithmic)")
    for line in frontier(ordered).split("\n"):
        put(line)
    put("* frontier: no other recipe is as accurate, as quick and as small; > recommended")
    put()
    put(result["advice"]["sentence"])
    put(store.tested(result))
    put()
    put(f"sweep: {folder}")
