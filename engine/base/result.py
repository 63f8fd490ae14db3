"""What a result is: how good a model was on some images. The form of test.json, external/*.json and what events carry.

What makes a result and what reads one share these types, so that neither can drift from the other. Intervals are at
95%. Fields that older runs lack are None here; what a file has beside these fields is passed over.
"""

from dataclasses import dataclass, field, fields

from engine.base.batch_result import Drift
from engine.base.language import tr
from engine.base.typed_files import Amount, Count, Ends, Number, Positive, Share, Signed, SignedEnds, UnfitError

MEASURES = ("sensitivity", "specificity", "precision", "f1", "auc", "mcc")
"""What is measured of each class against the rest, and averaged over the classes."""
RELIABILITY = "reliability"
"""The key of the reliability diagram among the curves."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What is measured of a class against the rest, or averaged over the classes; None where nothing can be said."""

    sensitivity: Share | None = None
    sensitivity_ci: Ends | None = None
    specificity: Share | None = None
    specificity_ci: Ends | None = None
    precision: Share | None = None
    precision_ci: Ends | None = None
    f1: Share | None = None
    f1_ci: Ends | None = None
    auc: Share | None = None
    auc_ci: Ends | None = None
    mcc: Signed | None = None
    """Matthews' correlation coefficient."""
    mcc_ci: SignedEnds | None = None

    def measured(self, name: str) -> "Measured":
        """The measure of this name, one of MEASURES, and its interval."""
        return getattr(self, name), getattr(self, f"{name}_ci")


Measured = tuple[float | None, Ends | None]
"""A measure and its interval."""


@dataclass(frozen=True, kw_only=True)
class _Counted:
    n: Count
    """Images of the class."""


@dataclass(frozen=True, kw_only=True)
class OfClass(Measures, _Counted):
    """One class against the rest, at the most probable class. Sensitivity and specificity are in every run."""

    sensitivity: Share | None = field()
    sensitivity_ci: Ends | None = field()
    specificity: Share | None = field()
    specificity_ci: Ends | None = field()


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """What the temperature makes of the loss and of the expected calibration error."""

    temperature: Amount
    loss: Amount
    ece: Share


@dataclass(frozen=True)
class Operating:
    """The threshold for one class, and what it gets on the images that chose it (validation) or on others (test)."""

    positive: str
    rule: str
    threshold: Share
    """The class is answered where its calibrated probability is at least this."""
    sensitivity: Share | None
    sensitivity_ci: Ends | None
    specificity: Share | None
    specificity_ci: Ends | None


@dataclass(frozen=True)
class Curve:
    """Points of the curves of a class: (1 - specificity, sensitivity), and (recall, precision)."""

    roc: list[tuple[Share, Share]]
    precision_recall: list[tuple[Share, Share]]
    average_precision: Share


@dataclass(frozen=True)
class Bin:
    """A point of the reliability diagram: answers whose probability lies in (low, high], how many, how sure, and how
    often right.
    """

    low: Share
    high: Share
    n: Positive
    confidence: Share
    accuracy: Share
    accuracy_ci: Ends


@dataclass(frozen=True, kw_only=True)
class Judged:
    """How answers compare with the truth. `confusion` has the truth in rows and the answers in columns."""

    n: Positive
    correct: Count
    accuracy: Share
    accuracy_ci: Ends
    loss: Amount
    auc: Share | None
    """Area under the ROC curve: of the second class for two classes, else the mean over classes against the rest."""
    auc_ci: Ends | None = None
    mcc: Signed | None = None
    """Matthews' correlation coefficient over all classes; None where the images are of one class alone."""
    mcc_ci: SignedEnds | None = None
    baseline: Share
    """Accuracy of always answering the most frequent class."""
    baseline_class: str
    confusion: list[list[Count]]
    classes: dict[str, OfClass]
    macro: Measures = Measures()
    """Means over the classes."""

    def __post_init__(self) -> None:
        """Raises UnfitError where the values, each sound, do not fit each other."""
        if not self.classes or [len(row) for row in self.confusion] != [len(self.classes)] * len(self.classes):
            raise UnfitError(tr('its "confusion" has not a row and a column for each class'))
        if self.correct > self.n:
            raise UnfitError(tr('its "correct" is more than its "n"'))

    def measured(self, name: str) -> Measured:
        """The measure over all images that is called accuracy, auc or mcc, and its interval."""
        return getattr(self, name), getattr(self, f"{name}_ci")

    @property
    def only_answer(self) -> str | None:
        """The class that the model gave for every image, where they are of several classes.

        Such a model has learnt nothing but which class to name, whatever its accuracy.
        """
        answers = [sum(column) for column in zip(*self.confusion, strict=True)]
        if sum(map(any, self.confusion)) < 2 or sum(map(bool, answers)) > 1:
            return None
        return list(self.classes)[max(range(len(answers)), key=answers.__getitem__)]


@dataclass(frozen=True, kw_only=True)
class Validated:
    """What is known of validation when a training ends: as Judged, but that a run need not have more than this."""

    n: Positive | None = None
    correct: Count | None = None
    accuracy: Share
    accuracy_ci: Ends | None = None
    loss: Amount | None
    """None where it is no finite number."""
    auc: Share | None = None
    auc_ci: Ends | None = None
    mcc: Signed | None = None
    mcc_ci: SignedEnds | None = None
    baseline: Share | None = None
    baseline_class: str | None = None
    confusion: list[list[Count]] | None = None
    classes: dict[str, OfClass] | None = None
    macro: Measures | None = None


@dataclass(frozen=True)
class OfCovered:
    """Of so many images, how often the true class was among the possible ones; None for a share of nothing."""

    n: Count
    covered: Count
    coverage: Share | None
    coverage_ci: Ends | None


