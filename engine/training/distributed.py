"""Several processors on one training: GPUs of this host, or workers on several, under tf.distribute.

Each step is that of one device on the same batch: the batch is cut into equal shards, one a replica, filled up with
images of weight 0, and the gradients are summed before the optimizer takes its step, so that all replicas hold the same
weights. Of several workers the first, the chief, decides; what it decides, and a stop that any was asked for, reaches
all at the same place between two steps, so that they leave together.
"""

import contextlib
import dataclasses
import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from engine.base import runtime
from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import ConfigError, CovidTuiError, RunError, Stopped
from engine.base.events import Notice
from engine.base.language import tr
from engine.base.wording import listing
from engine.training.cluster import WORKERS, Seat, addresses, seat
from engine.training.meeting import meet

T = TypeVar("T")
PROCESSOR = "cpu:"
MESSAGE = 1 << 16
"""Numbers of eight bytes that workers exchange at a time."""
Step = Callable[..., Any]
"""One replica's training step: (inputs, answers, shares) to float32 sums."""


@dataclass(frozen=True, eq=False)
class Devices:
    """What trains together. Without a strategy it is one device, and nothing here changes what it does."""

    seat: Seat = dataclasses.field(default_factory=Seat)
    strategy: Any = None
    told: str = ""
    """For the user: "2 GPUs of this host"; empty for one device."""

    @property
    def replicas(self) -> int:
        """Shards that a batch is cut into, over all workers."""
        return int(self.strategy.num_replicas_in_sync) if self.strategy else 1

    @property
    def here(self) -> int:
        """Replicas of this process."""
        return self.replicas // self.seat.workers

    def quiet(self, log: Path) -> Any:
        """Within it, what TensorFlow's network of workers writes about them on its own goes to `log`."""
        return runtime.native_stderr_to(log) if self.seat.workers > 1 else contextlib.nullcontext()

    def scope(self) -> Any:
        """Within it, variables are made on every device."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def share(self, order: np.ndarray, batch: int) -> "Share":
        """This process's share of each batch of `order`."""
        return share(order, batch, self.seat.worker, self.here, self.replicas)

    def summed(self, gradients: Sequence[Any]) -> Any:
        """One replica's gradients, added up over all; called by a step."""
        if not self.strategy:
            return gradients
        return _all_reduce(list(gradients))

    def together(self, step: Step) -> Step:
        """`step` taken by every replica of all workers on its shard of this process's share; the sums over all.

        The function takes the share (inputs, answers, weights) and this worker's votes, whose sums follow the step's.
        """
        tf = runtime.tensorflow()

        def one(inputs: Any, answers: Any, shares: Any, votes: Any) -> Any:
            return _all_reduce(tf.concat([step(inputs, answers, shares), votes], 0))

        run = tf.function(lambda *shards: self.strategy.run(one, args=shards), autograph=False, reduce_retracing=True)

        def take(inputs: Any, answers: Any, shares: Any, votes: Sequence[float]) -> np.ndarray:
            votes_of = [votes] + [[0.0] * len(votes)] * (self.here - 1)
            shards = [self._shards(tf.split(part, self.here)) for part in (inputs, answers, shares)]
            sums = run(*shards, self._shards([tf.constant(vote, tf.float32) for vote in votes_of]))
            return np.asarray(self.strategy.experimental_local_results(sums)[0].numpy())

        return take

    def common(self, own: Stop) -> "CommonStop":
        """A stop that is set for all workers at once, when one of them was asked to."""
        return CommonStop(own, everybody=self.seat.workers == 1)

    def meet(self, stop: Stop, work: Callable[[], T]) -> T:
        """What `work` gives, once every worker has done it. Raises Stopped at all of them where one was stopped."""
        if self.seat.workers == 1:
            return work()
        common, result, stopped = self.common(stop), [], None
        try:
            result.append(work())
        except Stopped as error:
            stopped = error
        common.hear(self._sum(np.array(common.votes(), np.int64)))
        if stopped or common.is_set():
            raise stopped or Stopped(tr("A worker was stopped."))
        return result[0]

    def anyone(self, claim: bool) -> bool:
        """Does any worker claim it?"""
        return bool(self._sum(np.array([claim], np.int64))[0]) if self.seat.workers > 1 else claim

    def from_chief(self, message: bytes = b"") -> bytes:
        """The chief's message, at every worker."""
        if self.seat.workers == 1:
            return message
        whole = len(message).to_bytes(8, "little") + message if self.seat.chief else b""
        got = self._sum(_padded(whole[: MESSAGE * 8])).tobytes()
        length = int.from_bytes(got[:8], "little")
        while len(got) < length + 8:
            got += self._sum(_padded(whole[len(got) : len(got) + MESSAGE * 8])).tobytes()
        return got[8 : length + 8]

    def chiefs(self, *numbers: float) -> tuple[float, ...]:
        """The chief's numbers, at every worker."""
        if self.seat.workers == 1:
            return numbers
        return tuple(np.frombuffer(self.from_chief(np.array(numbers, np.float64).tobytes())).tolist())

    def require_same(self, what: str, fact: str) -> None:
        """Raise RunError, at every worker, where one has another fact than the chief."""
        if self.seat.workers == 1:
            return
        own = hashlib.sha256(fact.encode()).digest()
        differ = np.zeros(self.seat.workers, np.int64)
        differ[self.seat.worker] = self.from_chief(own) != own
        others = [str(worker) for worker in np.flatnonzero(self._sum(differ)[: self.seat.workers])]
        if others:
            raise RunError(
                tr(
                    "Worker {workers} has other {what} than the chief: give all the same.",
                    workers=tr(" and ").join(others),
                    what=tr(what),
                )
            )

    @contextlib.contextmanager
    def watched(self, go_on: str) -> Iterator[None]:
        """Within the block, the loss of another worker is a RunError in one sentence; `go_on` says what to do then."""
        try:
            yield
        except CovidTuiError:
            raise
        except Exception as error:
            errors = runtime.tensorflow().errors
            own = errors.ResourceExhaustedError, errors.InvalidArgumentError
            if self.seat.workers == 1 or not isinstance(error, errors.OpError) or isinstance(error, own):
                raise
            who = self._lost(str(error))
            raise RunError(
                tr(
                    "{who} of {workers} was lost, so the training ends here; {go_on}.",
                    who=who,
                    workers=self.seat.workers,
                    go_on=go_on,
                )
            ) from error

    def _lost(self, error: str) -> str:
        """Which worker an error of TensorFlow is about: it names this one too, which is there; of two, the other."""
        others = {int(task) for task in re.findall(r"/task:(\d+)", error)} - {self.seat.worker}
        if self.seat.workers == 2:
            others = {1 - self.seat.worker}
        return tr("Worker {number}", number=others.pop()) if len(others) == 1 else tr("A worker")

    def _sum(self, values: np.ndarray) -> np.ndarray:
        """int64 numbers, up to MESSAGE of them, added up over the workers; (MESSAGE,)."""
        tf = runtime.tensorflow()
        padded = np.zeros(MESSAGE, np.int64)
        padded[: len(values)] = values
        parts = [tf.constant(padded)] + [tf.zeros(MESSAGE, tf.int64)] * (self.here - 1)
        summed = _exchange(self.strategy)(self._shards(parts))
        return np.asarray(self.strategy.experimental_local_results(summed)[0].numpy())

    def _shards(self, parts: Sequence[Any]) -> Any:
        """One value for each replica of this process."""
        first = self.seat.worker * self.here
        give = self.strategy.experimental_distribute_values_from_function
        return give(lambda context: parts[context.replica_id_in_sync_group - first])


