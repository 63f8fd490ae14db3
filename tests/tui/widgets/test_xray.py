"""How an X-ray is drawn: by the characters that are asked for, and its heat so that each terminal can show it."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from textual.app import App, ComposeResult

from tests.makers.pictures import chest
from tui.host.terminal import Abilities, draws_sextants
from tui.widgets.xray import Way, Xray, choose, heat_scale
from tui.words.block_cells import Blocks, characters

PICTURE = chest(120, 120)
HEAT = np.zeros((12, 12), np.float32)
HEAT[3:9, 3:9] = np.linspace(0, 1, 6)
LEVELS = (0, 95, 135, 175, 215, 255)
Colour = tuple[int, int, int]


class Shows(App[None]):
    """One picture on the whole screen."""

    def __init__(self, way: Way, heat: np.ndarray | None) -> None:
        super().__init__()
        self._way, self._heat = way, heat

    def compose(self) -> ComposeResult:
        """The picture."""
        yield Xray(self._way)

    def on_mount(self) -> None:
        """Show it."""
        self.query_one(Xray).show(PICTURE, self._heat)


def drawn(way: Way, heat: np.ndarray | None = None) -> tuple[str, set[Colour], str]:
    """The characters on the screen, the colours of the picture, and the scale of its heat."""
    found: list[tuple[str, set[Colour], str]] = []

    async def scenario() -> None:
        app = Shows(way, heat)
        async with app.run_test(size=(40, 20)) as pilot:
            await pilot.pause()
            segments = [segment for line in app.screen._compositor.render_strips() for segment in line]
            styles = [one.style for one in segments if one.style and one.text and one.text in "▀▄█"]
            parts = [part for style in styles for part in (style.color, style.bgcolor) if part]
            text = "".join(segment.text for segment in segments)
            colours = {(one.red, one.green, one.blue) for one in (part.get_truecolor() for part in parts)}
            found.append((text, colours, heat_scale(app, way).plain))

    asyncio.run(asyncio.wait_for(scenario(), 60))
    return found[0]


@pytest.fixture
def colours(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The colours of the terminal."""
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", request.param)


@pytest.mark.parametrize("kind", ["quadrant", "sextant", "octant"])
def test_the_characters_are_those_that_are_asked_for(kind: Blocks) -> None:
    text, _, _ = drawn(kind)
    signs = set(characters(kind))
    assert set(text) <= signs and len(set(text) & signs) > 6


@pytest.mark.parametrize("colours", ["256"], indirect=True)
@pytest.mark.parametrize("way", ["halfblock", "sextant"])
def test_heat_in_256_colours_is_bands_of_three_hues_over_an_image_in_grey(colours: None, way: Way) -> None:
    text, shown, scale = drawn(way, HEAT)
    hot = {colour for colour in shown if len(set(colour)) > 1}
    assert hot and all(part in LEVELS for colour in hot for part in colour)
    assert {(red > blue, green == red) for red, green, blue in hot} == {(False, False), (True, False), (True, True)}
    assert set(text) <= set("▀ ") and scale.startswith("heat: none ") and scale.endswith(" most")


@pytest.mark.parametrize("colours", ["truecolor"], indirect=True)
def test_heat_in_all_colours_goes_evenly(colours: None) -> None:
    _, shown, scale = drawn("halfblock", HEAT)
    assert len({colour for colour in shown if max(colour) - min(colour) > 20}) > 30 and "heat: none" in scale


def test_heat_without_colours_is_in_tenths_of_the_most() -> None:
    text, _, scale = drawn("grey", HEAT)
    line = next(line for line in (text[start : start + 40] for start in range(0, 800, 40)) if "5" in line)
    digits = [int(sign) for sign in line if sign.isdigit()]
    assert digits[0] <= 3 and digits[-1] <= 9 and max(digits) >= 7 and min(digits) >= 2
    rising = digits[: digits.index(max(digits)) + 1]
    assert all(one <= other for one, other in pairwise(rising)) and scale == "digits: heat in tenths"
    assert not any(sign.isdigit() for sign in drawn("grey")[0])


def test_what_only_some_fonts_have_is_drawn_unasked_only_where_the_terminal_draws_it_itself() -> None:
    assert choose("auto", Abilities(), "truecolor") == "halfblock"
    assert choose("auto", Abilities(sextants=True), "256") == "sextant"
    assert choose("auto", Abilities(sextants=True), None) == "grey"
    assert choose("auto", Abilities(sixel=True, sextants=True), "256") == "sixel"
    assert all(choose(way, Abilities(), "256") == way for way in ("quadrant", "sextant", "octant"))


@pytest.mark.parametrize(
    ("environment", "drawn_itself"),
    [
        ({"TERM": "foot"}, True),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "linux"}, False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "5202"}, False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "odd"}, False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600", "TERM_PROGRAM": "vscode"}, False),
        ({"TERM": "tmux-256color", "VTE_VERSION": "7600"}, False),
        ({"TERM": "foot", "TMUX": "/tmp/tmux-0/default,1,0"}, False),
        ({}, False),
    ],
)
def test_a_terminal_that_draws_block_characters_itself_is_known(
    environment: dict[str, str], drawn_itself: bool
) -> None:
    assert draws_sextants(environment) == drawn_itself
