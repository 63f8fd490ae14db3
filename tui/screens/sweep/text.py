"""A sweep in words and rows: its queue, its recipes, how far it is, and what it advises."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.content import Content

from engine.base.language import tr
from engine.base.wording import counted, in_turn
from engine.recipe.config import TrainConfig
from engine.runs.watch import RunView
from engine.sweep.result import Swept, SweptRecipe
from tui.state.sweep_job import Followed, SweepJob
from tui.widgets.fitted_table import Column
from tui.widgets.question_dialog import Answer
from tui.widgets.safe_cells import content, lines
from tui.words.glyphs import Glyphs
from tui.words.headline import accuracy, headline
from tui.words.numbers import as_number, as_share, duration
from tui.words.plot import letters
from tui.words.recipe_terms import in_recipe_terms
from tui.words.safe_text import display_name

if TYPE_CHECKING:
    from engine.jobs.sweep_plan import Plan

Row = tuple[str, ...]
NAMED = 12
"""Characters to which a training's name may be cut."""
PLANNED = (
    Column("", "sign"), Column(tr("training"), "training", least=NAMED, middle=True),
    Column(tr("trains"), "trains", rank=2, right=True), Column(tr("kept once"), "kept once", rank=4, right=True),
    Column(tr("epochs"), "epochs", rank=3, right=True), Column(tr("share"), "share", rank=1, right=True),
    Column(tr("time"), "time", right=True),
)  # fmt: skip
TRAINED = (
    Column("", "sign"), Column(tr("training"), "training", least=NAMED, middle=True),
    Column(tr("validation (95%)"), "validation", right=True), Column(tr("time"), "time", rank=2, right=True),
    Column(tr("state"), "state", rank=1),
)  # fmt: skip
RECIPES = (
    Column("", "sign"), Column(tr("recipe"), "recipe", least=NAMED, middle=True),
    Column(tr("validation (95%)"), "validation"), Column(tr("each seed"), "each seed", rank=3),
    Column(tr("seconds"), "seconds", rank=1, right=True), Column(tr("trains"), "trains", rank=2, right=True),
)  # fmt: skip
BAR = 20
BEING_PLANNED = tr("The sweep is still being planned.")
SHUT = Answer("k", tr("Keep it shut"), "")
OPEN = tr(
    "Open the test part for one recipe? It is opened for good: who chooses again with its "
    "result in mind will find the next one too good."
)


def wanted(folder: Path | None, config: TrainConfig, plan: "Plan | None") -> list[Content]:
    """What is swept, and what of the recipe all of its trainings share."""
    fit, augment = config.fit, config.augment.augment
    rows = [content(folder.name or folder if folder else tr("no data chosen"), "bold")]
    text = tr(
        "{epochs}, batch {batch}, augmentation {augment}",
        epochs=counted(fit.epochs, "epoch"), batch=fit.batch, augment=augment,
    )  # fmt: skip
    rows.append(content(text))
    return [*rows, content(summary(plan))] if plan else rows


def planned_rows(plan: "Plan", glyphs: Glyphs) -> list[Row]:
    """The queue and what each training costs."""
    rows: list[Row] = []
    for one in plan.queue:
        trains = plan.trainable(one)
        rows.append((
            _sign(one.state, glyphs), training(one.point), f"{trains:,}", work(one.filling), work(one.training),
            f"{plan.share(one):.1%}", duration(plan.seconds(one)) or "-",
        ))  # fmt: skip
    return rows


def trained_rows(plan: "Plan", runs: dict[str, RunView], glyphs: Glyphs) -> list[Row]:
    """The queue and how far each training is."""
    rows: list[Row] = []
    for one in plan.queue:
        view = runs.get(one.point.name)
        name = training(one.point)
        if view is None:
            expected = duration(plan.seconds(one))
            rows.append((" ", name, "-", f"~{expected}" if expected else "-", tr("waits")))
        else:
            rows.append((glyphs.state(view.state), name, _validation(view), _time(view), _state(view)))
    return rows


def training(point: Any) -> str:
    """A training's name within its sweep."""
    return tr("{label} seed {seed}", label=point.label, seed=point.config.machine.seed)


