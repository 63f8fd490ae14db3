"""A run's epochs as TensorBoard event files, for those who compare runs there.

TensorFlow's own writer wants the tensorboard package; the file is a TFRecord of Event messages, which TensorFlow
writes by itself.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.events import Emit, Epoch, Event, Notice
from engine.files import private_dir
from engine.runtime import tensorflow


class Curves:
    """One event file, and so one curve for each name in TensorBoard."""

    def __init__(self, folder: Path) -> None:
        v1 = tensorflow().compat.v1
        self._event, self._summary = v1.Event, v1.Summary
        path = private_dir(folder) / f"events.out.tfevents.{int(time.time())}.covid-tui"
        self._writer = tensorflow().io.TFRecordWriter(str(path))
        path.chmod(0o600)
        self._write(file_version="brain.Event:2")

    def add(self, step: int, values: dict[str, float]) -> None:
        """Write the values of a step, and flush them."""
        points = [self._summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(step=step, summary=self._summary(value=points))

    def _write(self, **fields: Any) -> None:
        self._writer.write(self._event(wall_time=time.time(), **fields).SerializeToString())
        self._writer.flush()


def also_tensorboard(emit: Emit, folder: Path) -> Emit:
    """An `emit` that also writes each epoch's numbers below `folder`, training and validation as separate curves.

    The epoch itself comes first: whatever becomes of these files, the run has it and the training goes on.
    """
    curves: list[Curves] = []

    def tried(work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, tensorflow().errors.OpError) as error:
            curves.clear()
            why = str(error).rpartition("; ")[2]
            emit(Notice("warning", f"{folder} can't be written ({why}): training goes on without TensorBoard's files."))

    def write(event: Epoch) -> None:
        train, validation = curves
        rate = {"learning rate": event.learning_rate}
        train.add(event.epoch, {"loss": event.loss, "accuracy": event.accuracy, **rate})
        validation.add(event.epoch, {"loss": event.val_loss, "accuracy": event.val_accuracy})

    def both(event: Event) -> None:
        emit(event)
        if isinstance(event, Epoch) and curves:
            tried(lambda: write(event))

    tried(lambda: curves.extend([Curves(folder / "train"), Curves(folder / "validation")]))
    return both
