"""The plots of svg.py as PNG: each element of such an SVG drawn by Pillow, so that both pictures show the same.

Measured beside resvg_py 0.5.0, a wheel of 2.9 MB: the same picture, where that one leaves out every word unless it is
told of fonts; 20 to 240 ms a plot where that one takes 10 to 150.
"""

import io
import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from engine.report.fonts import FOLDERS, font_for

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

SCALE = 2
"""Pixels of the picture for each unit of the SVG."""
FINER = 3
"""It is drawn so many times larger and then made smaller, which smooths its edges."""
ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}
SPACE = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?[0-9.]+")
Place = tuple[float, float]


def png(svg: str, folders: Iterable[str] = FOLDERS) -> bytes:
    """A plot of svg.py as a PNG on white. Raises ConfigError where no font in `folders` has its letters, ValueError
    where the SVG has what those plots don't.
    """
    root = ElementTree.fromstring(svg)
    canvas = _Canvas(float(root.attrib["width"]), float(root.attrib["height"]))
    canvas.font = font_for("".join(root.itertext()), float(root.attrib["font-size"]) * SCALE * FINER, folders)
    for element in root:
        canvas.put(element)
    return canvas.png()


class _Canvas:
    """A picture that is drawn larger than it becomes."""

    font: "FreeTypeFont"

    def __init__(self, width: float, height: float) -> None:
        from PIL import Image, ImageDraw

        self._size = round(width * SCALE), round(height * SCALE)
        self._image = Image.new("RGB", (self._size[0] * FINER, self._size[1] * FINER), "white")
        self._draw = ImageDraw.Draw(self._image)

    def png(self) -> bytes:
        from PIL import Image

        file = io.BytesIO()
        self._image.resize(self._size, Image.Resampling.BOX).save(file, "PNG", optimize=True)
        return file.getvalue()

    def put(self, element: ElementTree.Element) -> None:
        """Draw a line, circle, rectangle or text."""
        have = element.attrib
        whole = float(have.get("opacity", 1))
        match element.tag.removeprefix(SPACE):
            case "line":
                self._line([_place(have, "x1", "y1"), _place(have, "x2", "y2")], have, whole)
            case "polyline":
                numbers = _numbers(have["points"])
                self._line(list(zip(numbers[::2], numbers[1::2], strict=True)), have, whole)
            case "circle":
                (x, y), radius = _place(have, "cx", "cy"), _size(have["r"])
                self._filled("ellipse", (x - radius, y - radius, x + radius, y + radius), have, whole)
            case "rect":
                x, y = _place(have, "x", "y")
                self._filled("rectangle", (x, y, x + _size(have["width"]), y + _size(have["height"])), have, whole)
            case "text":
                self._text(element.text or "", have)
            case other:
                raise ValueError(f"no plot has <{other}>")

    def _line(self, places: Sequence[Place], have: dict[str, str], opacity: float) -> None:
        width = max(1, round(_size(have.get("stroke-width", "1"))))
        dashes = have.get("stroke-dasharray", "none")
        every = [places] if dashes == "none" else _dashed(places, [_size(each) for each in dashes.split()])
        parts = [part for part in every if len(part) > 1]
        opacity *= float(have.get("stroke-opacity", 1))
        if opacity == 1:
            for part in parts:
                self._draw.line(part, have["stroke"], width, "curve")
            return
        from PIL import Image, ImageDraw

        # In one layer, so that a line is no darker where it meets itself.
        layer = Image.new("L", self._image.size)
        for part in parts:
            ImageDraw.Draw(layer).line(part, 255, width, "curve")
        self._lay(layer, have["stroke"], opacity)

    def _filled(self, shape: str, box: tuple[float, float, float, float], have: dict[str, str], opacity: float) -> None:
        from PIL import Image, ImageDraw

        fill, inside = have["fill"], opacity * float(have.get("fill-opacity", 1))
        if inside == 1:
            getattr(self._draw, shape)(box, fill=fill)
        elif inside > 0:
            low, high = (int(box[0]), int(box[1])), (math.ceil(box[2]) + 1, math.ceil(box[3]) + 1)
            layer = Image.new("L", (high[0] - low[0], high[1] - low[1]))
            moved = (box[0] - low[0], box[1] - low[1], box[2] - low[0], box[3] - low[1])
            getattr(ImageDraw.Draw(layer), shape)(moved, fill=255)
            self._lay(layer, fill, inside, low)
        if "stroke" in have:
            # An SVG's line lies on the edge, Pillow's within it.
            width = max(1, round(_size(have.get("stroke-width", "1"))))
            wider = (box[0] - width / 2, box[1] - width / 2, box[2] + width / 2, box[3] + width / 2)
            getattr(self._draw, shape)(wider, outline=have["stroke"], width=width)

    def _text(self, text: str, have: dict[str, str]) -> None:
        place, anchor, ink = _place(have, "x", "y"), ANCHORS[have["text-anchor"]], have["fill"]
        if "transform" not in have:
            self._draw.text(place, text, ink, self.font, anchor)
            return
        from PIL import Image, ImageDraw

        # All that is turned is an upright axis's name, a quarter to the left around its own middle.
        ascent, descent = self.font.getmetrics()
        wide = math.ceil(self.font.getlength(text)) + 2
        layer = Image.new("L", (wide, ascent + descent))
        ImageDraw.Draw(layer).text((wide / 2, ascent), text, 255, self.font, "ms")
        at = round(place[0]) - ascent, round(place[1] - wide / 2)
        self._lay(layer.transpose(Image.Transpose.ROTATE_90), ink, 1, at)

    def _lay(self, layer: "Image", ink: str, opacity: float, at: tuple[int, int] = (0, 0)) -> None:
        """Put a colour where a layer is lit."""
        from PIL import Image

        mask = layer.point([round(level * opacity) for level in range(256)])
        self._image.paste(Image.new("RGB", layer.size, ink), at, mask)


def _size(units: str) -> float:
    return float(units) * SCALE * FINER


def _place(have: dict[str, str], across: str, down: str) -> Place:
    return _size(have[across]), _size(have[down])


def _numbers(text: str) -> list[float]:
    return [_size(each) for each in _NUMBER.findall(text)]


def _dashed(places: Sequence[Place], lengths: Sequence[float]) -> list[list[Place]]:
    """The parts of a line that are drawn, where dashes and gaps of these lengths take turns."""
    parts: list[list[Place]] = [[places[0]]] if places else []
    turn, left = 0, lengths[0]
    for start, end in pairwise(places):
        whole = math.dist(start, end)
        gone = 0.0
        while whole - gone > left:
            gone += left
            at = (start[0] + (end[0] - start[0]) * gone / whole, start[1] + (end[1] - start[1]) * gone / whole)
            if turn % 2 == 0:
                parts[-1].append(at)
            else:
                parts.append([at])
            turn += 1
            left = lengths[turn % len(lengths)]
        left -= whole - gone
        if turn % 2 == 0:
            parts[-1].append(end)
    return parts
