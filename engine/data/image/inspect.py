"""Everything worth knowing about one image file, for `covid-tui inspect` and the workbench."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.base.language import tr
from engine.data.image.histogram import histogram
from engine.data.image.reader import ImageFacts, read, to_input


def inspect(path: Path, size: int = 224) -> dict[str, Any]:
    """The facts of the image at `path` as JSON values, its histogram, and what a network of input `size` will see.

    `histogram` counts the pixels in 32 bins of 8 levels each (for colour: of all three channels). `dicom` is None but
    for DICOM files. Raises ImageError.
    """
    image = read(path)
    facts = image.facts
    seen = to_input(image.pixels, size)
    return {
        "file": str(path),
        "width": facts.width,
        "height": facts.height,
        "mode": facts.mode,
        "bit_depth": facts.bit_depth,
        "format": facts.format,
        "bytes": facts.bytes,
        "orientation": facts.orientation,
        "colour": facts.colour,
        "minimum": facts.minimum,
        "maximum": facts.maximum,
        "mean": round(facts.mean, 3),
        "std": round(facts.std, 3),
        "histogram": histogram(image.pixels).tolist(),
        "dicom": {**asdict(facts.dicom), "told": list(facts.dicom.told)} if facts.dicom else None,
        "notes": list(network_notes(facts, size)),
        "network_input": {
            "size": [size, size],
            "channels": 3,
            "minimum": int(seen.min()),
            "maximum": int(seen.max()),
            "mean": round(float(seen.mean()), 3),
        },
    }


def network_notes(facts: ImageFacts, size: int) -> tuple[str, ...]:
    """The notes on an image, and what a network that sees a square of `size` pixels loses of it."""
    notes = facts.notes
    if min(facts.width, facts.height) < size:
        notes = (*notes, tr("is smaller than the {size}x{size} that the network sees", size=size))
    if max(facts.width, facts.height) > 1.5 * min(facts.width, facts.height):
        notes = (*notes, tr("is far from square, so the network sees it squashed"))
    return notes
