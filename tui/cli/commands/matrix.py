"""The verb `matrix`: what an accuracy becomes elsewhere, as a table, a plot in characters and JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from engine.base.typed_files import plain_object
from engine.recipe.config import (
    ChoiceConfig,
    DataConfig,
    MachineConfig,
    NetworkConfig,
    OutputConfig,
    TrainConfig,
)
from tui.cli.app import Flat
from tui.cli.console import also_in, drawing, put, put_json, put_table
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped
from tui.words.plot import shades

if TYPE_CHECKING:
    from engine.evaluation.transport import Matrix


def matrix(
    *data: Path,
    images: Annotated[DataConfig, Flat] = DataConfig(),  # noqa: B008
    network: Annotated[NetworkConfig, Flat] = NetworkConfig(),  # noqa: B008
    machine: Annotated[MachineConfig, Flat] = MachineConfig(),  # noqa: B008
    output: Annotated[OutputConfig, Flat] = OutputConfig(),  # noqa: B008
    budget: str = "1s",
    json: bool = False,
) -> int:
    """Train on each folder and test on each other: what 99% becomes elsewhere. Pictures in two folders are taken out.

    The runs lie under OUT/NAME (OUT/matrix) with matrix.json, matrix.md and matrix.svg. The same command goes on where
    it was stopped.

    Parameters
    ----------
    data
        Folders of X-rays, two or more, that have two classes or more in common.
    budget
        Time that each training may take beyond the frozen layers' fits, such as 5m; as it is, no layer is fine-tuned.
    json
        Print each event as a line of JSON on stdout.
    """
    from engine.jobs.matrix import MatrixJob

    choice = ChoiceConfig("auto", budget)
    job = MatrixJob(data, TrainConfig(choice=choice, data=images, network=network, machine=machine, output=output))
    with stoppable(json) as (context, signals):
        result, code = until_stopped(lambda: job.work(context), signals)
    if result is None:
        return code
    with also_in(job.path):
        if json:
            put_json({"event": "matrix", "folder": str(job.path), **plain_object(result), "sentence": result.sentence})
        else:
            _put_matrix(result, job.path)
    return 128 + signals[0] if signals else 0


def _put_matrix(result: "Matrix", folder: Path) -> None:
    """The table, the plot, the gap, what was taken out and the files."""
    from engine.report import matrix as store

    put_table([store.header(result), *store.rows(result)])
    put()
    if drawing():
        put("accuracy in percent: a row is the set of the training, a column that of the test")
        for line in shades(result):
            put(line)
        put()
    put(result.sentence)
    put(store.taken_out(result))
    for line in (*store.sets_told(result), *store.own_told(result)):
        put(line)
    put()
    put(f"matrix: {folder}")
