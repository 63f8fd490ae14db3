"""A plot's PNG shows what its SVG says: each line, dot, bar and word in its place and colour."""

import io
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageColor

from engine.base.errors import ConfigError
from engine.report.fonts import FILES
from engine.report.png import SCALE, png
from engine.report.svg import Axis, Dot, Series, bars, dots, grid, heat, intervals, lines
from tests.makers.extent import ALL

UNIT = Axis("share", 0, 1)
PLOTS = {
    "lines": lines([Series("loss", [(1, 0.9), (2, 0.3), (4, 0.2)], marked=True)], Axis("epoch", 0, 5), UNIT),
    "log": lines([Series("loss", [(1, 0.9), (30, 0.3)], marked=True)], Axis("images", 1, 100, True), UNIT),
    "points": lines([Series("sizes", [(1, 0.9), (2, 0.3)], joined=False)], Axis("epoch", 0, 5), UNIT),
    "bars": bars([("COVID", 137), ("Normal", 40)], Axis("images", 0, 137), "class"),
    "dots": dots([Dot("", 3, 0.5, 0.75, 0.8, True)], [], Axis("seconds", 0, 10), UNIT),
    "intervals": intervals([("a", 0.2, 0.5, 0.7)], UNIT, 0.42),
}
TABLES = {
    "grid": grid(["a", "b"], [[10, 2], [3, 8]]),
    "heat": heat(["a", "b"], ["a", "b"], [[(0.9, "10"), (0.4, "3")], [None, (0.5, "4")]]),
}


def pixels(svg: str) -> np.ndarray:
    """The PNG of an SVG, uint8 (h, w, 3)."""
    return np.asarray(Image.open(io.BytesIO(png(svg))))


def elements(svg: str, tag: str) -> list[dict[str, str]]:
    """The attributes of the elements of a kind, in their order."""
    return [one.attrib for one in ElementTree.fromstring(svg) if one.tag.endswith("}" + tag)]


def close(picture: np.ndarray, x: float, y: float, colour: str, opacity: float = 1.0) -> bool:
    """Has the picture this colour, over white, at a place of the SVG?"""
    wanted = 255 + (np.array(ImageColor.getrgb(colour)) - 255) * opacity
    return bool(np.abs(picture[round(SCALE * y - 0.5), round(SCALE * x - 0.5)] - wanted).max() <= 12)


@pytest.mark.parametrize("name", PLOTS | TABLES)
def test_a_png_is_twice_as_large_as_its_svg_and_has_its_words(name: str) -> None:
    svg = (PLOTS | TABLES)[name]
    root, picture = ElementTree.fromstring(svg), pixels(svg)
    assert picture.shape == (SCALE * int(root.attrib["height"]), SCALE * int(root.attrib["width"]), 3)
    # Words are drawn above the foot of their letters, except the one that is turned.
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        x, y, wide = float(text.attrib["x"]), float(text.attrib["y"]), 3 * len(text.text or "")
        left = {"start": x, "middle": x - wide / 2, "end": x - wide}[text.attrib["text-anchor"]]
        box = (
            (left, y - 8, left + wide, y) if "transform" not in text.attrib else (x - 8, y - wide / 2, x, y + wide / 2)
        )
        low, top, right, foot = (round(SCALE * side) for side in box)
        part = picture[max(0, top) : foot, max(0, low) : right].astype(int)
        assert not text.text or np.ptp(part.sum(axis=2)) > 60, (name, text.text)


@pytest.mark.parametrize("name", PLOTS)
def test_dots_lines_and_bars_lie_where_the_svg_has_them(name: str) -> None:
    svg = PLOTS[name]
    picture = pixels(svg)
    for one in elements(svg, "circle"):
        assert close(picture, float(one["cx"]), float(one["cy"]), one["fill"])
        assert not close(picture, float(one["cx"]) + float(one["r"]) + 3, float(one["cy"]) + 6, one["fill"])
    for one in elements(svg, "polyline"):
        places = [tuple(map(float, each.split(","))) for each in one["points"].split()]
        for (x, y), (a, b) in pairwise(places):
            assert all(close(picture, x + t * (a - x), y + t * (b - y), one["stroke"]) for t in (0.2, 0.5, 0.8))
    for one in elements(svg, "rect"):
        left, top, wide, high = (float(one[side]) for side in ("x", "y", "width", "height"))
        assert close(picture, left + 2, top + 2, one["fill"]) and close(
            picture, left + wide - 1, top + high - 1, one["fill"]
        )
        assert not close(picture, left + wide + 3, top + 1, one["fill"])
    assert elements(svg, "circle") or elements(svg, "rect")


