"""Long work beside a training, such as an audit or a sweep: one at a time, followed, and stopped with the workbench."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from engine.base.cancel import Stop
from engine.base.errors import Stopped
from engine.base.events import Event, Progress
from tui.state.job import Job
from tui.words.recipe_terms import in_recipe_terms


@dataclass(eq=False, kw_only=True)
class LongJob:
    """What was begun here, live or ended. Only for the screen's thread, but for its work."""

    GROUP: ClassVar[str]
    """The group of the session's job."""
    UNDER_WAY: ClassVar[str]
    """The beginning of a sentence about it: "An audit is under way"."""
    QUIT: ClassVar[str]
    """What the workbench asks when it is left meanwhile, with what is left of the work."""
    QUIT_ANSWER: ClassVar[str]
    """The answer that leaves."""

    stop: Stop = field(default_factory=Stop)
    state: Literal["live", "finished", "stopped", "failed"] = "live"
    progress: Progress | None = None
    """The task at hand, such as reading the images; None between tasks."""
    warnings: list[str] = field(default_factory=list)
    error: str = ""
    """How it ended, where it is not complete, as a sentence."""

    @property
    def alive(self) -> bool:
        """Has its thread not come to its end?"""
        return self.state == "live"

    def fold(self, job: Job, event: Event) -> None:
        """Take in the next event, and let `job.progress` say how far the whole is."""
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        """It was stopped, or ended by an error."""
        self.state, self.progress = "stopped" if isinstance(error, Stopped) else "failed", None
        self.error = in_recipe_terms(error)
