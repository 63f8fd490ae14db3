"""A run against its own test part, opened once, or against another folder."""

import contextlib
import csv
import dataclasses
import fnmatch
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.base.context import Context
from engine.base.errors import DataError, RunError
from engine.base.escape import to_cell
from engine.base.events import TESTING, Finished, Notice, Progress
from engine.base.files import names_in, opened, replacing, require_inside, write_json
from engine.base.language import tr
from engine.base.result import Drawn, Elsewhere, Recalibrated, Tested
from engine.base.typed_files import plain
from engine.base.wording import listing, unwritable
from engine.data.groups import group_of
from engine.data.image.reader import ImageError
from engine.data.patients import patients
from engine.data.records import Scan
from engine.data.scan import scan, tell_layout
from engine.data.split import Split
from engine.evaluation import external
from engine.evaluation.batch_drift import Batch
from engine.evaluation.calibration import CALIBRATION
from engine.evaluation.compare import patients_of
from engine.evaluation.external import AS_IT_IS, OnFolder
from engine.evaluation.predictions_csv import DECIMALS, PREDICTIONS, VALIDATION, Predictions
from engine.evaluation.predictor import Predictor
from engine.evaluation.recalibration import recalibrated
from engine.evaluation.resampling import Ints, numbered
from engine.evaluation.result_files import CARDS, FOLDER, SUBGROUPS, TEST, read_test, was_tested
from engine.evaluation.training_reference import REFERENCE
from engine.evaluation.whole_result import whole_result
from engine.runs.directory import SPLIT, Run
from engine.runs.writer import reopen


def evaluate_test(run: Run, context: Context) -> Tested:
    """The run's result on its test part: read where the test was opened before, else measured now and kept.

    What test.json holds, but for the curves. Raises RunError where the run has no model or no split, can't be written
    or has a damaged test.json, DataError where none of its test files can be read.
    """
    if not was_tested(run):
        split = Split.read(run.path / SPLIT)
        rows = [row for row in split.rows if row.part == "test"]
        predictor = Predictor(run, context)
        names, labels = [row.file for row in rows], [predictor.classes.index(row.label) for row in rows]
        shas = [row.sha for row in rows]
        said = _measure(predictor, run.folder(), names, labels, TESTING, context, shas)
        keep_predictions(run.path / PREDICTIONS, predictor.classes, said.lines(predictor.classes))
        answers = said.answers(predictor.classes)
        _write_result(run.path / TEST, _judged(answers, predictor, patients_of(run, answers.files)))
    return read_test(run).without_curves()


def open_test(run: Run, context: Context) -> Tested:
    """As `evaluate_test`; a run that was trained with its test part shut then ends with the result in its events."""
    test, end = evaluate_test(run, context), run.summary().end
    if isinstance(end, Finished) and end.test is None and run.state() != "live":
        with reopen(run, run.config()) as writer:
            writer.append(dataclasses.replace(end, test=test))
    return test


def keep_validation(run: Run, said: Predictions) -> None:
    """Write the run's answers to its validation images, which chose its epoch and its threshold, to validation.csv."""
    rows = zip(said.files, said.labels, said.probabilities, strict=True)
    lines = [(file, said.classes[label], shares.tolist()) for file, label, shares in rows]
    keep_predictions(run.path / VALIDATION, said.classes, lines)


def forget_test(run: Run) -> bool:
    """Remove all that was measured of the run's weights, as they are about to change; was it tested before?

    Raises LinkError where the run's folder of external tests is a link.
    """
    there = was_tested(run)
    for name in (TEST, PREDICTIONS, VALIDATION, CALIBRATION, REFERENCE, SUBGROUPS, *CARDS):
        (run.path / name).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError), opened(run.path / FOLDER, run.path) as folder:
        for name in names_in(folder):
            if fnmatch.fnmatch(name, "*.json") or fnmatch.fnmatch(name, "*.csv"):
                os.unlink(name, dir_fd=folder)
    return there


