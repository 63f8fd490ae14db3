"""The verb that writes a run's model in other formats."""

from pathlib import Path

from engine.base.context import Context
from engine.runs import directory as run_directories
from tui.cli.progress import finishing, put, put_json, reporting, stop_on_signals, until_stopped


def export(run: Path, formats: str, to: Path | None, force: bool, out: Path, as_json: bool) -> int:
    """`covid-tui export`."""
    from engine.export import job

    chosen = run_directories.find(run, out)
    with stop_on_signals() as (stop, signals), reporting(as_json=False) as emit:

        def work() -> None:
            for made in job.export(chosen, formats, to, force, Context(emit, stop)):
                if as_json:
                    put_json({"run": str(chosen.path), **made.to_dict()})
                else:
                    put(
                        f"{made.path}: {made.format}, {made.bytes / 1e6:,.1f} MB, largest difference from the run "
                        f"{made.difference:.1e} on {made.images} images"
                    )

        with finishing():
            return until_stopped(work, signals)[1]
