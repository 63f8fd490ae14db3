"""A job's events in words: a line for each, and a finished training in a few."""

from collections.abc import Mapping

from engine.base.events import (
    Audited,
    Batch,
    Doing,
    Epoch,
    Event,
    Failed,
    Finished,
    Helped,
    Interrupted,
    Notice,
    Progress,
    Resumed,
    Rung,
    Skipped,
    Started,
)
from engine.base.wording import counted
from engine.evaluation.headline import Headline, percent, percents
from engine.runs.summary import AUTO
from tui.words.numbers import as_number, as_share, duration


def describe(event: Event) -> str:
    """An event as a line for people; empty for those that only move a bar."""
    match event:
        case Notice():
            text = f"{event.text}{_flags(event.advice)}"
            return f"warning: {text}" if event.level == "warning" else text
        case Doing():
            return f"{event.what[:1].upper()}{event.what[1:]} ..."
        case Started():
            return _started(event)
        case Epoch():
            return (
                f"epoch {event.epoch:>3}  loss {event.loss:.4f}  accuracy {event.accuracy:.4f}  "
                f"val loss {event.val_loss:.4f}  val accuracy {event.val_accuracy:.4f}  "
                f"rate {event.learning_rate:.2e}  {event.seconds:.1f} s"
            )
        case Rung():
            return _rung(event)
        case Skipped():
            return f"rung {event.number}  {event.name:<15}  {left_out(event)}"
        case Resumed():
            return f"Going on in epoch {event.epoch}, after {event.step} of its steps."
        case Audited() if event.done == event.total:
            return f"{event.title}: {event.correct}/{event.n} = {event.correct / event.n:.1%}."
        case Helped():
            return f"Worker {event.worker} of {event.workers} has done its part of {counted(event.epochs, 'epoch')}."
        case Interrupted() | Failed():
            return event.reason
        case _:
            return ""


def _flags(advice: Mapping[str, str]) -> str:
    """Advice for the command line."""
    flags = (f"--{name.replace('_', '-')} {value}" for name, value in advice.items())
    return f" Try {' '.join(flags)}." if advice else ""


def _started(event: Started) -> str:
    steps = "" if event.mode == AUTO else f"{counted(event.steps, 'step')} an epoch, "
    parts = ", ".join(f"{part} {sum(counts.values()):,}" for part, counts in event.parts.items())
    return (
        f"Training {' / '.join(event.classes)}: {parts} images. {event.trainable:,} of "
        f"{event.trainable + event.frozen:,} parameters train ({event.mode}), {steps}on {event.device}, "
        f"{event.precision}."
    )


def _rung(event: Rung) -> str:
    gain = f", {event.gain:+.1%} on the rung before" if event.gain is not None else ""
    return (
        f"rung {event.number}  {event.name:<15}  out of fold {event.correct}/{event.n} = {percent(event.accuracy)} "
        f"({percents(event.accuracy_ci)}){gain}, loss {event.loss:.4f}: {'taken' if event.taken else 'no help'}  "
        f"{event.seconds:.1f} s"
    )


def left_out(event: Skipped) -> str:
    """That a rung is left out, why, and what would let it begin."""
    takes, left = duration(event.seconds), duration(event.left)
    return (
        f"left out: it takes about {takes}, and {left} are left of the budget; --budget {event.needed} has room for it"
    )


def progress_line(event: Progress | Batch, seconds_left: float | None = None) -> str:
    """How far a task or an epoch is, and how long the whole still takes where that is known, as an indented line."""
    left = f", {duration(seconds_left)} left" if seconds_left is not None else ""
    if isinstance(event, Batch):
        return f"  epoch {event.epoch}: step {event.step}/{event.steps}, loss {event.loss:.4f}{left}"
    return f"  {event.task}: {event.done:,}" + (f" of {event.total:,}" if event.total else "") + left


def kept(event: Finished) -> str:
    """Which epoch, or rung, of a finished training is kept, of how many."""
    if event.unit == "rung":
        return f"rung {event.best_epoch} of {event.epochs}"
    return f"best epoch {event.best_epoch} of {event.epochs}"


def _judged(event: Finished) -> str:
    val = event.val
    measured = f"{as_share(val.accuracy)}, loss {as_number(val.loss, 4)}"
    if event.unit == "rung":
        return f"out of fold    {measured}; of {counted(event.epochs, 'rung')}, rung {event.best_epoch} is kept"
    return f"validation     {measured}; the best of {counted(event.epochs, 'epoch')} was epoch {event.best_epoch}"


def summary(event: Finished) -> list[str]:
    """A finished training in a few lines for people."""
    test = event.test
    rows = [
        f"test           shut; `covid-tui evaluate {event.run}` opens it"
        if test is None
        else f"test accuracy  {Headline.of(test).sentence()}",
        _judged(event),
        f"run            {event.run}",
    ]
    if not event.through:
        rows.append(f"stopped        not all is trained; `covid-tui --train --resume {event.run}` goes on")
    return rows
