"""One recipe trained several times: with other seeds, or on each fold of a cross-validation.

Each training is an ordinary run. What one result is worth shows in how far it lies from the others.
"""

import contextlib
import dataclasses
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.base.context import Context
from engine.base.errors import ConfigError, RunError
from engine.base.events import Finished, Interrupted, Notice
from engine.base.files import private_dir, write_json
from engine.base.language import marked, tr
from engine.base.result import Judged
from engine.base.typed_files import plain_object
from engine.base.wording import reason, unwritable
from engine.data.folds import draw_folds
from engine.data.groups import group_of
from engine.data.patients import patients
from engine.data.scan import scan, tell_layout
from engine.data.split import Split
from engine.evaluation.intervals import Interval
from engine.evaluation.metrics import judge
from engine.evaluation.predictions_csv import read_predictions
from engine.evaluation.resampling import corrected_interval
from engine.jobs import train
from engine.recipe.config import TrainConfig
from engine.runs.directory import SPLIT, Run
from engine.runs.writer import usual_name
from engine.training.cluster import one_process
from engine.training.resolved import resolve

RESULT = "result.json"


MEASURES: dict[str, Callable[[Finished], float | None]] = {
    marked("validation accuracy"): lambda end: end.val.accuracy,
    marked("test accuracy"): lambda end: end.test.accuracy if end.test else None,
    marked("test AUC"): lambda end: end.test.auc if end.test else None,
    marked("test MCC"): lambda end: end.test.mcc if end.test else None,
    marked("macro sensitivity"): lambda end: end.test.macro.sensitivity if end.test else None,
    marked("macro F1"): lambda end: end.test.macro.f1 if end.test else None,
}
"""By the name under which result.json has it, and which is translated where it is shown."""


@dataclass(frozen=True)
class Spread:
    """One measure over the runs; `sd` is the standard deviation between runs (n - 1), None for one run."""

    mean: float
    sd: float | None
    low: float
    high: float
    values: tuple[float, ...]
    ci: Interval | None = None
    """The 95% interval of the mean over other splits of such images, corrected as trainings share images (Nadeau and
    Bengio); None where there is one run, or all have the same split.
    """


@dataclass(frozen=True)
class Repeated:
    """Several runs of one recipe."""

    kind: Literal["seeds", "folds"]
    folder: str
    """Where result.json, and for folds their splits, lie."""
    runs: tuple[str, ...]
    planned: int
    """As many runs were asked for; there are fewer where they were stopped."""
    measures: dict[str, Spread]
    pooled: Judged | None
    """For folds that are all done: the result over every image, each tested once."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return plain_object(self)


def over_seeds(folder: Path, config: TrainConfig, count: int, context: Context) -> Repeated:
    """Train with the recipe's seed and the `count` - 1 that follow it.

    The seed draws the split too, unless the recipe reuses one. Raises ConfigError for fewer than two, and what
    `jobs.train` raises.
    """
    if count < 2:
        raise ConfigError(tr("--seeds is {count}: give a whole number from 2.", count=count))
    one_process(config.machine.devices, "--seeds")
    train.require(resolve(config), context)
    base, first = config.output.name or usual_name(config), config.machine.seed
    recipes = []
    for seed in range(first, first + count):
        output = dataclasses.replace(config.output, name=f"{base}-seed{seed}")
        machine = dataclasses.replace(config.machine, seed=seed)
        recipes.append(dataclasses.replace(config, output=output, machine=machine))
    return train_all("seeds", folder, recipes, _own_folder(config, f"{base}-seeds"), context)


def over_folds(folder: Path, config: TrainConfig, count: int, context: Context) -> Repeated:
    """Cross-validate: train `count` times, each time tested on another fold; kept activations serve every fold.

    Raises ConfigError where the recipe names a split, and what `draw_folds` and `jobs.train` raise.
    """
    if config.data.split:
        raise ConfigError(tr("--folds draws its own splits: leave --split out."))
    if not config.judge.test:
        raise ConfigError(tr("--folds tests every image once: leave --no-test out."))
    one_process(config.machine.devices, "--folds")
    train.require(resolve(config), context)
    data = config.data
    found = scan(folder, data.class_names, context, data.follow_links, data.near_duplicates, labels=data.label_table)
    known = patients(found, data.group_by)
    tell_layout(found, context.emit)
    context.emit(Notice("info" if known.known else "warning", known.told))
    if found.published:
        raise ConfigError(
            tr("{folder} publishes a split by its folders: --folds would draw another; leave it out.", folder=folder)
        )
    splits = draw_folds(found, count, data.val_share, config.machine.seed, group_of(found, known.of))
    base = config.output.name or usual_name(config)
    own = _own_folder(config, f"{base}-folds")
    recipes = []
    for number, drawn in enumerate(splits, start=1):
        path = own / f"fold{number}.csv"
        with _written(path):
            drawn.write(path)
        output = dataclasses.replace(config.output, name=f"{base}-fold{number}")
        # Near duplicates were looked for once, for all folds.
        own_data = dataclasses.replace(data, split=path, near_duplicates=False)
        recipes.append(dataclasses.replace(config, output=output, data=own_data))
    return train_all("folds", folder, recipes, own, context)


def spread(values: Sequence[float], tested_for_learnt: float | None = None, least: float = -np.inf) -> Spread:
    """Mean and spread of at least one value, which is at least `least` and at most 1 where that is given.

    `tested_for_learnt` is how many images were tested for each that was learnt from; None where all runs have one
    split, of which there is then no interval.
    """
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    ends = None if tested_for_learnt is None else corrected_interval(values, tested_for_learnt)
    around = (max(least, ends[0]), min(1.0, ends[1])) if ends else None
    return Spread(float(np.mean(values)), sd, min(values), max(values), tuple(values), around)


def _tested_for_learnt(kind: str, recipes: Sequence[TrainConfig], ends: Sequence[Finished]) -> float | None:
    """Images tested for each that was learnt from or chosen by; None where there is one split for all."""
    if not ends or (kind == "seeds" and recipes[0].data.split is not None):
        return None
    split = Split.read(Run(Path(ends[0].run)).path / SPLIT)
    tested = len(split.files("test"))
    return tested / (len(split.rows) - tested)


def _own_folder(config: TrainConfig, name: str) -> Path:
    path = config.output.out.absolute() / name
    try:
        private_dir(path.parent)
        path.mkdir(mode=0o700)
    except FileExistsError:
        raise ConfigError(tr("{path} exists already: choose another --name.", path=path)) from None
    except OSError as error:
        raise RunError(
            tr("{path} can't be made ({reason}): choose another folder with --out.", path=path, reason=reason(error))
        ) from error
    return path


@contextlib.contextmanager
def _written(path: Path) -> Iterator[None]:
    """Raises RunError where the block can't write `path`."""
    try:
        yield
    except OSError as error:
        raise RunError(unwritable(path, error)) from error


