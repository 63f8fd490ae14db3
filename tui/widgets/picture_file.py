"""A picture as a PNG file, as it was looked at: its part, its levels, and what was laid over it."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.data.image.reader import Pixels
    from engine.evaluation.heat_colours import Heat


def save_picture(pixels: "Pixels", heat: "Heat | None", path: Path) -> None:
    """Write pixels, uint8 (h, w) or (h, w, 3), under heat of their size, over what is there. Raises CovidTuiError."""
    from PIL import Image

    from engine.base.outputs import writing
    from engine.evaluation.heat_colours import overlay

    made = io.BytesIO()
    Image.fromarray(pixels if heat is None else overlay(pixels, heat)).save(made, "PNG")
    with writing(path, force=True) as file:
        file.write(made.getvalue())
