"""The verb `evaluate`: how good a run is, on its own test part or on another folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from engine.base.errors import ConfigError, RunError
from engine.base.language import tr
from engine.recipe.config import DataConfig
from engine.recipe.lists import split_list
from engine.runs import directory as run_directories
from tui.cli.app import RUNS
from tui.cli.console import put, put_json, put_table
from tui.cli.progress import stoppable
from tui.cli.result_tables import (
    measure_words,
    put_recalibrated,
    put_result,
    put_subgroups,
    put_worth,
    shift_lines,
    signed_interval,
)
from tui.cli.signals import until_stopped
from tui.words.drift import drift_lines

if TYPE_CHECKING:
    from engine.base.result import Tested
    from engine.runs.directory import Run


def evaluate(
    run: Path,
    *,
    on: Path | None = None,
    mapping: Annotated[str, Parameter(name="--map")] = "",
    labels: Path | None = None,
    label_column: str = "",
    follow_links: bool = False,
    recalibrate: int | None = None,
    prevalence: float | None = None,
    by: str = "",
    out: Path = RUNS,
    json: bool = False,
) -> int:
    """Show how good a run is: on its own test part, opened once, or on another folder.

    Parameters
    ----------
    run
        The run, by name or path.
    on
        Another folder with the run's classes to measure it on, compared with the run's own test.
    mapping
        For --on: which of the folder's classes are which of the run's, as "theirs=ours,theirs=ours".
    labels
        For --on: a table that says the class of each image of the folder.
    label_column
        The column of --labels that holds the class (when empty: a column such as "label", "class" or "finding").
    follow_links
        For --on: also read what symbolic links lead to outside the folder.
    recalibrate
        For --on: also learn probabilities, threshold and promises anew from so many of the folder's images, and judge
        both on the rest.
    prevalence
        Also say what the answers are worth where this share of those asked about has the positive class, such as 0.02.
    by
        Also measure the test by groups of these fields, such as "sex,age": age, sex, view, source and machine are
        looked for under their usual names, any other is a column of a table beside the images. Kept in the run.
    out
        Folder that holds the run directories.
    json
        Print one JSON object.
    """
    from engine.base.result import Elsewhere
    from engine.base.typed_files import plain_object
    from engine.evaluation.evaluate import evaluate_on, open_test
    from engine.evaluation.external import OnFolder, parse_mapping
    from engine.evaluation.prevalence import require_prevalence
    from engine.evaluation.subgroups import measure_subgroups

    if prevalence is not None:
        require_prevalence(prevalence)
    if mapping and not on:
        raise ConfigError(tr("--map goes with --on: it names the other folder's classes."))
    if follow_links and not on:
        raise ConfigError(tr("--follow-links goes with --on: the run knows what its own images are."))
    if recalibrate is not None and not on:
        raise ConfigError(tr("--recalibrate goes with --on: it learns from the other folder's images."))
    if by and on:
        raise ConfigError(tr("--by speaks of the run's own test: leave --on out."))
    if labels and not on:
        raise ConfigError(tr("--labels goes with --on: the run knows the classes of its own images."))
    table = DataConfig(labels=labels, label_column=label_column).label_table
    chosen, pairs = run_directories.find(run, out), parse_mapping(mapping)
    with stoppable() as (context, signals):

        def work() -> "Tested":
            if on is None:
                return open_test(chosen, context)
            return evaluate_on(chosen, on, context, OnFolder(pairs, follow_links, recalibrate, labels=table))

        result, code = until_stopped(work, signals)
    if result is None:
        return code
    groups = measure_subgroups(chosen, split_list(by)) if by else None
    worth = _worth(chosen, result, prevalence, own_test=on is None) if prevalence is not None else {}
    if json:
        numbers = {name: value for name, value in plain_object(result).items() if name != "curves"}
        where = {"run": str(chosen.path), "on": str(on) if on else "test"}
        told = {name: value and plain_object(value) for name, value in worth.items()}
        parted = {"subgroups": plain_object(groups)} if groups else {}
        put_json({**where, **numbers, "only_answer": result.only_answer, **told, **parted})
        return 0
    put_result(tr("on {folder}", folder=on) if on else tr("test"), result)
    put_worth(**worth)
    if groups:
        put_subgroups(groups)
    if isinstance(result, Elsewhere) and result.drop:
        put()
        put_table([(tr("measure"), tr("own test"), tr("here"), tr("difference"), tr("95% interval"))] + [
            (measure_words(name), f"{row.test:.3f}", f"{row.here:.3f}", f"{row.difference:+.3f}",
             signed_interval(row.difference_ci))
            for name, row in result.drop.items()
        ])  # fmt: skip
    if isinstance(result, Elsewhere) and result.shift:
        put()
        for line in shift_lines(result.shift):
            put(line)
    if isinstance(result, Elsewhere) and result.recalibrated:
        put()
        put_recalibrated(result.recalibrated)
    if isinstance(result, Elsewhere) and (weights := result.frozen.get(run_directories.WEIGHTS)):
        put()
        file = run_directories.WEIGHTS
        put(tr("frozen before the folder was read: {file}, SHA-256 {digest}", file=file, digest=weights))
    if isinstance(result, Elsewhere) and result.drift:
        put()
        for line in drift_lines(result.drift):
            put(line)
    return 0


def _worth(run: "Run", result: "Tested", prevalence: float, own_test: bool) -> dict[str, Any]:
    """What the answers are worth at a prevalence, and, of the run's own test, their decision curve."""
    from engine.evaluation.calibration import read_calibration
    from engine.evaluation.decision_curve import decision_curve
    from engine.evaluation.predictions_csv import read_predictions
    from engine.evaluation.prevalence import at_prevalence, rates_of

    rates, at = rates_of(result), result.operating
    if rates is None or at is None:
        raise RunError(
            tr(
                "{name} has no threshold, or its test lacks images on one side of it: there is no answer "
                "whose worth --prevalence could say.",
                name=run.name,
            )
        )
    worth: dict[str, Any] = {"at_prevalence": at_prevalence(rates, at.positive, prevalence)}
    taught = read_calibration(run, tuple(result.classes))
    if own_test and taught:
        worth["decision_curve"] = decision_curve(result, read_predictions(run), taught.temperature, prevalence)
    return worth
