"""X-rays in block characters: ours beside chafa's, in time and in how near the cells come to the picture.

python -m benchmarks.cells FOLDER [IMAGES]

FOLDER has a folder of images a class. What a terminal would show of the cells is painted, each as CELL pixels, and
compared with the X-ray scaled to that size: PSNR in dB, and SSIM over windows of WINDOW pixels. chafa is no dependency:
where chafa.py is not installed, it is left out and said so.
"""

import importlib
import re
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.text import Text
from scipy.ndimage import uniform_filter

from benchmarks.timing import report, table
from engine.data.image.reader import read
from tui.words.block_cells import GRIDS, BlockCells, Blocks, characters, fitted_cells

CELL = 12, 24
"""Pixels of a cell, across and down: all grids divide it."""
COLUMNS = 60, 120
WINDOW = 12
TIMES = 3
SYMBOLS = {"halfblock": ("HHALF",), "quadrant": ("HALF", "QUAD"), "sextant": ("HALF", "QUAD", "SEXTANT")}
"""What chafa may choose from, beside a space and a full block."""
_SGR = re.compile(r"\x1b\[([0-9;]*)m|\x1b\[\??[0-9;]*[a-zA-Z]|(\n)|([^\x1b\n\r])")
Pixels = np.ndarray


def ours(picture: Pixels, columns: int, rows: int, kind: Blocks) -> Pixels:
    """The picture scaled as the workbench scales it, uint8 RGB, sides those of the grid."""
    across, down = GRIDS[kind]
    return np.asarray(Image.fromarray(picture).resize((columns * across, rows * down), Image.Resampling.BOX))


def segments(picture: Pixels, columns: int, rows: int, kind: Blocks, console: Console) -> None:
    """All that a widget needs: what Rich would print."""
    list(BlockCells(ours(picture, columns, rows, kind), kind).__rich_console__(console, console.options))


