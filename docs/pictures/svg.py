"""Textual's picture of a screen as an SVG of a tenth of its bytes, which needs no font for lines and blocks.

What block and line characters light is drawn as boxes, each a stroke as wide as the box is high, which takes half the
bytes of its four sides; all of a colour are one path. All else is text. Nothing is loaded from anywhere.
"""

import re
import unicodedata
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple
from xml.sax.saxutils import escape

from tui.words.block_cells import GRIDS, Blocks, characters

CELL, LINE = 10, 20
"""Pixels of a character in the picture."""
ACROSS, DOWN = 8, 24
"""Parts of a character, of which its boxes are whole numbers: eighths, halves and thirds all are."""
THEIR_CELL, THEIR_LINE, THEIR_FIRST_LINE = 12.2, 24.4, 20.0
"""Pixels of a character in Textual's picture, and where its first line of text stands."""
SECONDS = 3
"""How long a frame of a moving picture stays."""
GROUND = "#121212"
SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}
THIN = 1
"""Parts that a line is wide."""
ROOT_TAG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img">'
FONT = f"text{{font:{CELL / 0.6:.2f}px Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}}"


class Box(NamedTuple):
    """A lit part of a character, in parts of it."""

    left: int
    top: int
    wide: int
    high: int


Paths = defaultdict[tuple[int, str], list[str]]
"""Strokes by their width, in parts of a character, and by what else they look like."""


@dataclass(frozen=True)
class Frame:
    """A caption and Textual's picture of the screen."""

    caption: str
    svg: str


def picture(svg: str, title: str, size: tuple[int, int]) -> str:
    """A screen of so many columns and lines."""
    width, height = size[0] * CELL, size[1] * LINE
    return (
        f"{ROOT_TAG.format(width, height)}<title>{escape(title)}</title><style>{FONT}</style>"
        f'<rect width="{width}" height="{height}" fill="{GROUND}"/>\n{still(svg)}\n</svg>\n'
    )


def moving(frames: Sequence[Frame], title: str, size: tuple[int, int]) -> str:
    """The frames in turn under their captions, without a script; the first alone where motion is not wanted."""
    width, height = size[0] * CELL, (size[1] + 2) * LINE
    share, whole = 100 / len(frames), SECONDS * len(frames)
    turn = f"{{0%,{share:.2f}%{{opacity:1}}{share + 0.01:.2f}%,100%{{opacity:0}}}}"
    style = (
        f"{FONT}.c{{font-weight:700;fill:#ffd787}}.f{{opacity:0;animation:t {whole}s infinite}}"
        f".f:first-of-type{{opacity:1;animation-name:o}}@keyframes t{turn}@keyframes o{turn}"
        "@media (prefers-reduced-motion:reduce){.f{animation:none}}"
    )
    drawn = "\n".join(
        f'<g class="f" style="animation-delay:{place * SECONDS}s"><text class="c" x="{CELL}" y="{LINE * 1.2:.0f}">'
        f'{escape(frame.caption)}</text><g transform="translate(0 {2 * LINE})">{still(frame.svg)}</g></g>'
        for place, frame in enumerate(frames)
    )
    return (
        f"{ROOT_TAG.format(width, height)}<title>{escape(title)}</title><style>{style}</style>"
        f'<rect width="{width}" height="{height}" fill="{GROUND}"/>\n{drawn}\n</svg>\n'
    )


def still(svg: str) -> str:
    """The cells of Textual's picture: grounds, then what blocks and lines light, then texts."""
    root = ET.fromstring(svg)
    styles = dict(re.findall(r"\.([\w-]+-r\d+) \{ ([^}]*) \}", "".join(root.itertext())))
    grounds, lit, texts = Paths(list), Paths(list), defaultdict[str, list[str]](list)
    for node in root.iter():
        tag = node.tag.rpartition("}")[2]
        if tag == "rect" and node.get("shape-rendering"):
            row = round((float(node.get("y", 0)) - 1.5) / THEIR_LINE)
            wide = round(float(node.get("width", 0)) / THEIR_CELL)
            stroke = _stroke(_column(node), row, Box(0, 0, ACROSS, DOWN), wide)
            grounds[DOWN, f'stroke="{node.get("fill", "")}"'].append(stroke)
        if tag == "text" and node.text and (style := styles.get(node.get("class", ""))):
            row = round((float(node.get("y", 0)) - THEIR_FIRST_LINE) / THEIR_LINE)
            _write(node.text.replace("\xa0", " "), _column(node), row, style, lit, texts)
    return (
        f'<g transform="scale({CELL / ACROSS:g} {LINE / DOWN:.5f})" shape-rendering="crispEdges">'
        f"{_drawn(grounds)}{_drawn(lit)}</g>"
        + "".join(f"<g {look}>{''.join(written)}</g>" for look, written in texts.items())
    )


