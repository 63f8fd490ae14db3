"""What does an accuracy become elsewhere? One model a folder, each tested on all others, in runs of one folder.

All runs are ordinary ones, of the recipe that chooses by itself; what is tested elsewhere lies in the run that was
tested. So a matrix that was killed goes on with what its runs have.
"""

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.base.context import Context
from engine.base.errors import ConfigError, DataError, Stopped
from engine.base.events import Interrupted, Notice, Progress
from engine.base.files import open_lock, private_dir, require_inside
from engine.base.language import marked, tr
from engine.base.wording import counted, in_turn, listing
from engine.data.corrections import Applied, read_corrections
from engine.data.divided import Divided, divided
from engine.data.folders.folder_names import difference, look_alike
from engine.data.patients import patients
from engine.data.records import Scan
from engine.data.scan import scan, tell_layout
from engine.data.shared_pictures import Apart, apart
from engine.data.split import Split
from engine.data.subset import joined, subset
from engine.evaluation.evaluate import evaluate_on
from engine.evaluation.external import OnFolder, answers_file
from engine.evaluation.predictions_csv import VALIDATION, Predictions, read_predictions
from engine.evaluation.transport import Cell, ImageSet, Matrix, cell_of, lost, overall, right_by_file
from engine.jobs import train as jobs
from engine.recipe.config import BY_HAND, DataConfig, NetworkConfig, TrainConfig, differences
from engine.recipe.plans import SetTables
from engine.report import matrix as store
from engine.runs.directory import Run
from engine.runs.writer import plain_name, take_lock
from engine.training.cluster import one_process
from engine.training.data import Data
from engine.training.resolved import resolve

KEEPS_FREE = ("checkpoint_minutes", "cache_limit", "devices", "out", "split")
"""Fields in which a matrix that goes on may differ from what it began with; the splits are compared by themselves."""
NO_TABLES = SetTables()
NAME = "matrix"
"""Of the folder, where the recipe gives none."""


@dataclass(frozen=True, eq=False)
class _Set:
    """A folder, ready to be learnt from and to be tested on."""

    name: str
    folder: Path
    data: Data
    config: TrainConfig
    corrected: Applied


