"""One piece of work in a thread: how far it is, how to stop it, and who waits for it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from textual.worker import Worker

from engine.base.cancel import Stop
from engine.base.events import Event, Progress
from tui.state.relay import Relay


@dataclass(eq=False)
class Job:
    """Work in a thread. A new job of a group takes the place of the one before."""

    group: str
    title: str
    relay: Relay
    stop: Stop = field(default_factory=Stop)
    worker: Worker[Any] | None = None
    progress: Progress | None = None
    began: float = field(default_factory=time.monotonic)
    over: bool = False
    error: Exception | None = None
    done: Callable[[Any], None] = lambda result: None
    failed: Callable[[Exception], None] | None = None
    hear: Callable[[Event], None] | None = None
    """Takes the job's events, in place of toasts and of `progress`."""
    holds: bool = False
    """Once asked to stop, does it keep its place until its thread has come to its end, as nothing else may begin?"""
