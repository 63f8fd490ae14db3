"""Phantoms whose only class sign is a known square: where else could the heat of a model be?"""

from pathlib import Path

import numpy as np
from PIL import Image

from sample_data.generate import phantom_for
from sample_data.phantom import Disease
from sample_data.radiograph import draw

SIZE = 224
SQUARES = ((64, 40, 120), (48, 100, 30), (32, 150, 150))
"""Side, top and left in pixels."""
SEEN, UNSEEN = range(1, 31), range(61, 67)


def mask_of(square: tuple[int, int, int]) -> np.ndarray:
    """Where the square is, bool (SIZE, SIZE)."""
    side, top, left = square
    mask = np.zeros((SIZE, SIZE), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def write_signed(root: Path, square: tuple[int, int, int], seed: int) -> tuple[Path, list[Path]]:
    """A folder of 30 healthy phantoms with a chequered square ("marked") and 30 without ("plain"), all different, and
    six more files with it.
    """
    for folder, label, numbers in (("data", "marked", SEEN), ("data", "plain", SEEN), ("unseen", "marked", UNSEEN)):
        (root / folder / label).mkdir(parents=True)
        for number in numbers:
            _picture(label == "marked", number, square, seed).save(root / folder / label / f"{number}.png")
    return root / "data", sorted((root / "unseen" / "marked").iterdir())


def _picture(marked: bool, number: int, square: tuple[int, int, int], seed: int) -> Image.Image:
    image = draw(phantom_for(Disease.NORMAL, number + 100 * marked, seed), Disease.NORMAL, SIZE)[0].copy()
    if marked:
        y, x = np.mgrid[: square[0], : square[0]]
        image[mask_of(square)] = np.where((y // 8 + x // 8) % 2, 250, 20).ravel()
    return Image.fromarray(image)