class MatrixJob:
    """A matrix's folder under `config.output.out`, made where it is not there yet."""

    def __init__(self, folders: Sequence[Path], config: TrainConfig, tables: SetTables = NO_TABLES) -> None:
        """Raises ConfigError for fewer than two folders, one that holds another, a recipe that does not fit, or tables
        of another number.
        """
        one_process(config.machine.devices, tr("A matrix"))
        if config.data.split is not None:
            raise ConfigError(tr("A matrix draws a split for each folder: leave --split out."))
        by_hand = [name for name in BY_HAND["network"] if name in differences(config, _plain(config))]
        if by_hand:
            raise ConfigError(
                tr("matrix trains by the recipe that chooses by itself: leave --{name} out.", name=by_hand[0])
            )
        _require_apart(folders)
        output = dataclasses.replace(config.output, name=config.output.name or NAME)
        self.config = dataclasses.replace(config, output=output)
        plain_name(self.config)
        self.folders, self.names = [*folders], set_names(folders)
        self.data = tables.of_each(config.data, len(self.folders))
        """What is used of each folder, and by which tables."""
        self.path = output.out.absolute() / output.name
        if (self.path / "config.json").is_file():
            raise ConfigError(tr("{path} is a run: choose another --name for the matrix.", path=self.path))

    def work(self, context: Context) -> Matrix:
        """Take out what the folders share, train on each, test on each other, as far as the stop lets it.

        What was done before is kept. Raises ConfigError where the folders have fewer than two classes in common, or the
        matrix was begun with other images, labels or another recipe; DataError where what is left of a class is too
        little, or a table does not serve; RunError where another process is at work on it.
        """
        jobs.require(resolve(self.config), context)
        with self._held():
            found, sets = self._sets(context)
            steps, done = len(sets) ** 2, 0
            cells: list[Cell] = []
            right: dict[tuple[str, str], Mapping[str, bool]] = {}
            for one in sets:
                context.emit(Progress(marked("matrix"), done, steps))
                if context.stop.is_set() or not self._trained(one, context):
                    break
                cells.append(self._own(one, right))
                done += 1
                store.write(self.path, self._result(found, sets, cells, right))
            trained = [one for one in sets if any(cell.train == one.name for cell in cells)]
            for one, other in [(one, other) for one in trained for other in sets if other is not one]:
                if context.stop.is_set():
                    break
                with contextlib.suppress(Stopped):
                    cells.append(self._elsewhere(one, other, right, context))
                    done += 1
                    context.emit(Progress(marked("matrix"), done, steps))
                    store.write(self.path, self._result(found, sets, cells, right))
            result = self._result(found, sets, cells, right)
            store.write(self.path, result)
            return result

    def _sets(self, context: Context) -> tuple[Apart, list[_Set]]:
        """The folders without what they share, each with its split, which is kept."""
        for path in {own.corrections for own in self.data if own.corrections}:
            read_corrections(path)  # what is wrong with it is told before the scans
        scans = []
        for folder, own in zip(self.folders, self.data, strict=True):
            scans.append(scan(folder, (), context, own.follow_links, labels=own.label_table))
            tell_layout(scans[-1], context.emit)
        chosen = common_classes(scans, self.config.data.class_names)
        scans = [subset(one, chosen) for one in scans]
        known = [patients(one, self.config.data.group_by) for one in scans]
        found = apart(scans, [one.of for one in known], context)
        _tell(found, self.names, context)
        sets = []
        for place, (name, left) in enumerate(zip(self.names, found.scans, strict=True)):
            path, own = self.path / f"{_run_name(name)}.csv", self.data[place]
            recipe = dataclasses.replace(
                self.config,
                data=dataclasses.replace(own, classes=joined(chosen), split=path, near_duplicates=False),
                output=dataclasses.replace(self.config.output, out=self.path, name=_run_name(name)),
            )
            self._require_same(name, recipe)
            used = self._divided(name, left, own, context)
            if not path.is_file():
                used.split.write(path)
            elif Split.read(path).rows != used.split.rows:
                raise ConfigError(
                    tr(
                        "{path} was begun with other images of {name}: choose another --name.",
                        path=self.path,
                        name=name,
                    )
                    if own.corrections is None
                    else tr(
                        "{path} was begun with other images, or other labels, of {name}: choose another --name.",
                        path=self.path,
                        name=name,
                    )
                )
            data = Data(used.scan, used.split, used.applied.used)
            sets.append(_Set(name, self.folders[place], data, recipe, used.applied))
        return found, sets

    def _divided(self, name: str, left: Scan, own: DataConfig, context: Context) -> Divided:
        """What is left of a folder, divided and then corrected."""
        try:
            used = divided(left, own, self.config.machine.seed)
        except DataError as error:
            raise DataError(f"{name}: {error}") from error
        for notice in used.notices:
            context.emit(dataclasses.replace(notice, text=f"{name}: {notice.text}"))
        return used

    def _require_same(self, name: str, recipe: TrainConfig) -> None:
        """Raise ConfigError where a set's run was begun with another recipe."""
        run = self._run_of(name)
        if run and (other := [one for one in differences(run.config(), recipe) if one not in KEEPS_FREE]):
            flags = listing(f"--{one.replace('_', '-')}" for one in other)
            raise ConfigError(
                tr("{path} was begun with another {flags}: choose another --name.", path=self.path, flags=flags)
            )

    def _run_of(self, name: str) -> Run | None:
        """The set's run, where it was begun. Raises LinkError where a link stands for its folder."""
        require_inside(self.path, [_run_name(name)])
        path = self.path / _run_name(name)
        return Run(path) if (path / "config.json").is_file() else None

    def _trained(self, one: _Set, context: Context) -> bool:
        """Train on the set, unless that is done; is it now?"""
        run = self._run_of(one.name)
        if run is None:
            with contextlib.suppress(OSError):  # a folder that a process was killed over before it held a thing
                (self.path / _run_name(one.name)).rmdir()
            context.emit(Notice("info", tr("Training on {name}.", name=one.name)))
            return not isinstance(jobs.train(one.folder, one.config, context, one.data), Interrupted)
        if run.finished() is not None:
            return True
        context.emit(Notice("info", tr("Going on with the training on {name}.", name=one.name)))
        return not isinstance(jobs.resume(run, one.config, context, one.folder, one.data), Interrupted)

    def _own(self, one: _Set, right: dict[tuple[str, str], Mapping[str, bool]]) -> Cell:
        """The model on its own set: what it answered out of fold, and its test part."""
        run = Run(self.path / _run_name(one.name))
        folds, test = read_predictions(run, VALIDATION), read_predictions(run)
        both = Predictions(
            folds.classes,
            (*folds.files, *test.files),
            np.concatenate([folds.labels, test.labels]),
            np.concatenate([folds.probabilities, test.probabilities]),
        )
        right[one.name, one.name] = right_by_file(both)
        return cell_of(one.name, one.name, both, len(folds.files))

    def _elsewhere(
        self, one: _Set, other: _Set, right: dict[tuple[str, str], Mapping[str, bool]], context: Context
    ) -> Cell:
        """The model of the one set on the other, tested where that was not done yet. Raises Stopped."""
        run = Run(self.path / _run_name(one.name))
        kept, wanted = answers_file(other.name), {record.file for record in other.data.scan.records}
        said = read_predictions(run, kept) if os.path.lexists(run.path / kept) else None
        if said is None or set(said.files) != wanted:
            context.emit(Notice("info", tr("Testing the model of {name} on {other}.", name=one.name, other=other.name)))
            evaluate_on(run, other.folder, context, OnFolder(given=other.data.scan, name=other.name))
            said = read_predictions(run, kept)
        right[one.name, other.name] = right_by_file(said)
        return cell_of(one.name, other.name, said)

    def _result(
        self,
        found: Apart,
        sets: Sequence[_Set],
        cells: Sequence[Cell],
        right: Mapping[tuple[str, str], Mapping[str, bool]],
    ) -> Matrix:
        others = {one.name: [cell for cell in cells if cell.train == one.name and not cell.own] for one in sets}
        own = {cell.train: cell for cell in cells if cell.own}
        whole = [name for name, elsewhere in others.items() if len(elsewhere) == len(sets) - 1]
        return Matrix(
            sets=tuple(_told(one, found, n) for n, one in enumerate(sets)),
            classes=sets[0].data.classes,
            same_pixels=found.same_pixels,
            near=found.near,
            cells=tuple(cells),
            lost={name: lost(own[name], others[name]) for name in whole},
            gap=overall(right, self.names) if len(whole) == len(sets) else None,
        )

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Nobody else works on this matrix meanwhile."""
        private_dir(self.path.parent)
        with open_lock(private_dir(self.path) / "lock") as lock:
            take_lock(lock, self.path)
            yield


def set_names(folders: Sequence[Path]) -> list[str]:
    """A plain name for each folder, after its own; those that would be called alike are numbered."""
    names: list[str] = []
    for folder in folders:
        base = re.sub(r"[^A-Za-z0-9._+-]+", "-", folder.absolute().name).strip("-._+")[:60] or "set"
        taken = {name.casefold() for name in names}
        number = next(n for n in range(1, len(folders) + 1) if _numbered(base, n).casefold() not in taken)
        names.append(_numbered(base, number))
    return names


def common_classes(scans: Sequence[Scan], wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The classes that every scan has, in the order of the first; or those `wanted`.

    Raises ConfigError where there are fewer than two, or a scan lacks one that is wanted.
    """
    for one in scans:
        if lacking := [name for name in wanted if name not in one.classes]:
            raise ConfigError(
                tr(
                    '{folder} has no class "{name}"; it has {classes}.',
                    folder=one.root,
                    name=lacking[0],
                    classes=listing(one.classes),
                )
            )
    common = tuple(wanted) or tuple(name for name in scans[0].classes if all(name in one.classes for one in scans))
    if len(common) < 2:
        have = "; ".join(tr("{folder} has {classes}", folder=one.root, classes=listing(one.classes)) for one in scans)
        sentence = (
            tr("The folders have one class ({name}) in common, and it takes two: {have}.", name=common[0], have=have)
            if common
            else tr("The folders have no class in common, and it takes two: {have}.", have=have)
        )
        raise ConfigError(in_turn(sentence, _alike(scans)))
    return common


