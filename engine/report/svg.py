"""Plots of a model card as SVG text: lines, bars, values with intervals, and a grid of counts. png.py draws the same.

Colours are Okabe and Ito's (2008), which the colour-blind tell apart; series differ by dashes as well.
"""

import html
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.base.escape import escaped
from engine.base.language import tag, tr

WIDTH, HEIGHT = 380, 280
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 16, 46
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_CHINESE = "'PingFang TC', 'Microsoft JhengHei', 'Noto Sans TC', 'Noto Sans CJK TC', "
FONTS = f"system-ui, {_CHINESE if tag().startswith('zh') else ''}sans-serif"
GREY = "#999"
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2", "10 4")
Point = Sequence[float]


@dataclass(frozen=True)
class Series:
    """A line through points (x, y) under a name; `marked` draws the points too, `faint` stays behind the others.

    One without a name is not in the legend. One that is not `joined` is points alone, at each of which its `sign`
    stands where it has one. `style` is the number of its colour and dashes, -1 for grey; by its place where None.
    """

    name: str
    points: Sequence[Point]
    marked: bool = False
    faint: bool = False
    joined: bool = True
    sign: str = ""
    style: int | None = None

    def ink(self, place: int) -> tuple[str, str]:
        """Colour and dashes of the one at `place`."""
        number = place if self.style is None else self.style
        return (GREY, "") if number < 0 else (COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)])


@dataclass(frozen=True)
class Axis:
    """A label and the ends of the scale, which must be above 0 where it is logarithmic."""

    label: str
    low: float
    high: float
    log: bool = False

    def ticks(self, most: int = 6) -> list[float]:
        """Round values between the ends, in steps of 1, 2 or 5 times a power of ten; such values where logarithmic."""
        powers = range(math.floor(math.log10(self._least)), math.ceil(math.log10(max(self.high, self._least))) + 1)
        if self.log:
            every = [[m * 10.0**k for k in powers for m in ms] for ms in ((1, 2, 5), (1, 3), (1,))]
            inside = [[value for value in values if self.low <= value <= self.high] for values in every]
            return next((values for values in inside if len(values) <= most), inside[-1])
        steps = sorted(m * 10.0**k for k in powers for m in (1, 2, 5))
        step = next((one for one in steps if (self.high - self.low) / one <= most), steps[-1])
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    @property
    def _least(self) -> float:
        return self.low if self.log else (self.high - self.low) / 100 or 1.0

    def share(self, value: float) -> float:
        """How far along the axis a value lies, 0 to 1."""
        low, high, at = (math.log(v) if self.log else v for v in (self.low, self.high, max(value, self.low)))
        return min(max((at - low) / ((high - low) or 1), 0), 1)


@dataclass(frozen=True)
class Dot:
    """A point with its interval upright, under a short label; a filled one stands out."""

    label: str
    x: float
    low: float
    value: float
    high: float
    filled: bool


def lines(series: Sequence[Series], x: Axis, y: Axis, diagonal: bool = False) -> str:
    """A line chart with its legend; `diagonal` adds the line of equal x and y, for chance or perfect calibration."""
    body = _frame(x, y)
    if diagonal:
        body.append(_line(_at(x.low, x, y.low, y), _at(x.high, x, y.high, y), 'stroke="#999" stroke-dasharray="3 3"'))
    for number, one in enumerate(series):
        colour, dash = one.ink(number)
        places = [_at(point[0], x, point[1], y) for point in one.points]
        if one.joined:
            path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
            width = 'stroke-width="1" stroke-opacity="0.35"' if one.faint else 'stroke-width="1.8"'
            style = f'fill="none" stroke="{colour}" {width}' + (f' stroke-dasharray="{dash}"' if dash else "")
            body.append(f'<polyline points="{path}" {style}/>')
        if one.sign and not one.joined:
            body += [_text(a, b + 4, one.sign, "middle", colour) for a, b in places]
        elif one.marked or not one.joined:
            dot = 'r="1.5" fill-opacity="0.35"' if one.faint else 'r="3"'
            body += [f'<circle cx="{a:.1f}" cy="{b:.1f}" {dot} fill="{colour}"/>' for a, b in places]
    return _svg(body + _legend(series), HEIGHT + 16 * sum(bool(one.name) for one in series))


