"""What an image file and its levels are called in plain words."""

from collections import Counter
from collections.abc import Mapping

from engine.base.language import tr

MODES = {
    "1": tr("black and white"), "L": tr("grey"), "LA": tr("grey with transparency"), "P": tr("palette"),
    "RGB": tr("colour"), "RGBA": tr("colour with transparency"), "CMYK": tr("printing colours"),
    "MONOCHROME1": tr("grey, stored inverted"), "MONOCHROME2": tr("grey"), "PALETTE COLOR": tr("palette"),
}  # fmt: skip
"""By a file's mode in Pillow's terms, or a DICOM file's photometric interpretation."""
MEASURES = {"mean level": tr("mean level"), "sd of levels": tr("spread"), "width/height": tr("width/height")}
"""By the name of `engine.evaluation.level_likeness`, which JSON has too."""


def mode_word(mode: str) -> str:
    """A file's mode: "L" is grey. One that has no plain word stands as it is."""
    return MODES["L"] if mode.startswith("I;16") else MODES.get(mode, mode)


def by_mode_word(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by mode as counts by its plain word, the most frequent first."""
    found: Counter[str] = Counter()
    for mode, count in counts.items():
        found[mode_word(mode)] += count
    return dict(found.most_common())


def measure_word(measure: str) -> str:
    """What was measured of the levels."""
    return MEASURES.get(measure, measure)
