"""The words of the Audit screen: how far a variant and the whole audit are, and when an audit was written."""

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from engine.base.events import Audited
from engine.base.language import tr
from tui.state.audit_job import AuditJob
from tui.widgets.safe_cells import content
from tui.words.numbers import as_share, duration

if TYPE_CHECKING:
    from engine.audit.verdict import Audit, Finding


FINDINGS: "dict[Finding, str]" = {
    "nothing learnt": tr("nothing learnt"),
    "lungs": tr("from the lungs"),
    "partly": tr("partly from the lungs"),
    "either": tr("lungs or shortcut"),
    "shortcut": tr("a shortcut"),
    "unclear": tr("unclear"),
}
"""By what an audit found, the same in words."""
NOT_LIVE = tr("No audit of this workbench is under way.")
NO_XRAYS = tr("The variants are shown of the X-rays of a folder: none is open, or it is still being read.")
NONE_SHOWN = tr("No audit is shown yet.")
REGIONS = {"lung mask": tr("lungs"), "central rectangle": tr("central rectangle")}


def accuracy(one: Audited) -> str:
    """A variant's accuracy with its interval; a dash before there is one."""
    return as_share(one.correct / one.n, one.accuracy_ci) if one.n else "-"


def state_of(one: Audited, now: bool) -> str:
    """How far a variant is; `now` where it is the one at hand."""
    if one.done == one.total:
        return f"{one.correct:,}/{one.n:,}"
    return tr("{done} of {total}", done=one.done, total=one.total) if now or one.done else tr("waits")


def course(audit: AuditJob, bar: str) -> list[Content]:
    """How far a live audit is, in two lines."""
    if not audit.alive:
        return []
    left = duration(audit.seconds_left())
    far = [bar, tr("{done}/{total} trainings", done=audit.done, total=audit.total)]
    rows = [content("  ".join([*far, tr("{left} left", left=left)] if left else far))]
    if audit.stop.is_set():
        rows.append(content(tr("stops after the batch at hand"), "bold $warning"))
    elif audit.progress:
        task, done, total = audit.progress.title, audit.progress.done, audit.progress.total
        text = tr("{task}  {done:,} of {total:,}", task=task, done=done, total=total) if total else f"{task}  {done:,}"
        rows.append(content(text))
    elif audit.now:
        title, number, total = audit.now.title, audit.now.done + 1, audit.now.total
        rows.append(content(tr("{title}: training {number} of {total}", title=title, number=number, total=total)))
    return rows


def region_name(audit: "Audit") -> str:
    """What is taken away, in a word or two."""
    return REGIONS.get(audit.region, audit.region)


def written_on(path: Path) -> str:
    """When the audit was written, as far as its file has a time that any calendar knows."""
    from engine.audit.store import REPORT

    with contextlib.suppress(OSError, OverflowError, ValueError):
        return time.strftime("%Y-%m-%d", time.localtime((path / REPORT).stat().st_mtime))
    return tr("an unknown date")