def _write(text: str, column: int, row: int, style: str, lit: Paths, texts: dict[str, list[str]]) -> None:
    """Draw a stretch of one style: runs of a block or line character as boxes, words as text."""
    found = re.search(r"#\w+", style)
    colour = found.group() if found else "#d0d0d0"
    for run in re.finditer(r"(\S)\1*", text):
        sign, place = run.group(1), column + run.start()
        shade = f' stroke-opacity="{SHADES[sign]}"' if sign in SHADES else ""
        for box in boxes(sign):
            lit[box.high, f'stroke="{colour}"{shade}'] += _repeated(place, row, box, len(run.group()))
    look = f'fill="{colour}"' + "".join(
        f' {name}="{value}"' for name, value in re.findall(r"(font-\w+|text-decoration): ([\w -]+)", style)
    )
    left = "".join(" " if boxes(sign) else sign for sign in text)
    for word in re.finditer(r"\S+(?: \S+)*", left):
        texts[look].append(
            f'<text x="{(column + word.start()) * CELL}" y="{row * LINE + 15}" '
            f'textLength="{len(word.group()) * CELL}">{escape(word.group())}</text>'
        )


def _column(node: ET.Element) -> int:
    return round(float(node.get("x", 0)) / THEIR_CELL)


def _repeated(column: int, row: int, box: Box, count: int) -> Iterator[str]:
    """The same box in characters beside each other: one where they touch."""
    if box.wide == ACROSS:
        yield _stroke(column, row, box, count)
        return
    for place in range(count):
        yield _stroke(column + place, row, box)


def _stroke(column: int, row: int, box: Box, count: int = 1) -> str:
    middle = row * DOWN + box.top + box.high / 2
    return f"M{column * ACROSS + box.left} {middle:g}h{box.wide + (count - 1) * ACROSS}"


def _drawn(paths: Paths) -> str:
    drawn = defaultdict[int, list[str]](list)
    for (high, look), strokes in paths.items():
        drawn[high].append(f'<path {look} d="{"".join(strokes)}"/>')
    return "".join(f'<g stroke-width="{high}">{"".join(made)}</g>' for high, made in drawn.items())


@cache
def boxes(sign: str) -> tuple[Box, ...]:
    """What a block or line character lights; empty for any other."""
    if sign in SHADES:
        return (Box(0, 0, ACROSS, DOWN),)
    kinds: tuple[Blocks, ...] = ("quadrant", "sextant", "octant")
    for kind in kinds:
        if sign != " " and sign in characters(kind):
            return tuple(_pixels(characters(kind).index(sign), *GRIDS[kind]))
    name = unicodedata.name(sign, "")
    if name.startswith("BOX DRAWINGS ") and not re.search("DOUBLE|DASH|DIAGONAL", name):
        return tuple(_arms(name))
    code = ord(sign)
    if 0x2581 <= code <= 0x2588:  # the lower eighths
        high = (code - 0x2580) * DOWN // 8
        return (Box(0, DOWN - high, ACROSS, high),)
    if 0x2589 <= code <= 0x258F:  # the left eighths
        return (Box(0, 0, 0x2590 - code, DOWN),)
    edges = {"▔": Box(0, 0, ACROSS, DOWN // 8), "▕": Box(ACROSS - 1, 0, 1, DOWN)}
    return (edges[sign],) if sign in edges else ()


def _pixels(pattern: int, across: int, down: int) -> Iterator[Box]:
    """The lit pixels of a pattern, those beside each other as one box."""
    wide, high = ACROSS // across, DOWN // down
    for row in range(down):
        lit = [bool(pattern >> (row * across + column) & 1) for column in range(across)]
        if all(lit):
            yield Box(0, row * high, ACROSS, high)
        else:
            yield from (Box(column * wide, row * high, wide, high) for column in range(across) if lit[column])


def _arms(name: str) -> Iterator[Box]:
    """The strokes of a line character, by its name."""
    words = set(name.split())
    thin = THIN + ("HEAVY" in words)
    x, y = ACROSS // 2, DOWN // 2
    up, down = bool(words & {"VERTICAL", "UP"}), bool(words & {"VERTICAL", "DOWN"})
    left, right = bool(words & {"HORIZONTAL", "LEFT"}), bool(words & {"HORIZONTAL", "RIGHT"})
    if up or down:
        top, bottom = (0 if up else y), (DOWN if down else y + thin)
        yield Box(x, top, thin, bottom - top)
    if left or right:
        start, end = (0 if left else x), (ACROSS if right else x + thin)
        yield Box(start, y, end - start, thin)


def shown_lines(svg: str, frame: int = 0) -> list[str]:
    """The text of a picture that was made here, by line, without blocks and lines; of a moving one, that frame."""
    root = ET.fromstring(svg)
    tags = {node: node.tag.rpartition("}")[2] for node in root.iter()}
    frames = [node for node in root if tags[node] == "g" and node.get("class") == "f"]
    within = frames[frame] if frames else root
    cells: dict[int, dict[int, str]] = defaultdict(dict)
    for node in within.iter():
        if tags[node] == "text" and not node.get("class") and node.text:
            row, column = (int(node.get("y", 0)) - 15) // LINE, int(node.get("x", 0)) // CELL
            cells[row].update(enumerate(node.text, start=column))
    return [
        "".join(cells[row].get(column, " ") for column in range(max(cells[row], default=-1) + 1))
        for row in range(max(cells, default=-1) + 1)
    ]


def captions(svg: str) -> list[str]:
    """The captions of a moving picture that was made here."""
    return [node.text or "" for node in ET.fromstring(svg).iter() if node.get("class") == "c"]
