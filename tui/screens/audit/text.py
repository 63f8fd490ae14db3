"""The words of the Audit screen: how far a variant and the whole audit are, and when an audit was written."""

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from engine.base.events import Audited
from tui.state.audit_job import AuditJob
from tui.widgets.safe_cells import content
from tui.words.numbers import as_share, duration

if TYPE_CHECKING:
    from engine.audit.verdict import Audit, Finding


FINDINGS: "dict[Finding, str]" = {
    "nothing learnt": "nothing learnt",
    "lungs": "from the lungs",
    "partly": "partly from the lungs",
    "either": "lungs or shortcut",
    "shortcut": "a shortcut",
    "unclear": "unclear",
}
"""By what an audit found, the same in words."""


def accuracy(one: Audited) -> str:
    """A variant's accuracy with its interval; a dash before there is one."""
    return as_share(one.correct / one.n, one.accuracy_ci) if one.n else "-"


def state_of(one: Audited, now: bool) -> str:
    """How far a variant is; `now` where it is the one at hand."""
    if one.done == one.total:
        return f"{one.correct:,}/{one.n:,}"
    return f"{one.done} of {one.total}" if now or one.done else "waits"


def course(audit: AuditJob, bar: str) -> list[Content]:
    """How far a live audit is, in two lines."""
    if not audit.alive:
        return []
    left = duration(audit.seconds_left())
    rows = [content(f"{bar}  {audit.done}/{audit.total} trainings" + (f"  {left} left" if left else ""))]
    if audit.stop.is_set():
        rows.append(content("stops after the batch at hand", "bold $warning"))
    elif audit.progress:
        task = audit.progress
        rows.append(content(f"{task.task}  {task.done:,}" + (f" of {task.total:,}" if task.total else "")))
    elif audit.now:
        rows.append(content(f"{audit.now.title}: training {audit.now.done + 1} of {audit.now.total}"))
    return rows


def region_name(audit: "Audit") -> str:
    """What is taken away, in a word or two."""
    return "lungs" if audit.region == "lung mask" else audit.region


def written_on(path: Path) -> str:
    """When the audit was written, as far as its file has a time that any calendar knows."""
    from engine.audit.store import REPORT

    with contextlib.suppress(OSError, OverflowError, ValueError):
        return time.strftime("%Y-%m-%d", time.localtime((path / REPORT).stat().st_mtime))
    return "an unknown date"
