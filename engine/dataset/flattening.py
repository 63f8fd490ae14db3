"""What Pillow has loaded, of whatever mode, brought to 8-bit grey or RGB."""

import numpy as np
from PIL import Image

from engine.dataset.levels import levels

_PHOTOMETRIC = 262


def flatten(image: Image.Image, bit_depth: int) -> tuple[Image.Image, list[str]]:
    """The loaded image in mode L or RGB, transparency laid on black, with notes on what that cost."""
    if image.mode.startswith("I;16"):
        return _from_16_bits(image, bit_depth)
    notes = ["16-bit colour is read as the upper 8 bits of each sample"] if bit_depth == 16 else []
    if image.has_transparency_data:
        return _on_black(image, bit_depth, notes)
    if image.mode in ("L", "RGB"):
        return image, notes
    return image.convert("L" if image.mode == "1" else "RGB"), notes


def _from_16_bits(image: Image.Image, bit_depth: int) -> tuple[Image.Image, list[str]]:
    values = np.asarray(image).astype(np.uint16, copy=False)
    notes = []
    bits = 12 if bit_depth == 12 else 16
    brightest = int(values.max())
    if bits == 16 and 0 < brightest < 2**14:
        notes.append(
            f"its brightest value is {brightest} of 65535: it seems to use {brightest.bit_length()} of its 16 bits"
            " and looks dark"
        )
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:  # WhiteIsZero, which Pillow undoes for 8 bits only
        values = (2**bits - 1) - values
    grey = levels(bits)[values]
    key = image.info.get("transparency")
    if isinstance(key, int):
        grey[values == key] = 0
        notes.append("its transparent colour is laid on black")
    return Image.fromarray(grey), notes


def _on_black(image: Image.Image, bit_depth: int, notes: list[str]) -> tuple[Image.Image, list[str]]:
    key = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple) and bit_depth == 16:
        image.info["transparency"] = tuple(part >> 8 for part in key)
    elif image.mode == "L" and isinstance(key, int) and bit_depth in (2, 4):
        image.info["transparency"] = min(key * (255 // (2**bit_depth - 1)), 255)
    if image.mode == "La":
        image = image.convert("LA")
    image = image if image.mode in ("LA", "RGBA") else image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        notes.append("has an alpha channel that hides nothing")
    else:
        notes.append("has transparent parts, which are laid on black")
    colours = image.convert("L" if image.mode == "LA" else "RGB")
    black = Image.new(colours.mode, colours.size)
    black.paste(colours, mask=alpha)
    return black, notes