@contextlib.contextmanager
def _gone_if_unused(own: Path, runs: Sequence[Path]) -> Iterator[None]:
    """Where an error comes before any of `runs` is begun, the folder `own` goes, so that its name can be used again."""
    before = {run for run in runs if run.exists()}
    try:
        yield
    except BaseException:
        if {run for run in runs if run.exists()} == before:
            shutil.rmtree(own, ignore_errors=True)
        raise


def train_all(
    kind: Literal["seeds", "folds"], folder: Path, recipes: Sequence[TrainConfig], own: Path, context: Context
) -> Repeated:
    """Train each recipe in turn, as far as the stop lets it, and write down what they give together."""
    ends: list[Finished] = []
    with _gone_if_unused(own, [recipe.output.out / recipe.output.name for recipe in recipes]):
        for number, recipe in enumerate(recipes, start=1):
            if context.stop.is_set():
                break
            total, name = len(recipes), recipe.output.name
            text = tr("Training {number} of {count}: {name}.", number=number, count=total, name=name)
            context.emit(Notice("info", text))
            end = train.train(folder, recipe, context)
            if isinstance(end, Interrupted):
                break
            ends.append(end)
    measured = {name: [value for end in ends if (value := tell(end)) is not None] for name, tell in MEASURES.items()}
    ratio = _tested_for_learnt(kind, recipes, ends)
    result = Repeated(
        kind=kind,
        folder=str(own),
        runs=tuple(end.run for end in ends),
        planned=len(recipes),
        measures={
            name: spread(values, ratio, -1.0 if name.endswith("MCC") else 0.0)
            for name, values in measured.items()
            if values and len(values) == len(ends)
        },
        pooled=_pooled(ends) if kind == "folds" and len(ends) == len(recipes) else None,
    )
    with _written(own / RESULT):
        write_json(own / RESULT, result.to_dict())
    return result


def _pooled(ends: Sequence[Finished]) -> Judged:
    """The result over all folds' answers together."""
    said = [read_predictions(Run(Path(end.run))) for end in ends]
    labels = np.concatenate([one.labels for one in said])
    return judge(labels, np.concatenate([one.probabilities for one in said]), said[0].classes)
