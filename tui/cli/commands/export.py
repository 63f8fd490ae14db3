"""The verb `export`: a run's model in other formats."""

from pathlib import Path

from engine.base.language import tr
from engine.runs import directory as run_directories
from tui.cli.app import RUNS
from tui.cli.console import finishing, put, put_json
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped


def export(
    run: Path, *, format: str, to: Path | None = None, force: bool = False, out: Path = RUNS, json: bool = False
) -> int:
    """Write a run's model in other formats, preprocessing and class names inside, each compared with the run first.

    Parameters
    ----------
    run
        The run, by name or path.
    format
        One or more of keras, savedmodel, onnx, litert, separated by commas.
    to
        Where to write: a file with the format's suffix (.keras, .savedmodel, .onnx, .tflite), or a folder (the run's
        own folder export when not given).
    force
        Replace files of these formats that are there.
    out
        Folder that holds the run directories.
    json
        Print a line of JSON a file.
    """
    from engine.export import job

    chosen = run_directories.find(run, out)
    with stoppable() as (context, signals):

        def work() -> None:
            for made in job.export(chosen, format, to, force, context):
                if json:
                    put_json({"run": str(chosen.path), **made.to_dict()})
                else:
                    put(
                        tr(
                            "{path}: {format}, {bytes:,.1f} MB, largest difference from the run {difference:.1e} on "
                            "{images} images",
                            path=made.path,
                            format=made.format,
                            bytes=made.bytes / 1e6,
                            difference=made.difference,
                            images=made.images,
                        )
                    )

        with finishing():
            return until_stopped(work, signals)[1]
