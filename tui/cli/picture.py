"""A picture as lines of text on stdout: half blocks where the terminal has colours, else the heat in characters."""

from typing import TYPE_CHECKING

from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from engine.base.language import tr
from tui.words.block_cells import BlockCells

if TYPE_CHECKING:
    import numpy as np

    from engine.data.image.reader import Pixels

COLUMNS = 64
RAMP = " .:-=+*#%@"
"""Characters from no heat to most."""
SCALE = 16
"""Columns of the scale under a picture in colours."""


def put_picture(picture: "Pixels", heat: "np.ndarray", console: Console | None = None) -> None:
    """Print the picture, uint8 (h, w) or (h, w, 3), under its heat, (h, w) from 0 to 1, over the heat's scale.

    It is no wider than the terminal. Without colours the heat is printed alone.
    """
    import numpy as np
    from PIL import Image

    from engine.evaluation.heat_colours import overlay, overlay_in_few, scale

    console = console or Console()
    columns = max(8, min(COLUMNS, console.width))
    if console.color_system and not console.no_color:
        few = console.color_system != "truecolor"
        rows = max(1, round(columns * picture.shape[0] / picture.shape[1] / 2))
        small = np.asarray(Image.fromarray(picture).resize((columns, 2 * rows), Image.Resampling.BOX))
        console.print(BlockCells((overlay_in_few if few else overlay)(small, heat)), end="")
        blocks = [("█", Style(color=Color.from_rgb(*colour))) for colour in scale(SCALE, few)[0].tolist()]
        before, _, after = tr("heat: none {scale} most").partition("{scale}")
        console.print(Text.assemble(before, *blocks, after))
        return
    small = np.asarray(Image.fromarray(heat).resize((columns, columns // 2), Image.Resampling.BOX))
    for row in np.minimum(small * len(RAMP), len(RAMP) - 1).astype(int).tolist():
        console.print(Text("".join(RAMP[level] for level in row)))
    console.print(Text(tr("heat: none {scale} most", scale=f'"{RAMP}"')))
