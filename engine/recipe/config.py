"""The one description of a training: every flag, form field and saved key comes from these frozen dataclasses.

The text under each field is its help, on the command line as in the workbench; what stands below an empty line in it is
for the command line alone. The defaults are the recipe of the student report that covid-tui grew out of.
"""

import dataclasses
import math
import re
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from engine.base.engines import AskedEngine
from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.number_format import FeatureFormat, Precision
from engine.base.typed_files import UnfitError, checked, plain_object, unknown_keys
from engine.base.wording import listing
from engine.recipe import threshold
from engine.recipe.lists import split_list
from engine.recipe.span import seconds_of

T = TypeVar("T")
Mode = Literal["transfer", "finetune", "partial", "probe-then-finetune"]
Rate = float | Literal["auto"]
Weighting = Literal["auto", "none", "balanced"]
Recipe = Literal["auto", "report"]


@dataclass(frozen=True)
class LabelTable:
    """The table that says the class of each image, and its column; empty for a usual one."""

    path: Path
    column: str = ""


@dataclass(frozen=True)
class DataConfig:
    """Which images are used, and which of them are for training, for validation and for the test."""

    classes: str = ""
    """Class folders to use, in this order, separated by commas (all of them when empty). A name that has a comma itself
    stands in double quotes: "a, b",c.

    In a shell these stand in single ones: '"a, b",c'. Or give --classes once for each name."""
    val_share: float = 0.1
    """Share of each class kept for validation, which picks the best epoch."""
    test_share: float = 0.1
    """Share of each class kept for the test, opened once, after training."""
    split: Path | None = None
    """A split.csv to reuse instead of drawing a new split."""
    labels: Path | None = None
    """A table that says the class of each image, for a folder without class folders; a path from here, or from that
    folder on."""
    label_column: str = ""
    """The column of --labels that holds the class (when empty: a column such as "label", "class" or "finding")."""
    corrections: Path | None = None
    """A corrections.csv, as a review writes it: labels are changed and images left out as it says, in no file."""
    follow_links: bool = False
    """Also read what symbolic links lead to outside the folder."""
    group_by: str = ""
    """What tells a patient, whose images stay in one part: a metadata column, "names" for the usual patterns of names
    that `covid-tui scan` proposes, "name:REGEX" for a pattern of file names, or "none" (when empty: a column such as
    "patientid", where there is one)."""
    near_duplicates: bool = True
    """Also keep images in one part that show one picture with other pixels: rescaled, brightened, cropped, mirrored."""

    def __post_init__(self) -> None:
        require(
            0 < self.val_share < 1,
            tr("--val-share is {value}: give a share between 0 and 1, such as 0.1.", value=self.val_share),
        )
        require(
            0 < self.test_share < 1, tr("--test-share is {value}: give a share between 0 and 1.", value=self.test_share)
        )
        require(
            self.val_share + self.test_share < 0.9, tr("--val-share and --test-share leave too little to train on.")
        )
        require(
            bool(self.labels or not self.label_column), tr("--label-column goes with --labels, which names the table.")
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """The picked class names in order; empty for all. A name with a comma is written in double quotes."""
        return split_list(self.classes)

    @property
    def label_table(self) -> LabelTable | None:
        """The table of --labels; None where folders are the classes."""
        return LabelTable(self.labels, self.label_column) if self.labels else None


@dataclass(frozen=True)
class NetworkConfig:
    """Which network, and which of its layers learn."""

    backbone: Literal["vgg16", "vgg19", "efficientnetb1", "resnet50v2", "mobilenetv2", "densenet121"] = "vgg16"
    """The pretrained network under the head."""
    mode: Mode = "transfer"
    """transfer trains the head alone, finetune every layer, partial the layers that --unfreeze names,
    probe-then-finetune the head first and then every layer, or those that --unfreeze names, at a tenth of the rate."""
    unfreeze: str = ""
    """Layers to train: block names, layer names or index ranges, as in "block5" or "block4_conv3,15-18" for vgg16.

    `covid-tui layers --backbone NAME` lists those of each."""
    weights: str = "imagenet"
    """Where the backbone starts: imagenet, none (random), or a Keras .weights.h5 file."""

    def __post_init__(self) -> None:
        require(
            self.mode in ("partial", "probe-then-finetune") or not self.unfreeze,
            tr("--unfreeze goes with --mode partial or probe-then-finetune, not with --mode {value}.", value=self.mode),
        )


BACKBONE_NAMES: tuple[str, ...] = typing.get_args(typing.get_type_hints(NetworkConfig)["backbone"])


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes to the training images."""

    augment: Literal["report", "mirror", "none"] = "report"
    """report turns, zooms, shears and mirrors the training images; mirror adds the mirror image of each; none leaves
    them as they are."""
    rotation: float = 30.0
    """Largest rotation, in degrees."""
    shear: float = 0.2
    """Largest shear angle, in degrees (Keras's ImageDataGenerator, which the report used, reads it so)."""
    zoom: float = 0.2
    """Largest zoom, in and out, of each axis, as a share of its length."""
    shift: float = 0.0
    """Largest shift of each axis, as a share of its length (the report tried 0.2 and found no gain)."""
    flip: bool = True
    """Mirror half of the images left to right."""
    views: str = "4"
    """How many augmented views of an image the epochs cycle through, the image as it is coming first, or "epoch" for
    a new view each epoch."""

    def __post_init__(self) -> None:
        require(
            0 <= self.rotation <= 180, tr("--rotation is {value}: give degrees from 0 to 180.", value=self.rotation)
        )
        require(0 <= self.shear < 90, tr("--shear is {value}: give degrees from 0 to below 90.", value=self.shear))
        require(0 <= self.zoom < 1, tr("--zoom is {value}: give a share from 0 to below 1.", value=self.zoom))
        require(0 <= self.shift < 1, tr("--shift is {value}: give a share from 0 to below 1.", value=self.shift))
        fits = self.views == "epoch" or (self.views.isascii() and self.views.isdigit() and 1 <= int(self.views) <= 1000)
        require(fits, tr('--views is "{views}": give a whole number from 1 to 1000, or "epoch".', views=self.views))

    @property
    def kept_views(self) -> int | None:
        """Views kept of each image, the one as it is included; None when every epoch draws anew."""
        if self.augment == "none":
            return 1
        if self.augment == "mirror":
            return 2
        return None if self.views == "epoch" else int(self.views) + 1


@dataclass(frozen=True)
class FitConfig:
    """How the weights are fitted."""

    epochs: int = 20
    """Most epochs to train."""
    batch: int = 64
    """Images a training step."""
    lr: Rate = 1e-4
    """Learning rate at the start, falling by cosine decay with restarts; "auto" finds it by the test of `lr-find`."""
    patience: int = 3
    """Epochs without a better validation result before training ends early (0: never)."""
    class_weight: Weighting = "auto"
    """balanced makes each class count alike, however many images it has; auto does so for --recipe auto where the
    classes are unequal, and never for report."""
    probe_epochs: int = 5
    """For probe-then-finetune: epochs of the head alone, out of --epochs."""
    layer_decay: float = 1.0
    """Each block further from the head has its learning rate times this, such as 0.8 (1: all the same)."""
    gradual: int = 0
    """Let one block more train every so many epochs, from the head downward (0: all from the first epoch on)."""

    def __post_init__(self) -> None:
        require(
            1 <= self.epochs <= 100_000,
            tr("--epochs is {value}: give a whole number from 1 to 100000.", value=self.epochs),
        )
        require(
            1 <= self.batch <= 65_536, tr("--batch is {value}: give a whole number from 1 to 65536.", value=self.batch)
        )
        fits = self.lr == "auto" or (math.isfinite(self.lr) and 0 < self.lr <= 10)
        require(fits, tr('--lr is {value}: give a number above 0, up to 10, or "auto".', value=self.lr))
        require(self.patience >= 0, tr("--patience is {value}: give a whole number from 0.", value=self.patience))
        require(
            self.probe_epochs >= 1,
            tr("--probe-epochs is {value}: give a whole number from 1.", value=self.probe_epochs),
        )
        require(
            0 < self.layer_decay <= 1,
            tr("--layer-decay is {value}: give a number above 0, up to 1.", value=self.layer_decay),
        )
        require(self.gradual >= 0, tr("--gradual is {value}: give a whole number from 0.", value=self.gradual))

    @property
    def peak(self) -> float:
        """The learning rate at the start as a number. Raises ConfigError while it is still to be found."""
        if self.lr == "auto":
            raise ConfigError(tr('The learning rate is "auto", which a training replaces before its first step.'))
        return self.lr


@dataclass(frozen=True)
class MachineConfig:
    """How the machine is used; changes speed, and results only within rounding."""

    seed: int = 0
    """Fixes the split, the augmentation, the order of the images and the head's first weights."""
    precision: Precision = "auto"
    """Number format of the network's arithmetic; auto measures what this machine does fastest."""
    feature_cache: Literal["auto", "on", "off"] = "auto"
    """Keep what the frozen layers compute, so that each epoch repeats only the layers that train."""
    frozen_engine: AskedEngine = "auto"
    """What computes frozen layers that are kept, and predictions of VGG: keras, ncnn (VGG alone, in float32), or auto,
    which takes ncnn unless keras measures clearly faster here, and predicts by ncnn."""
    feature_dtype: FeatureFormat = "auto"
    """Number format in which kept activations are stored; auto takes the one they are computed in, which rounds
    nothing, but float16 for feature maps computed in float32, which take half the disk so."""
    cache_limit: float = 20.0
    """Largest size of the kept activations, in GB; those unused for longest are removed first."""
    devices: str = "auto"
    """What trains together: auto (every GPU of this host), a number of its GPUs, cpu:N (the processor as N devices), or
    workers (the processes that TF_CONFIG or Slurm names, on one host or several)."""

    def __post_init__(self) -> None:
        known = re.fullmatch(r"auto|workers|[1-9][0-9]{0,3}|cpu:([2-9]|1[0-6])", self.devices)
        require(
            bool(known),
            tr(
                '--devices is "{devices}": give auto, a number of GPUs, cpu:2 to cpu:16, or workers.',
                devices=self.devices,
            ),
        )
        require(
            0 <= self.cache_limit <= 1e6,
            tr("--cache-limit is {value}: give a size in GB, from 0 to 1000000.", value=self.cache_limit),
        )
        require(
            0 <= self.seed < 2**31, tr("--seed is {value}: give a whole number from 0 to 2147483647.", value=self.seed)
        )


@dataclass(frozen=True)
class JudgeConfig:
    """How the trained model decides; chosen on validation, applied to the test once."""

    positive: str = ""
    """Class that the threshold decides for, against all others (the first class when empty)."""
    threshold: str = "youden"
    """From which probability on the model decides for the positive class: where sensitivity and specificity together
    are largest (youden), with at least so much of one and then the largest of the other (sensitivity=0.95,
    specificity=0.95), at the least cost where a miss costs ten false alarms (cost=10; cost=10@0.02: where 2 of 100 have
    it), or a number such as 0.5."""
    test: bool = True
    """Open the test part when the training ends; without it the part stays shut until `covid-tui evaluate RUN`."""

    def __post_init__(self) -> None:
        kind, least = self.rule
        fits = kind in ("youden", "sensitivity", "specificity", "fixed") and 0 <= least <= 1
        require(
            fits or (kind == "cost" and 0 < least <= 1e6),
            tr(
                '--threshold is "{threshold}": give youden, sensitivity=0.95, specificity=0.95, cost=10, '
                "cost=10@0.02, or a probability.",
                threshold=self.threshold,
            ),
        )

    @property
    def rule(self) -> tuple[str, float]:
        """The rule's name (youden, sensitivity, specificity, cost, fixed; else unknown) and its number, from 0 to 1 but
        for a cost.
        """
        return threshold.rule(self.threshold)

    @property
    def prevalence(self) -> float | None:
        """The share that a cost is weighed at, above 0 and below 1; None for that of the images that choose."""
        return threshold.share(self.threshold.partition("@")[2])

    def positive_among(self, classes: Sequence[str]) -> int:
        """The place of the positive class among `classes`. Raises ConfigError where it is none of them."""
        require(
            not self.positive or self.positive in classes,
            tr(
                '--positive is "{positive}": give one of the classes, {classes}.',
                positive=self.positive,
                classes=listing(classes),
            ),
        )
        return classes.index(self.positive) if self.positive else 0


@dataclass(frozen=True)
class OutputConfig:
    """Where the run is written."""

    out: Path = Path("runs")
    """Folder that holds the run directories."""
    name: str = ""
    """Name of the run directory (date, time, mode and backbone when empty)."""
    tensorboard: bool = False
    """Also write TensorBoard event files into the run directory."""
    checkpoint_minutes: float = 5.0
    """Most minutes of work that a killed training loses: a resume point is written at least so often."""

    def __post_init__(self) -> None:
        require(
            0 <= self.checkpoint_minutes <= 1e6,
            tr(
                "--checkpoint-minutes is {value}: give minutes, from 0 (after every batch) to 1000000.",
                value=self.checkpoint_minutes,
            ),
        )


@dataclass(frozen=True)
class ChoiceConfig:
    """Who chooses how to train."""

    recipe: Recipe = "auto"
    """auto finds by itself what to learn from the frozen layers, judged on images that it has not learnt from. report
    trains as the fields of network, augment and fit say; of those auto uses the backbone, its weights and the class
    weight alone.

    To give one of the others, such as --mode or --epochs, chooses report."""
    budget: str = "auto"
    """For auto: the time that it may take, such as 90s, 5m or 2h: a rung that does not fit is not begun. "auto" goes by
    the images: two minutes for 300 of them, eight hours for 20,000 and more."""

    def __post_init__(self) -> None:
        if self.budget != "auto":
            seconds_of(self.budget, "--budget", '"auto"')


@dataclass(frozen=True)
class TrainConfig:
    """One training, whole. Without a choice it trains as its other fields say, as runs did before there was one."""

    choice: ChoiceConfig = field(default_factory=lambda: ChoiceConfig("report"))
    data: DataConfig = field(default_factory=DataConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    fit: FitConfig = field(default_factory=FitConfig)
    machine: MachineConfig = field(default_factory=MachineConfig)
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    output: OutputConfig = field(default_factory=OutputConfig)

    @property
    def way(self) -> str:
        """How it trains, in a word: the mode, or "auto"."""
        return "auto" if self.choice.recipe == "auto" else self.network.mode


BY_HAND: dict[str, tuple[str, ...]] = {
    "network": ("mode", "unfreeze"),
    "augment": tuple(f.name for f in dataclasses.fields(AugmentConfig)),
    "fit": tuple(f.name for f in dataclasses.fields(FitConfig) if f.name != "class_weight"),
}
"""Fields that say how to train, by part; the recipe "auto" uses none of them."""

RESUMABLE = ("epochs", "patience", "checkpoint_minutes", "cache_limit", "devices")
"""Fields that may change when a run goes on."""

PARTS: tuple[type, ...] = tuple(typing.get_type_hints(TrainConfig).values())


def to_dict(config: TrainConfig) -> dict[str, Any]:
    """A recipe as plain JSON values."""
    return plain_object(config)


def from_dict(kind: type[T], values: Any) -> T:
    """The recipe that `to_dict` wrote. Raises ConfigError on an unknown key, a value of another type, or one out of
    range.
    """
    unknown = unknown_keys(values, kind)
    require(not unknown, tr("The recipe has the unknown key {name}.", name=listing(sorted(unknown))))
    try:
        return checked(values, kind)
    except UnfitError as error:
        raise ConfigError(tr("The recipe can't be used: {error}.", error=error)) from None


def differences(one: TrainConfig, other: TrainConfig) -> list[str]:
    """Names of the fields, of any part, in which two recipes differ."""
    return [
        f.name
        for part in dataclasses.fields(TrainConfig)
        for f in dataclasses.fields(getattr(one, part.name))
        if getattr(getattr(one, part.name), f.name) != getattr(getattr(other, part.name), f.name)
    ]


def by_hand(one: TrainConfig, other: TrainConfig) -> bool:
    """Do two recipes differ in how they train by hand?"""
    return any(name in names for names in BY_HAND.values() for name in differences(one, other))


def followed(before: TrainConfig, after: TrainConfig) -> TrainConfig:
    """`after`, with the recipe "report" where it says anew how to train by hand, and not who is to choose."""
    if after.choice != before.choice or not by_hand(before, after):
        return after
    return dataclasses.replace(after, choice=dataclasses.replace(after.choice, recipe="report"))


def require(holds: bool, sentence: str) -> None:
    """Raise ConfigError with the sentence where it does not hold."""
    if not holds:
        raise ConfigError(sentence)


FIRST = TrainConfig(choice=ChoiceConfig())
"""What a user begins with."""
