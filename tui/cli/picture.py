"""A picture as lines of text on stdout: half blocks where the terminal has colours, else the heat in characters."""

from typing import TYPE_CHECKING

from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    import numpy as np

    from engine.data.image.reader import Pixels

COLUMNS = 64
RAMP = " .:-=+*#%@"
"""Characters from no heat to most."""


def put_picture(picture: "Pixels", heat: "np.ndarray", console: Console | None = None) -> None:
    """Print the picture, uint8 RGB (h, w, 3), no wider than the terminal; without colours its heat, (h, w) 0 to 1."""
    import numpy as np
    from PIL import Image

    console = console or Console()
    columns = max(8, min(COLUMNS, console.width))
    if console.color_system and not console.no_color:
        rows = max(1, round(columns * picture.shape[0] / picture.shape[1] / 2))
        small = np.asarray(Image.fromarray(picture).resize((columns, 2 * rows), Image.Resampling.BOX))
        console.print(half_blocks(small))
        return
    small = np.asarray(Image.fromarray(heat).resize((columns, columns // 2), Image.Resampling.BOX))
    for row in np.minimum(small * len(RAMP), len(RAMP) - 1).astype(int).tolist():
        console.print(Text("".join(RAMP[level] for level in row)))


def half_blocks(pixels: "Pixels") -> Text:
    """RGB pixels, uint8 (h, w, 3) of even height, as upper half blocks, two pixels a character."""
    text = Text(end="", no_wrap=True)
    for upper, lower in zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append("▀", Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below)))
        text.append("\n")
    return text
