"""Near duplicates planted on purpose: each kind of change that one picture suffers on its way into two datasets."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

KINDS = ("rescaled", "recompressed", "brightened", "gamma", "cropped", "mirrored", "all")

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def planted(picture: np.ndarray, kind: str, dice: np.random.Generator) -> np.ndarray:
    """The uint8 (height, width) picture changed in one way, or for "all" in five."""
    image = Image.fromarray(picture)
    width, height = image.size
    if kind == "rescaled":
        scale, stretch = dice.uniform(0.5, 1.7), dice.uniform(0.9, 1.1)
        image = image.resize((int(width * scale), int(height * scale * stretch)), Image.Resampling.BICUBIC)
    elif kind == "recompressed":
        return _jpeg(picture, int(dice.integers(30, 80)))
    elif kind == "brightened":
        levels = (picture.astype(float) - 128) * dice.uniform(0.75, 1.25) + 128 + dice.uniform(-30, 30)
        return levels.clip(0, 255).astype(np.uint8)
    elif kind == "gamma":
        return (255 * (picture / 255) ** dice.uniform(0.7, 1.4)).astype(np.uint8)
    elif kind == "cropped":
        return _crop(picture, dice.uniform(0, 0.05, 4))
    elif kind == "mirrored":
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    else:
        for one in ("cropped", "mirrored", "brightened", "rescaled", "recompressed"):
            picture = planted(picture, one, dice)
        return picture
    return np.asarray(image)


def _gamma(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    return np.asarray((255 * (picture / 255) ** np.exp(dice.uniform(-0.6, 0.6))).astype(np.uint8))


def _jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _resized(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    scale = dice.uniform(0.35, 1.7)
    size = [round(side * scale) for side in picture.shape[::-1]]
    return np.asarray(Image.fromarray(picture).resize((size[0], size[1]), Image.Resampling.BICUBIC))


def _aspect(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    height, width = picture.shape
    wide = round(width * np.exp(dice.choice((-1, 1)) * dice.uniform(0.1, 0.25)))
    return np.asarray(Image.fromarray(picture).resize((wide, height), Image.Resampling.BICUBIC))


def _blurred(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    radius = dice.uniform(0.5, 1.0) * picture.shape[0] / 150  # 1 to 2 of 299 pixels
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def _noisy(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    return (picture + dice.normal(0, dice.uniform(5, 15), picture.shape)).round().clip(0, 255).astype(np.uint8)


def _crop(picture: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Without shares of its left, top, right and bottom."""
    height, width = picture.shape
    left, top, right, bottom = (edges * (width, height, width, height)).astype(int)
    return picture[top : height - bottom, left : width - right]


def _crops(least: float, most: float) -> Change:
    return lambda picture, dice: _crop(picture, dice.uniform(least, most, 4))


