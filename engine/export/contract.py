"""What an exported file says of itself, as JSON inside it: enough to use the file without its run."""

import json
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from engine.base.language import tr
from engine.base.result import Operating
from engine.base.typed_files import Positive, UnfitError, checked, parsed, plain_object
from engine.data.image.formats import PIXEL_RULES
from engine.evaluation.calibration import Temperature
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
    size: Annotated[int, Meta(ge=16, le=2048)]
    """Side of the square input, in pixels."""
    classes: Annotated[tuple[str, ...], Meta(min_length=2, max_length=1000)]
    temperature: Temperature | None
    """Divides the logits in the calibrated probabilities; None where the run has none."""
    operating: Operating | None
    """The decision's threshold for the calibrated probabilities, and what validation showed of it."""
    reading: Positive = 1
    """The rules by which files become the input; see `engine.data.image.formats.PIXEL_RULES`."""
    levels: TrainingLevels | None = None
    """How the training images look; None where the run does not know."""

    def __post_init__(self) -> None:
        """Raises UnfitError where the values, each sound, do not fit each other, or are of a later version."""
        if len(set(self.classes)) < len(self.classes):
            raise UnfitError(tr('its "classes" name one twice'))
        if self.operating and self.operating.positive not in self.classes:
            raise UnfitError(tr('its "operating.positive" is none of the classes'))
        if self.reading > PIXEL_RULES:
            raise UnfitError(tr('its "reading" is a way to read images that this version does not know'))

    def to_json(self) -> str:
        """As one line of ASCII."""
        form = {"input": [INPUT, "float32", ["n", self.size, self.size, 3]], "outputs": list(OUTPUTS)}
        return json.dumps({**plain_object(self), **form, "use": NOT_FOR_DIAGNOSIS}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Contract":
        """What `to_json` wrote, whoever wrote this. Raises UnfitError, saying what is wrong with it."""
        if len(text) > LARGEST:
            raise UnfitError(tr("it is longer than any that was exported"))
        try:
            values = parsed(text)
        except UnfitError:
            raise
        except ValueError:
            raise UnfitError(tr("it is no JSON")) from None
        return checked(values, cls)
