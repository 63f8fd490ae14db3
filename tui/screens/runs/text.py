"""The words of the screen Runs: the question before runs are deleted, and what was deleted or brought back."""

from collections.abc import Sequence

from engine.base.wording import counted
from engine.runs.bin import KEPT_DAYS, Deleted
from engine.runs.directory import Run
from engine.runs.watch import Entry
from tui.widgets.question_dialog import Answer

DELETE = Answer("y", "Delete, with model and results", "delete")
KEEP = Answer("n", "Keep", "keep")
NOTHING_DELETED = "There is no deleted run to bring back."
MOST_NAMED = 5


def question(entries: Sequence[Entry]) -> str:
    """Are these to be deleted?"""
    names = [entry.run.name for entry in entries]
    what = f"the run {names[0]}" if len(names) == 1 else f"{len(names)} runs ({_named(names)})"
    return f"Delete {what}? z brings back what was deleted last, for {counted(KEPT_DAYS, 'day')}."


def deleted(done: Sequence[Deleted]) -> str:
    """What was deleted."""
    return f"Deleted {_named([one.name for one in done])}: z undoes that."


def undone(runs: Sequence[Run]) -> str:
    """What was brought back."""
    return f"Brought back {_named([run.name for run in runs])}." if runs else NOTHING_DELETED


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
