"""What a running job tells the world: small frozen dataclasses, each one JSON line.

The names of the keys are a promise to scripts that read `covid-tui --train --json` or a run's events.jsonl.
"""

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True)
class Event:
    """Base of all events; `kind` is the value of the key "event" in the JSON line."""

    kind: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """The event as JSON values; a number that is not finite becomes null."""
        return {"event": self.kind, **finite(dataclasses.asdict(self))}

    def to_json(self) -> str:
        """The event as one line of JSON, without the line's end."""
        return json.dumps(self.to_dict(), allow_nan=False)


@dataclass(frozen=True)
class Started(Event):
    """A training has its data and its network, and begins its first epoch."""

    kind = "started"
    run: str
    classes: tuple[str, ...]
    parts: dict[str, dict[str, int]]
    """Images by part (train, validation, test) and class."""
    mode: str
    trainable: int
    frozen: int
    epochs: int
    steps: int
    """Training steps in an epoch."""
    precision: str
    device: str


@dataclass(frozen=True)
class Notice(Event):
    """Something the user should know: a source of weights, a skipped image, a fallback, a doubt about the recipe."""

    kind = "notice"
    level: Literal["info", "warning"]
    text: str
    topic: Literal["", "confounding"] = ""
    """"confounding": the class can be told without the lungs, which belongs on a red banner."""


@dataclass(frozen=True)
class Progress(Event):
    """How far a task of known or unknown length is; `total` is None where it can't be known."""

    kind = "progress"
    task: str
    done: int
    total: int | None


@dataclass(frozen=True)
class Batch(Event):
    """A training step is done; loss and accuracy are means over the epoch so far."""

    kind = "batch"
    epoch: int
    step: int
    steps: int
    loss: float
    accuracy: float
    images_per_second: float


@dataclass(frozen=True)
class Epoch(Event):
    """An epoch is done. Epochs count from 1; losses are mean cross-entropies in nats; seconds are wall time."""

    kind = "epoch"
    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Resumed(Event):
    """A training goes on from a resume point: what came after it, from `epoch` on, is done again."""

    kind = "resumed"
    epoch: int
    """The epoch at hand, counted from 1."""
    step: int
    """Its training steps that are done."""


@dataclass(frozen=True)
class Audited(Event):
    """How far an audit is with one variant of the images; one of each variant comes first, with nothing done."""

    kind = "audited"
    name: str
    title: str
    done: int
    """Trainings done."""
    total: int
    correct: int = 0
    n: int = 0
    """Images tested by the trainings that are done."""
    accuracy_ci: tuple[float, float] | None = None
    """Exact 95% interval; None before the first test."""


@dataclass(frozen=True)
class Finished(Event):
    """A training is complete: trained, its best weights kept, and tested unless its recipe leaves the test shut."""

    kind = "finished"
    run: str
    epochs: int
    seconds: float
    val: dict[str, Any]
    """At least accuracy and loss, of the best epoch's weights."""
    test: dict[str, Any] | None
    """At least n, correct, accuracy, accuracy_ci, auc, baseline and confusion; None while the test part is shut."""
    best_epoch: int
    ended: Literal["all epochs", "patience", "stopped"]


@dataclass(frozen=True)
class Interrupted(Event):
    """A training was told to stop at once; its best weights so far are kept, and it was not tested."""

    kind = "interrupted"
    run: str
    epochs: int
    reason: str


@dataclass(frozen=True)
class Helped(Event):
    """This process was a worker of a training whose run and result are with the chief, another process."""

    kind = "helped"
    worker: int
    workers: int
    epochs: int


@dataclass(frozen=True)
class Failed(Event):
    """A job ended by an error; `reason` is the sentence that the user sees."""

    kind = "failed"
    reason: str


KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (Started, Notice, Progress, Batch, Epoch, Resumed, Audited, Finished, Interrupted, Helped, Failed)
}

Emit = Callable[[Event], None]


def from_dict(values: dict[str, Any]) -> Event:
    """The event that `Event.to_dict` wrote; keys that the event does not have are passed over. Raises KeyError."""
    kind = KINDS[values["event"]]
    names = {f.name for f in dataclasses.fields(kind)}
    return kind(**{name: value for name, value in values.items() if name in names})


def finite(value: Any) -> Any:
    """`value` with every float that is not finite replaced by None, as JSON has no such numbers."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
