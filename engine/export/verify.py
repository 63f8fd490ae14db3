"""Does an exported file answer as its run does? Asked on IMAGES pictures before the file takes its place."""

from dataclasses import dataclass

import numpy as np

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import RunError, Stopped
from engine.base.events import Progress
from engine.base.language import marked, tr
from engine.base.wording import listing
from engine.data.split import Split
from engine.evaluation.calibration import at_temperature
from engine.evaluation.prediction import Input, read_inputs
from engine.evaluation.predictor import Predictor
from engine.export.contract import CALIBRATED, PROBABILITIES
from engine.export.formats import Answers
from engine.runs.directory import SPLIT

IMAGES = 32
LIMIT = 1e-3
"""The largest difference of a probability that still counts as the same answer."""
BATCH = 8
_PARTS = (marked("test"), marked("validation"), marked("train"))
_NOISE = marked("noise")


@dataclass(frozen=True, eq=False)
class Pictures:
    """Network inputs, uint8 (IMAGES, size, size, 3), what the run says to them by output, and what they are."""

    inputs: np.ndarray
    expected: dict[str, np.ndarray]
    what: str
    """As in "12 test, 20 noise"."""


def gather(predictor: Predictor, stop: Stop) -> Pictures:
    """The run's own images, those of the test part first, where they can still be read; made noise for what is lacking.

    Raises Stopped if `stop` says "now".
    """
    size, counts, found = predictor.backbone.size, dict[str, int](), list[np.ndarray]()
    rows = Split.read(predictor.run.path / SPLIT).rows if (predictor.run.path / SPLIT).is_file() else ()
    folder = predictor.run.folder()
    for part in _PARTS:
        own = [row for row in rows if row.part == part]
        files, shas = [folder / row.file for row in own], [row.sha for row in own]
        for chunk in read_inputs(files, size, stop, shas=shas, pixel_rules=predictor.pixel_rules):
            good = [item.pixels for item in chunk if isinstance(item, Input)][: IMAGES - len(found)]
            found += good
            counts[part] = counts.get(part, 0) + len(good)
            if len(found) == IMAGES:
                break
    lacking = IMAGES - len(found)
    found += list(np.random.default_rng(0).integers(0, 256, (lacking, size, size, 3), np.uint8))
    kinds = {**counts, _NOISE: lacking}
    what = listing(tr("{n:,} {label}", n=n, label=tr(kind)) for kind, n in kinds.items() if n)
    inputs = np.stack(found)
    own_answers = [predictor.probabilities(inputs[at : at + BATCH]) for at in range(0, IMAGES, BATCH)]
    probabilities = np.concatenate(own_answers)
    taught = predictor.calibration
    calibrated = at_temperature(probabilities, taught.temperature) if taught else probabilities
    return Pictures(inputs, {PROBABILITIES: probabilities, CALIBRATED: calibrated}, what)


def largest_difference(answers: Answers, pictures: Pictures, task: str, context: Context) -> float:
    """The largest difference (0 to 1) of any probability between the file and the run; infinite where one is no number.

    Raises Stopped if the stop says "now", RunError where the file gives other outputs.
    """
    most = 0.0
    for at in range(0, IMAGES, BATCH):
        if context.stop.now:
            raise Stopped(tr("The export was stopped; nothing half-written is left."))
        said = answers(pictures.inputs[at : at + BATCH])
        if set(said) != set(pictures.expected):
            raise RunError(
                tr(
                    "The {task} gives the outputs {outputs}: nothing was written.",
                    task=task,
                    outputs=listing(sorted(said)),
                )
            )
        for name, expected in pictures.expected.items():
            apart = float(abs(said[name].astype(np.float64) - expected[at : at + BATCH]).max())
            most = max(most, apart if np.isfinite(apart) else np.inf)
        context.emit(Progress(task, at + BATCH, IMAGES))
    return most
