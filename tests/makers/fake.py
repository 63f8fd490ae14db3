"""A training without TensorFlow: real run directories and real events, made-up numbers."""

import math
import time
from pathlib import Path

from engine.base.context import Context
from engine.base.events import Batch, Epoch, Finished, Notice, Started, Stretch
from engine.base.files import write_json
from engine.base.result import Tested, Validated
from engine.base.typed_files import checked, plain
from engine.recipe.config import TrainConfig
from engine.runs.writer import create

STEPS = 20
TEST = checked({
    "n": 66, "correct": 65, "accuracy": 65 / 66, "accuracy_ci": [0.918, 0.9996], "loss": 0.05, "auc": 0.99,
    "baseline": 0.5, "baseline_class": "COVID", "confusion": [[33, 0], [1, 32]],
    "classes": {
        name: {"n": 33, "sensitivity": 1.0, "sensitivity_ci": [0.894, 1.0], "specificity": 0.97,
               "specificity_ci": [0.84, 0.999], "auc": 0.99}
        for name in ("COVID", "Viral Pneumonia")
    },
}, Tested)  # fmt: skip


def train(
    folder: Path, config: TrainConfig, context: Context, seconds: float = 0.02, until: Path | None = None
) -> None:
    """As `engine.jobs.train.train`, `seconds` a step; stays at its second epoch until `until` is a file, or a stop."""
    with create(folder, config) as writer:
        context = writer.tee(context)
        context.emit(started(str(writer.run.path), config.fit.epochs, config.fit.patience))
        context.emit(Notice("warning", "These numbers are made up.", advice={"batch": "8", "epochs": "84"}))
        done = 0
        for epoch in range(1, config.fit.epochs + 1):
            while epoch == 2 and until and not until.exists() and not context.stop.is_set():
                time.sleep(0.1)
                context.emit(batch(epoch, 1))  # with which it also learns of a stop that another process asks for
            for step in range(1, STEPS + 1):
                time.sleep(seconds)
                context.emit(batch(epoch, step))
            val_accuracy = 1 - 0.4 / math.ceil(epoch / 2)  # two epochs long the same, while the loss falls
            context.emit(Epoch(epoch, 1 / epoch, 1 - 0.3 / epoch, 1.1 / epoch, val_accuracy, 1e-4, STEPS * seconds))
            done = epoch
            if context.stop.is_set():
                break
        write_json(writer.run.path / "test.json", plain(TEST))
        val = Validated(accuracy=val_accuracy, loss=1.1 / done)
        context.emit(Finished(str(writer.run.path), done, done * STEPS * seconds, val, TEST, done, "all epochs"))


def started(run: str, epochs: int, patience: int = 0, phases: tuple[Stretch, ...] = ()) -> Started:
    """The first event of a run, of one phase where no others are given."""
    parts = {part: {"COVID": 50, "Viral Pneumonia": 50} for part in ("train", "validation", "test")}
    phases = phases or (Stretch("the head alone", 1, epochs),)
    classes = ("COVID", "Viral Pneumonia")
    parameters = 263682, 14714688
    return Started(run, classes, parts, "transfer", *parameters, epochs, STEPS, "float32", "made up", patience, phases)


def batch(epoch: int, step: int) -> Batch:
    """A step's event."""
    along = epoch - 1 + step / STEPS
    return Batch(epoch, step, STEPS, math.exp(-along / 4), 1 - math.exp(-along / 2) / 2, 123.0)
