"""The verb `runs`: a line for each run, with its state and result."""

from pathlib import Path
from typing import Any

from engine.base.errors import CovidTuiError
from engine.base.language import tr
from engine.base.typed_files import plain
from engine.runs import directory as run_directories
from tui.cli.app import RUNS
from tui.cli.console import put_json, put_table, say
from tui.words.numbers import as_interval, as_number, as_share


def runs(*, out: Path = RUNS, json: bool = False) -> int:
    """List the runs, newest first, with their state and result.

    Parameters
    ----------
    out
        Folder that holds the run directories.
    json
        Print a line of JSON a run.
    """
    rows = [(
        tr("run"), tr("state"), tr("mode"), tr("epochs"), tr("best epoch"), tr("validation"), tr("test"),
        tr("95% interval"), tr("seconds"),
    )]  # fmt: skip
    troubles = []
    for run in run_directories.all_runs(out):
        facts = _run_facts(run)
        troubles += [facts["error"]] if facts["error"] else []
        if json:
            put_json(facts)
            continue
        test = facts["test"] or {}
        rows.append((
            facts["name"], tr(facts["state"]), facts["mode"] or tr("unreadable"), as_number(facts["epochs"], 0),
            as_number(facts["best_epoch"], 0), as_share(facts["val_accuracy"]),
            as_share(test.get("accuracy")), as_interval(test.get("accuracy_ci")), as_number(facts["seconds"], 1),
        ))  # fmt: skip
    if not json:
        put_table(rows) if len(rows) > 1 else say(tr("There are no runs under {out}.", out=out))
        for trouble in troubles:
            say(trouble)
    return 0


def _run_facts(run: run_directories.Run) -> dict[str, Any]:
    """What the list says of a run; None for what can't be read, and in "error" why."""
    facts: dict[str, Any] = {
        "name": run.name, "run": str(run.path), "state": run.state(), "mode": None, "epochs": None,
        "best_epoch": None, "val_accuracy": None, "test": None, "seconds": None, "error": None,
    }  # fmt: skip
    try:
        summary = run.summary()
        facts |= {
            "epochs": summary.done,
            "best_epoch": summary.best_number,
            "val_accuracy": summary.val_accuracy,
            "test": plain(summary.test) if summary.test else None,
            "seconds": summary.seconds,
        }
        facts["mode"] = run.config().way
        run.folder()
    except CovidTuiError as error:
        facts["error"] = str(error)
    return facts
