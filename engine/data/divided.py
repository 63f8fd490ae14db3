"""A scanned folder as a recipe uses it: divided into parts, then labelled as the corrections say.

The parts are drawn from the labels that the folder gives, so that a correction moves no image from one part to
another: what was a test image before a review is one after it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.base.errors import DataError
from engine.base.events import Notice
from engine.base.language import tr
from engine.data.corrections import Applied, corrected, corrected_rows, read_corrections
from engine.data.records import Scan
from engine.data.split import Split, for_recipe
from engine.recipe.config import DataConfig


@dataclass(frozen=True)
class Divided:
    """A scan with corrected labels, its split, what the corrections did, and what to say of all that."""

    scan: Scan
    split: Split
    applied: Applied = field(default_factory=Applied)
    notices: tuple[Notice, ...] = ()


def divided(found: Scan, wanted: DataConfig, seed: int, gone_ok: bool = False) -> Divided:
    """The images of a scan as the recipe wants them; of a run that goes on (`gone_ok`) the split has corrected labels.

    Raises as `engine.data.split.for_recipe` and `read_corrections` do, and DataError where the corrections leave a part
    without an image of a class.
    """
    given = read_corrections(wanted.corrections) if wanted.corrections else ()
    labelled, applied = corrected(found, given)
    if gone_ok:
        split, notices = for_recipe(labelled, wanted, seed, gone_ok)
        return Divided(labelled, split, applied, notices)
    also = {record.file: record.label for record in labelled.records if record.file in applied.changes}
    split, notices = for_recipe(found, wanted, seed, corrected=also)
    if given:
        split = Split(corrected_rows(split.rows, labelled))
        _require_whole(split, labelled.classes)
        notices = (*notices, Notice("info", applied.sentence))
    return Divided(labelled, split, applied, notices)


def _require_whole(split: Split, classes: Iterable[str]) -> None:
    for part, counts in split.counts().items():
        for name in classes:
            if not counts.get(name):
                raise DataError(
                    tr(
                        'After the corrections the part "{part}" has no image of class "{name}": give another --seed, '
                        "or larger shares.",
                        part=tr(part),
                        name=name,
                    )
                )
