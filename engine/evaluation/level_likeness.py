"""Does an image look like those a run learnt from? Three plain measures, which catch gross differences only.

They are the mean and the standard deviation of the levels, and the ratio of width to height. A value is unlike where
it lies more than FAR standard deviations from the mean of the training images. Those are measured once, by the scan
before the training, and kept with the run (`engine.evaluation.training_reference`) and in what is exported of it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from msgspec import Meta

from engine.base.language import marked, tr
from engine.base.typed_files import Amount, Positive, UnfitError

if TYPE_CHECKING:
    import numpy as np

    from engine.data.image.reader import XrayImage

FAR = 3.0
Measure = Literal["mean level", "sd of levels", "width/height"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
_SHOWN = marked("mean level"), marked("sd of levels"), marked("width/height")
"""The same for who translates; in files the measures are called so in every language."""
LEAST_SD: dict[Measure, float] = {"mean level": 2.0, "sd of levels": 2.0, "width/height": 0.02}
"""Training images that all agree would make every other image unlike; they are taken to vary by this much."""

UNCHECKED = tr("Likeness to the training images was not checked: nothing is kept of how they look.")


@dataclass(frozen=True)
class Usual:
    """One measure over the training images: its mean and its standard deviation, at least LEAST_SD."""

    measure: Measure
    mean: Amount
    sd: Amount


@dataclass(frozen=True)
class TrainingLevels:
    """How so many training images look. A run from before the deviation of levels was kept lacks that measure."""

    images: Positive
    usual: Annotated[tuple[Usual, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        """Raises UnfitError where a measure is there twice."""
        if len({one.measure for one in self.usual}) < len(self.usual):
            raise UnfitError(tr('its "usual" has a measure twice'))


@dataclass(frozen=True)
class Compared:
    """One measure of an image beside the usual range of the training images."""

    measure: Measure
    value: float
    low: float
    high: float

    @property
    def unlike(self) -> bool:
        """Is it outside of what training images have?"""
        return not self.low <= self.value <= self.high

    @property
    def decimals(self) -> int:
        """How many of them tell such values apart."""
        return 2 if self.high < 10 else 0

    @property
    def shown(self) -> tuple[str, str]:
        """The value and the usual range as they are shown; nothing measured is below 0."""
        value, low, high = (f"{one:.{self.decimals}f}" for one in (self.value, max(0.0, self.low), self.high))
        return value, tr("{low} to {high}", low=low, high=high)


@dataclass(frozen=True)
class Likeness:
    """An image beside so many training images, measure by measure."""

    images: int
    measures: tuple[Compared, ...]

    @property
    def unlike(self) -> bool:
        """Does any measure lie outside of what training images have?"""
        return any(one.unlike for one in self.measures)

    @property
    def unchecked(self) -> tuple[Measure, ...]:
        """The measures that the run does not know of its training images."""
        known = {one.measure for one in self.measures}
        return tuple(name for name in MEASURES if name not in known)

    @property
    def caution(self) -> str:
        """A sentence without its full stop on what is unlike; empty where nothing is."""
        found = [
            tr("{measure} {value}, usually {usual}", measure=tr(one.measure), value=one.shown[0], usual=one.shown[1])
            for one in self.measures
            if one.unlike
        ]
        return tr("looks unlike the training images ({measures})", measures=tr("; ").join(found)) if found else ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        measures = [{**vars(one), "unlike": one.unlike} for one in self.measures]
        return {"unlike": self.unlike, "images": self.images, "measures": measures}


def measured(image: "XrayImage") -> dict[Measure, float]:
    """The measures of an image."""
    ratio = image.header.width / image.header.height
    return {"mean level": image.mean, "sd of levels": image.deviation, "width/height": ratio}


def training_levels(columns: "dict[Measure, np.ndarray]") -> TrainingLevels:
    """How training images look, from their measures (n,), n at least 1; a measure that is not known is left out."""
    usual = [Usual(name, float(of.mean()), max(LEAST_SD[name], float(of.std()))) for name, of in columns.items()]
    return TrainingLevels(len(next(iter(columns.values()))), tuple(usual))


def likeness(measures: dict[Measure, float], trained: TrainingLevels) -> Likeness:
    """The image of these `measures` beside the training images."""
    compared = (
        Compared(one.measure, measures[one.measure], one.mean - FAR * one.sd, one.mean + FAR * one.sd)
        for one in trained.usual
    )
    return Likeness(trained.images, tuple(compared))