def painted(picture: Pixels, columns: int, rows: int, kind: Blocks) -> Pixels:
    """What a terminal shows of our cells."""
    small = ours(picture, columns, rows, kind)
    across, down = GRIDS[kind]
    if kind == "halfblock":
        return small.repeat(CELL[0], axis=1).repeat(CELL[1] // 2, axis=0)
    patterns, front, ground = fitted_cells(small, kind)
    lit = patterns[..., None] >> np.arange(across * down) & 1
    spots = np.where(lit[..., None] > 0, front[:, :, None], ground[:, :, None])
    cells = spots.reshape(rows, columns, down, across, 3).transpose(0, 2, 1, 3, 4)
    whole = cells.reshape(rows * down, columns * across, 3)
    return whole.repeat(CELL[0] // across, axis=1).repeat(CELL[1] // down, axis=0)


def by_chafa(chafa: Any, picture: Pixels, columns: int, rows: int, kind: Blocks) -> str:
    """What chafa prints, with escapes."""
    config, tags = chafa.CanvasConfig(), chafa.SymbolTags
    config.width, config.height = columns, rows
    config.canvas_mode = chafa.CanvasMode.CHAFA_CANVAS_MODE_TRUECOLOR
    chosen = chafa.SymbolMap()
    for name in ("SPACE", "SOLID", *SYMBOLS[kind]):
        chosen.add_by_tags(getattr(tags, f"CHAFA_SYMBOL_TAG_{name}"))
    config.set_symbol_map(chosen)
    canvas = chafa.Canvas(config)
    pixels = (chafa_bytes(picture)), picture.shape[1], picture.shape[0], 3 * picture.shape[1]
    canvas.draw_all_pixels(chafa.PixelType.CHAFA_PIXEL_RGB8, *pixels)
    printed = canvas.print(fallback=True)
    return bytes(printed).decode()


def chafa_bytes(picture: Pixels) -> Any:
    """The pixels as the array of C that chafa is quickest with."""
    import ctypes

    return (ctypes.c_uint8 * picture.size).from_buffer_copy(np.ascontiguousarray(picture).tobytes())


def shown(printed: str, columns: int, rows: int) -> Pixels:
    """What a terminal shows of text with escapes."""
    across, down = 2, 12
    spots = np.zeros((rows, down, columns, across, 3), np.uint8)
    front, ground, turned, row, column = (255, 255, 255), (0, 0, 0), False, 0, 0
    for code, line, sign in _SGR.findall(printed):
        if line:
            row, column = row + 1, 0
        elif sign:
            lit = _spots(sign)
            colours = (front, ground) if turned else (ground, front)
            spots[row, :, column] = np.where(lit[..., None], colours[1], colours[0])
            column += 1
        elif code:
            front, ground, turned = _coloured([int(each or 0) for each in code.split(";")], front, ground, turned)
    whole = spots.reshape(rows * down, columns * across, 3)
    return whole.repeat(CELL[0] // across, axis=1).repeat(CELL[1] // down, axis=0)


Colour = tuple[int, int, int]


def _coloured(codes: list[int], front: Colour, ground: Colour, turned: bool) -> tuple[Colour, Colour, bool]:
    while codes:
        code = codes.pop(0)
        if code == 0:
            front, ground, turned = (255, 255, 255), (0, 0, 0), False
        elif code == 7:
            turned = True
        elif code in (38, 48) and codes[:1] == [2]:
            red, green, blue = codes[1:4]
            del codes[:4]
            front, ground = ((red, green, blue), ground) if code == 38 else (front, (red, green, blue))
    return front, ground, turned


def _spots(sign: str) -> Pixels:
    """Which of 12 times 2 parts of a cell a character lights."""
    for kind, (across, down) in GRIDS.items():
        if (pattern := characters(kind).find(sign)) >= 0:
            lit = np.array([pattern >> bit & 1 for bit in range(across * down)], bool).reshape(down, across)
            return lit.repeat(12 // down, axis=0).repeat(2 // across, axis=1)
    raise ValueError(f"no block: {sign!r}")


def nearness(cells: Pixels, picture: Pixels) -> tuple[float, float]:
    """PSNR in dB and SSIM of grey levels, of what is shown against the picture scaled to its size."""
    size = cells.shape[1], cells.shape[0]
    a = cells.mean(axis=2)
    b = np.asarray(Image.fromarray(picture).convert("L").resize(size, Image.Resampling.BICUBIC), float)
    mean_a, mean_b = uniform_filter(a, WINDOW), uniform_filter(b, WINDOW)
    spread_a = uniform_filter(a * a, WINDOW) - mean_a**2
    spread_b = uniform_filter(b * b, WINDOW) - mean_b**2
    both = uniform_filter(a * b, WINDOW) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness = (
        (2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2))
    )
    return float(10 * np.log10(255**2 / ((a - b) ** 2).mean())), float(likeness.mean())


def quickest(call: Callable[[], object]) -> float:
    """Milliseconds of the quickest of a few calls."""
    best = float("inf")
    for _ in range(TIMES):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return 1000 * best


def pictures(folder: Path, most: int) -> list[Pixels]:
    """The first images of each class, in turn, as uint8 RGB."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    files = [sorted(file for file in path.rglob("*.png") if "mask" not in file.parent.name)[:most] for path in classes]
    found = []
    for file in (one for turn in zip(*files, strict=False) for one in turn):
        pixels = read(file).pixels
        found.append(pixels if pixels.ndim == 3 else pixels[..., None].repeat(3, axis=2))
    return found[:most]


def measured(images: list[Pixels], columns: int, kind: Blocks, chafa: Any) -> list[list[str]]:
    """A row for ours and one for chafa's, medians over the images."""
    console, rows = Console(), columns // 2
    mine = [
        (
            quickest(partial(segments, one, columns, rows, kind, console)),
            *nearness(painted(one, columns, rows, kind), one),
        )
        for one in images
    ]
    found = [("block_cells", mine, "")]
    if chafa and kind in SYMBOLS:
        theirs, bare = [], []
        for one in images:
            make = partial(by_chafa, chafa, one, columns, rows, kind)
            bare.append(quickest(make))
            theirs.append((quickest(lambda make=make: _rich(make())), *nearness(shown(make(), columns, rows), one)))  # type: ignore[misc]
        found.append(("chafa", theirs, f"{statistics.median(bare):.1f}"))
    return [
        [f"{columns}x{rows}", kind, name, *(f"{statistics.median(column):.{digits}f}"
         for column, digits in zip(zip(*each, strict=True), (1, 1, 3), strict=True)), escapes]
        for name, each, escapes in found
    ]  # fmt: skip


def _rich(printed: str) -> Text:
    return Text.from_ansi(printed)


def main() -> None:
    """Measure and print."""
    folder, most = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 12
    images = pictures(folder, most)
    try:
        chafa = importlib.import_module("chafa")
    except ImportError:
        chafa = None
        print("chafa.py is not installed, so it is left out: pip install chafa.py brings it.", file=sys.stderr)
    rows = [row for columns in COLUMNS for kind in GRIDS for row in measured(images, columns, kind, chafa)]
    header = ["cells", "grid", "by", "ms, for Rich", "PSNR, dB", "SSIM", "ms, as escapes"]
    report(f"Block characters, medians of {len(images)} X-rays", table(header, rows))


if __name__ == "__main__":
    main()