def work(count: float) -> str:
    """Multiply-adds in a few characters."""
    return f"{count / 1e12:,.1f} T"


def _sign(state: str, glyphs: Glyphs) -> str:
    return {"waiting": " ", "half": glyphs.stopped}.get(state) or glyphs.state(state)


def _validation(view: RunView) -> str:
    if view.result:
        return accuracy(view.result.val)
    return "-" if view.val_accuracy is None else tr("{share} so far", share=as_share(view.val_accuracy))


def _time(view: RunView) -> str:
    if view.live:
        left = duration(view.seconds_left())
        return tr("{left} left", left=left) if left else "-"
    return duration(view.training) or "-"


def _state(view: RunView) -> str:
    if view.live and view.started:
        return _at(view, view.started.epochs)
    goes_on = dict.fromkeys(("stopped", "stopped, tested", "died"), tr("goes on"))
    return {"live": tr("starts"), **goes_on}.get(view.state) or tr(view.state)


def _at(view: RunView, last: int) -> str:
    """At which epoch, or rung, of how many the training is."""
    if view.unit == "rung":
        return tr("rung {number}/{last}", number=view.at_epoch, last=last)
    return tr("epoch {number}/{last}", number=view.at_epoch, last=last)


def recipe_rows(ordered: Sequence[SweptRecipe], recommended: str) -> list[Row]:
    """The recipes by cost, each with its letter in the plot and its marks."""
    rows: list[Row] = []
    for letter, one in zip(letters(list(ordered)), ordered, strict=True):
        marks = "*" * one.frontier + ">" * (one.name == recommended)
        accuracies = sorted(one.accuracies)
        each = f"{100 * accuracies[0]:.1f}"
        if len(accuracies) > 1:
            each = f"{each}-{100 * accuracies[-1]:.1f}"
        rows.append((
            f"{letter}{marks}", one.label, as_share(one.accuracy, one.accuracy_ci, 0),
            f"{len(accuracies)}: {each}", f"{one.seconds:,.1f}", f"{one.trainable:,}",
        ))  # fmt: skip
    return rows


def summary(plan: "Plan") -> str:
    """What a plan comes to, in a sentence or two."""
    left = plan.seconds_left()
    waiting = sum(one.state != "finished" for one in plan.queue)
    text = tr(
        "{trainings} on {images}: at most {work} trillion multiplications.",
        trainings=counted(len(plan.queue), "training"), images=counted(plan.images, "image"),
        work=f"{plan.work / 1e12:,.1f}",
    )  # fmt: skip
    if waiting and left is not None:
        about = tr("About {duration} for the {waiting} that are left.", duration=duration(left), waiting=waiting)
        return in_turn(text, about)
    return in_turn(text, tr("The time is known once one is finished.")) if waiting else text


def course(followed: Followed, job: SweepJob | None, plan: "Plan | None", glyphs: Glyphs) -> list[Content]:
    """How far the sweep is, in three lines at most; `job` where this process trains it, or did last."""
    if not followed.live and not (job and job.alive):
        return _ended(followed, job, plan, glyphs)
    runs = followed.runs
    done = sum(view.state == "finished" for view in runs.values())
    total = len(plan.queue) if plan else len(followed.result.points) if followed.result else 0
    far = [glyphs.bar(done / max(1, total), BAR), tr("{done}/{total} trainings", done=done, total=total)]
    if left := plan.seconds_left() if plan else None:
        far.append(tr("about {left} left", left=duration(left)))
    if (budget := job.budget_left() if job else None) is not None:
        far.append(tr("budget {left} left", left=duration(budget)))
    rows = [content("  ".join(far))]
    if job is None:
        rows[0] = Content.assemble(rows[0], "  ", content(tr("by another process"), "$foreground-muted"))
    now = next((view for view in runs.values() if view.live), None)
    if job and job.stop.is_set():
        rows.append(content(f"{glyphs.stopped} {tr('stops after the batch at hand')}", "bold $warning"))
    elif job and job.progress:
        task, done, of = job.progress.title, job.progress.done, job.progress.total
        text = tr("{task}  {done:,} of {total:,}", task=task, done=done, total=of) if of else f"{task}  {done:,}"
        rows.append(content(text))
    elif now:
        rows.append(content(_now(now, glyphs)))
    if job and job.warnings:
        rows.append(content(f"{glyphs.beware} {job.warnings[-1]}", "$warning"))
    return rows


