"""What an exported file says of itself, as JSON inside it: enough to use the file without its run."""

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any

from engine.base.result import Operating
from engine.base.typed_files import checked, plain
from engine.data.image.formats import PIXEL_RULES
from engine.evaluation.level_likeness import TrainingLevels
from engine.evaluation.prediction import NOT_FOR_DIAGNOSIS

NAME = "covid-tui.json"
"""Its name where a format holds files."""
KEY = "covid-tui"
"""Its key where a format holds texts by key."""
INPUT = "rgb_0_to_255"
"""Name of the one input: float32 (n, size, size, 3), RGB from 0 to 255, grey repeated in the three channels."""
CALIBRATED, PROBABILITIES = OUTPUTS = ("calibrated", "probabilities")
"""Names of the two outputs, float32 (n, classes): the probabilities at the run's temperature, and the network's own.

They are equal where the run has no temperature.
"""
LARGEST = 2**18
"""Characters, more than any contract takes."""
MOST_CLASSES = 1000
SIZES = range(16, 2049)


@dataclass(frozen=True)
class Contract:
    """What predicts, and how its answers are meant."""

    run: str
    version: str
    """Of covid-tui, when it was exported."""
    weights_sha256: str
    """Of the run's weight file."""
    backbone: str
    preprocessing: str
    """It is inside the file; see `Backbone.preprocessing`."""
    size: int
    """Side of the square input, in pixels."""
    classes: tuple[str, ...]
    temperature: float | None
    """Divides the logits in the calibrated probabilities; None where the run has none."""
    operating: Operating | None
    """The decision's threshold for the calibrated probabilities, and what validation showed of it."""
    reading: int = 1
    """The rules by which files become the input; see `engine.data.image.formats.PIXEL_RULES`."""
    levels: TrainingLevels | None = None
    """How the training images look; None where the run does not know."""

    def to_json(self) -> str:
        """As one line of ASCII."""
        form = {"input": [INPUT, "float32", ["n", self.size, self.size, 3]], "outputs": list(OUTPUTS)}
        values = {**dataclasses.asdict(self), **form, "use": NOT_FOR_DIAGNOSIS}
        return json.dumps(plain(values), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Contract":
        """What `to_json` wrote, whoever wrote this. Raises ValueError, saying what is wrong with it."""
        _require(len(text) <= LARGEST, "is too long")
        try:
            values = json.loads(text)
            found = cls(**{field.name: _value(values, field.name) for field in dataclasses.fields(cls)})
        except (KeyError, TypeError, AttributeError, RecursionError, ValueError) as error:
            raise ValueError(f"lacks a value or has another kind of it ({type(error).__name__})") from None
        found._check()
        return found

    def _check(self) -> None:
        texts = (self.run, self.version, self.weights_sha256, self.backbone, self.preprocessing, *self.classes)
        _require(all(isinstance(text, str) for text in texts), "has something other than text for a name")
        known = len(set(self.classes))
        _require(known == len(self.classes) and 2 <= known <= MOST_CLASSES, "does not name two or more classes")
        _require(type(self.size) is int and self.size in SIZES, "has an impossible size")
        known_reading = type(self.reading) is int and 1 <= self.reading <= PIXEL_RULES
        _require(known_reading, "names a way to read images that this version does not know")
        _require(self.temperature is None or _within(self.temperature, 0, 1e6), "has an impossible temperature")
        if self.levels:
            each = [number for one in self.levels.usual for number in (one.mean, one.sd)]
            names = {one.measure for one in self.levels.usual}
            whole = len(names) == len(self.levels.usual) > 0 and self.levels.images > 0
            _require(whole and all(_within(number, -1e-9, 1e6) for number in each), "has impossible levels")
        chosen = self.operating
        if chosen:
            _require(isinstance(chosen.rule, str) and chosen.positive in self.classes, "decides for an unknown class")
            _require(_within(chosen.threshold, -1e-9, 1), "has an impossible threshold")


def _value(values: dict[str, Any], name: str) -> Any:
    if name == "reading":
        return values.get(name, 1)  # files from before there was more than one
    if name == "levels":
        found = values.get(name)  # files from before they were written have none
        return None if found is None else checked(found, TrainingLevels)
    value = values[name]
    if name == "classes":
        return tuple(value)
    return checked(value, Operating) if name == "operating" and value is not None else value


def _within(number: Any, low: float, high: float) -> bool:
    """Is it a number above `low` and up to `high`?"""
    return type(number) in (int, float) and math.isfinite(number) and low < number <= high


def _require(holds: bool, fault: str) -> None:
    if not holds:
        raise ValueError(fault)
