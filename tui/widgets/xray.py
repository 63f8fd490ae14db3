"""An X-ray in the terminal: as graphics where the terminal has them, else in block characters, else in grey ones."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, cast

from rich.console import ConsoleRenderable
from rich.text import Text
from textual.app import RenderResult
from textual.color import Color
from textual.containers import Container
from textual.content import Content
from textual.widget import Widget

from engine.base.language import tr
from tui.host.private_apis import set_cell_size_of_images
from tui.host.terminal import Abilities
from tui.words.block_cells import GRIDS, BlockCells, Blocks
from tui.words.settings import Protocol

if TYPE_CHECKING:
    from textual.app import App

    from engine.data.image.reader import Pixels
    from engine.evaluation.heat_colours import Heat

Way = Literal["halfblock", "quadrant", "sextant", "octant", "sixel", "kitty", "grey"]
GRAPHICS = ("sixel", "kitty")
RAMP = " .:-=+*#%@"
"""Characters from black to white, on a dark ground."""
CELL = 2.0
"""A cell's height in its widths, where the terminal does not tell."""
FEWEST_TENTHS = 2
"""From so many tenths of the most heat on, a picture in characters has them in its place."""
SCALE = 8
"""Columns of the colours of a scale: as many as fit under the narrowest picture."""


def choose(asked: Protocol, abilities: Abilities, colours: str | None) -> Way:
    """How to draw pictures: as asked, else the best that the terminal and its colours ("256", ...) allow.

    Without colours (None, as under NO_COLOR) that is grey characters. Characters of more than two pixels are drawn
    unasked only where the terminal draws them itself, as no terminal tells what its font has.
    """
    if asked != "auto":
        return asked
    if colours is None:
        return "grey"
    if abilities.sixel:
        return "sixel"
    if abilities.kitty:
        return "kitty"
    if colours not in ("truecolor", "256", "windows"):
        return "grey"
    return "sextant" if abilities.sextants else "halfblock"


def few_colours(app: "App[Any]") -> bool:
    """Is the terminal known to have 256 colours or less?"""
    return app.console.color_system not in ("truecolor", None)


EDGE, ENOUGH = "o", 64
"""What stands for a line among signs for grey, and how much of 255 of a cell must be of the line."""


def heat_scale(app: "App[Any]", way: Way) -> Content:
    """How heat is drawn, from none to the most, for the edge of a pane."""
    if way == "grey":
        return Content(tr("digits: heat in tenths"))
    from engine.evaluation.heat_colours import scale

    line = scale(SCALE, few_colours(app) and way not in GRAPHICS)[0].tolist()
    blocks = [("█", Color(*colour).hex) for colour in line]
    return Content.assemble(tr("heat: none "), *blocks, tr(" most"))


class Xray(Container, can_focus=True):
    """A picture, as large as fits without changing its shape."""

    DEFAULT_CSS = """
    Xray { height: 1fr; min-height: 3; align: center middle; }
    Xray:focus { background: $foreground 5%; }
    """
    HELP = tr("The picture as it is decoded, before the network's own resizing.")

    def __init__(self, way: Way, abilities: Abilities = Abilities(), *, id: str | None = None) -> None:  # noqa: B008
        super().__init__(id=id)
        self.way, self._abilities = way, abilities
        self.pixels: Pixels | None = None
        self.heat: Heat | None = None

    @property
    def cell(self) -> float:
        """A cell's height in its widths."""
        wide, high = self._abilities.cell
        return high / wide if wide and high else CELL

    def show(self, pixels: "Pixels | None", heat: "Heat | None" = None, line: "Pixels | None" = None) -> None:
        """Show these pixels, uint8 (h, w) or (h, w, 3), under heat of any size where there is any; None: no picture.

        Where signs stand for grey, a colour in the pixels shows no line: what is above 0 in `line`, (h, w), has a sign.
        """
        self.pixels, self.heat = pixels, heat
        drawn = next(iter(self.query(_Cells)), None)
        if drawn and pixels is not None:
            drawn.show(pixels, heat, line)
            return
        self.remove_children()
        if pixels is not None:
            self.mount(self._picture(pixels, heat, line))

    def _picture(self, pixels: "Pixels", heat: "Heat | None", line: "Pixels | None") -> Widget:
        if self.way in GRAPHICS:
            from PIL import Image
            from textual_image.widget import SixelImage, TGPImage

            if heat is not None:
                from engine.evaluation.heat_colours import overlay

                pixels = overlay(pixels, heat)
            if all(self._abilities.cell):
                set_cell_size_of_images(*self._abilities.cell)
            kind = SixelImage if self.way == "sixel" else TGPImage
            picture = kind(Image.fromarray(pixels))
            picture.styles.width = picture.styles.height = "auto"
            picture.styles.max_width = picture.styles.max_height = "100%"
            return picture
        return _Cells(pixels, heat, line, self.way, self.cell)


