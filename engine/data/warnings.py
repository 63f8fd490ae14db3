"""What a scanned folder warns of before anything is trained on it: its counts, and pictures that lie wrongly."""

from collections import Counter
from collections.abc import Iterator

from engine.data.records import Scan

UNEQUAL = 1.5
"""Images of the largest class for each of the smallest from which on the imbalance is reported."""
FEW = 30
"""Images of a class below which a result says little."""


def folder_warnings(found: Scan) -> Iterator[str]:
    """Unequal and small classes, and classes with turned or inverted images; sentences without their full stop."""
    if unequal(found):
        largest = max(found.classes, key=lambda name: found.classes[name].images)
        share = found.classes[largest].images / len(found.records)
        yield (
            f"unequal classes: always saying {largest} would be right in {share:.0%}; "
            f"the largest class has {found.imbalance:.1f} images for each of the smallest"
        )
    turned = {problem.file for problem in found.problems if problem.kind == "pose"}
    counts = Counter(record.label for record in found.records if record.file in turned)
    if counts:
        each = ", ".join(f"{number:,} of {found.classes[name].images:,} {name}" for name, number in counts.items())
        yield f"images look turned or inverted, which a network may take for the class: {each}"
    small = [f"{name} {summary.images}" for name, summary in found.classes.items() if summary.images < FEW]
    if small:
        yield f"too few images to tell how good a model is: {', '.join(small)}"


def unequal(found: Scan) -> bool:
    """Are the classes so unequal that it is worth a warning?"""
    return bool(found.imbalance and found.imbalance >= UNEQUAL)
