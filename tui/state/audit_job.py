"""An audit in a thread of this process: how far it is with each variant, and how it ended."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.context import Context
from engine.base.errors import RunError
from engine.base.events import Audited, Event, Notice, Progress
from engine.base.language import marked, tr
from engine.base.runtime import announce_tensorflow
from engine.recipe.config import TrainConfig
from engine.recipe.plans import AuditConfig
from tui.state.job import Job
from tui.state.long_job import LongJob
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.audit.verdict import Audit


@dataclass(eq=False)
class AuditJob(LongJob):
    """An audit that was started here."""

    GROUP = "audit"
    UNDER_WAY = tr("An audit is under way")
    QUIT = tr(
        "An audit is under way in this workbench, and stops with it; what is computed so far is kept for the next one."
    )
    QUIT_ANSWER = tr("Quit, and stop the audit")

    folder: Path
    config: TrainConfig
    plan: AuditConfig
    variants: dict[str, Audited] = field(default_factory=dict)
    """How far each variant is, by name, in their order."""
    result: "Audit | None" = None
    path: Path | None = None
    """The audit's folder, once it is written."""
    _began: float = 0.0

    @property
    def done(self) -> int:
        """Trainings done."""
        return sum(variant.done for variant in self.variants.values())

    @property
    def total(self) -> int:
        """Trainings planned; 0 before that is known."""
        return sum(variant.total for variant in self.variants.values())

    @property
    def now(self) -> Audited | None:
        """The variant at hand."""
        return next((one for one in self.variants.values() if one.done < one.total), None) if self.alive else None

    def seconds_left(self) -> float | None:
        """Time until the last training ends, by those that are done; None where it can't be told yet."""
        if not self.done or not self.alive:
            return None
        return (time.monotonic() - self._began) / self.done * (self.total - self.done)

    def fold(self, job: Job, event: Event) -> None:
        """Take in the next event; the title shows the trainings that are done."""
        match event:
            case Audited():
                self._began = self._began or time.monotonic()
                self.variants[event.name] = event
                self.progress, job.progress = None, Progress(marked("trainings"), self.done, self.total)
            case Progress():
                self.progress = None if event.total is not None and event.done >= event.total else event
            case Notice() if event.level == "warning":
                self.warnings.append(in_recipe_terms(event.text))

    def finish(self, result: "tuple[Audit, Path]") -> None:
        """It is complete."""
        self.state, self.progress, (self.result, self.path) = "finished", None, result


def run_audit(audit: AuditJob, out: Path, context: Context) -> "tuple[Audit, Path]":
    """Do the audit as `covid-tui audit` does, and write it into a folder of its own under `out`; called in a thread."""
    announce_tensorflow(context.emit, as_task=True)
    from engine.audit import store
    from engine.audit.audit import audit as audit_folder

    result = audit_folder(audit.folder, audit.plan.recipe(audit.config), context, audit.plan.folds)
    return result, store.write(result, out)


def kept_audits(out: Path, context: Context) -> "tuple[list[tuple[Path, Audit]], list[str]]":
    """The audits under `out` with their folders, newest first, and a sentence on each that can't be read."""
    from engine.audit import store

    result, troubles = [], []
    for path in store.all_audits(out):
        if context.stop.is_set():
            break
        try:
            result.append((path, store.read(path)))
        except RunError as error:
            troubles.append(in_recipe_terms(error))
    return result, troubles


def ends(audit: "Audit") -> list[Audited]:
    """A complete audit's variants, each as the event of its end."""
    folds = audit.folds
    return [Audited(v.name, v.title, folds, folds, v.correct, v.n, v.accuracy_ci) for v in audit.variants]
