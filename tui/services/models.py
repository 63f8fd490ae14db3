"""Asking a run's model about files: what is loaded once and kept, for work in threads."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.base.context import Context
from engine.base.events import Emit, Notice, Progress
from engine.evaluation.level_likeness import Look, look
from engine.runs.directory import Run
from tui.state.session import load_tensorflow

if TYPE_CHECKING:
    from engine.evaluation.prediction import Prediction
    from engine.evaluation.predictor import Predictor


class Models:
    """The last model and the looks of training images, loaded when first needed. Any thread may ask."""

    def __init__(self) -> None:
        self._lock, self._looking = threading.Lock(), threading.Lock()
        self._kept: Predictor | None = None
        self._looks: dict[Path, Look] = {}

    def predictor(self, run: Run, emit: Emit) -> "Predictor":
        """The run's model. Raises RunError or WeightsError where it has none that is sound."""
        with self._lock:
            if self._kept is None or self._kept.run != run:
                self._kept = None
                load_tensorflow(emit)
                from engine.evaluation.predictor import Predictor

                self._kept = Predictor(run)
            return self._kept

    def look(self, run: Run, context: Context) -> Look:
        """How the run's training images look. Raises DataError where none of them can be read."""
        with self._looking:
            if run.path not in self._looks:
                self._looks[run.path] = look(run, context)
            return self._looks[run.path]


def ask(models: Models, run: Run, path: Path, context: Context) -> "Prediction":
    """What the run's model says about the file. Raises ImageError, RunError, WeightsError or Stopped."""
    from engine.data.image.reader import ImageError

    answer = next(iter(models.predictor(run, context.emit).predict([path], context.stop)))
    if isinstance(answer, ImageError):
        raise answer
    return answer


def ask_folder(
    models: Models,
    run: Run,
    folder: Path,
    found: list[dict[str, Any]],
    context: Context,
    follow_links: bool = False,
) -> Sequence[str]:
    """Ask about every image below `folder`, adding to `found` a line a file, an error's among them; the class names.

    Each line is what `Prediction.to_dict` gives, or "file" and "error". What is left out of the folder is told. Raises
    DataError where there is no image.
    """
    predictor = models.predictor(run, context.emit)
    from engine.data.image.reader import ImageError
    from engine.evaluation.prediction import listed

    there = listed([folder], follow_links)
    files = there.files
    for text in there.left_out:
        context.emit(Notice("info", text))
    context.emit(Progress("predict", 0, len(files)))
    for done, answer in enumerate(predictor.predict(files, context.stop), start=1):
        if isinstance(answer, ImageError):
            found.append({"file": str(answer.path), "error": answer.reason})
        else:
            found.append(answer.to_dict())
        context.emit(Progress("predict", done, len(files)))
    return predictor.classes
