"""The verb `compare`: is one of two runs better on the same test images?"""

from pathlib import Path

from engine.base.language import tr
from engine.runs import directory as run_directories
from tui.cli.app import RUNS
from tui.cli.console import put, put_json, put_table
from tui.cli.result_tables import signed_interval
from tui.words.numbers import as_number


def compare(first: Path, second: Path, *, out: Path = RUNS, json: bool = False) -> int:
    """Say whether one of two runs is better on the same test images: McNemar's test and paired bootstrap.

    Parameters
    ----------
    first
        A run, by name or path.
    second
        Another one, tested on the same images (trained with --split of the first).
    out
        Folder that holds the run directories.
    json
        Print one JSON object.
    """
    from engine.evaluation.compare import compare_runs

    one, other = run_directories.find(first, out), run_directories.find(second, out)
    comparison = compare_runs(one, other)
    if json:
        put_json({"runs": [str(one.path), str(other.path)], **comparison.to_dict(), "verdict": comparison.verdict})
        return 0
    low, high = comparison.difference_ci
    put_table([
        ("", one.name, other.name, tr("difference"), tr("95% interval")),
        (tr("accuracy"), *(f"{value:.1%}" for value in comparison.accuracies), f"{comparison.difference:+.1%}",
         tr("{low:+.1%} to {high:+.1%}", low=low, high=high)),
        ("AUC", *(as_number(value) for value in comparison.aucs or (None, None)),
         "-" if comparison.auc_difference is None else f"{comparison.auc_difference:+.3f}",
         "-" if comparison.auc_difference_ci is None else signed_interval(comparison.auc_difference_ci)),
        (tr("right alone"), str(comparison.only_first), str(comparison.only_second), "", ""),
    ])  # fmt: skip
    put()
    put(comparison.verdict)
    return 0
