"""What a model card is made from: all that a run directory knows, without a path of the machine."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.audit import store
from engine.audit.verdict import Audit
from engine.auto.curve import LearningCurve, read_curve
from engine.base.errors import CovidTuiError, RunError
from engine.base.events import Epoch, Finished, Notice, Rung, Skipped, Started, Topic
from engine.base.files import digest_of
from engine.base.language import tr
from engine.base.result import Drawn, Elsewhere
from engine.base.runtime import Environment
from engine.base.typed_files import typed
from engine.base.wording import without_stop
from engine.data.file_names import pair_key
from engine.data.folders.class_folders import class_folders
from engine.data.image.formats import IMAGE_SUFFIXES
from engine.data.records import Row
from engine.data.split import Split, leaks
from engine.evaluation.calibration import CALIBRATION, Calibration, read_calibration
from engine.evaluation.decision_curve import DecisionCurve, decision_curve
from engine.evaluation.predictions_csv import PREDICTIONS, read_predictions
from engine.evaluation.promised import AS_USUAL, UNPROMISED, read_promised
from engine.evaluation.refusal import refusal_curve, sure_and_right
from engine.evaluation.result_files import TEST, read_external, read_test, was_tested
from engine.evaluation.subgroups import Subgroups, read_subgroups
from engine.evaluation.training_reference import REFERENCE
from engine.recipe.config import TrainConfig
from engine.report.mended import Mended, mended
from engine.runs.directory import ENVIRONMENT, SPLIT, WEIGHTS, Run
from engine.runs.summary import RunSummary

_PATH = re.compile(r"(?<![\w.])/(?:[^\s/]+/)*([^\s/]+)")
_SUFFIX = rf"(?:{'|'.join(map(re.escape, sorted(IMAGE_SUFFIXES)))})(?![A-Za-z0-9_])"
_IMAGE = re.compile(
    rf'(?:(?<=:) |(?<=：) ?)[^:：;；"「」]*?{_SUFFIX}|[^:：,，、;；。()（）"「」]+(?:[(（][^()（）]*[)）])?{_SUFFIX}',
    re.IGNORECASE,
)
"""An image's name: after a colon all up to its suffix, elsewhere, as in a list, without a comma or a bracket, but for a
bracket before its suffix.
"""

_BEFORE_TOPICS: dict[Topic, re.Pattern[str]] = {
    "left out": re.compile("^Left out|problem"),
    "patients": re.compile("^Images of one patient stay together: "),
    "published": re.compile("^Split as published by the folders"),
    "no test part": re.compile("has no test part"),
}
"""By which words a notice is known that was kept before notices had these topics, when all were in English."""


@dataclass(frozen=True)
class Facts:
    """All that a card is made from, as the run directory has it."""

    name: str
    folder: str
    config: TrainConfig
    rows: tuple[Row, ...]
    published: bool
    """Do the images' folders publish the split?"""
    untested: bool
    """Do they publish it without a test part?"""
    mended: Mended
    """What corrections did to its labels."""
    sources: dict[str, dict[str, int]]
    """By class, images by source; empty where no metadata name any."""
    rungs: tuple[Rung, ...]
    """Of the recipe "auto"."""
    skipped: tuple[Skipped, ...]
    """Those that did not fit into the budget."""
    curve: LearningCurve | None
    """What more images would bring, where the run has measured it."""
    epochs: list[Epoch]
    started: Started | None
    end: Finished | None
    test: Drawn
    calibration: Calibration | None
    environment: Environment
    hashes: dict[str, str]
    externals: list[Elsewhere]
    audit: Audit | None
    refusals: tuple[tuple[float, float], ...]
    """Points (refused share, accuracy of what is answered) of the test; none where the run has no calibration."""
    promise: str
    """What is promised at the usual level and for whom, or why nothing is."""
    subgroups: Subgroups | None
    """The test by groups, where `evaluate --by` was asked for."""
    decisions: DecisionCurve | None
    """At the test's own prevalence; None where the run has no threshold or no answers are kept."""
    warnings: tuple[str, ...]
    """What the training warned of, paths cut to their last name and images unnamed."""
    alarms: tuple[str, ...]
    """Those of the warnings that say how the class can be told without the lungs."""
    left_out: tuple[str, ...]
    """Those that say which images could not be used."""
    together: str
    """A sentence on how many patients' images were kept together; empty where no patient was known."""

    @property
    def leaks(self) -> tuple[tuple[str, ...], ...]:
        """Groups of files with the same pixels in two or more parts."""
        return leaks(self.rows)

    @property
    def apart(self) -> bool:
        """Are sources of two classes or more known, and has none images of two?"""
        known = [own for own in self.sources.values() if own]
        every = [source for own in known for source in own]
        return len(known) > 1 and len(every) == len(set(every))

    @property
    def sourced(self) -> int:
        """Images whose source is known."""
        return sum(sum(own.values()) for own in self.sources.values())


