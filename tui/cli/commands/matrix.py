"""The verb `matrix`: what an accuracy becomes elsewhere, as a table, a plot in characters and JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from engine.base.language import tr
from engine.base.typed_files import plain_object
from engine.recipe.config import (
    ChoiceConfig,
    DataConfig,
    MachineConfig,
    NetworkConfig,
    OutputConfig,
    TrainConfig,
)
from engine.recipe.plans import SetTables
from tui.cli.app import Flat
from tui.cli.console import also_in, drawing, put, put_json, put_table
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped
from tui.words.plot import shades

if TYPE_CHECKING:
    from engine.evaluation.transport import Matrix


def matrix(
    *data: Path,
    classes: str = "",
    labels: tuple[Path, ...] = (),
    label_column: tuple[str, ...] = (),
    corrections: tuple[Path, ...] = (),
    val_share: float = DataConfig.val_share,
    test_share: float = DataConfig.test_share,
    group_by: str = "",
    follow_links: bool = False,
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
    classes
        Classes to use, in this order, separated by commas (all that the folders have in common when empty).
    labels
        A table that says the class of each image, for folders without class folders: once for all folders, a path from
        here or from each folder on; or once for each folder, in their order, "none" for one with class folders.
    label_column
        The column of --labels that holds the class, once for all tables or once for each folder (when empty: a column
        such as "label", "class" or "finding").
    corrections
        A corrections.csv, as a review writes it: once for all folders, as it finds images by their pixels; or once for
        each folder, in their order, "none" for one without.
    val_share
        Share of each class of a folder kept for validation.
    test_share
        Share of each class of a folder kept for its test.
    group_by
        What tells a patient, whose images stay in one part and out of the other folders: a metadata column, "names",
        "name:REGEX", or "none" (when empty: a column such as "patientid", where there is one).
    follow_links
        Also read what symbolic links lead to outside the folders.
    budget
        Time that each training may take beyond the frozen layers' fits, such as 5m; as it is, no layer is fine-tuned.
    json
        Print each event as a line of JSON on stdout.
    """
    from engine.jobs.matrix import MatrixJob

    images = DataConfig(classes, val_share, test_share, follow_links=follow_links, group_by=group_by)
    choice = ChoiceConfig("auto", budget)
    recipe = TrainConfig(choice=choice, data=images, network=network, machine=machine, output=output)
    job = MatrixJob(data, recipe, SetTables(labels, label_column, corrections))
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
        put(tr("accuracy in percent: a row is the set of the training, a column that of the test"))
        for line in shades(result):
            put(line)
        put()
    put(result.sentence)
    put(store.taken_out(result))
    for line in (*store.sets_told(result), *store.own_told(result)):
        put(line)
    put()
    put(tr("matrix: {folder}", folder=folder))