def _alike(scans: Sequence[Scan]) -> str:
    """A sentence on two classes that look alike and are named differently, where there are some."""
    first, *rest = scans
    for name in first.classes:
        for other in (other for one in rest for other in one.classes):
            if name != other and look_alike(name, other):
                return tr(
                    '"{name}" and "{other}" differ in {difference}: give one class one name.',
                    name=name,
                    other=other,
                    difference=difference(name, other),
                )
    return ""


def _require_apart(folders: Sequence[Path]) -> None:
    if len(folders) < 2:
        raise ConfigError(tr("Name two folders of X-rays or more: covid-tui matrix DATA1 DATA2."))
    real = [Path(os.path.realpath(folder)) for folder in folders]
    for n, one in enumerate(real):
        for k, other in enumerate(real):
            if n != k and one.is_relative_to(other):
                both = {"one": folders[k], "other": folders[n]}
                raise ConfigError(
                    tr("{one} and {other} are one folder: name folders that lie apart.", **both)
                    if one == other
                    else tr("{one} and {other} lie one in the other: name folders that lie apart.", **both)
                )


def _plain(config: TrainConfig) -> TrainConfig:
    """The recipe without what says how to train by hand."""
    network = NetworkConfig(backbone=config.network.backbone, weights=config.network.weights)
    return dataclasses.replace(config, network=network)


