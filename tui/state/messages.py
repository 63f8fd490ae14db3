"""The messages by which threads reach the app, and by which screens hear that something is new."""

from dataclasses import dataclass

from textual.message import Message

from engine.runs.watch import RunView
from tui.state.job import Job
from tui.state.relay import Relay


@dataclass
class EventsWaiting(Message, bubble=False):
    """To the app: a relay holds events."""

    relay: Relay

    def can_replace(self, message: Message) -> bool:
        """Two calls to the same relay are one."""
        return isinstance(message, EventsWaiting) and message.relay is self.relay


class _Change(Message, bubble=False):
    """To every screen: something of the session's is new. A later message stands for an earlier one of its kind."""

    def can_replace(self, message: Message) -> bool:
        return type(message) is type(self)


class DataChanged(_Change):
    """`session.data`, `session.scan` or `session.split` is another one, or is being read."""


class ConfigChanged(_Change):
    """`session.config`, the recipe of the next training, is another one."""


class RunsChanged(_Change):
    """The list of runs on disk, or the state of one, is another one."""


@dataclass
class RunChanged(_Change):
    """`view` has heard more of its run."""

    view: RunView

    def can_replace(self, message: Message) -> bool:
        """The view itself holds all that happened, so the last message is enough."""
        return isinstance(message, RunChanged) and message.view is self.view


@dataclass
class JobChanged(_Change):
    """`job` has begun, is further, or has ended."""

    job: Job

    def can_replace(self, message: Message) -> bool:
        """The job itself holds how far it is."""
        return isinstance(message, JobChanged) and message.job is self.job