@pytest.mark.parametrize("name", TABLES)
def test_a_cell_is_as_dark_as_its_share(name: str) -> None:
    svg = TABLES[name]
    picture = pixels(svg)
    for one in elements(svg, "rect"):
        assert close(picture, float(one["x"]) + 6, float(one["y"]) + 6, one["fill"], float(one["fill-opacity"]))


def test_dashes_have_gaps_and_a_faint_line_is_faint() -> None:
    level = [(0, 0.5), (10, 0.5)]
    first = Series("first", [(0, 0.9), (10, 0.9)])
    svg = lines(
        [first, Series("second", level), Series("third", [(0, 0.1), (10, 0.1)], faint=True)], Axis("", 0, 10), UNIT
    )
    picture = pixels(svg)
    solid, dashed, faint = (one["points"].split()[0] for one in elements(svg, "polyline"))

    def row(place: str) -> list[bool]:
        y = float(place.split(",")[1])
        return [bool(picture[round(SCALE * y - 0.5), x].min() < 200) for x in range(120, 700)]

    assert all(row(solid)) and 0.5 < np.mean(row(dashed)) < 0.85 and 0 < np.mean(row(faint)) < 0.9
    y = float(faint.split(",")[1])
    assert picture[round(SCALE * y - 0.5), 120:700].min() > 90, "at 0.35 no green is darker"


def test_a_sign_stands_at_its_point_in_place_of_a_dot() -> None:
    svg = lines([Series("a recipe", [(5, 0.5)], joined=False, sign="A")], Axis("s", 0, 10), UNIT)
    assert not elements(svg, "circle") and not elements(svg, "polyline")
    signs = [one for one in ElementTree.fromstring(svg) if one.text == "A"]
    assert len(signs) == 2 and {one.attrib["fill"] for one in signs} == {"#0072b2"}


@pytest.mark.parametrize("name", PLOTS | TABLES)
def test_no_element_of_a_plot_is_left_out(name: str) -> None:
    """Each one taken out makes another picture, unless it is of no size or another covers it; daily each fourth."""
    svg = (PLOTS | TABLES)[name]
    root, whole = ElementTree.fromstring(svg), png(svg)
    for one in list(root)[:: 1 if ALL else 4]:
        if (one.tag.endswith("text") and not one.text) or one.attrib.get("points") == "":
            continue
        place = list(root).index(one)
        root.remove(one)
        assert png(ElementTree.tostring(root, encoding="unicode")) != whole or one.attrib.get("fill-opacity"), (
            one.attrib
        )
        root.insert(place, one)


def test_letters_that_no_font_has_are_named_and_the_other_format_is_advised(tmp_path: Path) -> None:
    svg = grid(["COVID", "肺炎"], [[10, 2], [3, 8]])
    with pytest.raises(ConfigError, match=r"No font .* letter [炎肺] of the plot: give it a name that ends in \.svg\."):
        png(svg, (str(tmp_path),))
    assert "msjh.ttc" in FILES
    (tmp_path / "msjh.ttc").write_bytes(b"no font")
    with pytest.raises(ConfigError, match="No font"):
        png(svg, (str(tmp_path), str(tmp_path / "gone")))


def test_chinese_is_drawn_where_the_machine_has_a_font_for_it() -> None:
    try:
        drawn = pixels(grid(["COVID", "肺炎"], [[10, 2], [3, 8]]))
    except ConfigError:
        pytest.skip("no font with Chinese here")
    assert not np.array_equal(drawn, pixels(grid(["COVID", "炎肺"], [[10, 2], [3, 8]])))


def test_what_no_plot_has_is_refused() -> None:
    with pytest.raises(ValueError, match="path"):
        png(grid(["a"], [[1]]).replace("<rect", "<path"))