def _numbered(base: str, number: int) -> str:
    return base if number == 1 else f"{base}-{number}"


def _run_name(name: str) -> str:
    return f"trained-on-{name}"


def _told(one: _Set, found: Apart, place: int) -> ImageSet:
    out = found.out[place]
    counts = {name: summary.images for name, summary in one.data.scan.classes.items()}
    changes = len(one.corrected.relabelled), len(one.corrected.left_out)
    return ImageSet(one.name, one.folder.absolute().name, counts, len(out.pictures), len(out.patients), *changes)


def _tell(found: Apart, names: Sequence[str], context: Context) -> None:
    """Say what was taken out. Raises DataError where that leaves a class of a set without an image."""
    pictures = found.same_pixels + found.near
    if pictures:
        out = listing(
            tr("{count:,} of {name}", count=len(out.pictures), name=name)
            for name, out in zip(names, found.out, strict=True)
        )
        several = counted(pictures, "picture")
        text = tr("{pictures} in two folders or more; taken out: {out}.", pictures=several, out=out)
        context.emit(Notice("warning", text))
    if found.two_labelled:
        text = tr(
            "{pictures} in common with one class here and another there.",
            pictures=counted(found.two_labelled, "picture"),
        )
        context.emit(Notice("warning", text))
    if people := sum(len(out.patients) for out in found.out):
        text = tr(
            "{images} of patients that two folders name alike taken out; where one name is not one "
            "person in both, give --group-by none.",
            images=counted(people, "image"),
        )
        context.emit(Notice("warning", text))
    for name, left in zip(names, found.scans, strict=True):
        if gone := [label for label, summary in left.classes.items() if not summary.images]:
            raise DataError(
                tr(
                    '{folder} has no image of class "{name}" left without the pictures that another folder has too.',
                    folder=name,
                    name=gone[0],
                )
            )