@dataclass(frozen=True)
class Covered:
    """What prediction sets at a promised level did: over all images and by class."""

    level: Share
    every: OfCovered
    classes: dict[str, OfCovered]
    sizes: list[Count]
    """Images with no possible class, with one, with two, and so on."""
    short: dict[str, Count] = field(default_factory=dict)
    """Classes with too few calibration images for the level, which are therefore never ruled out."""

    def __post_init__(self) -> None:
        """Raises UnfitError where the values, each sound, do not fit each other."""
        if len(self.sizes) != len(self.classes) + 1:
            raise UnfitError(tr('its "sizes" has not a count for each number of classes'))


@dataclass(frozen=True)
class Refused:
    """What a refusal that promises at most the share `risk` of wrong answers did to so many images."""

    risk: Share
    threshold: Share | None
    """Less sure answers are refused; None where nothing can be promised, and all are."""
    n: Count
    answered: Count
    correct: Count
    accuracy: Share | None
    accuracy_ci: Ends | None


@dataclass(frozen=True)
class ByPatient:
    """The accuracy's interval where the images are of so many patients, of whom some have several."""

    patients: Positive
    accuracy_ci: Ends


@dataclass(frozen=True, kw_only=True)
class Tested(Judged):
    """A test's result, but for its curves: what the event of a training's end carries."""

    ece: Share | None = None
    """Expected calibration error of the network's probabilities."""
    calibrated: Calibrated | None = None
    operating: Operating | None = None
    by_patient: ByPatient | None = None
    """None where no patient is known."""
    sets: list[Covered] = field(default_factory=list)
    """By level; empty where the run has no calibration, as of before there were any."""
    refusals: list[Refused] = field(default_factory=list)
    """By risk; the same."""

    def __post_init__(self) -> None:
        """Raises UnfitError where the values, each sound, do not fit each other."""
        super().__post_init__()
        for key in ("ece", "operating"):
            if self.calibrated and getattr(self, key) is None:
                raise UnfitError(tr('its "{key}" is missing', key=key))
        if self.operating and self.operating.positive not in self.classes:
            raise UnfitError(tr('its "operating.positive" is none of its classes'))


@dataclass(frozen=True, kw_only=True)
class Drawn(Tested):
    """A test's result with what its plots are drawn from: what test.json holds."""

    curves: dict[str, Curve | list[Bin]] = field(default_factory=dict)
    """By class, and RELIABILITY. A class that all images are of, or none, has none."""

    def __post_init__(self) -> None:
        """Raises UnfitError where the values, each sound, do not fit each other."""
        super().__post_init__()
        for name, one in self.curves.items():
            if isinstance(one, list) != (name == RELIABILITY):
                raise UnfitError(tr('its "curves.{name}" is no curve', name=name))

    def without_curves(self) -> Tested:
        """The numbers alone."""
        return Tested(**{one.name: getattr(self, one.name) for one in fields(Tested)})

    @property
    def class_curves(self) -> dict[str, Curve]:
        """The curves by class."""
        return {name: one for name, one in self.curves.items() if isinstance(one, Curve)}

    @property
    def reliability(self) -> list[Bin]:
        """The reliability diagram at the temperature; empty where there is none."""
        bins = self.curves.get(RELIABILITY)
        return bins if isinstance(bins, list) else []


@dataclass(frozen=True)
class Drop:
    """A measure on the run's own test and elsewhere."""

    test: Number
    here: Number
    difference: Number
    """`here` less `test`."""
    difference_ci: tuple[Number, Number]


@dataclass(frozen=True)
class FactShift:
    """A fact of the images: the means of both sets, the Kolmogorov-Smirnov distance (0 to 1) and its p-value."""

    training: Number
    here: Number
    ks: Share
    p: Share


@dataclass(frozen=True)
class FeatureShift:
    """How far the images' features lie from those of the training images."""

    median_distance: Amount
    usual_distance: Amount
    """The median among the training images."""
    limit: Amount
    """An image farther off is unlike anything seen in training."""
    beyond: Share
    """The share of such images: 1% is usual."""
    beyond_ci: Ends


@dataclass(frozen=True)
class Shift:
    """How far the images lie from those of the training."""

    facts: dict[str, FactShift]
    features: FeatureShift
    told_apart: Share | None
    """AUC of a classifier that tells the two sets apart on images that it was not fitted to (Lopez-Paz and Oquab 2017):
    0.5 is no shift, 1 a complete one; None for fewer than 10 images.
    """


@dataclass(frozen=True)
class Recalibrated:
    """A model as it was and as local images made it, both judged on the same other images of the folder."""

    images: Positive
    """So many local images it learnt from."""
    slope: Amount
    """Logits are multiplied by this, and each class's has its bias added."""
    bias: dict[str, Number]
    as_it_was: Tested
    recalibrated: Tested
    gain: Signed
    """By how much the accuracy rose."""
    gain_ci: SignedEnds


@dataclass(frozen=True, kw_only=True)
class Elsewhere(Drawn):
    """The result of an external test: what external/*.json holds."""

    folder: str
    mapping: dict[str, str] = field(default_factory=dict)
    """The run's class by the folder's."""
    left_out: dict[str, Count] = field(default_factory=dict)
    """Images by class of those that the run does not know."""
    learnt_from: Count = 0
    """Images with the pixels of one that the run learnt from or was chosen by."""
    drop: dict[str, Drop] | None = None
    """By measure; None where the run was not tested."""
    shift: Shift | None = None
    drift: Drift | None = None
    """As `predict` tells it of a folder, without the labels."""
    frozen: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of each file of the model, from before the folder was looked at."""
    recalibrated: Recalibrated | None = None
    """None where it was not asked for."""
