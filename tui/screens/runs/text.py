"""The words of the screen Runs: the question before runs are deleted, and what was deleted or brought back."""

from collections.abc import Sequence

from engine.base.wording import counted
from engine.runs.bin import KEPT_DAYS, Deleted
from engine.runs.directory import Run
from engine.runs.watch import Entry, Hindrance
from tui.widgets.question_dialog import Answer

DELETE = Answer("y", "Delete, with model and results", "delete")
KEEP = Answer("n", "Keep", "keep")
NOTHING_DELETED = "There is no deleted run to bring back."
NO_RUN = "There are no runs here yet: the Train screen makes one."
NONE_PICKED = "No run is picked: space picks the one under the cursor."
LIVE = "A live run can't be deleted: stop it first."
MOST_NAMED = 5
THROUGH: dict[Hindrance, str] = {
    "live": "is being trained now: f follows it",
    "events": "can't be gone on with, as its events can't be read",
    "recipe": "can't be gone on with, as its recipe can't be read",
    "all epochs": "is through: all epochs of its recipe are trained",
    "patience": "is through: it ended as its recipe says, after some epochs without a better one",
    "ladder": "is through: all steps of its recipe are tried",
}
"""Why a run can't be gone on with, behind its name."""


def question(entries: Sequence[Entry]) -> str:
    """Are these to be deleted?"""
    names = [entry.run.name for entry in entries]
    what = f"the run {names[0]}" if len(names) == 1 else f"{counted(len(names), 'run')} ({_named(names)})"
    return f"Delete {what}? z brings back what was deleted last, for {counted(KEPT_DAYS, 'day')}."


def through(entry: Entry) -> str:
    """Why the run can't be gone on with; empty where it can."""
    why = entry.hindrance
    return f"{entry.run.name} {THROUGH[why]}." if why else ""


def deleted(done: Sequence[Deleted]) -> str:
    """What was deleted."""
    return f"Deleted {_named([one.name for one in done])}: z undoes that."


def undone(runs: Sequence[Run]) -> str:
    """What was brought back."""
    return f"Brought back {_named([run.name for run in runs])}." if runs else NOTHING_DELETED


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
