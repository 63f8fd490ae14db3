"""Does an image look like those a run learnt from? Three plain measures, which catch gross differences only.

They are the mean and the standard deviation of the levels, and the ratio of width to height. A value is unlike where
it lies more than FAR standard deviations from the mean of the training images.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.context import Context
from engine.base.errors import DataError, Stopped
from engine.base.events import Progress
from engine.runs.directory import Run

if TYPE_CHECKING:
    from engine.data.image.reader import ImageFacts

FAR = 3.0
MOST = 120
"""So many training images are measured, evenly spread over the training part."""
MEASURES = ("mean level", "sd of levels", "width/height")
LEAST_SD = (2.0, 2.0, 0.02)
"""Training images that all agree would make every other image unlike; they are taken to vary by this much."""


@dataclass(frozen=True)
class Look:
    """How the training images look: the mean and the standard deviation of each measure over so many of them."""

    images: int
    means: tuple[float, ...]
    sds: tuple[float, ...]


@dataclass(frozen=True)
class Compared:
    """One measure of an image beside the same of the training images."""

    measure: str
    value: float
    low: float
    high: float

    @property
    def unlike(self) -> bool:
        """Is it outside of what training images have?"""
        return not self.low <= self.value <= self.high


def measured(facts: "ImageFacts") -> tuple[float, ...]:
    """The measures of an image."""
    return facts.mean, facts.std, facts.width / facts.height


def look(run: Run, context: Context) -> Look:
    """Measure the run's training images. Raises DataError where none of them can be read, Stopped on the stop."""
    from engine.base.runtime import processors
    from engine.data.split import Split

    files = Split.read(run.path / "split.csv").files("train")
    step = max(1, math.ceil(len(files) / MOST))
    folder, rows = run.folder(), list[tuple[float, ...]]()
    chosen = [folder / file for file in files[::step]]
    with ThreadPoolExecutor(processors()) as pool:
        for done, row in enumerate(pool.map(_row, chosen), start=1):
            if context.stop.is_set():
                pool.shutdown(cancel_futures=True)
                raise Stopped("The look at the training images was stopped.")
            rows += [row] if row else []
            context.emit(Progress("training images", done, len(chosen)))
    if not rows:
        raise DataError(f"The training images in {folder} can't be read any more, so likeness can't be told.")
    means = tuple(sum(column) / len(rows) for column in zip(*rows, strict=True))
    sds = tuple(
        max(least, math.sqrt(sum((value - mean) ** 2 for value in column) / len(rows)))
        for column, mean, least in zip(zip(*rows, strict=True), means, LEAST_SD, strict=True)
    )
    return Look(len(rows), means, sds)


def compare(facts: "ImageFacts", trained: Look) -> list[Compared]:
    """The image beside the training images, measure by measure."""
    return [
        Compared(name, value, mean - FAR * sd, mean + FAR * sd)
        for name, value, mean, sd in zip(MEASURES, measured(facts), trained.means, trained.sds, strict=True)
    ]


def _row(path: Path) -> tuple[float, ...] | None:
    from engine.data.image.reader import ImageError, held

    try:
        with held(path) as image:
            return measured(image.facts)
    except ImageError:
        return None
