"""Work spread over the processors, in order, with little of it under way at a time, and its progress told."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from engine.base.cancel import Stop
from engine.base.errors import Stopped
from engine.base.events import Event, Progress
from engine.base.language import tr
from engine.base.runtime import processors

T = TypeVar("T")
R = TypeVar("R")

_BATCH = 8  # images a thread takes at a time: handing each over alone would cost a tenth of its decoding
_SECONDS_A_TICK = 0.1


def spread(
    work: Callable[[T], R], items: Sequence[T], stop: Stop | None, at_a_time: int = _BATCH
) -> Generator[R, None, None]:
    """`work(item)` of each of `items`, in order, done by a thread a processor, few of them ahead of the consumer.

    Close the iterator when leaving it early. Raises Stopped soon after `stop` is set, and whatever `work` raises.
    """
    halt = threading.Event()

    def do(batch: Sequence[T]) -> list[R]:
        done: list[R] = []
        for item in batch:
            if halt.is_set() or (stop is not None and stop.is_set()):
                break
            done.append(work(item))
        return done

    workers = processors()
    waiting: deque[Future[list[R]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="images") as pool:
        try:
            for start in range(0, len(items), at_a_time):
                waiting.append(pool.submit(do, items[start : start + at_a_time]))
                while len(waiting) > 2 * workers or (waiting and start + at_a_time >= len(items)):
                    results = waiting.popleft().result()
                    if stop is not None and stop.is_set():
                        raise Stopped(tr("The reading of the images was stopped; nothing was changed."))
                    yield from results
        finally:
            halt.set()


class Pulse:
    """Emits Progress events of a task, at most ten a second and always the last."""

    def __init__(self, emit: Callable[[Event], None], task: str, total: int) -> None:
        self._emit, self._task, self._total = emit, task, total
        self._next = 0.0

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now >= self._next or done == self._total:
            self._next = now + _SECONDS_A_TICK
            self._emit(Progress(self._task, done, self._total))

    def share(self, share: float) -> None:
        """The share of the task that is done, 0 to 1, of a task whose total stands for all of it."""
        self(round(share * self._total))
