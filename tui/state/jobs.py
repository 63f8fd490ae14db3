"""Jobs in Textual's thread workers: begun, followed, cancelled, their results handed over in the screen's thread."""

import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from textual.message import Message
from textual.worker import Worker

from engine.base.context import Context
from engine.base.errors import CovidTuiError, Stopped
from engine.base.events import Event, Notice, Progress
from engine.base.language import tr
from tui.state.host import Host
from tui.state.job import Job
from tui.state.messages import EventsWaiting, JobChanged
from tui.state.relay import Relay
from tui.words.recipe_terms import in_recipe_terms

T = TypeVar("T")
SHOWN_AFTER = 0.1


class Jobs:
    """The jobs of the workbench. Only for the screen's thread."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.jobs: dict[str, Job] = {}
        self.typed = 0.0
        """When a key was last pressed or the mouse moved, by the monotonic clock."""

    @property
    def busy(self) -> Job | None:
        """The job to speak of in the title: the oldest that has run long enough to be worth a word, a long one last."""
        since = time.monotonic() - SHOWN_AFTER
        shown = [job for job in self.jobs.values() if not job.over and job.began <= since]
        return min(shown, key=lambda job: job.holds, default=None)

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
        job.worker = self.run_thread(group, partial(self._run, job, work))
        self.host.set_timer(SHOWN_AFTER, lambda: None if job.over else self.announce(JobChanged, job))
        return job

    def run_thread(self, name: str, work: Callable[[], T]) -> Worker[T]:
        """Run `work` in a thread, in place of the last one of this name; for what no job waits for."""
        return self.host.run_worker(work, name=name, group=name, exit_on_error=False, exclusive=True, thread=True)

    def cancel(self, group: str) -> None:
        """Ask the group's job, where there is one, to stop; its result is not wanted any more, unless it `holds`."""
        if job := self.jobs.get(group):
            job.stop.request("now")
            if not job.holds:
                del self.jobs[group]
                job.over = True
                if job.worker:
                    job.worker.cancel()
            self.announce(JobChanged, job)

    def give_up(self, job: Job) -> None:
        """Cancel a job as the user asks for it: whoever waits for its result learns that there will be none."""
        self.cancel(job.group)
        if job.over and job.failed:
            job.failed(Stopped(tr("Cancelled: {title}.", title=job.title)))

    def _run(self, job: Job, work: Callable[[Context], T]) -> T | None:
        # Errors are kept here: for one that gets out, Textual loads Rich's tracebacks in the screen's thread.
        try:
            return work(Context(job.relay.emit, job.stop))
        except CovidTuiError as error:
            job.error = error
        except Exception as error:
            self.host.write_log(traceback.format_exc())
            job.error = error
        return None

    def worker_changed(self, worker: Worker[Any]) -> None:
        """Where this is a job's worker and at its end, hand its result on; nobody wants that of a cancelled one."""
        job = next((job for job in self.jobs.values() if job.worker is worker), None)
        if job is None or not worker.is_finished:
            return
        self.take_events(job.relay, job.relay.drain())  # what came last is taken in before the end
        job.over = True
        del self.jobs[job.group]
        if not self.host.is_running:
            return
        if job.error is None:
            job.done(worker.result)
        elif job.failed:
            job.failed(job.error)
        elif not isinstance(job.error, Stopped):
            self.complain(job.error)
        self.announce(JobChanged, job)

    def _wake(self, relay: Relay) -> None:
        self.host.post_message(EventsWaiting(relay))

    def drain(self, relay: Relay) -> None:
        """Take a relay's events, now or as soon as enough time has passed since the last ones."""
        if wait := relay.due(self.typed):
            self.host.set_timer(wait, partial(self.drain, relay))
        else:
            self.take_events(relay, relay.drain())

    def take_events(self, relay: Relay, events: list[Event]) -> None:
        """Take in the events of a job."""
        job = next((job for job in self.jobs.values() if job.relay is relay), None)
        for event in events:
            if job and job.hear:
                job.hear(event)
                continue
            if isinstance(event, Notice):
                self.host.say(event.text, "warning" if event.level == "warning" else "information")
            if isinstance(event, Progress) and job:
                job.progress = event
        if job:
            self.announce(JobChanged, job)

    def complain(self, error: Exception) -> None:
        """Show an error as its sentence."""
        self.host.say(in_recipe_terms(error), "error")

    def announce(self, kind: Callable[..., Message], *values: Any) -> None:
        """Post a message of this kind to every screen."""
        for listener in self.host.listeners:
            listener.post_message(kind(*values))