def _now(view: RunView, glyphs: Glyphs) -> str:
    if view.started is None:
        return tr("{name} starts", name=view.name)
    far = [view.name, f"{_at(view, view.started.epochs)} {glyphs.bar(view.share, 10)}"]
    if view.val_accuracy is not None:
        far.append(tr("validation {share}", share=as_share(view.val_accuracy)))
    if left := duration(view.seconds_left()):
        far.append(tr("{left} left", left=left))
    return "  ".join(far)


def _ended(followed: Followed, job: SweepJob | None, plan: "Plan | None", glyphs: Glyphs) -> list[Content]:
    if followed.trouble:
        return [content(f"{glyphs.failed} {followed.trouble}", "bold $error")]
    if followed.result is None:
        return []
    from engine.sweep.store import counts

    rows = []
    if job and job.state == "failed":
        rows.append(content(f"{glyphs.failed} {job.error}", "bold $error"))
    elif job and job.state == "stopped":
        rows.append(content(f"{glyphs.stopped} {in_turn(job.error, tr('Key r goes on.'))}", "$warning"))
    complete = followed.result.finished == len(followed.result.points)
    sign = glyphs.finished if complete else glyphs.stopped
    text = f"{sign} {counts(followed.result)}"
    left = plan.seconds_left() if plan and not complete else None
    if left:
        text = in_turn(text, tr("About {left} left.", left=duration(left)))
    rows.append(content(text, "$success" if complete else ""))
    return rows


def advice(result: Swept | None) -> Content:
    """What the sweep recommends, how sure that is, and what the test said, where it was opened."""
    named = result.recommended if result else None
    if result is None or result.advice is None or named is None:
        return content(tr("The advice comes with the first finished training."), "$foreground-muted")
    right = as_share(named.accuracy, named.accuracy_ci)
    rows = [content(tr("Recommended: {label}, right on {share} of validation", label=named.label, share=right), "bold")]
    if chosen := result.chosen:
        told = tr("Chosen: {run}. {headline}.", run=chosen.run, headline=headline(tr("Test"), chosen.test))
        rows.append(content(told, "bold $success"))
    else:
        rows.append(
            content(tr("The test part is shut; key o opens it for the one recipe that you choose."), "$warning")
        )
    return lines([*rows, content(in_recipe_terms(result.advice.sentence))])


def detail(one: SweptRecipe | None, result: Swept | None) -> Content:
    """More on the recipe under the cursor, in a line or two."""
    if one is None or result is None or result.advice is None:
        return Content("")
    from engine.evaluation.compare import cases  # NumPy comes with it, and the screen is made without

    gap, best = result.gap(one.name), result.named(result.advice.best)
    right = as_share(one.accuracy, one.accuracy_ci)
    rest = tr("{name}: {right}, loss {loss}", name=one.name, right=right, loss=as_number(one.loss))
    if gap is None or best is None:
        return content(tr("{rest}; the most accurate.", rest=rest))
    low, high = (100 * end for end in gap.ci)
    text = tr(
        "{rest}; {best} leads by {gap:.1f} points ({low:+.1f} to {high:+.1f}), by chance in {share} of cases "
        "(p {p:.2g}).",
        rest=rest, best=best.label, gap=100 * gap.value, low=low, high=high, share=cases(gap.p), p=gap.p,
    )  # fmt: skip
    return content(text)


def choice(result: Swept, mine: SweptRecipe) -> tuple[str, list[Answer], Answer]:
    """The question for which recipe the test part is opened, its answers, and that it stays shut; `mine` is under the
    cursor.
    """
    best, answers = result.recommended, list[Answer]()
    if best:
        answers.append(Answer("r", tr("The recommended: {label}", label=display_name(best.label)), best.name))
    if mine != best:
        answers.append(Answer("h", tr("The highlighted: {label}", label=display_name(mine.label)), mine.name))
    chosen = result.chosen
    before = tr("It was opened for {run} before.", run=chosen.run) if chosen else ""
    return in_turn(OPEN, before), answers, SHUT
