"""Phantoms of two classes that differ in one thing alone, in the lungs or beside them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from sample_data.generate import phantom_for
from sample_data.phantom import Disease
from sample_data.radiograph import draw

Plant = Callable[[int, bool], tuple[np.ndarray, np.ndarray]]


def corner(number: int, second: bool) -> tuple[np.ndarray, np.ndarray]:
    return draw(phantom_for(Disease.NORMAL, number + 500 * second), Disease.NORMAL, 224, corner_mark=second)


def plate(number: int, second: bool) -> tuple[np.ndarray, np.ndarray]:
    """A mark so large that a few images teach it: a chequered plate along the top edge."""
    image, mask = draw(phantom_for(Disease.NORMAL, number + 500 * second), Disease.NORMAL, 224)
    image, (y, x) = image.copy(), np.mgrid[:26, :120]
    if second:
        image[:26, :120] = np.where((y // 8 + x // 8) % 2, 250, 20)
    return image, np.where(np.arange(224)[:, None] < 26, np.uint8(0), mask)


def lungs(number: int, second: bool) -> tuple[np.ndarray, np.ndarray]:
    disease = Disease.LUNG_OPACITY if second else Disease.NORMAL
    return draw(phantom_for(Disease.NORMAL, number + 500 * second), disease, 224)


def both(number: int, second: bool) -> tuple[np.ndarray, np.ndarray]:
    disease = Disease.LUNG_OPACITY if second else Disease.NORMAL
    return draw(phantom_for(Disease.NORMAL, number + 500 * second), disease, 224, corner_mark=second)


def planted(root: Path, plant: Plant, per_class: int, masks: bool = True) -> Path:
    """Two classes of phantoms that differ in what `plant` makes of them."""
    for label, second in (("A", False), ("B", True)):
        for folder in ("images", "masks") if masks else ("images",):
            (root / label / folder).mkdir(parents=True)
        for number in range(1, per_class + 1):
            image, mask = plant(number, second)
            Image.fromarray(image).save(root / label / "images" / f"{label}-{number}.png")
            if masks:
                Image.fromarray(mask).save(root / label / "masks" / f"{label}-{number}.png")
    return root
