"""What a result is, as JSON: how good a model was on some images. The form of test.json and of what events carry.

Keys that older runs lack are None here; a result may have more keys than these.
"""

from dataclasses import dataclass, field

from engine.base.typed_files import Amount, Count, Ends, Positive, Share, Signed, SignedEnds, UnfitError

RELIABILITY = "reliability"
"""The key of the reliability diagram among the curves."""


@dataclass(frozen=True, kw_only=True)
class _LaterMeasures:
    """What the first runs did not measure."""

    precision: Share | None = None
    precision_ci: Ends | None = None
    f1: Share | None = None
    f1_ci: Ends | None = None
    auc: Share | None = None
    auc_ci: Ends | None = None
    mcc: Signed | None = None
    mcc_ci: SignedEnds | None = None


@dataclass(frozen=True, kw_only=True)
class Measures(_LaterMeasures):
    """What is measured of a class against the rest, or averaged over the classes, with 95% intervals."""

    sensitivity: Share | None = None
    sensitivity_ci: Ends | None = None
    specificity: Share | None = None
    specificity_ci: Ends | None = None


@dataclass(frozen=True, kw_only=True)
class OfClass(_LaterMeasures):
    """A class against the rest; these are in every run, be it that nothing can be said."""

    n: Count
    sensitivity: Share | None
    sensitivity_ci: Ends | None
    specificity: Share | None
    specificity_ci: Ends | None


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """What the temperature makes of the loss and of the expected calibration error."""

    temperature: Amount
    loss: Amount
    ece: Share


@dataclass(frozen=True, kw_only=True)
class AtThreshold(Measures):
    """What the threshold that validation chose gets."""

    positive: str
    rule: str
    threshold: Share


@dataclass(frozen=True)
class Curve:
    """Points of the curves of a class."""

    roc: list[tuple[Share, Share]]
    precision_recall: list[tuple[Share, Share]]
    average_precision: Share


@dataclass(frozen=True)
class Bin:
    """A point of the reliability diagram."""

    confidence: Share
    accuracy: Share


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What is known of validation when a training ends."""

    accuracy: Share
    loss: Amount | None
    accuracy_ci: Ends | None = None
    n: Positive | None = None
    correct: Count | None = None
    baseline: Share | None = None
    baseline_class: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tested:
    """A test's result."""

    n: Positive
    correct: Count
    accuracy: Share
    accuracy_ci: Ends
    auc: Share | None
    loss: Amount
    baseline: Share
    baseline_class: str
    confusion: list[list[Count]]
    classes: dict[str, OfClass]
    auc_ci: Ends | None = None
    mcc: Signed | None = None
    mcc_ci: SignedEnds | None = None
    macro: Measures = Measures()
    ece: Share | None = None
    calibrated: Calibrated | None = None
    operating: AtThreshold | None = None
    curves: dict[str, Curve | list[Bin]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises UnfitError where the values, each sound, do not fit each other."""
        if not self.classes or [len(row) for row in self.confusion] != [len(self.classes)] * len(self.classes):
            raise UnfitError('its "confusion" has not a row and a column for each class')
        if self.correct > self.n:
            raise UnfitError('its "correct" is more than its "n"')
        for key in ("ece", "operating"):
            if self.calibrated and getattr(self, key) is None:
                raise UnfitError(f'its "{key}" is missing')
        for name, one in self.curves.items():
            if isinstance(one, list) != (name == RELIABILITY):
                raise UnfitError(f'its "curves.{name}" is no curve')
