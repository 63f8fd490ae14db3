"""The verb `report`: a run's model card."""

from pathlib import Path

from engine.runs import directory as run_directories
from tui.cli.app import RUNS
from tui.cli.console import put, put_json


def report(run: Path, *, audit: Path | None = None, out: Path = RUNS, json: bool = False) -> int:
    """Write a run's model card, card.md and card.html, into the run: data, recipe, results, limits.

    Parameters
    ----------
    run
        The run, by name or path.
    audit
        The folder of a shortcut audit of the same images, or its audit.json, to report with it.
    out
        Folder that holds the run directories.
    json
        Print one JSON object.
    """
    from engine.report.sections import write_card

    chosen = run_directories.find(run, out)
    written = write_card(chosen, audit)
    if json:
        put_json({"run": str(chosen.path), "files": [str(path) for path in written]})
    else:
        for path in written:
            put(path)
    return 0