def _one_side(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    return _crop(picture, 0.2 * np.eye(4)[dice.integers(4)])


def _moved(picture: np.ndarray, turn: float, move: tuple[int, int], dice: np.random.Generator) -> np.ndarray:
    """Turned by degrees about its middle, moved by pixels; what is laid bare is black, or goes on as the edge is."""
    wide = max(picture.shape) // 4
    framed = np.pad(picture, wide, "edge" if dice.random() < 0.5 else "constant")
    height, width = picture.shape
    turned = Image.fromarray(framed).rotate(turn, Image.Resampling.BICUBIC, translate=move)
    return np.asarray(turned)[wide : wide + height, wide : wide + width]


def _rotated(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    return _moved(picture, dice.choice((-1, 1)) * dice.uniform(1, 5), (0, 0), dice)


def _shifted(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    across, down = dice.choice((-1, 1), 2) * dice.uniform(0.03, 0.06, 2) * picture.shape[::-1]
    return _moved(picture, 0, (round(across), round(down)), dice)


def _bordered(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    height, width = picture.shape
    sides = ((round(0.1 * height),) * 2, (round(0.1 * width),) * 2)
    return np.pad(picture, sides, constant_values=dice.choice((0, 0, 255, 128)))


def _boxes(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """Two to four plates with a line of writing, each up to a third of the picture wide and a tenth high."""
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    width, height = image.size
    for _ in range(dice.integers(2, 5)):
        wide, high = dice.uniform(0.2, 0.33) * width, dice.uniform(0.05, 0.1) * height
        left, top = dice.uniform(0, 1, 2) * (width - wide, height - high)
        ground, ink = (0, 255) if dice.random() < 0.7 else (255, 0)
        pen.rectangle((left, top, left + wide, top + high), fill=ground)
        text = "".join(dice.choice(list("ABDEHKMNPRSTX0123456789 "), 12))
        pen.text((left + 2, top + high * 0.1), text, fill=ink, font=ImageFont.load_default(high * 0.7))
    return np.asarray(image)


def _lettered(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """A side's letter in an upper corner and a word below."""
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    width, height = image.size
    side = dice.choice(("L", "R"))
    across = 0.04 if side == "R" else 0.86
    pen.text((across * width, 0.03 * height), side, fill=255, font=ImageFont.load_default(0.12 * height))
    word = str(dice.choice(("PORTABLE", "AP SUPINE", "ERECT 10:42")))
    pen.text((0.05 * width, 0.9 * height), word, fill=255, font=ImageFont.load_default(0.06 * height))
    return np.asarray(image)


def _clahe(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """Contrast-limited adaptive equalisation (Zuiderveld 1994) in 8 by 8 tiles."""
    tiles, limit = 8, dice.uniform(2, 4)
    height, width = picture.shape
    curves = np.empty((tiles, tiles, 256))
    for row, rows in enumerate(np.array_split(picture, tiles)):
        for column, tile in enumerate(np.array_split(rows, tiles, axis=1)):
            counts = np.bincount(tile.ravel(), minlength=256).astype(float)
            most = limit * tile.size / 256
            counts = np.minimum(counts, most) + np.maximum(counts - most, 0).sum() / 256
            curves[row, column] = 255 * counts.cumsum() / tile.size
    down, across = ((np.arange(side) + 0.5) * tiles / side - 0.5 for side in (height, width))
    levels = np.zeros(picture.shape)
    for one in (0, 1):
        for other in (0, 1):
            share = np.multiply.outer(np.abs(1 - one - down % 1), np.abs(1 - other - across % 1))
            row, column = (
                np.clip(np.floor(at).astype(int) + step, 0, tiles - 1) for at, step in ((down, one), (across, other))
            )
            levels += share * curves[row[:, None], column, picture]
    return levels.round().clip(0, 255).astype(np.uint8)


CHANGES: dict[str, Change] = {
    "gamma": _gamma,
    "JPEG of quality 10 to 40": lambda picture, dice: _jpeg(picture, int(dice.integers(10, 41))),
    "mirrored": lambda picture, dice: np.ascontiguousarray(picture[:, ::-1]),
    "inverted": lambda picture, dice: 255 - picture,
    "resized": _resized,
    "aspect": _aspect,
    "blurred": _blurred,
    "noisy": _noisy,
    "cropped to 5% an edge": _crops(0, 0.05),
    "cropped 5 to 10%": _crops(0.05, 0.1),
    "cropped 10 to 15%": _crops(0.1, 0.15),
    "cropped 20% on one side": _one_side,
    "rotated 1 to 5 degrees": _rotated,
    "shifted 3 to 6%": _shifted,
    "bordered by 10%": _bordered,
    "text boxes": _boxes,
    "lettered": _lettered,
    "CLAHE": _clahe,
    "equalised": lambda picture, dice: np.asarray(ImageOps.equalize(Image.fromarray(picture))),
    "all of five": lambda picture, dice: planted(picture, "all", dice),
}
"""What is seen in augmented and re-exported copies: each takes a uint8 (height, width) picture and dice."""