def evaluate_on(run: Run, folder: Path, context: Context, asked: OnFolder = AS_IT_IS) -> Elsewhere:
    """The run's result on every image of another folder: an external test, kept in the run with its answers.

    Classes that the run does not know are left out. The model is frozen first: its files are hashed before the folder
    is looked at. Where `asked`, it is also recalibrated on local images and judged on the rest beside the model as it
    was. For `drop` and `shift` of the result see the functions of `engine.evaluation.external`. Raises DataError where
    the folder has none of the run's classes, ConfigError where `asked.mapping` names classes there are not or
    `asked.local` are too few or too many, RunError where the run's test.json is damaged, LinkError where a link stands
    for its folder of such results.
    """
    require_inside(run.path, [FOLDER])
    frozen = external.frozen(run)
    test = read_test(run) if was_tested(run) else None
    predictor = Predictor(run, context)
    rules, mapping = predictor.pixel_rules, asked.mapping
    found: Scan = asked.given or scan(folder, (), context, asked.follow_links, pixel_rules=rules, labels=asked.labels)
    external.check_mapping(mapping, list(found.classes), predictor.classes)
    if asked.given is None:
        tell_layout(found, context.emit)
        for item in found.notes:
            context.emit(Notice("warning", f"{item.sentence}."))
    known = {name: mapping.get(name, name) for name in found.classes}
    unknown = {name: found.classes[name].images for name, ours in known.items() if ours not in predictor.classes}
    if unknown:
        context.emit(
            Notice("warning", tr("Left out, as the run does not know them: {classes}.", classes=listing(unknown)))
        )
    records = [record for record in found.records if record.label not in unknown]
    if not records:
        raise DataError(
            tr(
                "{folder} has no image of the run's classes ({classes}): give --map theirs=ours.",
                folder=folder,
                classes=listing(predictor.classes),
            )
        )
    learnt = _learnt(run)
    learnt_from = sum(record.sha in learnt for record in records)
    if learnt_from:
        context.emit(Notice("warning", external.not_apart(learnt_from, len(records))))
    labels = [predictor.classes.index(known[record.label]) for record in records]
    said = _measure(predictor, folder, [record.file for record in records], labels, tr("evaluate"), context)
    answers = said.answers(predictor.classes)
    who = patients(found).of
    named = [who.get(file, "") for file in answers.files]
    here = _judged(answers, predictor, numbered(named) if any(named) else None)
    result = Elsewhere(
        **vars(here),
        folder=asked.name or folder.absolute().name,
        mapping={theirs: ours for theirs, ours in known.items() if theirs not in unknown},
        left_out=unknown,
        learnt_from=learnt_from,
        drop=external.drop(test, here) if test else None,
        shift=external.shift(predictor.reference, records, said.features),
        drift=predictor.drift(said.batch(len(predictor.classes))),
        frozen=frozen,
        recalibrated=None if asked.local is None else _recalibrated(run, predictor, answers, found, asked.local),
    )
    if external.frozen(run) != frozen:
        raise RunError(
            tr("{name} changed while it was measured, so the result is of no model: measure it again.", name=run.name)
        )
    external.keep(run, result)
    keep_predictions(run.path / external.answers_file(result.folder), predictor.classes, said.lines(predictor.classes))
    return result


def _judged(answers: Predictions, predictor: Predictor, patients: Ints | None) -> Drawn:
    return whole_result(answers, predictor.calibration, predictor.promised, patients)


def _recalibrated(run: Run, predictor: Predictor, said: Predictions, found: Scan, local: int) -> Recalibrated:
    """As `recalibrated`, of a scanned folder whose images of one patient or picture stay together."""
    config = run.config()
    group = group_of(found, patients(found).of)
    names = {record.file: group(record) for record in found.records}
    groups = [names[file] for file in said.files]
    return recalibrated(said, groups, local, config.judge, predictor.calibration, predictor.promised)


def _learnt(run: Run) -> set[str]:
    """The pixel hashes of the images that the run was trained on or chosen by."""
    rows = Split.read(run.path / SPLIT).rows if (run.path / SPLIT).is_file() else ()
    return {row.sha for row in rows if row.part != "test" and row.sha}


@dataclass(frozen=True, eq=False)
class _Said:
    """Answers to the images that could be read: files, labels (n,), probabilities (n, classes), features (n, c)."""

    files: list[str]
    labels: np.ndarray
    probabilities: np.ndarray
    features: np.ndarray

    def answers(self, classes: tuple[str, ...]) -> Predictions:
        """Without the features."""
        return Predictions(classes, tuple(self.files), self.labels, self.probabilities)

    def batch(self, classes: int) -> Batch:
        """All of them together."""
        found = Batch(classes)
        for shares, features in zip(self.probabilities, self.features, strict=True):
            found.add(shares, features)
        return found

    def lines(self, classes: Sequence[str]) -> list[tuple[str, str, list[float]]]:
        """File, true class and probabilities of each."""
        rows = zip(self.files, self.labels, self.probabilities, strict=True)
        return [(file, classes[label], row.tolist()) for file, label, row in rows]


def _measure(
    predictor: Predictor,
    folder: Path,
    names: Sequence[str],
    labels: Sequence[int],
    task: str,
    context: Context,
    shas: Sequence[str] = (),
) -> _Said:
    """The answers to the images `names` below `folder`; those that can't be read, or have other pixels than `shas` say,
    are told and left out.
    """
    files, truth, rows, features = list[str](), list[int](), list[np.ndarray](), list[np.ndarray]()
    answers = predictor.answers([folder / name for name in names], context.stop, shas=shas)
    for done, (name, label, answer) in enumerate(zip(names, labels, answers, strict=True), start=1):
        if isinstance(answer, ImageError):
            if task == TESTING:
                text = tr("Left out of the test: {image}", image=answer)
            else:
                text = tr("Left out of the evaluate: {image}", image=answer)
            context.emit(Notice("warning", text, "left out"))
        else:
            files.append(name)
            truth.append(label)
            rows.append(answer.probabilities)
            features.append(answer.features)
        if done % 8 == 0 or done == len(names):
            context.emit(Progress(task, done, len(names)))
    if not files:
        raise DataError(tr("None of the images to evaluate below {folder} can be read.", folder=folder))
    return _Said(files, np.array(truth), np.stack(rows), np.stack(features))


def _write_result(path: Path, result: Drawn) -> None:
    try:
        write_json(path, plain(result))
    except OSError as error:
        raise RunError(unwritable(path, error)) from error


def keep_predictions(path: Path, classes: Sequence[str], lines: Sequence[tuple[str, str, Sequence[float]]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(to_cell, ("file", "class", "said", *classes)))
    for name, label, shares in lines:
        said = classes[int(np.argmax(shares))]
        writer.writerow([*map(to_cell, (name, label, said)), *(f"{share:.{DECIMALS}f}" for share in shares)])
    try:
        with replacing(path) as file:
            file.write(text.getvalue().encode())
    except OSError as error:
        raise RunError(unwritable(path, error)) from error
