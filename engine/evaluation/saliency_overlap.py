"""How much of a model's heat lies inside the lungs, over a whole part of the split: by class, right against wrong."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.base.context import Context
from engine.base.errors import ConfigError, DataError, RunError, Stopped
from engine.base.events import Emit, Notice, Progress
from engine.base.language import marked, tr
from engine.base.runtime import processors
from engine.base.wording import listing
from engine.data.image.reader import ImageError, Pixels, seen
from engine.data.masks import LUNGS, RECTANGLE, Mask, central_rectangle, mask_beside, read_mask
from engine.data.split import PARTS, Split
from engine.evaluation.intervals import CONFIDENCE
from engine.evaluation.result_files import was_tested
from engine.evaluation.saliency import Explainer, Method, mass_inside, spread
from engine.runs.directory import SPLIT

BATCH = 16
Outcome = Literal["all", "right", "wrong"]
_SHOWN = marked("all"), marked("right"), marked("wrong")


@dataclass(frozen=True, slots=True)
class Overlap:
    """One image: its true class, what the model said, and the share of the heat for that inside the lungs."""

    file: str
    truth: str
    said: str
    inside: float | None
    """0 to 1; None where nothing speaks for the class."""
    area: float
    """Share of the picture that the region takes: what heat spread evenly would have inside."""


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean over images of one class ("" for all) and one outcome. Shares are from 0 to 1."""

    label: str
    outcome: Outcome
    n: int
    inside: float | None
    inside_ci: tuple[float, float] | None
    """95% interval of the mean by Student's t; None for fewer than two images."""
    area: float | None


@dataclass(frozen=True)
class PartOverlap:
    """A part's images and their means."""

    part: str
    layer: str
    method: Method
    region: str
    """"lung mask", or "central rectangle" where not every image has a mask."""
    means: tuple[Mean, ...]
    images: tuple[Overlap, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def measure_part(explainer: Explainer, part: str, context: Context) -> PartOverlap:
    """The heat, for the class that the model says, of every image of a part of the run's split.

    Where any image lacks its mask, the central rectangle stands in for all. Raises ConfigError for an unknown part,
    RunError for a test part that is still shut, as what is told counts right and wrong answers, DataError where none of
    its images can be read, Stopped when the stop is set meanwhile.
    """
    if part not in PARTS:
        raise ConfigError(tr('--part is "{part}": choose one of {parts}.', part=part, parts=listing(PARTS)))
    run = explainer.predictor.run
    if part == "test" and not was_tested(run):
        raise RunError(
            tr("The test part of {name} is still shut: `covid-tui evaluate {name}` opens it.", name=run.name)
        )
    rows = [row for row in Split.read(run.path / SPLIT).rows if row.part == part]
    folder = run.folder()
    whole = all(mask_beside(folder / row.file) for row in rows)
    if not whole:
        context.emit(
            Notice("warning", tr("Not every image has a lung mask, so a central rectangle stands in for the lungs."))
        )
    found: list[Overlap] = []
    for start in range(0, len(rows), BATCH):
        if context.stop.is_set():
            raise Stopped(tr("The explanation was stopped."))
        chunk = rows[start : start + BATCH]
        found += _measured(explainer, [(row.file, row.label) for row in chunk], folder, whole, context.emit)
        context.emit(Progress(tr("explain"), start + len(chunk), len(rows)))
    if not found:
        raise DataError(
            tr("None of the images of the {part} part below {folder} can be read.", part=tr(part), folder=folder)
        )
    region = LUNGS if whole else RECTANGLE
    return PartOverlap(
        part, explainer.layer, explainer.method, region, tuple(means(found, explainer.classes)), tuple(found)
    )


def means(images: Sequence[Overlap], classes: Sequence[str]) -> Iterator[Mean]:
    """The means by class and over all, each of all images, those said right, and those said wrong."""
    for label in (*classes, ""):
        own = [image for image in images if label in ("", image.truth)]
        yield _mean(label, "all", own)
        yield _mean(label, "right", [image for image in own if image.said == image.truth])
        yield _mean(label, "wrong", [image for image in own if image.said != image.truth])


def _mean(label: str, outcome: Outcome, images: Sequence[Overlap]) -> Mean:
    shares = np.array([image.inside for image in images if image.inside is not None], np.float64)
    if not len(shares):
        return Mean(label, outcome, 0, None, None, None)
    middle, interval = float(shares.mean()), None
    if len(shares) > 1:
        from scipy.stats import t

        reach = float(t.ppf((1 + CONFIDENCE) / 2, len(shares) - 1) * shares.std(ddof=1) / math.sqrt(len(shares)))
        interval = max(0.0, middle - reach), min(1.0, middle + reach)
    area = float(np.mean([image.area for image in images if image.inside is not None]))
    return Mean(label, outcome, len(shares), middle, interval, area)


def _measured(
    explainer: Explainer, rows: Sequence[tuple[str, str]], folder: Path, masks: bool, emit: Emit
) -> list[Overlap]:
    def opened(row: tuple[str, str]) -> tuple[Pixels, Mask] | ImageError:
        file, size = folder / row[0], explainer.size
        try:
            pixels = seen(file, size, explainer.predictor.pixel_rules)
            mask = mask_beside(file) if masks else None
            return pixels, read_mask(mask, size) if mask else central_rectangle(size)
        except ImageError as error:
            return error

    good: list[tuple[str, str, Mask]] = []
    inputs: list[Pixels] = []
    with ThreadPoolExecutor(processors()) as pool:
        for row, item in zip(rows, pool.map(opened, rows), strict=True):
            if isinstance(item, ImageError):
                emit(Notice("warning", tr("Left out of the explanation: {image}", image=item)))
            else:
                inputs.append(item[0])
                good.append((*row, item[1]))
    if not good:
        return []
    stack = np.stack(inputs)
    maps, logits = explainer.maps(stack)
    said = logits.argmax(axis=1)
    mirrored, _ = explainer.maps(stack[:, :, ::-1], said.tolist())
    heats = [spread(small, explainer.size) for small in (maps + mirrored[:, :, ::-1]) / 2]
    return [
        Overlap(file, truth, explainer.classes[number], mass_inside(heat, mask), float(mask.mean()))
        for (file, truth, mask), number, heat in zip(good, said, heats, strict=True)
    ]
