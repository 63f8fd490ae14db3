"""Work in threads: begun, heard, cancelled and ended, its results handed over in the screen's thread."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from textual.message import Message

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import CovidTuiError, Stopped
from engine.base.events import Event, Notice, Progress
from tui.state.messages import EventsWaiting, JobChanged, JobEnded, Relay
from tui.words.error_text import error_sentence

if TYPE_CHECKING:
    from tui.app import Workbench

T = TypeVar("T")
SHOWN_AFTER = 0.1


@dataclass(eq=False)
class Job:
    """Work in a thread: how far it is, and how to stop it. A new job of a group takes the place of the one before."""

    group: str
    title: str
    relay: Relay
    stop: Stop = field(default_factory=Stop)
    progress: Progress | None = None
    began: float = field(default_factory=time.monotonic)
    over: bool = False
    error: Exception | None = None
    result: Any = None
    done: Callable[[Any], None] = lambda result: None
    failed: Callable[[Exception], None] | None = None
    hear: Callable[[Event], None] | None = None
    """Takes the job's events, in place of toasts and of `progress`."""
    holds: bool = False
    """Once asked to stop, does it keep its place until its thread has come to its end, as nothing else may begin?"""


class Work:
    """The jobs of the workbench. Only for the screen's thread."""

    def __init__(self, app: "Workbench") -> None:
        self.app = app
        self.jobs: dict[str, Job] = {}

    @property
    def busy(self) -> Job | None:
        """The job to speak of in the title: the oldest that has run long enough to be worth a word, a long one last."""
        since = time.monotonic() - SHOWN_AFTER
        found = [job for job in self.jobs.values() if not job.over and job.began <= since]
        return min(found, key=lambda job: job.holds, default=None)

    def start(
        self,
        group: str,
        title: str,
        work: Callable[[Context], T],
        done: Callable[[T], None] = lambda result: None,
        failed: Callable[[Exception], None] | None = None,
    ) -> Job:
        """Run `work(context)` in a thread, in place of the group's last job; then call `done(result)` here.

        An error is shown as a sentence unless `failed` takes it. Screens hear JobChanged as it goes on.
        """
        self.cancel(group)
        job = Job(group, title, Relay(self._wake), done=done, failed=failed)
        self.jobs[group] = job
        run = partial(self._run, job, work)
        self.app.run_worker(run, thread=True, exclusive=True, group=group, exit_on_error=False, name=group)
        self.app.set_timer(SHOWN_AFTER, lambda: None if job.over else self.tell(JobChanged, job))
        return job

    def cancel(self, group: str) -> None:
        """Ask the group's job, where there is one, to stop; its result is not wanted any more, unless it `holds`."""
        if job := self.jobs.get(group):
            job.stop.request("now")
            if not job.holds:
                del self.jobs[group]
                job.over = True
            self.tell(JobChanged, job)

    def give_up(self, job: Job) -> None:
        """Cancel a job as the user asks for it: whoever waits for its result learns that there will be none."""
        self.cancel(job.group)
        if job.over and job.failed:
            job.failed(Stopped(f"Cancelled: {job.title}."))

    def _run(self, job: Job, work: Callable[[Context], Any]) -> None:
        try:
            job.result = work(Context(job.relay.emit, job.stop))
        except CovidTuiError as error:
            job.error = error
        except Exception as error:
            self.app.write_log(traceback.format_exc())
            job.error = error
        self.app.post_message(JobEnded(job))

    def end(self, job: Job) -> None:
        """A job's thread has come to its end: hand its result on, unless nobody is left who wants it."""
        job.over = True
        if self.jobs.get(job.group) is not job:
            return
        del self.jobs[job.group]
        if not self.app.is_running:
            return
        if job.error is None:
            job.done(job.result)
        elif job.failed:
            job.failed(job.error)
        elif not isinstance(job.error, Stopped):
            self.complain(job.error)
        self.tell(JobChanged, job)

    def _wake(self, relay: Relay) -> None:
        self.app.post_message(EventsWaiting(relay))

    def drain(self, relay: Relay) -> None:
        """Take a relay's events, now or as soon as enough time has passed since the last ones."""
        if wait := relay.due():
            self.app.set_timer(wait, partial(self.drain, relay))
        else:
            self.heard(relay, relay.drain())

    def heard(self, relay: Relay, events: list[Event]) -> None:
        """Take in the events of a job."""
        job = next((job for job in self.jobs.values() if job.relay is relay), None)
        for event in events:
            if job and job.hear:
                job.hear(event)
                continue
            if isinstance(event, Notice):
                self.app.say(event.text, "warning" if event.level == "warning" else "information")
            if isinstance(event, Progress) and job:
                job.progress = event
        if job:
            self.tell(JobChanged, job)

    def complain(self, error: Exception) -> None:
        """Show an error as its sentence."""
        self.app.say(error_sentence(error), "error")

    def tell(self, kind: Callable[..., Message], *values: Any) -> None:
        """Post a message of this kind to every screen."""
        for screen in self.app.work_screens:
            screen.post_message(kind(*values))
