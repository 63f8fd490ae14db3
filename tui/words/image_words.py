"""What an image file and its levels are called in plain words."""

from collections import Counter
from collections.abc import Mapping

MODES = {
    "1": "black and white", "L": "grey", "LA": "grey with transparency", "P": "palette", "RGB": "colour",
    "RGBA": "colour with transparency", "CMYK": "printing colours", "MONOCHROME1": "grey, stored inverted",
    "MONOCHROME2": "grey", "PALETTE COLOR": "palette",
}  # fmt: skip
"""By a file's mode in Pillow's terms, or a DICOM file's photometric interpretation."""
MEASURES = {"sd of levels": "spread"}


def mode_word(mode: str) -> str:
    """A file's mode: "L" is grey. One that has no plain word stands as it is."""
    return "grey" if mode.startswith("I;16") else MODES.get(mode, mode)


def by_mode_word(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by mode as counts by its plain word, the most frequent first."""
    found: Counter[str] = Counter()
    for mode, count in counts.items():
        found[mode_word(mode)] += count
    return dict(found.most_common())


def measure_word(measure: str) -> str:
    """What was measured of the levels."""
    return MEASURES.get(measure, measure)
