"""What plain measures can tell of pictures that are no frontal chest X-rays, or lie wrongly or are inverted.

They catch gross cases alone: photographs, CT slices, screenshots, X-rays that are turned or inverted. A side view or
another part of the body, squarely cropped, passes them; the distance to the training images
(`engine.evaluation.training_reference`) may tell it.
"""

import numpy as np

from engine.base.language import tr
from engine.base.wording import listing
from engine.data.image.dicom import DicomFacts
from engine.data.image.orientation import pose
from engine.data.image.reader import Pixels, resize

SIDE = 128
"""The pictures are measured at this size."""
DARK = 12
"""Levels up to this are black, whatever a JPEG made of it."""
TINT = 4
"""Mean distance of the colour channels, in levels, from which a picture is in colour: fainter is a scanner's tint."""
LONGEST = 1.5
"""Width to height, or height to width, of the longest picture that is taken for a chest X-ray."""
BLACK, CORNERS = 0.3, 0.9
"""A CT slice is a bright disc: so much of it is black, and of what lies outside of the disc."""
ONE_TONE = 0.25
"""Share of a picture in one and the same level, black aside, as only drawn pictures have it."""
RADIOGRAPHY = ("CR", "DX", "RG")
SIDE_VIEWS = frozenset(("LL", "RL", "LAT"))
OBLIQUE_VIEWS = frozenset(("LLO", "RLO", "LAO", "RAO", "LPO", "RPO"))


def cautions(pixels: Pixels, dicom: DicomFacts | None = None) -> tuple[str, ...]:
    """Sentences, each without its full stop, on why uint8 `pixels`, grey or RGB, may be no frontal chest X-ray.

    `dicom` is what a DICOM file says of itself, which pixels can't tell.
    """
    found = _by_header(dicom) if dicom else []
    height, width = pixels.shape[:2]
    small = resize(pixels, SIDE)
    coloured = small.ndim == 3 and float(np.ptp(small.astype(np.int16), axis=2).mean()) >= TINT
    if coloured:
        found.append(tr("is in colour, as photographs and marked pictures are"))
    if small.ndim == 3:
        small = _greyed(small)
    if not coloured and (doubt := pose(pixels).doubt):  # how a photograph lies does not matter
        found.append(doubt)
    if max(width, height) > LONGEST * min(width, height):
        found.append(tr("is far from square, as side views, crops and screenshots often are"))
    if float((small <= DARK).mean()) >= BLACK and float((small[_outside()] <= DARK).mean()) >= CORNERS:
        found.append(tr("is a bright disc on black, as CT slices are"))
    if int(_levels(pixels)[DARK + 1 :].max()) >= ONE_TONE * height * width:
        found.append(tr("has large parts of one flat tone, as screenshots and drawings have"))
    return tuple(found)


def _greyed(pixels: Pixels) -> Pixels:
    """The rounded mean of the channels."""
    total = pixels[..., 0].astype(np.uint16) + pixels[..., 1] + pixels[..., 2]
    grey: Pixels = ((2 * total + 3) // 6).astype(np.uint8)
    return grey


def _levels(pixels: Pixels) -> np.ndarray:
    """How many pixels have each level, (256,), of colours their mean. In strips: NumPy counts in eight bytes each."""
    found, rows = np.zeros(256, np.int64), max(1, 2**20 // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        strip = pixels[top : top + rows]
        found += np.bincount((_greyed(strip) if strip.ndim == 3 else strip).reshape(-1), minlength=256)
    return found


def _by_header(dicom: DicomFacts) -> list[str]:
    found, view = [], dicom.view_position or ""
    if dicom.modality and dicom.modality not in RADIOGRAPHY:
        found.append(
            tr(
                "is of modality {modality}, where X-rays are {radiography}",
                modality=dicom.modality,
                radiography=listing(RADIOGRAPHY),
            )
        )
    if view in SIDE_VIEWS or ("LATERAL" in view and "DECUB" not in view):  # a decubitus view is a frontal one
        found.append(tr("is a side view ({view}), where the network learns from frontal ones", view=view))
    elif view in OBLIQUE_VIEWS:
        found.append(tr("is an oblique view ({view}), where the network learns from frontal ones", view=view))
    if dicom.burned_in_annotation == "YES":
        found.append(tr("has text burned into its pixels, which a network may read in place of the lungs"))
    return found


def _outside() -> np.ndarray:
    """The corners of the measured picture, (SIDE, SIDE): what a disc that touches all four sides leaves free."""
    place = (np.arange(SIDE) + 0.5) / (SIDE / 2) - 1
    return np.asarray(np.hypot(*np.meshgrid(place, place)) > 1.1)
