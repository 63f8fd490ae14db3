"""The one keeper of a loaded model: what it says about files, and where it looks. For work in threads."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.events import Notice, Progress
from engine.base.language import marked, tr
from engine.base.runtime import load_tensorflow
from engine.base.wording import whole_percent
from engine.runs.directory import Run

if TYPE_CHECKING:
    from engine.data.image.reader import Pixels
    from engine.evaluation.alike import Alike
    from engine.evaluation.prediction import Prediction
    from engine.evaluation.predictor import Predictor
    from engine.evaluation.promised import Asked, Terms
    from engine.evaluation.saliency import Explainer, Explanation


@dataclass(frozen=True, eq=False)
class Heated:
    """An image, uint8 (h, w) or (h, w, 3), and what is known of its heat."""

    pixels: "Pixels"
    explanation: "Explanation"

    @property
    def sentence(self) -> str:
        """For whom the heat speaks, and how much of it lies in the lungs."""
        heat, area = self.explanation, whole_percent(self.explanation.area)
        if heat.inside is None:
            return tr("heat for {name}: no heat, which is {area} of the picture", name=heat.target, area=area)
        return tr(
            "heat for {name}: {inside} inside the {region}, which is {area} of the picture",
            name=heat.target,
            inside=whole_percent(heat.inside),
            region=tr(heat.region),
            area=area,
        )


@dataclass(eq=False)
class _Loaded:
    """A model in memory, with what is cut from it for the heat once that is asked for."""

    predictor: "Predictor"
    explainer: "Explainer | None" = None


class Models:
    """Keeps the model of the run that was asked last. Any thread may ask.

    One session has one of these, whatever screens ask: a second model in memory is what a small machine has no room
    for. The model before is let go before the next one is loaded.
    """

    def __init__(self) -> None:
        self._lock, self._heating = threading.Lock(), threading.Lock()
        self._loaded: _Loaded | None = None

    def _load(self, run: Run, context: Context) -> _Loaded:
        with self._lock:
            if self._loaded is None or self._loaded.predictor.run != run:
                self._loaded = None
                from engine.evaluation.predictor import Predictor

                self._loaded = _Loaded(Predictor(run, context))
            return self._loaded

    def predict(self, run: Run, path: Path, context: Context) -> "Prediction":
        """What the run's model says about the file. Raises ImageError, RunError, WeightsError or Stopped."""
        predictor = self._load(run, context).predictor
        from engine.data.image.reader import ImageError

        answer = next(iter(predictor.predict([path], context.stop)))
        if isinstance(answer, ImageError):
            raise answer
        return answer

    def alike(self, run: Run, path: Path, count: int, context: Context) -> "tuple[tuple[Alike, ...], int]":
        """The `count` training images most like the file, of how many. Raises as `predict` does, and RunError or
        DataError where the run can't tell which those are.
        """
        predictor = self._load(run, context).predictor
        from engine.data.image.reader import ImageError
        from engine.evaluation.promised import Asked

        answer = next(iter(predictor.predict([path], context.stop, Asked(neighbours=count))))
        if isinstance(answer, ImageError):
            raise answer
        return answer.neighbours or (), len(predictor.reference.features) if predictor.reference else 0

    def terms(self, run: Run, context: Context) -> "Terms | None":
        """What the run promises of its answers; None where it has no calibration images. Raises as `predict` does."""
        promised = self._load(run, context).predictor.promised
        return promised.terms if promised else None

    def predict_folder(
        self,
        run: Run,
        folder: Path,
        lines: list[dict[str, Any]],
        context: Context,
        follow_links: bool = False,
        asked: "Asked | None" = None,
    ) -> Sequence[str]:
        """Ask about every image below `folder`, adding to `lines` one a file, an error's among them; the class names.

        What is `asked` of the answers is their level and when to refuse them. Each line is what `Prediction.to_dict`
        gives, or "file" and "error". What is left out of the folder is reported. Raises DataError where there is no
        image.
        """
        predictor = self._load(run, context).predictor
        from engine.data.image.reader import ImageError
        from engine.evaluation.prediction import listed
        from engine.evaluation.promised import AS_USUAL

        there = listed([folder], follow_links)
        files = there.files
        for text in there.left_out:
            context.emit(Notice("info", text))
        context.emit(Progress(marked("predict"), 0, len(files)))
        for done, answer in enumerate(predictor.predict(files, context.stop, asked or AS_USUAL), start=1):
            if isinstance(answer, ImageError):
                lines.append({"file": str(answer.path), "error": answer.reason})
            else:
                lines.append(answer.to_dict())
            context.emit(Progress(marked("predict"), done, len(files)))
        return predictor.classes

    def heat(self, run: Run, path: Path, pixels: "Pixels", context: Context) -> Heated:
        """`pixels`, those of the file at any size, with the heat for the class that the run's model says.

        Raises ImageError, RunError or WeightsError, and Stopped where nobody waits any more. One is served at a time.
        """
        with self._heating:
            if context.stop.is_set():
                raise Stopped(tr("The heat is no longer asked for."))
            loaded = self._load(run, context)
            load_tensorflow(context.emit)
            from engine.evaluation.saliency import Explainer, explain

            loaded.explainer = loaded.explainer or Explainer(loaded.predictor)
            return Heated(pixels, explain(loaded.explainer, path, context=context))
