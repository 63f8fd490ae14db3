"""What is asked of an audit, of a sweep and of a matrix beside the recipe.

Flags and form fields of the first two come from it, as from `config`.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.wording import counted, listing
from engine.recipe.config import (
    BACKBONE_NAMES,
    AugmentConfig,
    DataConfig,
    FitConfig,
    Rate,
    TrainConfig,
    Weighting,
    require,
)
from engine.recipe.lists import split_list
from engine.recipe.span import seconds_of


@dataclass(frozen=True)
class AuditConfig:
    """How much an audit trains on each variant of the images."""

    folds: int = 5
    """Divide the images into so many test parts, so that each is tested once (1: the one split that --val-share,
    --test-share or --split give)."""
    epochs: int = 60
    """Most epochs to train on each."""
    batch: int = 16
    """Images a training step."""
    lr: float = 1e-3
    """Learning rate at the start; it falls by cosine decay with restarts."""
    patience: int = 15
    """Epochs without a better validation result before a training ends early (0: never)."""
    class_weight: Weighting = "auto"
    """balanced makes each class count alike, however many images it has; auto does so for --recipe auto where the
    classes are unequal, and never for report."""

    def __post_init__(self) -> None:
        require(self.folds >= 1, tr("--folds is {folds}: give a whole number from 1.", folds=self.folds))
        FitConfig(self.epochs, self.batch, self.lr, self.patience)

    def recipe(self, config: TrainConfig) -> TrainConfig:
        """The recipe that is trained on each variant: the images, network and machine of `config`, no augmentation."""
        fit = FitConfig(self.epochs, self.batch, self.lr, self.patience, self.class_weight)
        return dataclasses.replace(config, fit=fit, augment=AugmentConfig(augment="none"))


@dataclass(frozen=True)
class AuditPlan:
    """What is asked of an audit beside the recipe."""

    audit: AuditConfig = field(default_factory=AuditConfig)


@dataclass(frozen=True)
class SweepConfig:
    """What a sweep varies; every combination is trained. Data and the rest of the recipe are as for a training."""

    backbones: str = "vgg16"
    """Pretrained networks, separated by commas."""
    depths: str = "auto"
    """How much trains: head, all, or the block or layer from which on everything trains, as `covid-tui layers` names
    it; "only:block3" and "only:block1_conv1+block5" for just those. A depth that a backbone lacks is left out for it.
    "auto" takes head, four of each backbone's own, and all: head,block5_conv3,block5,block4,block3,all for vgg16.
    "ladder" is the recipe auto, judged out of fold on the same images."""
    lrs: str = ""
    """Learning rates, separated by commas (--lr when empty)."""
    seeds: int = 2
    """Train each recipe so many times, with --seed and those that follow; --seed alone draws the split."""
    budget: str = "none"
    """The time that it may take, such as 90s, 25m or 2h: the sweep then stops, even within a training, which goes on
    the next time (none: no limit)."""

    def __post_init__(self) -> None:
        strange = [name for name in split_list(self.backbones) if name not in BACKBONE_NAMES]
        known = listing(BACKBONE_NAMES)
        require(
            not strange,
            tr('There is no backbone "{name}": choose among {known}.', name=listing(strange), known=known),
        )
        require(
            1 <= self.seeds <= 1000, tr("--seeds is {seeds}: give a whole number from 1 to 1000.", seeds=self.seeds)
        )
        _ = self.limit
        for name in ("backbones", "depths", "lrs"):
            items = split_list(getattr(self, name))
            require(bool(items) or name == "lrs", tr("--{name} is empty: give at least one.", name=name))
            require(len(set(items)) == len(items), tr("--{name} names one of its values twice.", name=name))
        for rate in self.rates:
            FitConfig(lr=rate)

    @property
    def limit(self) -> float | None:
        """Seconds of its budget; None without one. Raises ConfigError."""
        return None if self.budget in ("none", "0") else seconds_of(self.budget, "--budget", '"none"')

    @property
    def rates(self) -> tuple[Rate, ...]:
        """The learning rates, none where the recipe's own is meant. Raises ConfigError for what is no rate."""
        try:
            return tuple("auto" if rate == "auto" else float(rate) for rate in split_list(self.lrs))
        except ValueError:
            sentence = tr('--lrs is "{lrs}": give numbers with commas between them, such as 1e-3,1e-4.', lrs=self.lrs)
            raise ConfigError(sentence) from None


@dataclass(frozen=True)
class SweepPlan:
    """What is asked of a sweep beside the recipe."""

    sweep: SweepConfig = field(default_factory=SweepConfig)


NO_TABLE = "none"
"""Stands for a folder that has no table of its own."""


@dataclass(frozen=True)
class SetTables:
    """Tables for the folders of a matrix: of each kind none, one for all folders, or one for each in their order.

    NO_TABLE stands in the place of a folder that is read by its class folders, or whose labels are right.
    """

    labels: tuple[Path, ...] = ()
    label_columns: tuple[str, ...] = ()
    corrections: tuple[Path, ...] = ()

    def of_each(self, data: DataConfig, count: int) -> list[DataConfig]:
        """`data` for each of so many folders, with its tables. Raises ConfigError where their numbers do not fit."""
        labels, columns, corrections = (
            _spread(flag, given, count)
            for flag, given in (
                ("--labels", [*map(str, self.labels)]), ("--label-column", self.label_columns),
                ("--corrections", [*map(str, self.corrections)]),
            )
        )  # fmt: skip
        require(bool(any(labels) or not any(columns)), tr("--label-column goes with --labels, which names the table."))
        for_all = len(self.label_columns) == 1
        return [
            dataclasses.replace(
                data,
                labels=Path(table) if table else None,
                label_column=column if table or not for_all else "",
                corrections=Path(mended) if mended else None,
            )
            for table, column, mended in zip(labels, columns, corrections, strict=True)
        ]


def _spread(flag: str, given: Sequence[str], count: int) -> list[str]:
    """What each folder gets of what was given; empty for nothing."""
    require(
        len(given) in (0, 1, count),
        tr(
            "{flag} is given {times} for {folders}: give it once for all of them, or once for each, in "
            'their order ("{none}" for a folder without).',
            flag=flag,
            times=counted(len(given), "time"),
            folders=counted(count, "folder"),
            none=NO_TABLE,
        ),
    )
    found = [*given] if len(given) == count else [*(given or [""])] * count
    return ["" if one == NO_TABLE else one for one in found]
