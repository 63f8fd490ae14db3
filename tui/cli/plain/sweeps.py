"""A sweep by questions: its grid and its name; those of other times gone on with, and a recipe of one chosen."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.context import Context
from engine.base.language import tr
from engine.recipe.config import OutputConfig
from engine.recipe.fields import parts
from engine.recipe.plans import SweepPlan
from engine.runs.writer import plain_name
from engine.sweep import store
from tui.cli.console import put
from tui.cli.job_tables import put_sweep
from tui.cli.plain.ask import allowed, asked, choose
from tui.cli.plain.bench import Bench, flag, told, unusual
from tui.cli.plain.recipe import with_field
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped

if TYPE_CHECKING:
    from engine.jobs.sweep import Sweep
    from engine.sweep.result import Swept

ABOUT = tr(
    "A grid of recipes is trained on one split; the cheapest that can't be told from the best is recommended. Ctrl-C "
    "stops it, and it is gone on with from the earlier sweeps."
)
OPEN = tr(
    "Open the test part for one recipe? It is opened for good: who chooses again with its result in mind will find the "
    "next one too good."
)
GROUPS = ("data", "augment", "fit", "machine")
"""What of the recipe a sweep shares."""


def sweep(bench: Bench) -> None:
    """Ask for grid and name, then begin a sweep; or look at an earlier one. Raises ConfigError without a folder."""
    plan, name = SweepPlan(), store.fresh_name(bench.out)
    answers = (
        tr("Start it"), tr("Change the grid"), tr("Give it another name"), tr("Say what each training costs"),
        tr("Earlier sweeps"),
    )  # fmt: skip
    while True:
        question = tr("The sweep {name}: {grid}. What next?", name=name, grid=told(plan))
        place = choose(question, answers, about=ABOUT)
        if place < 0:
            return
        if place == 1:
            plan = with_field(plan, parts(SweepPlan)[0])
        elif place == 2:
            name = asked(tr("Its name"), partial(_name, bench)) or name
        elif place == 4:
            _earlier(bench)
        else:
            bench.command(*_words(bench, plan, name), *(["--plan"] if place == 3 else []))
            if place == 0:
                return


def _words(bench: Bench, plan: SweepPlan, name: str) -> list[object]:
    """The sweep as a command line."""
    weights = bench.recipe.network.weights
    shared = [*bench.recipe_flags(*GROUPS), *([f"--weights={weights}"] if weights != "imagenet" else [])]
    own = [flag(field, value) for field, value in unusual(plan)]
    return ["sweep", bench.folder, "--out", bench.out, "--name", name, *shared, *own]


def _name(bench: Bench, text: str) -> str:
    """Raises ConfigError for what is no plain name."""
    return plain_name(dataclasses.replace(bench.recipe, output=OutputConfig(bench.out, text)))


def _earlier(bench: Bench) -> None:
    """Ask which, show it, and ask what about it."""
    paths = store.all_sweeps(bench.out)
    if not paths:
        put(tr("There is no sweep under {out} yet.", out=bench.out))
        return
    if (place := choose(tr("Which sweep?"), [path.name for path in paths])) < 0:
        return
    path = paths[place]
    answers = (tr("Go on with it"), tr("Choose a recipe, and open the test part for it"))
    put_sweep(store.read(path), path)
    while (place := choose(tr("{name}: what about it?", name=path.name), answers)) >= 0:
        if place == 0:
            _at_work(bench, path, _train)
        elif name := _chosen(store.read(path)):
            _at_work(bench, path, partial(_choose, name))


def _train(job: "Sweep", context: Context) -> "Swept":
    return job.train(context)


def _choose(name: str, job: "Sweep", context: Context) -> "Swept":
    return job.choose(name, context)


def _chosen(result: "Swept") -> str:
    """The recipe for which the test part is to be opened, the recommended one first; empty for none."""
    best = result.recommended
    if best is None:
        put(tr("No training of the sweep is finished yet, so there is nothing to choose from."))
        return ""
    there = [best, *(one for one in result.by_cost() if one != best)]
    texts = [tr("The recommended: {label}", label=best.label), *(one.label for one in there[1:])]
    place = choose(tr("Which recipe?"), texts)
    return there[place].name if place >= 0 and allowed(OPEN, tr("Keep it shut"), tr("Open it")) else ""


def _at_work(bench: Bench, path: Path, work: "Callable[[Sweep, Context], Swept]") -> None:
    """Do this with the sweep at `path`, and show what it then is. Raises RunError where it can't be gone on with."""
    from engine.jobs.sweep import Sweep

    job = Sweep.begun(path, bench.data)
    with stoppable() as (context, signals):
        result, _ = until_stopped(lambda: work(job, context), signals)
    if result:
        put_sweep(result, path)
