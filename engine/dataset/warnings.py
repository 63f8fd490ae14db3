"""What the counts of a scanned folder warn of before anything is trained on it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.dataset.scan import Scan

UNEQUAL = 1.5
"""Images of the largest class for each of the smallest from which on the imbalance is reported."""
FEW = 30
"""Images of a class below which a result says little."""


def count_warnings(found: "Scan") -> Iterator[str]:
    """Unequal and small classes, a sentence each without its full stop."""
    if unequal(found):
        largest = max(found.classes, key=lambda name: found.classes[name].images)
        share = found.classes[largest].images / len(found.records)
        yield (
            f"unequal classes: always saying {largest} would be right in {share:.0%}; "
            f"the largest class has {found.imbalance:.1f} images for each of the smallest"
        )
    small = [f"{name} {summary.images}" for name, summary in found.classes.items() if summary.images < FEW]
    if small:
        yield f"too few images to tell how good a model is: {', '.join(small)}"


def unequal(found: "Scan") -> bool:
    """Are the classes so unequal that it is worth a warning?"""
    return bool(found.imbalance and found.imbalance >= UNEQUAL)
