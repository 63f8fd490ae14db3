"""What a running job tells the world: small frozen dataclasses, each one JSON line.

The names of the keys are a promise to scripts that read `covid-tui --train --json` or a run's events.jsonl.
"""

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from msgspec import Meta

from engine.base.engines import EngineName
from engine.base.language import marked, tr
from engine.base.result import Tested, Validated
from engine.base.typed_files import Amount, Count, Ends, Positive, Share, Signed, SignedEnds, checked, plain

Nth = Annotated[int, Meta(ge=1, le=10**6)]
"""Of epochs, which count from 1."""


@dataclass(frozen=True)
class Event:
    """Base of all events; `kind` is the value of the key "event" in the JSON line."""

    kind: ClassVar[str]
    unsure: ClassVar[tuple[str, ...]] = ()
    """Fields whose number need not be finite: those of a training that has grown beyond all bounds."""

    def to_dict(self) -> dict[str, Any]:
        """The event as JSON values; a number that is not finite becomes null."""
        return {"event": self.kind, **plain(self)}

    def to_json(self) -> str:
        """The event as one line of JSON, without the line's end."""
        return json.dumps(self.to_dict(), allow_nan=False)


FILL = marked("frozen layers")
"""How the task of a Progress begins that computes what is kept of the frozen layers."""


TESTING = marked("test")
"""The task of the Progress of a run's own test."""


@dataclass(frozen=True)
class Stretch:
    """A phase of a training: the epochs `first` to `last`, in which the same layers train."""

    name: str
    first: Nth
    last: Nth


@dataclass(frozen=True)
class Started(Event):
    """A training has its data and its network, and begins its first epoch."""

    kind = "started"
    run: str
    classes: tuple[str, ...]
    parts: dict[str, dict[str, Count]]
    """Images by part (train, validation, test) and class."""
    mode: str
    trainable: Count
    frozen: Count
    epochs: Nth
    """Of the recipe "auto": the rungs of its ladder."""
    steps: Positive
    """Training steps in an epoch."""
    precision: str
    device: str
    patience: Count | None = None
    """Epochs of the last phase without a better one, after which it ends; 0 for never, None where that is not known."""
    phases: tuple[Stretch, ...] = ()
    """In order; none where they are not known, as in a run of an earlier version."""
    frozen_engine: EngineName | None = None
    """What computes the frozen layers; None where that is not known, as in a run of an earlier version."""


@dataclass(frozen=True)
class EpochsAhead:
    """Epochs of one kind that a training has before it, and their work in billions of multiply-adds."""

    first: Nth
    last: Nth
    passes: tuple[Count, ...] = ()
    """Images that pass the frozen layers in the first of its epochs, to be kept; in those that follow none do."""
    frozen: Amount = 0.0
    """The work of one such image."""
    work: Amount = 0.0
    """That of an epoch besides."""


@dataclass(frozen=True)
class Ahead(Event):
    """What a training has before it, from which the time that it still takes is estimated; it replaces the last one."""

    kind = "ahead"
    epochs: tuple[EpochsAhead, ...]
    closing: Amount
    """Work after the last epoch, the test's most of all, in billions of multiply-adds."""


@dataclass(frozen=True)
class Doing(Event):
    """A training begins something of which it can't be told how far it is: `what` says what, in plain words."""

    kind = "doing"
    what: str


Topic = Literal["", "confounding", "left out", "patients", "published", "no test part"]


@dataclass(frozen=True)
class Notice(Event):
    """Something the user should know: a source of weights, a skipped image, a fallback, a doubt about the recipe."""

    kind = "notice"
    level: Literal["info", "warning"]
    text: str
    topic: Topic = ""
    """"confounding": the class can be told without the lungs, which belongs on a red banner. "left out": images that
    can't be used. "patients": how many were kept together. "published": the folders publish the split; "no test part":
    all of it but a test.
    """
    advice: dict[str, str] = field(default_factory=dict)
    """Values to try instead, by field of the recipe, as they are typed. A front end says how to set them."""


@dataclass(frozen=True)
class Progress(Event):
    """How far a task of known or unknown length is; `total` is None where it can't be known."""

    kind = "progress"
    task: str
    done: Count
    total: Count | None

    @property
    def title(self) -> str:
        """The task as it is shown."""
        if self.task.startswith(FILL):
            return tr(FILL) + self.task.removeprefix(FILL)
        return tr(self.task)


@dataclass(frozen=True)
class Batch(Event):
    """A training step is done; loss and accuracy are means over the epoch so far."""

    kind = "batch"
    unsure = ("loss", "images_per_second")
    epoch: Nth
    step: Count
    steps: Positive
    loss: Amount
    accuracy: Share
    images_per_second: Amount


@dataclass(frozen=True)
class Epoch(Event):
    """An epoch is done. Epochs count from 1; losses are mean cross-entropies in nats; seconds are wall time."""

    kind = "epoch"
    unsure = ("loss", "val_loss")
    epoch: Nth
    loss: Amount
    accuracy: Share
    val_loss: Amount
    val_accuracy: Share
    learning_rate: Amount
    seconds: Amount


