"""A training by questions: its recipe is said before it starts, its rate can be looked for, a run is gone on with."""

from functools import partial

from engine.base.language import tr
from engine.base.wording import listing
from engine.recipe.config import followed
from engine.recipe.fields import advised
from engine.runs.directory import Run
from tui.cli.plain.ask import agreed, choose
from tui.cli.plain.bench import Bench
from tui.cli.plain.follow import Own, follow

ABOUT = tr(
    "A training keeps its best epoch, and measures that on images that it never saw. Ctrl-C asks how to stop it."
)
RATE_GROUPS = ("data", "network", "augment", "fit", "machine")


def train(bench: Bench) -> None:
    """Ask, then train, or look for the learning rate first. Raises ConfigError where no folder is open."""
    folder = bench.folder
    question = tr(
        "The recipe is {recipe}, {changed}. Start the training?",
        recipe=bench.recipe.choice.recipe,
        changed=bench.changed(),
    )
    answers = (tr("Start"), tr("First find the learning rate, by a range test"))
    place = choose(question, answers, tr("No"), ABOUT)
    if place == 0:
        _train(bench, ["train", str(folder), "--out", str(bench.out), *bench.recipe_flags()])
    elif place == 1:
        _find_rate(bench)


def go_on(bench: Bench, run: Run) -> None:
    """Train what is left of the run's recipe."""
    _train(bench, ["train", "--resume", str(run.path)], run)


def _train(bench: Bench, words: list[str], run: Run | None = None) -> None:
    bench.tell(words)
    advice = follow(Own(words, run))
    if advice:
        _advise(bench, advice)


def _advise(bench: Bench, advice: dict[str, str]) -> None:
    """Put what warnings advised into the recipe of the next training, where somebody wants that."""
    from engine.network.freezing import plan

    new = followed(bench.recipe, advised(bench.recipe, advice, plan))
    named = listing(f"{name.replace('_', ' ')} {value}" for name, value in advice.items())
    if new != bench.recipe and agreed(
        tr("A warning advises {fields}. Put that into the recipe of the next training?", fields=named), tr("Put it in")
    ):
        bench.recipe = new


def _find_rate(bench: Bench) -> None:
    """The range test as `covid-tui lr-find` does it; the rate goes into the recipe where somebody wants that."""
    from engine.jobs.probe import find_rate
    from engine.network.freezing import plan
    from tui.cli.job_tables import put_range_test
    from tui.cli.progress import stoppable
    from tui.cli.signals import until_stopped

    bench.tell(["lr-find", str(bench.folder), *bench.recipe_flags(*RATE_GROUPS)])
    with stoppable() as (context, signals):
        found, _ = until_stopped(partial(find_rate, bench.folder, bench.recipe, context), signals)
    if found is None:
        return
    put_range_test(found)
    if agreed(tr("Put the rate {rate:g} into the recipe?", rate=found.rate), tr("Put it in")):
        bench.recipe = followed(bench.recipe, advised(bench.recipe, {"lr": f"{found.rate:g}"}, plan))


def more_images(bench: Bench) -> None:
    """Say what more images would bring. Raises ConfigError where no folder is open."""
    bench.command("curve", bench.folder, *bench.recipe_flags("data", "network", "machine"))


def layers(bench: Bench) -> None:
    """Say which layers train, and which block the open folder's images pull at hardest."""
    bench.command("layers", *bench.recipe_flags("network"))
    if bench.data and agreed(tr("Measure which block the images pull at hardest?"), tr("Measure it")):
        bench.command("layers", "--suggest", bench.data, *bench.recipe_flags("network"))
