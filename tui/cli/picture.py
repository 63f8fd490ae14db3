"""A picture as lines of text on stdout: half blocks where the terminal has colours, else the heat in characters."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from tui.words.half_blocks import HalfBlocks

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
        console.print(HalfBlocks(small), end="")
        return
    small = np.asarray(Image.fromarray(heat).resize((columns, columns // 2), Image.Resampling.BOX))
    for row in np.minimum(small * len(RAMP), len(RAMP) - 1).astype(int).tolist():
        console.print(Text("".join(RAMP[level] for level in row)))
