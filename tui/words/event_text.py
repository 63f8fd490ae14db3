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
from engine.base.language import tr
from engine.base.wording import counted, in_turn, listing
from engine.evaluation.headline import Headline, percent, percents
from engine.runs.summary import AUTO
from tui.words.cells import padded
from tui.words.numbers import as_number, as_share, duration

RUNG_NAME = 15
ROW_NAME = 15
"""Cells for the name of a rung, and of a line of a summary."""


def describe(event: Event) -> str:
    """An event as a line for people; empty for those that only move a bar."""
    match event:
        case Notice():
            text = in_turn(event.text, _flags(event.advice))
            return tr("warning: {text}", text=text) if event.level == "warning" else text
        case Doing():
            return f"{event.what[:1].upper()}{event.what[1:]} ..."
        case Started():
            return _started(event)
        case Epoch():
            return tr(
                "epoch {epoch:>3}  loss {loss:.4f}  accuracy {accuracy:.4f}  val loss {val_loss:.4f}  "
                "val accuracy {val_accuracy:.4f}  rate {rate:.2e}  {seconds:.1f} s",
                epoch=event.epoch,
                loss=event.loss,
                accuracy=event.accuracy,
                val_loss=event.val_loss,
                val_accuracy=event.val_accuracy,
                rate=event.learning_rate,
                seconds=event.seconds,
            )
        case Rung():
            return _rung(event)
        case Skipped():
            return tr(
                "rung {number}  {name}  {why}",
                number=event.number,
                name=padded(tr(event.name), RUNG_NAME),
                why=left_out(event),
            )
        case Resumed():
            return tr("Going on in epoch {epoch}, after {step} of its steps.", epoch=event.epoch, step=event.step)
        case Audited() if event.done == event.total:
            return tr(
                "{title}: {correct}/{n} = {share:.1%}.",
                title=event.title,
                correct=event.correct,
                n=event.n,
                share=event.correct / event.n,
            )
        case Helped():
            return tr(
                "Worker {worker} of {workers} has done its part of {epochs}.",
                worker=event.worker,
                workers=event.workers,
                epochs=counted(event.epochs, "epoch"),
            )
        case Interrupted() | Failed():
            return event.reason
        case _:
            return ""


def _flags(advice: Mapping[str, str]) -> str:
    """Advice for the command line."""
    flags = (f"--{name.replace('_', '-')} {value}" for name, value in advice.items())
    return tr("Try {flags}.", flags=" ".join(flags)) if advice else ""


def _started(event: Started) -> str:
    parts = listing(f"{tr(part)} {sum(counts.values()):,}" for part, counts in event.parts.items())
    known: dict[str, object] = {
        "classes": " / ".join(event.classes),
        "parts": parts,
        "trainable": event.trainable,
        "parameters": event.trainable + event.frozen,
        "mode": event.mode,
        "device": event.device,
        "precision": event.precision,
    }
    if event.mode == AUTO:
        return tr(
            "Training {classes}: {parts} images. {trainable:,} of {parameters:,} parameters train ({mode}), "
            "on {device}, {precision}.",
            **known,
        )
    return tr(
        "Training {classes}: {parts} images. {trainable:,} of {parameters:,} parameters train ({mode}), "
        "{steps} an epoch, on {device}, {precision}.",
        steps=counted(event.steps, "step"),
        **known,
    )


def _rung(event: Rung) -> str:
    known: dict[str, object] = {
        "number": event.number,
        "name": padded(tr(event.name), RUNG_NAME),
        "correct": event.correct,
        "n": event.n,
        "accuracy": percent(event.accuracy),
        "interval": percents(event.accuracy_ci),
        "loss": event.loss,
        "verdict": tr("taken") if event.taken else tr("no help"),
        "seconds": event.seconds,
    }
    if event.gain is None:
        return tr(
            "rung {number}  {name}  out of fold {correct}/{n} = {accuracy} ({interval}), loss {loss:.4f}: {verdict}  "
            "{seconds:.1f} s",
            **known,
        )
    return tr(
        "rung {number}  {name}  out of fold {correct}/{n} = {accuracy} ({interval}), {gain:+.1%} on the rung before, "
        "loss {loss:.4f}: {verdict}  {seconds:.1f} s",
        gain=event.gain,
        **known,
    )


def left_out(event: Skipped) -> str:
    """That a rung is left out, why, and what would let it begin."""
    return tr(
        "left out: it takes about {takes}, and {left} are left of the budget; --budget {needed} has room for it",
        takes=duration(event.seconds),
        left=duration(event.left),
        needed=event.needed,
    )


def progress_line(event: Progress | Batch, seconds_left: float | None = None) -> str:
    """How far a task or an epoch is, and how long the whole still takes where that is known, as an indented line."""
    left = tr(", {time} left", time=duration(seconds_left)) if seconds_left is not None else ""
    if isinstance(event, Batch):
        at = tr(
            "epoch {epoch}: step {step}/{steps}, loss {loss:.4f}",
            epoch=event.epoch,
            step=event.step,
            steps=event.steps,
            loss=event.loss,
        )
        return f"  {at}{left}"
    done = tr("{done:,} of {total:,}", done=event.done, total=event.total) if event.total else f"{event.done:,}"
    return f"  {event.title}: {done}{left}"


def kept(event: Finished) -> str:
    """Which epoch, or rung, of a finished training is kept, of how many."""
    if event.unit == "rung":
        return tr("rung {number} of {count}", number=event.best_epoch, count=event.epochs)
    return tr("best epoch {number} of {count}", number=event.best_epoch, count=event.epochs)


def _judged(event: Finished) -> str:
    val = event.val
    measured = tr("{accuracy}, loss {loss}", accuracy=as_share(val.accuracy), loss=as_number(val.loss, 4))
    if event.unit == "rung":
        told = tr(
            "{measured}; of {rungs}, rung {number} is kept",
            measured=measured,
            rungs=counted(event.epochs, "rung"),
            number=event.best_epoch,
        )
        return _row(tr("out of fold"), told)
    told = tr(
        "{measured}; the best of {epochs} was epoch {number}",
        measured=measured,
        epochs=counted(event.epochs, "epoch"),
        number=event.best_epoch,
    )
    return _row(tr("validation"), told)


def summary(event: Finished) -> list[str]:
    """A finished training in a few lines for people."""
    test = event.test
    rows = [
        _row(tr("test"), tr("shut; `covid-tui evaluate {run}` opens it", run=event.run))
        if test is None
        else _row(tr("test accuracy"), Headline.of(test).sentence()),
        _judged(event),
        _row(tr("run"), event.run),
    ]
    if not event.through:
        told = tr("not all is trained; `covid-tui --train --resume {run}` goes on", run=event.run)
        rows.append(_row(tr("stopped"), told))
    return rows


def _row(name: str, text: str) -> str:
    return f"{padded(name, ROW_NAME)}{text}"
