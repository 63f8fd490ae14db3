"""A run against its own test part, opened once, or against another folder."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.dataset.images import ImageError
from engine.dataset.scan import Scan, scan
from engine.dataset.split import Split
from engine.errors import DataError, RunError
from engine.events import Emit, Notice, Progress
from engine.files import replacing, write_json
from engine.results.metrics import Results, judge
from engine.results.predict import Predictor
from engine.runs import SPLIT, Run
from engine.stopping import Stop

TEST = "test.json"
PREDICTIONS = "predictions.csv"


def evaluate_test(run: Run, emit: Emit, stop: Stop) -> dict[str, Any]:
    """The run's result on its test part: read where the test was opened before, else measured now and kept.

    Raises RunError where the run has no model or no split, DataError where none of its test files can be read.
    """
    if (run.path / TEST).is_file():
        return run.read_json(TEST)
    split = Split.read(run.path / SPLIT)
    rows = [row for row in split.rows if row.part == "test"]
    predictor = Predictor(run)
    names, labels = [row.file for row in rows], [predictor.classes.index(row.label) for row in rows]
    results, lines = _measure(predictor, run.folder(), names, labels, "test", emit, stop)
    _write_predictions(run.path / PREDICTIONS, predictor.classes, lines)
    write_json(run.path / TEST, results.to_dict())
    return results.to_dict()


def forget_test(run: Run) -> bool:
    """Remove the result on the test part, as the run's weights are about to change; was there one?"""
    there = (run.path / TEST).is_file()
    for name in (TEST, PREDICTIONS):
        (run.path / name).unlink(missing_ok=True)
    return there


def evaluate_on(run: Run, folder: Path, emit: Emit, stop: Stop) -> dict[str, Any]:
    """The run's result on every image of another folder whose classes it knows.

    Raises DataError where the folder has none of the run's classes; classes that it does not know are left out.
    """
    predictor = Predictor(run)
    found: Scan = scan(folder, (), emit, stop)
    unknown = [name for name in found.classes if name not in predictor.classes]
    if unknown:
        emit(Notice("warning", f"Left out, as the run does not know them: {', '.join(unknown)}."))
    records = [record for record in found.records if record.label in predictor.classes]
    if not records:
        raise DataError(f"{folder} has no image of the run's classes ({', '.join(predictor.classes)}).")
    labels = [predictor.classes.index(record.label) for record in records]
    results, _ = _measure(predictor, folder, [record.file for record in records], labels, "evaluate", emit, stop)
    return results.to_dict()


def _measure(
    predictor: Predictor, folder: Path, names: Sequence[str], labels: Sequence[int], task: str, emit: Emit, stop: Stop
) -> tuple[Results, list[tuple[str, str, list[float]]]]:
    """Judge the predictions for `names` below `folder`; also a line (file, true class, probabilities) for each."""
    lines, truth = [], []
    answers = predictor.predict([folder / name for name in names], stop)
    for done, (name, label, answer) in enumerate(zip(names, labels, answers, strict=True), start=1):
        if isinstance(answer, ImageError):
            emit(Notice("warning", f"Left out of the {task}: {answer}"))
        else:
            lines.append((name, predictor.classes[label], list(answer.probabilities.values())))
            truth.append(label)
        if done % 8 == 0 or done == len(names):
            emit(Progress(task, done, len(names)))
    if not lines:
        raise DataError(f"None of the images to evaluate below {folder} can be read.")
    shares = np.array([line[2] for line in lines])
    return judge(np.array(truth), shares, predictor.classes), lines


def _write_predictions(path: Path, classes: Sequence[str], lines: Sequence[tuple[str, str, Sequence[float]]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["file", "class", "said", *classes])
    for name, label, shares in lines:
        said = classes[int(np.argmax(shares))]
        writer.writerow([name, label, said, *(f"{share:.8f}" for share in shares)])
    try:
        with replacing(path) as file:
            file.write(text.getvalue().encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise RunError(f"{path} can't be written ({error.strerror}): make room there.") from error
