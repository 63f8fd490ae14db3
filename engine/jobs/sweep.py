"""Which layers are worth training? A grid of recipes trained one after the other on one split, each an ordinary run.

All runs lie in one folder and share the scan, the split, the decoded pixels and what the frozen layers compute. The
test part stays shut until a recipe is chosen.
"""

import contextlib
import dataclasses
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.auto.reading import planned
from engine.base.cancel import Deadline
from engine.base.context import Context
from engine.base.errors import ConfigError, RunError
from engine.base.events import Finished, Interrupted, Notice, Progress
from engine.base.files import open_lock, private_dir, require_inside
from engine.base.language import marked, tr, trn
from engine.base.wording import counted, listing
from engine.data.split import Split
from engine.evaluation.compare import patients_of
from engine.evaluation.evaluate import open_test
from engine.jobs import train as jobs
from engine.network import pretrained
from engine.network.backbones import backbone
from engine.recipe.config import OutputConfig, TrainConfig, differences, from_dict, to_dict
from engine.recipe.span import span
from engine.runs.directory import SPLIT, Run
from engine.runs.writer import plain_name, take_lock
from engine.sweep import store
from engine.sweep.outcomes import Answers, answers_of, outcome_of
from engine.sweep.pareto import Candidate, frontier, recommend
from engine.sweep.points import Point, lacking, queue
from engine.sweep.result import Grid, Swept, SweptChoice, SweptPoint
from engine.training.cluster import one_process
from engine.training.data import Data, as_kept, keep, scanned

KEEPS_FREE = ("checkpoint_minutes", "cache_limit", "devices")
"""Fields in which a sweep that goes on may differ from what it began with."""
WAITING, HALF, FINISHED = marked("waiting"), marked("half"), marked("finished")
"""States of a training in the queue: not begun, stopped or died and to go on, done."""


@dataclass(frozen=True)
class Planned:
    """A point in the queue: what it costs, and how far it is."""

    point: Point
    filling: float
    """Multiply-adds for activations that no earlier point of the queue has kept."""
    training: float
    state: str
    """WAITING, HALF or FINISHED."""


