"""What a card says of corrected labels: those that the run was trained with, and those of its test part made since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.base.errors import CovidTuiError
from engine.base.language import trn
from engine.data.corrections import Correction, read_corrections
from engine.data.records import Row
from engine.evaluation.result_files import TEST
from engine.recipe.config import TrainConfig
from engine.runs.directory import CORRECTIONS, Run


@dataclass(frozen=True)
class Mended:
    """Sentences for a card; empty where nothing was corrected."""

    used: str
    doubts: tuple[str, ...]
    """What the numbers of the test don't know of, or what chose its labels."""


def mended(run: Run, config: TrainConfig, rows: Sequence[Row]) -> Mended:
    """What was corrected, by the run's own table and by the one that a review keeps beside the run."""
    tested = {row.sha for row in rows if row.part == "test" and row.sha}
    own = _changes(run.path / CORRECTIONS)
    seen = [one for one in own if one.sha in tested and not one.blind]
    doubts = []
    if seen:
        doubts.append(
            trn(
                "{number} label of the test part was changed by a reviewer who saw what a model says: the test may "
                "look better than it is.",
                "{number} labels of the test part were changed by a reviewer who saw what a model says: the test may "
                "look better than it is.",
                len(seen),
            )
        )
    opened = datetime.fromtimestamp((run.path / TEST).stat().st_mtime, UTC)
    kept = config.data.corrections or run.path.parent / CORRECTIONS
    later = [one for one in _changes(kept) if one.sha in tested and one not in own and _at(one) > opened]
    if later:
        doubts.append(
            trn(
                "{number} image of the test part was relabelled or left out by corrections made after the test was "
                "opened: its numbers are those of the labels before.",
                "{number} images of the test part were relabelled or left out by corrections made after the test was "
                "opened: its numbers are those of the labels before.",
                len(later),
            )
        )
    return Mended(_used(own), tuple(doubts))


def _used(own: Sequence[Correction]) -> str:
    if not own:
        return ""
    out = sum(one.decision == "leave-out" for one in own)
    return trn(
        "Before the training {number} image was relabelled and {out:,} left out by {table}, which the run keeps a copy "
        "of; the parts were drawn from the labels of the folders.",
        "Before the training {number} images were relabelled and {out:,} left out by {table}, which the run keeps a "
        "copy of; the parts were drawn from the labels of the folders.",
        len(own) - out,
        out=out,
        table=CORRECTIONS,
    )


def _changes(path: Path) -> list[Correction]:
    """The corrections in a table that change a label or leave an image out; none where it can't be read."""
    try:
        found = read_corrections(path)
    except CovidTuiError:
        return []
    return [one for one in found if one.decision in ("relabel", "leave-out")]


def _at(one: Correction) -> datetime:
    """When it was made; long ago where the table does not say so."""
    try:
        return datetime.fromisoformat(one.time).astimezone(UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
