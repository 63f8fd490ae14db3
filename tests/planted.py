"""Near duplicates planted on purpose: each kind of change that one picture suffers on its way into two datasets."""

import io

import numpy as np
from PIL import Image

KINDS = ("rescaled", "recompressed", "brightened", "gamma", "cropped", "mirrored", "all")


def planted(picture: np.ndarray, kind: str, dice: np.random.Generator) -> np.ndarray:
    """The uint8 (height, width) picture changed in one way, or for "all" in five."""
    image = Image.fromarray(picture)
    width, height = image.size
    if kind == "rescaled":
        scale, stretch = dice.uniform(0.5, 1.7), dice.uniform(0.9, 1.1)
        image = image.resize((int(width * scale), int(height * scale * stretch)), Image.Resampling.BICUBIC)
    elif kind == "recompressed":
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(dice.integers(30, 80)))
        image = Image.open(file)
    elif kind == "brightened":
        levels = (picture.astype(float) - 128) * dice.uniform(0.75, 1.25) + 128 + dice.uniform(-30, 30)
        return levels.clip(0, 255).astype(np.uint8)
    elif kind == "gamma":
        return (255 * (picture / 255) ** dice.uniform(0.7, 1.4)).astype(np.uint8)
    elif kind == "cropped":
        left, top, right, bottom = dice.uniform(0, 0.05, 4) * (width, height, width, height)
        image = image.crop((int(left), int(top), int(width - right), int(height - bottom)))
    elif kind == "mirrored":
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    else:
        for one in ("cropped", "mirrored", "brightened", "rescaled", "recompressed"):
            picture = planted(picture, one, dice)
        return picture
    return np.asarray(image)