class Sweep:
    """A sweep's folder under `config.output.out`, made where it is not there yet, and its queue."""

    def __init__(self, folder: Path, config: TrainConfig, grid: Grid) -> None:
        """Raises ConfigError for a bad name or grid, or where the folder holds another sweep's runs."""
        plain_name(config)
        one_process(config.machine.devices, tr("A sweep"))
        if not config.output.name:
            raise ConfigError(tr("Give the sweep a --name, under which it is gone on with."))
        self.folder, self.config, self.grid = folder, config, grid
        self.path = config.output.out.absolute() / config.output.name
        own = dataclasses.replace(
            config,
            output=dataclasses.replace(config.output, out=self.path),
            data=dataclasses.replace(config.data, split=self.path / SPLIT, near_duplicates=False),
        )
        self.points = queue(own, grid)
        if (self.path / "config.json").is_file():
            raise ConfigError(tr("{path} is a run: choose another --name for the sweep.", path=self.path))
        for point in self.points:
            run = self.run_of(point)
            other = differences(run.config(), self._recipe(run, point)) if run else []
            if other := [name for name in other if name not in KEEPS_FREE]:
                flags = listing(f"--{name.replace('_', '-')}" for name in other)
                raise ConfigError(
                    tr("{path} was begun with another {flags}: choose another --name.", path=self.path, flags=flags)
                )

    @classmethod
    def begun(cls, path: Path, folder: Path | None = None) -> "Sweep":
        """The sweep whose folder is at `path`, to go on with; its images are where its runs say, else in `folder`.

        Raises RunError where sweep.json is missing or damaged, or nothing says where the images are.
        """
        saved = store.read(path)
        try:
            config = from_dict(TrainConfig, saved.recipe)
            runs = [Run(path / point.name) for point in saved.points]
            said = [run.folder() for run in runs if (run.path / "config.json").is_file()]
        except ConfigError as error:
            raise RunError(
                tr("{path} holds no recipe to go on with ({error}).", path=path / store.REPORT, error=error)
            ) from error
        there = (one for one in said if os.path.isdir(one))  # noqa: PTH112  (a name too long for a file is none)
        images = next(there, folder or next(iter(said), None))
        if images is None:
            raise RunError(
                tr("{path} has no run yet that says where its images are: open their folder first.", path=path)
            )
        output = dataclasses.replace(config.output, out=path.absolute().parent, name=path.name)
        return cls(images, dataclasses.replace(config, output=output), saved.grid)

    def run_of(self, point: Point) -> Run | None:
        """The point's run, where it was begun. Raises LinkError where a link stands for its folder."""
        path = self.path / point.name
        require_inside(self.path, [point.name])
        return Run(path) if (path / "config.json").is_file() else None

    def _recipe(self, run: Run, point: Point) -> TrainConfig:
        """The recipe that the point's run goes on with: the learning rate that it found stays."""
        if point.config.fit.lr != "auto":
            return point.config
        return dataclasses.replace(point.config, fit=dataclasses.replace(point.config.fit, lr=run.config().fit.lr))

    def plan(self, images: int) -> list[Planned]:
        """The queue with the cost of each point for so many training images, what is shared counted once."""
        kept: set[tuple[str, int, int | None]] = set()
        found = []
        for point in self.points:
            run = self.run_of(point)
            state = WAITING if run is None else FINISHED if outcome_of(run).through else HALF
            filling, training = point.work(images)
            own = planned(point.config)[1]
            shared = own.augment.kept_views == 1 and own.network.weights != "none"  # what a seed has no part in
            key = (own.network.backbone, point.plan.cut, None if shared else own.machine.seed)
            found.append(Planned(point, 0.0 if key in kept else filling, training, state))
            kept.add(key)
        return found

    def split(self, context: Context) -> Split:
        """Its split, whether that is drawn yet or not; nothing is written."""
        return self._data(context).split

    def seconds_per_work(self, images: int, backbone: str = "") -> float | None:
        """Seconds a multiply-add, by the finished trainings that go through layers of the backbone (of any when "")."""
        seconds = work = 0.0
        for point in self.points:
            if backbone not in ("", point.config.network.backbone):
                continue
            run, training = self.run_of(point), point.work(images)[1]
            there = outcome_of(run) if run else None
            if there and there.end and training:
                seconds, work = seconds + there.seconds, work + training * there.end.epochs / point.config.fit.epochs
        return seconds / work if work else None

    def _data(self, context: Context) -> Data:
        """The folder's images in the sweep's split: the one that is written, else what the recipe's seed draws."""
        for text in lacking(self.grid):
            context.emit(Notice("warning", text))
        data = as_kept(self.config.data, self.path)
        return scanned(self.folder, dataclasses.replace(self.config, data=data), context)

    def train(self, context: Context, budget: float | None = None) -> Swept:
        """Train what is left of the queue, for at most so many seconds; the result so far.

        A point that is stopped keeps a resume point and goes on the next time. Raises as `jobs.train` does.
        """
        limit = Deadline(context.stop, None if budget is None else time.monotonic() + budget)
        for name in self.grid.backbones:
            pretrained.require(self.config.network.weights, backbone(name), context)
        with self._held():
            data = self._data(context)
            if not (self.path / SPLIT).is_file():
                keep(data, self.path)
            self.write()
            for number, point in enumerate(self.points, start=1):
                run = self.run_of(point)
                if self._finished(point):
                    continue
                if limit.is_set():
                    break
                context.emit(Progress(marked("sweep"), number - 1, len(self.points)))
                total = len(self.points)
                text = tr("Training {number} of {count}: {name}.", number=number, count=total, name=point.name)
                context.emit(Notice("info", text))
                own = Context(context.emit, limit.fresh())
                if run is None:
                    with contextlib.suppress(OSError):  # a folder that a process was killed over before it held a thing
                        (self.path / point.name).rmdir()
                if run:
                    end = jobs.resume(run, self._recipe(run, point), own, self.folder, data)
                else:
                    end = jobs.train(self.folder, point.config, own, data)
                self.write()
                if isinstance(end, Interrupted):
                    break
            left = [point.name for point in self.points if not self._finished(point)]
            context.emit(Progress(marked("sweep"), len(self.points) - len(left), len(self.points)))
            if left and budget and limit.over and not context.stop.is_set():
                text = trn(
                    "The budget of {budget} is used up; {number} of {trainings} is left: {names}. Start it again to go "
                    "on.",
                    "The budget of {budget} is used up; {number} of {trainings} are left: {names}. Start it again to "
                    "go on.",
                    len(left),
                    budget=span(budget),
                    trainings=counted(len(self.points), "training"),
                    names=listing(left),
                )
                context.emit(Notice("warning", text))
            return self.write()

    def choose(self, wanted: str, context: Context) -> Swept:
        """Open the test part for one recipe (empty: the recommended one): its run with the best validation result.

        Raises ConfigError where the sweep has no such recipe or run that is finished, RunError where another process
        trains the sweep.
        """
        with self._held():
            result = self.write()
            if result.advice is None:
                raise ConfigError(tr("No training of the sweep is finished yet, so there is nothing to choose from."))
            name = wanted or result.advice.name
            chosen = [p for p in self.points if name in (p.recipe, p.name) and self._finished(p)]
            if not chosen:
                there = listing(one.name for one in result.candidates)
                raise ConfigError(tr('--choose is "{name}": give one of {there}, or auto.', name=name, there=there))
            before = result.chosen
            best = max(chosen, key=self._validation)
            if before and before.run != best.name:
                text = tr(
                    "The test part was opened for {run} before: who chooses again with that result in mind will find "
                    "the next one too good.",
                    run=before.run,
                )
                context.emit(Notice("warning", text))
            test = open_test(Run(self.path / best.name), context)
            return self.write(SweptChoice(run=best.name, recipe=best.recipe, test=test))

    def write(self, chosen: SweptChoice | None = None) -> Swept:
        """Write sweep.json, sweep.md and sweep.svg anew from the runs; the result."""
        candidates = self.candidates()
        first = {one.name for one in frontier(candidates)}
        labels = {point.recipe: point.label for point in self.points}
        advice = recommend(candidates) if candidates else None
        output = dataclasses.replace(self.config.output, out=OutputConfig().out)  # the report names no folder
        result = Swept(
            sweep=self.path.name,
            grid=self.grid,
            recipe=to_dict(dataclasses.replace(self.config, output=output)),
            points=tuple(SweptPoint(p.name, p.recipe, self._state(p)) for p in self.points),
            candidates=tuple(one.swept(labels[one.name], one.name in first) for one in candidates),
            advice=advice,
            chosen=chosen or store.chosen(self.path),
        )
        store.write(self.path, result)
        return result

    def candidates(self) -> list[Candidate]:
        """The recipes with at least one finished run, in the queue's order.

        Raises RunError where two runs were judged on different images, as only answers to the same ones make pairs.
        """
        done = [point for point in self.points if self._finished(point)]
        said = {point.name: answers_of(Run(self.path / point.name)) for point in done}
        files = min((one.files for one in said.values()), key=len, default=())
        said = {name: one.of(files) for name, one in said.items()}
        others = [name for name, one in said.items() if one.files != said[done[0].name].files]
        if others:
            first, other = done[0].name, others[0]
            raise RunError(
                tr(
                    "{first} and {other} were judged on different validation images: sweep again.",
                    first=first,
                    other=other,
                )
            )
        names = dict.fromkeys(point.recipe for point in done)
        return [self._candidate(name, [p for p in done if p.recipe == name], said) for name in names]

    def _candidate(self, name: str, points: Sequence[Point], answers: Mapping[str, Answers]) -> Candidate:
        runs, said = [Run(self.path / point.name) for point in points], [answers[point.name] for point in points]
        outcomes = [outcome_of(run) for run in runs]
        return Candidate(
            name=name,
            trainable=points[0].plan.parameters(said[0].classes)[0],
            right=np.stack([one.right for one in said]),
            losses=tuple(_loss(one.end) for one in outcomes if one.end),
            seconds=tuple(one.seconds for one in outcomes),
            filling=tuple(one.filling for one in outcomes),
            runs=tuple(run.name for run in runs),
            patients=patients_of(runs[0], said[0].files),
        )

    def _finished(self, point: Point) -> bool:
        run = self.run_of(point)
        return run is not None and outcome_of(run).through

    def _state(self, point: Point) -> str:
        run = self.run_of(point)
        return outcome_of(run).state if run else "waiting"

    def _validation(self, point: Point) -> tuple[float, float]:
        end = outcome_of(Run(self.path / point.name)).end
        return (end.val.accuracy, -_loss(end)) if end else (0.0, 0.0)

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Nobody else works on this sweep meanwhile."""
        private_dir(self.path.parent)
        with open_lock(private_dir(self.path) / "lock") as lock:
            take_lock(lock, self.path)
            yield


def _loss(end: Finished) -> float:
    """The validation loss of a training that ended."""
    return math.inf if end.val.loss is None else end.val.loss
