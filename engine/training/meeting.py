"""How this process meets the other workers of a training. While it waits it hears signals and keeps to its time."""

import contextlib
import ctypes
import functools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from engine.base import runtime
from engine.base.cancel import Stop
from engine.base.errors import ConfigError, CovidTuiError, RunError, Stopped
from engine.base.language import tr
from engine.base.wording import listing
from engine.network import keras_private
from engine.training.cluster import Seat

MINUTES_TO_COME = 10.0
"""How long workers wait for each other at the start."""


def meet(own: Seat, every: tuple[str, ...], stop: Stop) -> Any:
    """TensorFlow's strategy over all workers, once all have come; `every` are their addresses.

    Raises Stopped where `stop` was asked for meanwhile, RunError where they don't come or can't be joined, ConfigError
    where this process has computed already.
    """
    strategy: Future[Any] = Future()

    def wait() -> None:
        try:
            strategy.set_result(_strategy(own, every))
        except BaseException as error:
            strategy.set_exception(error)

    with _own_handler(signal.SIGTERM) as put_back:
        threading.Thread(target=wait, name="workers", daemon=True).start()
        _until_done(strategy, every, stop, put_back)
    try:
        return strategy.result()
    except CovidTuiError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise RunError(
            tr("The workers {every} can't be joined ({reason}).", every=listing(every), reason=reason)
        ) from error


def _until_done(strategy: "Future[Any]", every: tuple[str, ...], stop: Stop, look: Callable[[], None]) -> None:
    """Wait, `look`ing now and then."""
    began = time.monotonic()
    while not strategy.done():
        look()
        if stop.is_set():
            raise Stopped(tr("Stopped while the other workers were waited for."))
        if time.monotonic() - began > MINUTES_TO_COME * 60:
            raise RunError(
                tr(
                    "Not all of the workers came within {minutes:g} minutes: {every}.",
                    minutes=MINUTES_TO_COME,
                    every=listing(every),
                )
            )
        time.sleep(0.05)


@functools.cache
def _strategy(own: Seat, every: tuple[str, ...]) -> Any:
    """The strategy over all workers; a process joins them once."""
    if runtime.has_computed():
        raise ConfigError(tr("--devices workers comes too late in this process: start covid-tui anew."))
    tf = runtime.imported_tensorflow()
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(every)}), task_type="worker", task_id=own.worker, rpc_layer="grpc"
    )
    with keras_private.workers_awaited_without_lock():
        strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
        runtime.tensorflow()
    return strategy


@contextlib.contextmanager
def _own_handler(number: int) -> Iterator[Callable[[], None]]:
    """What a signal does stays what it is: TensorFlow's network of workers takes SIGTERM for itself as it begins. Gives
    what puts it back, which is done at the end as well.

    Through the C library, as Python lets the main thread alone do so.
    """
    libc, before = ctypes.CDLL(None, use_errno=True), ctypes.create_string_buffer(1024)  # longer than any sigaction
    libc.sigaction(number, None, before)

    def put_back() -> None:
        libc.sigaction(number, before, None)

    try:
        yield put_back
    finally:
        put_back()