def focused_of(pictures: Iterable[Xray]) -> int:
    """The place of the one in focus among these; 0 where none is."""
    return next((place for place, one in enumerate(pictures) if one.has_focus), 0)


class _Cells(Widget):
    """The picture in character cells."""

    DEFAULT_CSS = "_Cells { width: 1fr; height: 1fr; content-align: center middle; }"

    def __init__(self, pixels: "Pixels", heat: "Heat | None", line: "Pixels | None", way: Way, cell: float) -> None:
        super().__init__()
        self._pixels, self._heat, self._line, self._way, self._cell = pixels, heat, line, way, cell
        self._kept: tuple[object, ConsoleRenderable] | None = None

    def show(self, pixels: "Pixels", heat: "Heat | None", line: "Pixels | None") -> None:
        """Another picture in the same place."""
        self._pixels, self._heat, self._line, self._kept = pixels, heat, line, None
        self.refresh()

    def render(self) -> RenderResult:
        """The picture in the largest size of its shape that fits."""
        key = self.content_size, self.app.current_theme.dark
        if self._kept is None or self._kept[0] != key:
            self._kept = key, self._draw(*self.content_size)
        return self._kept[1]

    def _draw(self, width: int, height: int) -> ConsoleRenderable:
        tall, wide = self._pixels.shape[:2]
        columns = max(1, min(width, round(self._cell * height * wide / tall)))
        rows = max(1, min(height, round(columns * tall / wide / self._cell)))
        return self._in_grey(columns, rows) if self._way == "grey" else self._in_blocks(columns, rows)

    def _in_blocks(self, columns: int, rows: int) -> ConsoleRenderable:
        few = few_colours(self.app)
        kind = cast("Blocks", self._way)
        if few and self._heat is not None:
            kind = "halfblock"  # those of more pixels would mix colours that there are to ones that there are not
        across, down = GRIDS[kind]
        small = self._resized(columns * across, rows * down)
        if self._heat is not None:
            from engine.evaluation.heat_colours import overlay, overlay_in_few

            small = (overlay_in_few if few else overlay)(small, self._heat)
        return BlockCells(small if small.ndim == 3 else small[..., None].repeat(3, axis=2), kind)

    def _in_grey(self, columns: int, rows: int) -> ConsoleRenderable:
        from PIL import Image

        grey = Image.fromarray(self._resized(columns, rows)).convert("L").tobytes()
        ramp = RAMP if self.app.current_theme.dark else RAMP[::-1]
        signs = [ramp[level * len(RAMP) // 256] for level in grey]
        if self._heat is not None:
            from engine.evaluation.heat_colours import spread_over

            tenths = (10 * spread_over(self._heat, columns, rows)).astype(int).clip(0, 9).reshape(-1).tolist()
            signs = [str(heat) if heat >= FEWEST_TENTHS else sign for heat, sign in zip(tenths, signs, strict=True)]
        if self._line is not None:
            drawn = Image.fromarray(self._line * 255).resize((columns, rows), Image.Resampling.BOX).tobytes()
            signs = [EDGE if level >= ENOUGH else sign for level, sign in zip(drawn, signs, strict=True)]
        text = "".join(signs)
        return Text("\n".join(text[start : start + columns] for start in range(0, len(text), columns)), end="")

    def _resized(self, columns: int, rows: int) -> "Pixels":
        import numpy as np
        from PIL import Image

        larger = columns > self._pixels.shape[1] and rows > self._pixels.shape[0]
        how = Image.Resampling.BILINEAR if larger else Image.Resampling.BOX
        return np.asarray(Image.fromarray(self._pixels).resize((columns, rows), how))
