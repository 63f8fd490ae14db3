"""The app, as far as the state needs it. What fits this can hold a session; the workbench does."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeVar

from textual.message import Message
from textual.timer import Timer
from textual.worker import Worker

T = TypeVar("T")
Severity = Literal["information", "warning", "error"]


class Listener(Protocol):
    """A screen: what messages are posted to."""

    def post_message(self, message: Message) -> bool:
        """Put a message into the queue; from any thread."""


class Host(Protocol):
    """Runs workers, carries messages between threads, and shows sentences."""

    @property
    def is_running(self) -> bool:
        """Is the screen up?"""

    @property
    def listeners(self) -> Sequence[Listener]:
        """The screens that want to hear of changes."""

    def run_worker(
        self, work: Callable[[], T], *, name: str, group: str, exit_on_error: bool, exclusive: bool, thread: bool
    ) -> Worker[T]:
        """Run `work` in a thread; its end comes back as `Worker.StateChanged`."""

    def post_message(self, message: Message) -> bool:
        """Put a message into the app's own queue; from any thread."""

    def call_later(self, callback: Callable[..., object], *args: object) -> bool:
        """Call in the screen's thread as soon as it is free; from any thread."""

    def set_timer(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call in the screen's thread after so many seconds."""

    def say(self, text: str, severity: Severity = "information") -> None:
        """Show a sentence."""

    def write_log(self, text: str) -> None:
        """Keep the details of an error."""
