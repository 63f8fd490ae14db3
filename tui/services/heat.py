"""The heat of images in the workbench: the last run's model, cut where it is looked at and kept, for threads."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.context import Context
from engine.base.errors import Stopped
from engine.runs.directory import Run
from tui.services.models import Models

if TYPE_CHECKING:
    from engine.data.image.reader import Pixels
    from engine.evaluation.saliency import Explainer, Explanation


@dataclass(frozen=True, eq=False)
class Heated:
    """An image under its heat, uint8 RGB (h, w, 3), and what is known of the heat."""

    pixels: "Pixels"
    found: "Explanation"

    @property
    def sentence(self) -> str:
        """For whom the heat speaks, and how much of it lies in the lungs."""
        found = self.found
        inside = "no heat" if found.inside is None else f"{found.inside:.0%} inside the {found.region}"
        return f"heat for {found.target}: {inside}, which is {found.area:.0%} of the picture"


class Heats:
    """Any thread may ask; one is served at a time. `models` are those that the screen has already."""

    def __init__(self, models: Models | None = None) -> None:
        self._lock, self._models = threading.Lock(), models or Models()
        self._kept: tuple[Run, Explainer] | None = None

    def heat(self, run: Run, path: Path, pixels: "Pixels", context: Context) -> Heated:
        """`pixels`, those of the file at any size, under the heat for the class that the run's model says.

        Raises ImageError, RunError or WeightsError, and Stopped where nobody waits any more.
        """
        with self._lock:
            if context.stop.is_set():
                raise Stopped("The heat is no longer asked for.")
            predictor = self._models.predictor(run, context.emit)
            from engine.evaluation.saliency import Explainer, explain, overlay

            if self._kept is None or self._kept[0] != run or self._kept[1].predictor is not predictor:
                self._kept = run, Explainer(predictor)
            found = explain(self._kept[1], path, context=context)
            return Heated(overlay(pixels, found.heat), found)
