"""Fits the probe of `engine.data.image.orientation` on drawn phantoms and writes its table.

python -m sample_data.orientation

Each phantom is taken as it is and three times changed as films and copies are (tilted by up to 20 degrees, cropped,
brighter or darker, with a black border), then laid in each of the eight poses and mirrored. The same phantoms give the
same table.
"""

import numpy as np
from scipy import ndimage

from engine.data.image.orientation import POSES, features, reduced, table_file
from sample_data.generate import phantom_for
from sample_data.phantom import Disease
from sample_data.radiograph import draw

PER_CLASS = 100
SEED = 99
SIZE = 96
CHANGED = 3
RIDGE = 0.1
"""Share of the features' mean variance that is added to each."""


def changed(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """A uint8 (height, width) picture tilted, cropped, with another gamma, and for every third one with a border."""
    tilted = ndimage.rotate(picture.astype(np.float32), dice.uniform(-20, 20), reshape=False, order=1, mode="nearest")
    height, width = tilted.shape
    top, bottom, left, right = dice.uniform(0, 0.15, 4)
    tilted = tilted[int(top * height) : height - int(bottom * height), int(left * width) : width - int(right * width)]
    levels = 255 * np.clip(tilted / 255, 0, 1) ** np.exp(dice.uniform(-0.6, 0.6))
    if dice.random() < 1 / 3:
        widths = (dice.uniform(0, 0.12, (2, 2)) * len(levels)).astype(int)
        levels = np.pad(levels, widths)
    return np.asarray(levels.astype(np.uint8))


def posed(pictures: np.ndarray, quarters: int, inverted: bool) -> np.ndarray:
    """(n, side, side) pictures turned to the left by quarters of a circle, and inverted."""
    turned = np.rot90(pictures, quarters, axes=(1, 2))
    return 255 - turned if inverted else turned


def training_pictures() -> np.ndarray:
    """The small phantoms that the probe is fitted on: uint8 (n, SIDE, SIDE), upright."""
    dice = np.random.default_rng(SEED)
    made = []
    for disease in Disease:
        for number in range(1, PER_CLASS + 1):
            picture = draw(phantom_for(disease, number, SEED), disease, SIZE)[0]
            made += [reduced(picture), *(reduced(changed(picture, dice)) for _ in range(CHANGED))]
    return np.stack(made)


def fitted(pictures: np.ndarray) -> np.ndarray:
    """The probe's table from upright pictures, float16 (1 + poses, features): ridge regression in closed form."""
    both = np.concatenate([pictures, pictures[:, :, ::-1]])
    seen = np.concatenate([features(posed(both, *pose)) for pose in POSES]).astype(np.float64)
    wanted = np.repeat(np.eye(len(POSES)), len(both), axis=0) - 1 / len(POSES)
    mean = seen.mean(axis=0)
    centred = seen - mean
    spread = centred.T @ centred / len(seen)
    spread += RIDGE * np.trace(spread) / len(spread) * np.eye(len(spread))
    weights = np.linalg.solve(spread, centred.T @ wanted / len(seen))
    return np.concatenate([mean[None], weights.T]).astype(np.float16)


def main() -> None:
    """Write the table."""
    np.save(table_file(), fitted(training_pictures()))


if __name__ == "__main__":
    main()