def gather(run: Run, audit: Path | None = None) -> Facts:
    """The facts of a run, and of a shortcut audit where its folder or its audit.json is given.

    Raises RunError where the run was not tested yet, or where a file is damaged.
    """
    if not was_tested(run):
        raise RunError(
            tr("{name} was not tested yet: `covid-tui evaluate {name}` does it, then report.", name=run.name)
        )
    split, config = Split.read(run.path / SPLIT), run.config()
    folder = run.folder()
    test = read_test(run)
    taught = read_calibration(run, tuple(test.classes))
    summary, notices = RunSummary(), list[Notice]()
    for at, event in run.timed_events():
        summary.fold(event, at)
        if isinstance(event, Notice):
            notices.append(event)
    warned = [notice for notice in notices if notice.level == "warning"]
    together = [notice for notice in notices if _is(notice, "patients")]
    names = (WEIGHTS, SPLIT, "config.json", TEST, CALIBRATION, REFERENCE)
    return Facts(
        name=run.name,
        folder=folder.name,
        config=config,
        rows=split.rows,
        published=any(_is(notice, "published") or _is(notice, "no test part") for notice in notices),
        untested=any(_is(notice, "no test part") for notice in notices),
        mended=mended(run, config, split.rows),
        sources=_sources(folder, split.rows, config.data.follow_links),
        epochs=summary.epochs,
        rungs=tuple(summary.rungs),
        skipped=tuple(summary.skipped),
        curve=read_curve(run),
        started=summary.started,
        end=summary.result,
        test=test,
        calibration=taught,
        environment=_environment(run),
        hashes={name: digest_of(run.path / name) for name in names if (run.path / name).is_file()},
        externals=read_external(run),
        refusals=_refusals(run, taught),
        promise=_promise(run, test, taught),
        subgroups=read_subgroups(run),
        decisions=_decisions(run, test, taught),
        audit=_audit(audit or run.path) if audit or (run.path / store.REPORT).is_file() else None,
        warnings=_texts(warned, folder, split.rows),
        alarms=_texts([event for event in warned if event.topic == "confounding"], folder, split.rows),
        left_out=_texts([event for event in warned if _is(event, "left out")], folder, split.rows),
        together=next(iter(_texts(together, folder, split.rows)), ""),
    )


def _is(notice: Notice, topic: Topic) -> bool:
    """Is that what the notice is about?"""
    if notice.topic or topic not in _BEFORE_TOPICS:
        return notice.topic == topic
    return bool(_BEFORE_TOPICS[topic].search(notice.text))


def _refusals(run: Run, taught: Calibration | None) -> tuple[tuple[float, float], ...]:
    if taught is None or not os.path.lexists(run.path / PREDICTIONS):
        return ()
    return tuple(refusal_curve(*sure_and_right(read_predictions(run), taught.temperature)))


def _promise(run: Run, test: Drawn, taught: Calibration | None) -> str:
    promised = read_promised(run, tuple(test.classes), taught)
    return " ".join(promised.sentences(AS_USUAL)) if promised else UNPROMISED


def _decisions(run: Run, test: Drawn, taught: Calibration | None) -> DecisionCurve | None:
    if taught is None or not os.path.lexists(run.path / PREDICTIONS):
        return None
    return decision_curve(test, read_predictions(run), taught.temperature)


def _environment(run: Run) -> Environment:
    path = run.path / ENVIRONMENT
    return typed(path, Environment) if os.path.lexists(path) else Environment()


def _texts(notices: Sequence[Notice], folder: Path, rows: Sequence[Row]) -> tuple[str, ...]:
    """What the notices say, without the paths of folders and the names of images, which may be those of patients."""
    files = sorted((row.file for row in rows), key=len, reverse=True)

    image = tr("an image")

    def unnamed(text: str) -> str:
        text = text.replace(f"{folder}/", "").replace(str(folder), folder.name)
        for file in files:
            text = text.replace(file, image)
        return _PATH.sub(r"\1", _IMAGE.sub(f" {image}", text)).strip()

    counts = Counter(map(unnamed, dict.fromkeys(notice.text for notice in notices)))
    return tuple(
        text if count == 1 else tr("{text} ({count:,} times)", text=text, count=count) for text, count in counts.items()
    )


def _sources(folder: Path, rows: Sequence[Row], follow_links: bool) -> dict[str, dict[str, int]]:
    """By class, images by source, where the folder is still there and its metadata name any."""
    labels = tuple(dict.fromkeys(row.label for row in rows))
    listed: dict[str, str] = {}
    try:
        for one in class_folders(folder, labels, follow_links).folders:
            named = ((file, one.sources.get(pair_key(file))) for file in one.images)
            listed |= {file: source for file, source in named if source}
    except CovidTuiError:
        return {}
    found: dict[str, dict[str, int]] = {label: {} for label in labels}
    for row in rows:
        if source := listed.get(row.file):
            found[row.label][source] = found[row.label].get(source, 0) + 1
    return found if any(found.values()) else {}


def _audit(path: Path) -> Audit:
    try:
        return store.read(path)
    except RunError as error:
        why = without_stop(str(error))
        raise RunError(tr("{why}: name the folder that `covid-tui audit` wrote.", why=why)) from error
