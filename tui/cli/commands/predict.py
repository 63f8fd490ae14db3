"""The verb `predict`: what a run's model sees in images."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from engine.base.context import Context
from engine.base.errors import ConfigError, DataError
from engine.base.language import tr
from engine.base.outputs import require_new
from engine.base.wording import in_turn
from engine.runs import directory as run_directories
from tui.cli.app import RUNS
from tui.cli.console import finishing, put, put_json, put_table, say
from tui.cli.outputs import Writes
from tui.cli.signals import stop_on_signals, until_stopped
from tui.words.drift import drift_lines
from tui.words.event_text import describe
from tui.words.numbers import NOTHING, as_number

if TYPE_CHECKING:
    from engine.base.batch_result import Drift
    from engine.evaluation.predictor import Predictor
    from engine.export.onnx_predictor import OnnxModel


def predict(
    *paths: Path,
    run: Path | None = None,
    out: Path = RUNS,
    level: float = 0.9,
    risk: float | None = None,
    neighbours: int = 0,
    csv: Annotated[Path | None, Writes(".csv", beside=True)] = None,
    force: bool = False,
    follow_links: bool = False,
    json: bool = False,
) -> int:
    """Say which class a run's model sees in images. For research and teaching only, not for diagnosis.

    Parameters
    ----------
    paths
        Image files, or folders of them.
    run
        The run to predict with, by name or path (the newest trained one when not given), or an ONNX file that
        `export` wrote, which needs no TensorFlow.
    out
        Folder that holds the run directories.
    level
        Name the classes that an image may have so that of images of each class at least this share have it among them.
    risk
        Refuse answers that are not sure enough, so that at most this share of those given are wrong, such as 0.05.
    neighbours
        Also name so many of the training images that the run keeps a trace of, up to 500: those most like the image, as
        the network sees them, each with its label and its distance from 0 (the same) to 2.
    csv
        Also write the predictions to this file: calibrated probabilities, decisions, cautions, the network's own.
    force
        Let --csv replace a file.
    follow_links
        Also read what symbolic links in the folders lead to outside them.
    json
        Print a line of JSON a file, and for a folder of 20 images or more one on all of them, as "batch".
    """
    from engine.base.typed_files import plain_object
    from engine.data.image.notes import noted
    from engine.data.image.reader import ImageError
    from engine.evaluation.alike import require_count
    from engine.evaluation.batch_drift import Batch
    from engine.evaluation.conformal import require_level
    from engine.evaluation.level_likeness import UNCHECKED
    from engine.evaluation.prediction import BATCH, NOT_FOR_DIAGNOSIS, listed
    from engine.evaluation.predictions_table import write_predictions
    from engine.evaluation.promised import UNPROMISED, Asked
    from engine.evaluation.refusal import require_risk

    require_level(level)
    if risk is not None:
        require_risk(risk)
    require_count(neighbours)
    asked = Asked(level, risk, neighbours)
    if not paths:
        raise ConfigError(tr("Name at least one image file or folder to predict."))
    listing = listed(paths, follow_links)
    files = listing.files
    if csv:
        require_new(csv, ".csv", force, files, beside=True)  # now that all that a folder holds is known
    lines = list[dict[str, Any]]()
    with finishing() if csv else nullcontext(), stop_on_signals() as (stop, signals):

        def work() -> "tuple[tuple[str, ...], Drift | None]":
            predictor = _predictor(run, out, few=len(files) <= BATCH)
            say(in_turn(tr("{title}.", title=predictor.title), NOT_FOR_DIAGNOSIS))
            promises = predictor.promised.sentences(asked) if predictor.promised else [UNPROMISED]
            for text in (*listing.left_out, *promises):
                say(text)
            batch = Batch(len(predictor.classes))
            for answer in predictor.predict(files, stop, asked, batch):
                if isinstance(answer, ImageError):
                    lines.append({"file": str(answer.path), "error": answer.reason})
                else:
                    lines.append(answer.to_dict())
                if json:
                    put_json(lines[-1])
            return predictor.classes, predictor.drift(batch) if any(path.is_dir() for path in paths) else None

        found, code = until_stopped(work, signals)
        if found is None:
            return code
        classes, drift = found
        if csv:
            write_predictions(csv, lines, classes, force)
        if not json:
            _put_predictions(lines, classes)
        if drift and json:
            put_json({"batch": plain_object(drift)})
        elif drift:
            put()
            for text in drift_lines(drift):
                put(text)
    if any(line.get("likeness", "") is None for line in lines):
        say(UNCHECKED)
    for item in noted((line["file"], line["notes"]) for line in lines if "notes" in line):
        say(tr("{sentence}.", sentence=item.sentence))
    return DataError.exit_code if any("error" in line for line in lines) else 0


def _predictor(run: Path | None, out: Path, few: bool) -> "Predictor | OnnxModel":
    """What predicts: the run that was named, the newest one, or an exported ONNX file."""
    if run and run.suffix.lower() == ".onnx" and not run.is_dir():
        from engine.export.onnx_predictor import OnnxModel

        return OnnxModel(run)
    from engine.evaluation.predictor import Predictor

    chosen = run_directories.find(run, out) if run else run_directories.newest(out)
    return Predictor(chosen, Context(lambda event: say(describe(event))), few=few)


def _put_predictions(lines: Iterable[dict[str, Any]], classes: Sequence[str]) -> None:
    from engine.evaluation.predictions_table import stood_by

    rows = [(tr("file"), tr("label"), *classes, tr("decides"), tr("possible"), tr("distance"), tr("uncalibrated"))]
    warnings = []
    for line in lines:
        if "error" in line:
            rows.append(
                (line["file"], tr("error: {reason}", reason=line["error"]), *("" for _ in classes), "", "", "", "")
            )
            continue
        decision = line["decision"]
        rows.append((
            line["file"], line["label"], *(f"{p:.4f}" for p in stood_by(line).values()),
            decision["says"] if decision else NOTHING, _possible(line), as_number(line["distance"], 2),
            as_number(line["probabilities"][line["label"]]),
        ))  # fmt: skip
        warnings += [
            tr("warning: {file} {caution}.", file=line["file"], caution=caution) for caution in line["cautions"]
        ]
    put_table(rows)
    for text in warnings:
        put(text)
    near = [(line["file"], *one.values()) for line in lines for one in line.get("neighbours", ())]
    if near:
        put()
        named = ((file, alike, label, as_number(distance, 2)) for file, alike, label, distance in near)
        put_table([(tr("file"), tr("most alike in training"), tr("label"), tr("distance")), *named])


def _possible(line: dict[str, Any]) -> str:
    """The classes that can't be ruled out, and whether the answer is refused."""
    says = line["possible"]["says"] if line["possible"] else NOTHING
    return tr("{says} (refused)", says=says) if line["refused"] else says
