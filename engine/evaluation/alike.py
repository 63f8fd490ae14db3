"""The training images most like an image, as the network sees them: each with its label, and how far off it is."""

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from engine.base.errors import ConfigError, RunError
from engine.base.language import tr
from engine.evaluation.training_reference import Reference
from engine.runs.directory import SPLIT, Run

if TYPE_CHECKING:
    from engine.data.records import Row

MOST = 50
"""So many may be asked for."""


@dataclass(frozen=True)
class Alike:
    """A training image: where it is below the run's folder of images, how it was labelled, and how far off it is."""

    file: str
    label: str
    distance: float
    """0 (the same to the network) to 2, as `Reference.distances` has it."""


def require_count(count: int) -> None:
    """Raise ConfigError where so many can't be asked for."""
    if not 0 <= count <= MOST:
        raise ConfigError(tr("--neighbours is {count}: give a number from 0 to {most}.", count=count, most=MOST))


def rows_of(run: Run, reference: Reference | None) -> "tuple[Row | None, ...]":
    """What the run's split says of each image of its reference; None for one that the split does not name any more.

    Raises RunError where the run does not keep which images those are, DataError where its split can't be read.
    """
    from engine.data.split import Split  # much that a prediction needs nothing of

    if reference is None or not reference.shas:
        raise RunError(
            tr("{name} does not keep which training images are most alike, as runs do from now on.", name=run.name)
        )
    rows = {row.sha: row for row in reversed(Split.read(run.path / SPLIT).rows) if row.part != "test"}
    return tuple(rows.get(sha) for sha in reference.shas)


def most_alike(
    rows: "tuple[Row | None, ...]", reference: Reference, features: np.ndarray, count: int
) -> tuple[Alike, ...]:
    """The `count` nearest to an image's features (channels,), the nearest first; `rows` are those of the reference."""
    near = zip(*reference.nearest(features), strict=True)
    found = (Alike(row.file, row.label, float(distance)) for place, distance in near if (row := rows[place]))
    return tuple(islice(found, count))
