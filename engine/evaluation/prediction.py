"""What a prediction says, and how the files to predict become network inputs. Needs no network and no TensorFlow."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np

from engine.base.cancel import Stop
from engine.base.errors import DataError, Stopped
from engine.base.language import tr
from engine.base.result import Operating
from engine.base.runtime import processors
from engine.base.wording import in_turn
from engine.data.image.formats import PIXEL_RULES
from engine.data.image.reader import ImageError, Pixels, held, pixel_hash, to_input
from engine.evaluation.alike import Alike
from engine.evaluation.conformal import Possible
from engine.evaluation.level_likeness import Likeness, Measure, measured
from engine.evaluation.plausibility import cautions

BATCH = 32
NOT_FOR_DIAGNOSIS = tr("For research and teaching only, not for diagnosis.")


@dataclass(frozen=True)
class Decision:
    """The answer at the threshold that validation chose: is it the positive class?"""

    positive: str
    threshold: float
    rule: str
    yes: bool
    says: str
    """The positive class, or for two classes the other one, or "not" with the positive class."""


@dataclass(frozen=True)
class Prediction:
    """What a model says about one file: probabilities by class, which add up to 1, and the class with the largest.

    What a run lacks, as one from before there was any of it, is None.
    """

    file: Path
    label: str
    probabilities: dict[str, float]
    notes: tuple[str, ...] = ()
    calibrated: dict[str, float] | None = None
    """The probabilities at the temperature that validation taught."""
    decision: Decision | None = None
    distance: float | None = None
    """To the training images as the network sees them (`Reference.distances`)."""
    distance_limit: float | None = None
    """Beyond it the image is unlike anything seen."""
    cautions: tuple[str, ...] = ()
    """Why the answer may mean nothing, each a short sentence without its full stop."""
    likeness: Likeness | None = None
    """How it looks beside the training images; None where that could not be checked."""
    possible: Possible | None = None
    """The classes that it may have at a promised level; None where the model has no calibration images."""
    refused: bool | None = None
    """Is the answer not sure enough for the most wrong answers that were asked for? None where none were."""
    neighbours: tuple[Alike, ...] | None = None
    """The training images most like it, the nearest first; None where none were asked for."""

    @property
    def shares(self) -> dict[str, float]:
        """The probabilities that are stood by: calibrated, or the network's own where nothing taught a temperature."""
        return self.calibrated or self.probabilities

    @property
    def sure(self) -> float:
        """That of the class that is said."""
        return self.shares[self.label]

    @property
    def unlike(self) -> bool | None:
        """Is the image unlike anything that the model learnt from? None where that can't be told."""
        if self.distance is None or self.distance_limit is None:
            return None
        return self.distance > self.distance_limit

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        likeness = self.likeness.to_dict() if self.likeness else None
        bare = dataclasses.replace(self, possible=None, likeness=None)
        possible = self.possible.to_dict() if self.possible else None
        told = {"file": str(self.file), "likeness": likeness, "unlike": self.unlike, "possible": possible}
        values = {**dataclasses.asdict(bare), **told}
        if self.neighbours is None:
            del values["neighbours"]
        return {**values, "use": NOT_FOR_DIAGNOSIS}


@dataclass(frozen=True, eq=False)
class Input:
    """A file as a network sees it: `pixels` are uint8 (size, size, 3); and what its reading gave to say.

    `cautions` and `measures` are there where they were asked for.
    """

    file: Path
    pixels: Pixels
    notes: tuple[str, ...]
    cautions: tuple[str, ...]
    measures: dict[Measure, float]


def read_inputs(
    files: Iterable[Path],
    size: int,
    stop: Stop | None = None,
    with_cautions: bool = False,
    shas: Iterable[str] = (),
    pixel_rules: int = PIXEL_RULES,
) -> Iterator[list[Input | ImageError]]:
    """The files in turn, BATCH at a time, as inputs of `size`, or the errors that they gave.

    `pixel_rules` names the rules by which files become pixels: those that the model was trained with.
    Where `shas` are given, a file whose pixels have another hash, and not an empty one, is an error too. Raises Stopped
    if `stop` says "now".
    """
    waiting = zip(files, chain(shas, repeat("")), strict=False)
    read_one = partial(_read_input, size=size, with_cautions=with_cautions, pixel_rules=pixel_rules)
    with ThreadPoolExecutor(processors()) as pool:
        while chunk := list(islice(waiting, BATCH)):
            if stop and stop.now:
                raise Stopped(tr("The prediction was stopped."))
            yield list(pool.map(read_one, *zip(*chunk, strict=True)))


def _read_input(file: Path, sha: str, size: int, with_cautions: bool, pixel_rules: int) -> Input | ImageError:
    try:
        with held(file, pixel_rules) as image:
            if sha and pixel_hash(image.pixels) != sha:
                return ImageError(file, tr("it got other pixels since the split"))
            found = cautions(image.pixels, image.dicom) if with_cautions else ()
            measures = measured(image) if with_cautions else {}
            return Input(file, to_input(image.pixels, size), image.notes, found, measures)
    except ImageError as error:
        return error


def decide(classes: Sequence[str], calibrated: np.ndarray, chosen: Operating) -> Decision:
    """The decision on one image from its calibrated probabilities (classes,)."""
    positive = classes.index(chosen.positive)
    yes = bool(calibrated[positive] >= chosen.threshold)
    other = classes[1 - positive] if len(classes) == 2 else tr("not {positive}", positive=chosen.positive)
    return Decision(chosen.positive, chosen.threshold, chosen.rule, yes, chosen.positive if yes else other)


@dataclass(frozen=True)
class Listed:
    """The files to predict, and a sentence for each folder of which some were left out."""

    files: tuple[Path, ...]
    left_out: tuple[str, ...]


def listed(paths: Iterable[Path], follow_links: bool = False) -> Listed:
    """The files that `paths` name, whatever they are, and for a folder the images below it, as a scan would take them.

    Masks, hidden files, files of other kinds and, unless `follow_links` says so, links that lead out of a folder are
    left out, which is told. Raises DataError where nothing is left, with what was left out.
    """
    files: list[Path] = []
    told: list[str] = []
    named = list(paths)
    for path in named:
        if not path.is_dir():
            files.append(path)
            continue
        from engine.data.folders.tree import pictures  # much that one file needs nothing of

        found = pictures(path, follow_links)
        files += found.files
        if found.left_out:
            told.append(tr("Left out of {path}: {left_out}.", path=path, left_out=tr("; ").join(found.left_out)))
    if named and not files:
        none = tr("{path} holds no image files: name files, or a folder that has some.", path=named[0])
        raise DataError(in_turn(none, *told))
    return Listed(tuple(files), tuple(told))
