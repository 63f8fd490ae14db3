"""An X-ray in the terminal: as graphics where the terminal has them, else as half blocks, else as grey characters."""

from typing import TYPE_CHECKING, Literal

from rich.console import ConsoleRenderable
from rich.text import Text
from textual.app import RenderResult
from textual.containers import Container
from textual.widget import Widget

from tui.host.private_apis import set_cell_size_of_images
from tui.host.terminal import Abilities
from tui.words.half_blocks import HalfBlocks
from tui.words.settings import Protocol

if TYPE_CHECKING:
    from engine.data.image.reader import Pixels

Way = Literal["halfblock", "sixel", "kitty", "grey"]
RAMP = " .:-=+*#%@"
"""Characters from black to white, on a dark ground."""
CELL = 2.0
"""A cell's height in its widths, where the terminal does not tell."""


def choose(asked: Protocol, abilities: Abilities, colours: str | None) -> Way:
    """How to draw pictures: as asked, else the best that the terminal and its colours ("256", ...) allow.

    Without colours (None, as under NO_COLOR) that is grey characters.
    """
    if asked != "auto":
        return asked
    if colours is None:
        return "grey"
    if abilities.sixel:
        return "sixel"
    if abilities.kitty:
        return "kitty"
    return "halfblock" if colours in ("truecolor", "256", "windows") else "grey"


class Xray(Container, can_focus=True):
    """A picture, as large as fits without changing its shape."""

    DEFAULT_CSS = """
    Xray { height: 1fr; min-height: 3; align: center middle; }
    Xray:focus { background: $foreground 5%; }
    """
    HELP = "The picture as it is decoded, before the network's own resizing."

    def __init__(self, way: Way, abilities: Abilities = Abilities(), *, id: str | None = None) -> None:  # noqa: B008
        super().__init__(id=id)
        self.way, self._abilities = way, abilities
        self.pixels: Pixels | None = None

    def show(self, pixels: "Pixels | None") -> None:
        """Show these pixels, uint8 (height, width) or (height, width, 3); None for no picture."""
        self.pixels = pixels
        drawn = next(iter(self.query(_Cells)), None)
        if drawn and pixels is not None:
            drawn.show(pixels)
            return
        self.remove_children()
        if pixels is not None:
            self.mount(self._picture(pixels))

    def _picture(self, pixels: "Pixels") -> Widget:
        if self.way in ("sixel", "kitty"):
            from PIL import Image
            from textual_image.widget import SixelImage, TGPImage

            if all(self._abilities.cell):
                set_cell_size_of_images(*self._abilities.cell)
            kind = SixelImage if self.way == "sixel" else TGPImage
            picture = kind(Image.fromarray(pixels))
            picture.styles.width = picture.styles.height = "auto"
            picture.styles.max_width = picture.styles.max_height = "100%"
            return picture
        wide, high = self._abilities.cell
        return _Cells(pixels, self.way, high / wide if wide and high else CELL)


class _Cells(Widget):
    """The picture in character cells."""

    DEFAULT_CSS = "_Cells { width: 1fr; height: 1fr; content-align: center middle; }"

    def __init__(self, pixels: "Pixels", way: Way, cell: float) -> None:
        super().__init__()
        self._pixels, self._way, self._cell = pixels, way, cell
        self._kept: tuple[object, ConsoleRenderable] | None = None

    def show(self, pixels: "Pixels") -> None:
        """Another picture in the same place."""
        self._pixels, self._kept = pixels, None
        self.refresh()

    def render(self) -> RenderResult:
        """The picture in the largest size of its shape that fits."""
        key = self.content_size, self.app.current_theme.dark
        if self._kept is None or self._kept[0] != key:
            self._kept = key, self._draw(*self.content_size)
        return self._kept[1]

    def _draw(self, width: int, height: int) -> ConsoleRenderable:
        import numpy as np
        from PIL import Image

        tall, wide = self._pixels.shape[:2]
        columns = max(1, min(width, round(self._cell * height * wide / tall)))
        rows = max(1, min(height, round(columns * tall / wide / self._cell)))
        picture = Image.fromarray(self._pixels)
        if self._way == "halfblock":
            small = picture.resize((columns, 2 * rows), Image.Resampling.BOX).convert("RGB")
            return HalfBlocks(np.asarray(small))
        grey = picture.resize((columns, rows), Image.Resampling.BOX).convert("L").tobytes()
        ramp = RAMP if self.app.current_theme.dark else RAMP[::-1]
        signs = "".join(ramp[level * len(RAMP) // 256] for level in grey)
        return Text("\n".join(signs[start : start + columns] for start in range(0, len(signs), columns)), end="")