def dots(points: Sequence[Dot], stairs: Sequence[Point], x: Axis, y: Axis) -> str:
    """Labelled points with their intervals, and a staircase through the places (x, y), ever higher to the right."""
    body = _frame(x, y)
    places = [_at(a, x, b, y) for a, b in stairs]
    corners = places[:1] + [at for (_, b), (c, d) in pairwise(places) for at in ((c, b), (c, d))]
    if corners:
        corners.append((WIDTH - RIGHT, corners[-1][1]))
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)
    body.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[1]}" stroke-width="1.8" opacity="0.7"/>')
    for dot in points:
        (a, b), (_, top), (_, bottom) = (_at(dot.x, x, value, y) for value in (dot.value, dot.high, dot.low))
        fill = COLOURS[0] if dot.filled else "#fff"
        body.append(_line((a, top), (a, bottom), f'stroke="{COLOURS[0]}" stroke-width="1" opacity="0.6"'))
        body.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{fill}" stroke="{COLOURS[0]}"/>')
        right = a < LEFT + 0.7 * (WIDTH - LEFT - RIGHT)
        above = b - 5 if dot.filled else b + 13
        body.append(_text(a + (7 if right else -7), above, dot.label, "start" if right else "end"))
    return _svg(body, HEIGHT)


def intervals(rows: Sequence[tuple[str, float, float, float]], x: Axis, mark: float | None = None) -> str:
    """A dot with its interval a row: (name, low, value, high); `mark` is a vertical line, such as the baseline."""
    step, left = 24, 150
    height = TOP + step * len(rows) + BOTTOM

    def across(value: float) -> float:
        return left + (value - x.low) / (x.high - x.low) * (WIDTH - left - RIGHT)

    body = _ruled(x, left, height)
    if mark is not None:
        style = 'stroke="#d55e00" stroke-dasharray="4 3"'
        body.append(_line((across(mark), TOP), (across(mark), height - BOTTOM), style))
    for number, (name, low, value, high) in enumerate(rows):
        place = TOP + step * (number + 0.5)
        body.append(_text(left - 8, place + 4, name, "end"))
        body.append(_line((across(low), place), (across(high), place), 'stroke="#0072b2" stroke-width="2"'))
        body.append(f'<circle cx="{across(value):.1f}" cy="{place:.1f}" r="4" fill="#0072b2"/>')
    return _svg(body, height)


def bars(rows: Sequence[tuple[str, float]], x: Axis, label: str) -> str:
    """A bar a row from the low end of the scale on, with its number; `label` names what the rows are."""
    step, left = 20, 170
    height = TOP + step * len(rows) + BOTTOM
    body = [*_ruled(x, left, height), _upright(label, (TOP + height - BOTTOM) / 2)]
    for number, (name, value) in enumerate(rows):
        top, wide = TOP + step * number, x.share(value) * (WIDTH - left - RIGHT)
        body.append(_text(left - 6, top + step / 2 + 4, _short(name, left - 30), "end"))
        place = f'x="{left:.1f}" y="{top + 3:.1f}" width="{wide:.1f}" height="{step - 6:.1f}"'
        body.append(f'<rect {place} fill="{COLOURS[0]}" fill-opacity="1" stroke="{COLOURS[0]}"/>')
        inside = wide > 0.7 * (WIDTH - left - RIGHT)
        where = (wide - 5, "end", "#fff") if inside else (wide + 5, "start", "#222")
        body.append(_text(left + where[0], top + step / 2 + 4, f"{value:,.0f}", *where[1:]))
    return _svg(body, height)


def grid(names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """A confusion matrix: truth in rows, the answer in columns, each cell as dark as its share of the row."""
    left, top, side = 130, 40, min(90.0, (WIDTH - 140) / max(len(names), 1))
    body = [_text(left, 14, tr("said"), "start"), _text(8, top + 4, tr("truth"), "start")]
    for k, name in enumerate(names):
        body.append(_text(left + side * (k + 0.5), 32, _short(name, side), "middle"))
        body.append(_text(left - 8, top + side * (k + 0.5) + 4, _short(name, 110), "end"))
        for j, count in enumerate(counts[k]):
            share = count / max(sum(counts[k]), 1)
            place = f'x="{left + side * j:.1f}" y="{top + side * k:.1f}" width="{side:.1f}" height="{side:.1f}"'
            body.append(f'<rect {place} fill="#0072b2" fill-opacity="{share:.2f}" stroke="#999"/>')
            ink = "#fff" if share > 0.5 else "#222"
            body.append(_text(left + side * (j + 0.5), top + side * (k + 0.5) + 5, f"{count:,}", "middle", ink))
    return _svg(body, top + side * len(names) + 12)


def heat(rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[tuple[float, str] | None]]) -> str:
    """A table of shares, 0 to 1, each cell as dark as its share: (share, a second line under it), None for a gap.

    `rows` name what lies down the side, `columns` what lies along the top; a cell of equal place stands out by its rim.
    """
    left, top, side, high = 130, 40, max(80.0, (WIDTH - 140) / max(len(columns), 1)), 48
    body = [_text(left, 14, tr("tested on"), "start"), _text(8, top - 8, tr("trained on"), "start")]
    body += [_text(left + side * (j + 0.5), 32, _short(name, side), "middle") for j, name in enumerate(columns)]
    for k, name in enumerate(rows):
        body.append(_text(left - 8, top + high * (k + 0.5) + 4, _short(name, 110), "end"))
        for j, cell in enumerate(cells[k]):
            share, below = cell or (0.0, "")
            place = f'x="{left + side * j:.1f}" y="{top + high * k:.1f}" width="{side:.1f}" height="{high}"'
            rim = 'stroke="#d55e00" stroke-width="2"' if k == j else 'stroke="#999"'
            body.append(f'<rect {place} fill="#0072b2" fill-opacity="{share:.2f}" {rim}/>')
            ink, middle = "#fff" if share > 0.5 else "#222", left + side * (j + 0.5)
            body.append(_text(middle, top + high * k + 21, f"{share:.1%}" if cell else "-", "middle", ink))
            body.append(_text(middle, top + high * k + 37, below, "middle", ink))
    return _svg(body, top + high * len(rows) + 12, left + side * len(columns) + 12)


