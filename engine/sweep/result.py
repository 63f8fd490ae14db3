"""What sweep.json holds: the grid, its trainings, what each recipe is worth, the advice, and the choice.

Who writes it and who reads it share these types. Without NumPy, as the workbench lists sweeps before it has that.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.result import Tested
from engine.base.typed_files import (
    Amount,
    Count,
    Ends,
    Name,
    Positive,
    Share,
    Signed,
    SignedEnds,
    UnfitError,
)
from engine.recipe.config import Rate, TrainConfig
from engine.recipe.lists import split_list
from engine.recipe.plans import SweepConfig


@dataclass(frozen=True)
class Grid:
    """What is varied; every combination is a point.

    A depth is "head" (nothing of the backbone trains), "all", the block or layer from which on everything trains,
    "only:TEXT" for just what --unfreeze TEXT names, with "+" in place of its commas, "auto" for those that each
    backbone's table proposes, or "ladder" for the recipe that chooses by itself.
    """

    backbones: tuple[str, ...]
    depths: tuple[str, ...]
    lrs: tuple[Rate, ...]
    seeds: tuple[Count, ...]

    def __post_init__(self) -> None:
        for name, values in vars(self).items():
            if not values or len(set(values)) != len(values):
                raise ConfigError(tr("--{name} needs at least one value, and none of them twice.", name=name))

    @classmethod
    def of(cls, wanted: SweepConfig, config: TrainConfig) -> "Grid":
        """The grid that is asked for, around the recipe `config`."""
        first = config.machine.seed
        seeds = tuple(range(first, first + wanted.seeds))
        return cls(split_list(wanted.backbones), split_list(wanted.depths), wanted.rates or (config.fit.lr,), seeds)


@dataclass(frozen=True)
class SweptPoint:
    """A training of the queue."""

    name: Name
    """Of its run."""
    recipe: Name
    state: str
    """"waiting", or what the run is at."""


@dataclass(frozen=True, kw_only=True)
class SweptRecipe:
    """A recipe with a finished training: what the table, the plot and the advice are drawn from."""

    name: Name
    trainable: Count
    """Parameters that train."""
    n: Positive
    """Validation images."""
    accuracy: Share
    """Mean over the runs."""
    accuracy_ci: Ends
    accuracies: Annotated[tuple[Share, ...], Meta(min_length=1)]
    """By run; so are the other tuples."""
    loss: Amount | None
    """Mean validation loss, in nats; None where one of them is no finite number."""
    losses: tuple[Amount | None, ...] = ()
    seconds: Amount
    """Mean training seconds, without what was computed once and kept."""
    each_seconds: tuple[Amount, ...] = ()
    filling: tuple[Amount, ...]
    """Seconds in which activations were computed to be kept."""
    runs: tuple[Name, ...] = ()
    label: str
    """What of backbone, depth and learning rate the grid varies, as the user wrote it."""
    frontier: bool
    """Is no other recipe as accurate, as quick and as small?"""


@dataclass(frozen=True)
class Gap:
    """How much the best recipe is ahead of another on the same images."""

    name: Name
    value: Signed
    ci: SignedEnds
    """By paired bootstrap, for the size of the lead alone: it does not decide."""
    p: Share
    """Of the exact paired test, which decides."""
    divided: Count | None = None
    """How many images were not told equally well by both; None where a sweep of before did not say."""


@dataclass(frozen=True)
class Advice:
    """The cheapest recipe that can't be told from the best, and how sure that is."""

    name: Name
    best: Name
    gaps: tuple[Gap, ...]
    """Of the best to every other recipe, the cheapest first."""
    sentence: str


@dataclass(frozen=True, kw_only=True)
class SweptChoice:
    """The run whose test part was opened."""

    run: Name
    recipe: Name | None = None
    test: Tested


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What sweep.json holds."""

    sweep: str = ""
    """The name of the sweep's folder."""
    grid: Grid
    recipe: dict[str, dict[str, Any]]
    """As `recipe.config.to_dict` wrote it. Not typed here: a sweep of another version is shown, and only not gone on
    with.
    """
    points: tuple[SweptPoint, ...]
    candidates: tuple[SweptRecipe, ...]
    advice: Advice | None
    chosen: SweptChoice | None

    def __post_init__(self) -> None:
        """Raises UnfitError where the advice is not on the recipes that there are."""
        names = {one.name for one in self.candidates}
        named = {self.advice.name, self.advice.best} if self.advice else set()
        if bool(names) != bool(named) or not named <= names:
            raise UnfitError(tr('its "advice" names no recipe of the sweep'))

    @property
    def finished(self) -> int:
        """How many of the trainings are."""
        return sum(point.state == "finished" for point in self.points)

    @property
    def recommended(self) -> SweptRecipe | None:
        """The recipe that is."""
        return self.named(self.advice.name) if self.advice else None

    def named(self, name: str) -> SweptRecipe | None:
        """The recipe of this name; None where there is none."""
        return next((one for one in self.candidates if one.name == name), None)

    def gap(self, name: str) -> Gap | None:
        """The lead of the best over the recipe of this name; None for the best itself."""
        return next((gap for gap in self.advice.gaps if gap.name == name), None) if self.advice else None

    def by_cost(self) -> list[SweptRecipe]:
        """The recipes, the quickest first."""
        return sorted(self.candidates, key=lambda one: (one.seconds, one.trainable))