ONE = Devices()


@dataclass(frozen=True, eq=False)
class Share:
    """One process's share of an epoch: images in its order, how many a batch, and the weights of each batch's.

    An image's weight is 1 / (images in the whole batch), or 0 where it only fills up a shard.
    """

    order: np.ndarray
    batch: int
    weights: list[np.ndarray]


def share(order: np.ndarray, batch: int, worker: int, here: int, replicas: int) -> Share:
    """What the `here` replicas of a worker, of all `replicas`, take of each batch of `order`: shards of one size."""
    mine, weights = [order[:0]], []
    for start in range(0, len(order), batch):
        whole = order[start : start + batch]
        size = -(-len(whole) // replicas)
        places = np.arange(size * here) + worker * here * size
        real = places < len(whole)
        mine.append(whole[np.where(real, places, 0)])
        weights.append(np.where(real, 1 / len(whole), 0).astype(np.float32))
    return Share(np.concatenate(mine), -(-batch // replicas) * here, weights)


class CommonStop(Stop):
    """What all workers have agreed on; each asks its own stop and tells the others by its votes."""

    def __init__(self, own: Stop, everybody: bool) -> None:
        super().__init__()
        self._own, self._everybody = own, everybody

    def is_set(self) -> bool:
        return self._own.is_set() if self._everybody else super().is_set()

    @property
    def now(self) -> bool:
        return self._own.now if self._everybody else super().now

    def votes(self) -> list[float]:
        """This worker's votes for stopping, and for stopping at once."""
        return [float(self._own.is_set()), float(self._own.now)]

    def hear(self, votes: np.ndarray) -> None:
        """Take the sums of all votes: whoever was asked to stop, all are."""
        if votes[0]:
            for stop in (self, self._own):
                Stop.request(stop, "now" if votes[1] else "keep")


def require(asked: str) -> None:
    """Raise ConfigError where a run can't be trained here on what --devices `asked` for."""
    if asked == WORKERS:
        own = seat(asked)
        if not own.chief:
            raise ConfigError(
                tr("This process is {own}, which has no run of its own: start it with `covid-tui --train`.", own=own)
            )
        if len(addresses()) == 1:
            raise ConfigError(
                tr("--devices workers has this process alone: name two workers or more, or leave --devices out.")
            )
    elif asked not in ("auto", "1"):  # those are always there, and need no TensorFlow yet
        _names(asked)


def opened(asked: str, context: Context) -> Devices:
    """The devices that --devices `asked` for, ready to make variables on.

    Raises ConfigError where there are not so many, RunError where other workers do not come, Stopped.
    """
    if asked == WORKERS:
        return _workers(context)
    names = _names(asked)
    if len(names) < 2:
        return ONE
    cpu = asked.startswith(PROCESSOR)
    if cpu:
        told = tr("the processor as {count} devices", count=len(names))
    else:
        told = tr("{count} GPUs of this host", count=len(names))
    return Devices(strategy=runtime.tensorflow().distribute.MirroredStrategy(names), told=told)


def _names(asked: str) -> list[str]:
    """TensorFlow's names of the devices of this host that were asked for; none for a host without a GPU."""
    if asked.startswith(PROCESSOR):
        return _of_processor(int(asked.removeprefix(PROCESSOR)))
    gpus = [gpu.name for gpu in runtime.tensorflow().config.list_logical_devices("GPU")]
    if asked == "auto":
        return gpus
    if int(asked) > max(1, len(gpus)):
        has = tr("{count} GPUs", count=len(gpus)) if len(gpus) > 1 else tr("one GPU") if gpus else tr("no GPU")
        raise ConfigError(
            tr(
                "--devices is {asked}, and TensorFlow finds {has} on this host: leave it out to train on what there "
                "is.",
                asked=asked,
                has=has,
            )
        )
    return gpus[: int(asked)]


def _of_processor(count: int) -> list[str]:
    """The processor as several devices."""
    tf = runtime.imported_tensorflow()
    if not runtime.has_computed():
        processor = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * count)
    names = [device.name for device in runtime.tensorflow().config.list_logical_devices("CPU")]
    if count > len(names):
        raise ConfigError(
            tr("--devices cpu:{count} comes too late in this process: start covid-tui anew.", count=count)
        )
    return names[:count]


def _workers(context: Context) -> Devices:
    """This process and the other workers, once all have come."""
    own, every = seat(WORKERS), addresses()
    context.emit(
        Notice(
            "info",
            tr(
                "Waiting for the {count} workers ({addresses}); this is {own}.",
                count=len(every),
                addresses=listing(every),
                own=own,
            ),
        )
    )
    return Devices(own, meet(own, every, context.stop), tr("{count} workers", count=len(every)))


@functools.cache
def _exchange(strategy: Any) -> Any:
    """The compiled sum of a message over all replicas."""
    return runtime.tensorflow().function(lambda part: strategy.run(_all_reduce, args=(part,)), autograph=False)


def _all_reduce(value: Any) -> Any:
    tf = runtime.tensorflow()
    placed = tf.nest.map_structure(tf.identity, value)  # an argument of the function is on no device yet
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, placed)


def _padded(part: bytes) -> np.ndarray:
    """Bytes as int64 numbers, filled up with zeros."""
    return np.frombuffer(part + bytes(-len(part) % 8), np.int64)
