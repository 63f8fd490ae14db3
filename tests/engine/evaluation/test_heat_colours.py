"""Heat over an image: cold places stay as they are, and in 256 colours a band of heat has one hue."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rich.color import Color, ColorSystem

from engine.evaluation.heat_colours import BANDS, colours, overlay, overlay_in_few, scale

XTERM = {16 + 36 * r + 6 * g + b: (r, g, b) for r in range(6) for g in range(6) for b in range(6)}
LEVELS = (0, 95, 135, 175, 215, 255)


def test_the_overlay_leaves_cold_places_as_they_are_and_grows_lighter_in_colour_with_heat() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 40), dtype=np.uint8)
    heat = np.zeros((30, 20), np.float32)
    assert np.array_equal(overlay(pixels, heat), np.repeat(pixels[..., None], 3, axis=2))
    heat[20:] = 1
    shown = overlay(pixels, heat)
    assert shown.shape == (60, 40, 3) and shown.dtype == np.uint8
    assert np.array_equal(shown[:30, ..., 0], pixels[:30]) and np.ptp(shown[50], axis=-1).min() > 50
    light = colours(np.linspace(0, 1, 50, dtype=np.float32)) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > 0).all()


@given(arrays.arrays(np.uint8, (12, 9)), st.sampled_from([(0.3, 300), (0.6, 0), (0.9, 60)]))
def test_each_band_of_heat_is_drawn_in_one_hue_however_bright_the_image(
    pixels: np.ndarray, band: tuple[float, int]
) -> None:
    heat, hue = band
    shown = overlay_in_few(pixels, np.full((12, 9), heat, np.float32)).reshape(-1, 3)
    hues = {round(360 * colorsys.rgb_to_hsv(*map(float, colour))[0]) for colour in shown}
    assert hues == {hue}
    assert all(int(value) in LEVELS for value in shown.reshape(-1)), "nothing that a terminal of 256 colours must shift"


@given(arrays.arrays(np.uint8, (6, 5)), st.sampled_from([0.3, 0.6, 0.9]))
def test_a_terminal_of_256_colours_draws_the_heat_as_it_is_meant(pixels: np.ndarray, heat: float) -> None:
    for colour in overlay_in_few(pixels, np.full((6, 5), heat, np.float32)).reshape(-1, 3).tolist():
        number = Color.from_rgb(*colour).downgrade(ColorSystem.EIGHT_BIT).number
        assert number is not None and tuple(LEVELS[part] for part in XTERM[number]) == tuple(colour)


def test_where_there_is_little_heat_few_colours_leave_the_image_grey() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    shown = overlay_in_few(pixels, np.full((16, 16), BANDS[0] - 0.01, np.float32))
    assert np.array_equal(shown, np.repeat(pixels[..., None], 3, axis=2))


@given(arrays.arrays(np.uint8, (16, 16)))
def test_the_image_is_still_seen_through_the_heat_of_few_colours(pixels: np.ndarray) -> None:
    for heat in (0.3, 0.6, 0.9):
        shown = overlay_in_few(pixels, np.full((16, 16), heat, np.float32)).sum(axis=-1, dtype=int)
        order = np.argsort(pixels, axis=None)
        assert (np.diff(shown.reshape(-1)[order]) >= 0).all(), "brighter where the image is brighter"


@pytest.mark.parametrize("few", [False, True])
def test_a_scale_goes_from_grey_to_the_colour_of_the_most_heat(few: bool) -> None:
    line = scale(9, few)
    grey, most = np.full((1, 1), line[0, 0, 0], np.uint8), np.ones((1, 1), np.float32)
    assert line.shape == (1, 9, 3) and len(set(line[0, 0].tolist())) == 1
    assert np.array_equal(line[0, -1], (overlay_in_few if few else overlay)(grey, most)[0, 0])
    assert len({tuple(colour) for colour in line[0].tolist()}) == (4 if few else 9)
