"""The words of the screen Runs: the question before runs are deleted, and what was deleted or brought back."""

from collections.abc import Sequence

from engine.base.language import tr
from engine.base.wording import counted, listing
from engine.runs.bin import KEPT_DAYS, Deleted
from engine.runs.directory import Run
from engine.runs.watch import Entry, Hindrance
from tui.widgets.question_dialog import Answer

DELETE = Answer("y", tr("Delete, with model and results"), "delete")
KEEP = Answer("n", tr("Keep"), "keep")
NOTHING_DELETED = tr("There is no deleted run to bring back.")
NO_RUN = tr("There are no runs here yet: the Train screen makes one.")
NONE_PICKED = tr("No run is picked: space picks the one under the cursor.")
LIVE = tr("A live run can't be deleted: stop it first.")
MOST_NAMED = 5
THROUGH: dict[Hindrance, str] = {
    "live": tr("{name} is being trained now: f follows it."),
    "events": tr("{name} can't be gone on with, as its events can't be read."),
    "recipe": tr("{name} can't be gone on with, as its recipe can't be read."),
    "all epochs": tr("{name} is through: all epochs of its recipe are trained."),
    "patience": tr("{name} is through: it ended as its recipe says, after some epochs without a better one."),
    "ladder": tr("{name} is through: all steps of its recipe are tried."),
}
"""Why a run can't be gone on with."""


def question(entries: Sequence[Entry]) -> str:
    """Are these to be deleted?"""
    names = [entry.run.name for entry in entries]
    days = counted(KEPT_DAYS, "day")
    if len(names) == 1:
        return tr("Delete the run {name}? z brings back what was deleted last, for {days}.", name=names[0], days=days)
    return tr(
        "Delete {runs} ({names})? z brings back what was deleted last, for {days}.",
        runs=counted(len(names), "run"),
        names=_named(names),
        days=days,
    )


def through(entry: Entry) -> str:
    """Why the run can't be gone on with; empty where it can."""
    why = entry.hindrance
    return THROUGH[why].format(name=entry.run.name) if why else ""


def deleted(done: Sequence[Deleted]) -> str:
    """What was deleted."""
    return tr("Deleted {names}: z undoes that.", names=_named([one.name for one in done]))


def undone(runs: Sequence[Run]) -> str:
    """What was brought back."""
    return tr("Brought back {names}.", names=_named([run.name for run in runs])) if runs else NOTHING_DELETED


def _named(names: Sequence[str]) -> str:
    shown = listing(names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return tr("{shown} and {count} more", shown=shown, count=more) if more > 0 else shown