def shortened(value: float) -> str:
    """A short label: 0.25, 40, 500k, 2M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * size or (abs(value) >= size and not value % size):
            return f"{value / size:.3g}{letter}"
    return f"{value:g}"


def cut(text: str, most: int) -> str:
    """The beginning of a text that is at most so many letters wide; a Chinese character is as wide as two."""
    width = 0
    for number, letter in enumerate(text):
        width += _width(letter)
        if width > most:
            return text[:number]
    return text


def _width(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _frame(x: Axis, y: Axis) -> list[str]:
    body = []
    for tick in x.ticks():
        across, _ = _at(tick, x, y.low, y)
        body.append(_line((across, TOP), (across, HEIGHT - BOTTOM), 'stroke="#e5e5e5"'))
        body.append(_text(across, HEIGHT - BOTTOM + 14, shortened(tick), "middle"))
    for tick in y.ticks():
        _, down = _at(x.low, x, tick, y)
        body.append(_line((LEFT, down), (WIDTH - RIGHT, down), 'stroke="#e5e5e5"'))
        body.append(_text(LEFT - 6, down + 4, shortened(tick), "end"))
    body.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x.label, "middle"))
    return [*body, _upright(y.label, (TOP + HEIGHT - BOTTOM) / 2)]


def _ruled(x: Axis, left: float, height: float) -> list[str]:
    """The horizontal axis of a table of rows, with a line at each of its values."""
    body = []
    for tick in x.ticks():
        across = left + x.share(tick) * (WIDTH - left - RIGHT)
        body.append(_line((across, TOP), (across, height - BOTTOM), 'stroke="#ddd"'))
        body.append(_text(across, height - BOTTOM + 14, shortened(tick), "middle"))
    return [*body, _text((left + WIDTH) / 2, height - 10, x.label, "middle")]


def _upright(label: str, middle: float) -> str:
    turned = f'transform="rotate(-90 12 {middle})" text-anchor="middle" fill="#222"'
    return f'<text x="12" y="{middle}" {turned}>{html.escape(escaped(label))}</text>'


def _legend(series: Sequence[Series]) -> list[str]:
    body, down = [], HEIGHT
    for number, one in enumerate(series):
        if not one.name:
            continue
        colour, dash = one.ink(number)
        if one.joined:
            style = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash or "none"}"'
            body.append(_line((LEFT, down), (LEFT + 26, down), style))
        elif one.sign:
            body.append(_text(LEFT + 13, down + 4, one.sign, "middle", colour))
        else:
            body.append(f'<circle cx="{LEFT + 13}" cy="{down}" r="3" fill="{colour}"/>')
        body.append(_text(LEFT + 34, down + 4, one.name, "start"))
        down += 16
    return body


def _at(a: float, x: Axis, b: float, y: Axis) -> tuple[float, float]:
    return LEFT + x.share(a) * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y.share(b) * (HEIGHT - TOP - BOTTOM)


def _line(start: tuple[float, float], end: tuple[float, float], style: str) -> str:
    return f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" {style}/>'


def _text(x: float, y: float, text: str, anchor: str, ink: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{ink}">{html.escape(escaped(text))}</text>'


def _short(text: str, room: float) -> str:
    most = max(4, int(room / 6.5))
    return text if cut(text, most) == text else cut(text, most - 1) + "…"


def _svg(body: Sequence[str], height: float, width: float = WIDTH) -> str:
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    font = f'font-family="{FONTS}" font-size="11"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font} role="img">{"".join(body)}</svg>'
