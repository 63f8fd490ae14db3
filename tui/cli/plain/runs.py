"""The runs by questions: what can be known of one and done with it; deleted ones, and how they come back."""

from collections.abc import Callable
from functools import partial

from engine.base.context import Context
from engine.base.language import tr
from engine.base.wording import counted, listing
from engine.evaluation.result_files import was_tested
from engine.runs.bin import KEPT_DAYS, delete, in_bin, undo
from engine.runs.directory import Run, all_runs
from tui.cli.console import put
from tui.cli.plain import result
from tui.cli.plain.ask import agreed, allowed, choose
from tui.cli.plain.bench import NO_RUN, Bench
from tui.cli.plain.follow import Attached, follow
from tui.cli.plain.recipe import take_recipe
from tui.cli.plain.train import go_on

FORMATS = ("keras", "savedmodel", "onnx", "litert")
ABOUT = tr("A run is one training: its model, its course and its result, in a folder of its own.")


def look_at_runs(bench: Bench) -> None:
    """List the runs, then ask about one."""
    if run := choose_run(bench, tr("Which run?"), listed=True):
        _about_run(bench, run)


def choose_run(bench: Bench, question: str, without: Run | None = None, listed: bool = False) -> Run | None:
    """One of the runs, newest first, which are told first where they are to be `listed`; None for none."""
    runs = [run for run in all_runs(bench.out) if without is None or run.path != without.path]
    if not runs:
        put(NO_RUN.format(out=bench.out))
        return None
    if listed:
        bench.command("runs", "--out", bench.out)
    place = choose(question, [run.name for run in runs], about=ABOUT)
    return runs[place] if place >= 0 else None


def _about_run(bench: Bench, run: Run) -> None:
    while run.path.exists():
        actions = _actions(bench, run)
        place = choose(tr("{name}: what about it?", name=run.name), [text for text, _ in actions], about=ABOUT)
        if place < 0:
            return
        actions[place][1]()


def _actions(bench: Bench, run: Run) -> tuple[tuple[str, Callable[[], object]], ...]:
    """What can be done with the run."""
    shut = not was_tested(run)
    return (
        (tr("Its result, which opens its test part, once") if shut else tr("Its result"),
         partial(result.tell_result, bench, run)),
        (tr("Go on with it"), partial(go_on, bench, run)),
        (tr("Compare it with another one"), partial(_compare, bench, run)),
        (tr("Write its card"), partial(bench.command, "report", run.path)),
        (tr("Export its model"), partial(_export, bench, run)),
        (tr("Its course, line by line, followed as it trains"), partial(_course, bench, run)),
        (tr("Its mistakes, the surest first"), partial(result.tell_mistakes, bench, run)),
        (tr("What its answers are worth where few have it"), partial(result.tell_worth, run)),
        (tr("Take its recipe for the next training"), lambda: take_recipe(bench, run.config())),
        (tr("Delete it"), partial(_delete, bench, run)),
    )  # fmt: skip


def _compare(bench: Bench, run: Run) -> None:
    if other := choose_run(bench, tr("With which?"), without=run):
        bench.command("compare", run.path, other.path)


def _export(bench: Bench, run: Run) -> None:
    if (which := choose(tr("In which format?"), FORMATS)) >= 0:
        bench.command("export", run.path, "--format", FORMATS[which])


def _course(bench: Bench, run: Run) -> None:
    bench.tell(["attach", str(run.path)])
    follow(Attached(run))


def _delete(bench: Bench, run: Run) -> None:
    days = counted(KEPT_DAYS, "day")
    question = tr("Delete the run {name}? It can be brought back for {days}.", name=run.name, days=days)
    if allowed(question, tr("Keep"), tr("Delete, with model and results")):
        delete([run], Context())
        put(tr('Deleted {name}: "Deleted runs" brings it back.', name=run.name))


def deleted_runs(bench: Bench) -> None:
    """Say what lies in the bin, and bring back what was deleted last where somebody wants that."""
    there = in_bin(bench.out)
    if not there:
        put(tr("There is no deleted run to bring back."))
        return
    for one in there:
        put(tr("{name}, deleted on {date}", name=one.name, date=one.date))
    last = listing(one.name for one in there if one.at == there[0].at)
    if agreed(tr("Bring back what was deleted last, {names}?", names=last), tr("Bring it back")):
        put(tr("Brought back {names}.", names=listing(run.name for run in undo(bench.out, Context()))))
