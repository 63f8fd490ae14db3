"""The verb `report`: a run's model card, and a reader's checklist filled as far as the run can."""

from pathlib import Path
from typing import Literal

from engine.base.typed_files import plain
from engine.runs import directory as run_directories
from tui.cli.app import RUNS
from tui.cli.console import put, put_json


def report(
    run: Path,
    *,
    audit: Path | None = None,
    checklist: Literal["claim", "tripod-ai", "probast-ai", ""] = "",
    force: bool = False,
    out: Path = RUNS,
    json: bool = False,
) -> int:
    """Write a run's model card, card.md and card.html, into the run: data, recipe, results, limits.

    Parameters
    ----------
    run
        The run, by name or path.
    audit
        The folder of a shortcut audit of the same images, or its audit.json, to report with it.
    checklist
        Also write checklist-NAME.md and .html: each item of CLAIM 2024, TRIPOD+AI 2024 or PROBAST+AI 2025 answered and
        linked where the run can, asked of the author where it can't.
    force
        Replace a checklist that is there already, with all that was written into it.
    out
        Folder that holds the run directories.
    json
        Print one JSON object.
    """
    from engine.report.checklist.write import summary, write_checklist
    from engine.report.sections import write_card

    chosen = run_directories.find(run, out)
    if not checklist:
        written = [str(path) for path in write_card(chosen, audit)]
        if json:
            put_json({"run": str(chosen.path), "files": written})
        else:
            for path in written:
                put(path)
        return 0
    filled = write_checklist(chosen, checklist, audit, force)
    if json:
        put_json({"run": str(chosen.path), **plain(filled)})
        return 0
    for path in filled.files:
        put(path)
    put(summary(filled))
    return 0
