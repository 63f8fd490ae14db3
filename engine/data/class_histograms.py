"""How the levels of a folder's classes are spread."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.base.context import Context
from engine.base.events import Progress
from engine.base.language import marked
from engine.data.image.histogram import BINS, histogram
from engine.data.image.reader import ImageError, read
from engine.data.records import Record


def class_histograms(root: Path, records: Sequence[Record], most: int, context: Context) -> dict[str, list[float]]:
    """By class the share of pixels, in percent, in each of 32 bins of 8 levels, over `most` images spread evenly.

    An image counts as one, however large it is; a file that can't be read any more is passed over.
    """
    by_label: dict[str, list[Record]] = {}
    for record in records:
        by_label.setdefault(record.label, []).append(record)
    chosen = [images[place] for images in by_label.values() for place in _evenly(len(images), most)]
    sums = {label: np.zeros(BINS) for label in by_label}
    for done, record in enumerate(chosen, start=1):
        if context.stop.is_set():
            break
        try:
            counts = histogram(read(root / record.file).pixels)
            sums[record.label] += counts / counts.sum()
        except ImageError:
            pass
        context.emit(Progress(marked("intensities"), done, len(chosen)))
    return {label: list(100 * total / max(1e-12, total.sum())) for label, total in sums.items()}


def _evenly(count: int, most: int) -> list[int]:
    """Up to `most` places out of `count`, spread evenly."""
    return sorted({place * count // min(most, count) for place in range(min(most, count))})
