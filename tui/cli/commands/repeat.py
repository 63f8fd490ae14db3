"""Trainings done several times: `covid-tui train --seeds N` and `--folds K`."""

from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.recipe.config import TrainConfig
from tui.cli.console import also_in, put, put_json, put_table
from tui.cli.progress import stoppable
from tui.cli.result_tables import put_result
from tui.cli.signals import until_stopped
from tui.words.numbers import NOTHING, as_number

if TYPE_CHECKING:
    from engine.jobs.repeat import Repeated


def repeat(data: Path | None, config: TrainConfig, seeds: int, folds: int, as_json: bool) -> int:
    """`covid-tui train --seeds N` and `--folds K`."""
    from engine.jobs import repeat as repeated

    if data is None:
        raise ConfigError(tr("Name the folder of X-rays to train on: covid-tui --train DATA."))
    if seeds and folds:
        raise ConfigError(tr("--seeds and --folds are two ways to repeat a training: give one of them."))
    job, count = (repeated.over_seeds, seeds) if seeds else (repeated.over_folds, folds)
    with stoppable(as_json) as (context, signals):
        result, code = until_stopped(lambda: job(data, config, count, context), signals)
    if result is None:
        return code
    with also_in(tr("the runs")):
        if as_json:
            put_json({"event": "repeated", **result.to_dict()})
        else:
            _put_repeated(result)
    return 128 + signals[0] if signals else 0


def _put_repeated(result: "Repeated") -> None:
    done, of = len(result.runs), result.planned
    put(
        tr("{done} of {of} seeds trained.", done=done, of=of)
        if result.kind == "seeds"
        else tr("{done} of {of} folds trained.", done=done, of=of)
    )
    put_table([(tr("measure"), tr("mean"), tr("sd"), tr("lowest"), tr("highest"), tr("95% of the mean"))] + [
        (tr(name), as_number(m.mean, 4), as_number(m.sd, 4), as_number(m.low, 4), as_number(m.high, 4),
         tr("{low:.4f} to {high:.4f}", low=m.ci[0], high=m.ci[1]) if m.ci else NOTHING)
        for name, m in result.measures.items()
    ])  # fmt: skip
    put()
    for run in result.runs:
        put(tr("run  {run}", run=run))
    if result.pooled:
        put()
        put_result(tr("all folds, each image tested once"), result.pooled)
