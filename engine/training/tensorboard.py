"""A run's epochs as TensorBoard event files, for those who compare runs there.

TensorFlow's own writer wants the tensorboard package; the file is a TFRecord of Event messages, which TensorFlow
writes by itself.
"""

import contextlib
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.base.context import Context
from engine.base.errors import LinkError
from engine.base.events import Epoch, Event, Notice
from engine.base.files import open_private, private_dir
from engine.base.language import tr
from engine.base.runtime import tensorflow


class Curves:
    """One event file, and so one curve for each name in TensorBoard."""

    def __init__(self, folder: Path, root: Path) -> None:
        """Raises OSError, and LinkError where a folder between `root` and the file is a link."""
        v1 = tensorflow().compat.v1
        self._event, self._summary = v1.Event, v1.Summary
        path = _new_file(private_dir(folder, root), root)
        self._writer = tensorflow().io.TFRecordWriter(str(path))
        self._write(file_version="brain.Event:2")

    def add(self, step: int, values: dict[str, float]) -> None:
        """Write the values of a step, and flush them."""
        points = [self._summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(step=step, summary=self._summary(value=points))

    def _write(self, **fields: Any) -> None:
        self._writer.write(self._event(wall_time=time.time(), **fields).SerializeToString())
        self._writer.flush()


def _new_file(folder: Path, root: Path) -> Path:
    """An empty file of a name that was not there before, as TensorFlow's writer would empty one that was."""
    for seconds in itertools.count(int(time.time())):
        path = folder / f"events.out.tfevents.{seconds}.covid-tui"
        with contextlib.suppress(FileExistsError):
            open_private(path, "xb", root).close()
            break
    return path


def also_tensorboard(context: Context, folder: Path) -> Context:
    """A context that also writes each epoch's numbers below `folder`, training and validation as separate curves.

    The epoch itself comes first: whatever becomes of these files, the run has it and the training goes on.
    """
    curves: list[Curves] = []

    def tried(work: Callable[[], None]) -> None:
        try:
            work()
        except LinkError as error:
            curves.clear()
            context.emit(Notice("warning", tr("{error} Training goes on without TensorBoard's files.", error=error)))
        except (OSError, tensorflow().errors.OpError) as error:
            curves.clear()
            why = str(error).rpartition("; ")[2]
            context.emit(
                Notice(
                    "warning",
                    tr(
                        "{folder} can't be written ({why}): training goes on without TensorBoard's files.",
                        folder=folder,
                        why=why,
                    ),
                )
            )

    def write(event: Epoch) -> None:
        train, validation = curves
        rate = {"learning rate": event.learning_rate}
        train.add(event.epoch, {"loss": event.loss, "accuracy": event.accuracy, **rate})
        validation.add(event.epoch, {"loss": event.val_loss, "accuracy": event.val_accuracy})

    def both(event: Event) -> None:
        context.emit(event)
        if isinstance(event, Epoch) and curves:
            tried(lambda: write(event))

    tried(lambda: curves.extend([Curves(folder / part, folder.parent) for part in ("train", "validation")]))
    return context.heard_by(both)