@dataclass(frozen=True)
class Tried(Event):
    """The recipe "auto" has judged a fit out of fold, at one strength of its path."""

    kind = "tried"
    rung: Nth
    strength: Amount
    accuracy: Share
    spread: Amount
    """Standard deviation of the accuracy between the folds."""
    loss: Amount


@dataclass(frozen=True)
class Rung(Event):
    """The recipe "auto" has judged a rung of its ladder, out of fold on all images of training and validation."""

    kind = "rung"
    number: Nth
    name: str
    reads: tuple[str, ...]
    """The layers that the head reads."""
    places: bool
    """Does it tell places in the picture apart?"""
    mirror: bool
    """Are answers averaged over the image and its mirror image?"""
    strength: Amount
    n: Positive
    correct: Count
    accuracy: Share
    accuracy_ci: Ends
    loss: Amount
    gain: Signed | None
    """Accuracy less that of the best rung before; None for the first."""
    gain_ci: SignedEnds | None
    taken: bool
    """Did the loss fall by more than one standard error?"""
    seconds: Amount
    trains: tuple[str, ...] = ()
    """The layers of the backbone that were trained; none for a head on frozen layers."""
    epochs: Count = 0
    """For how many epochs they were, chosen out of fold."""


@dataclass(frozen=True)
class Skipped(Event):
    """The recipe "auto" has left a rung out, as it does not fit into the budget."""

    kind = "skipped"
    number: Nth
    name: str
    seconds: Amount
    """What it would take, as estimated."""
    left: Amount
    """Seconds of the budget that were left for it."""
    needed: str
    """The budget that would be enough, as --budget takes it."""


@dataclass(frozen=True)
class TimeLeft(Event):
    """The recipe "auto" estimates how long it still takes, its test included."""

    kind = "time_left"
    seconds: Amount


@dataclass(frozen=True)
class Resumed(Event):
    """A training goes on from a resume point: what came after it, from `epoch` on, is done again."""

    kind = "resumed"
    epoch: Nth
    """The epoch at hand, counted from 1."""
    step: Count
    """Its training steps that are done."""


@dataclass(frozen=True)
class Audited(Event):
    """How far an audit is with one variant of the images; one of each variant comes first, with nothing done."""

    kind = "audited"
    name: str
    title: str
    done: Count
    """Trainings done."""
    total: Count
    correct: Count = 0
    n: Count = 0
    """Images tested by the trainings that are done."""
    accuracy_ci: Ends | None = None
    """Exact 95% interval; None before the first test."""


@dataclass(frozen=True)
class Finished(Event):
    """A training has a result: its best weights are kept, and tested unless its recipe leaves the test shut."""

    kind = "finished"
    run: str
    epochs: Count
    seconds: Amount
    val: Validated
    """Of the best epoch's weights."""
    test: Tested | None
    """None while the test part is shut."""
    best_epoch: Count
    ended: Literal["all epochs", "patience", "stopped", "ladder"]
    """"ladder": the recipe "auto" has tried all its rungs."""
    unit: Literal["epoch", "rung"] = "epoch"
    """What its epochs are: of the recipe "auto" rungs."""

    @property
    def through(self) -> bool:
        """Is all of its recipe done? Else it was asked to stop, keep and test, and can be gone on with."""
        return self.ended != "stopped"


@dataclass(frozen=True)
class Interrupted(Event):
    """A training was told to stop at once; its best weights so far are kept, and it was not tested."""

    kind = "interrupted"
    run: str
    epochs: Count
    reason: str


@dataclass(frozen=True)
class Helped(Event):
    """This process was a worker of a training whose run and result are with the chief, another process."""

    kind = "helped"
    worker: Count
    workers: Count
    epochs: Count


@dataclass(frozen=True)
class Failed(Event):
    """A job ended by an error; `reason` is the sentence that the user sees."""

    kind = "failed"
    reason: str


KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (
        Started, Ahead, Doing, Notice, Progress, Batch, Epoch, Tried, Rung, Skipped, TimeLeft, Resumed, Audited,
        Finished, Interrupted, Helped, Failed,
    )
}  # fmt: skip

E = TypeVar("E", bound=Event)
Emit = Callable[[Event], None]


def from_dict(values: dict[str, Any]) -> Event:
    """The event that `Event.to_dict` wrote; keys that the event does not have are passed over.

    Raises KeyError where it is of no known kind, UnfitError where a value is missing, of another type or out of range.
    """
    return of_kind(KINDS[values["event"]], values)


def of_kind(kind: type[E], values: dict[str, Any]) -> E:
    """An event of this kind from its JSON values. Raises UnfitError as `from_dict`.

    What was no finite number, for which JSON has null, is NaN again where the event may have one.
    """
    lost = {name: math.nan for name in kind.unsure if name in values and _is_lost(values[name])}
    event = checked({**values, **dict.fromkeys(lost, 0.0)} if lost else values, kind)
    return dataclasses.replace(event, **lost) if lost else event


def _is_lost(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))
