"""A picture under a view: part, zoom and window are what they are said to be, whatever was pressed before."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.data.image.view import MOST_ZOOM, NARROWEST, View, cut, levels, outline, seen

SIDES = st.integers(1, 400)
SHAPES = st.floats(0.2, 5)
VIEWS = st.builds(
    View,
    zoom=st.floats(1, MOST_ZOOM),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    width=st.floats(NARROWEST, 255),
    level=st.floats(0, 255),
    inverted=st.booleans(),
)
PICTURES = arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)))


@given(SIDES, SIDES, SHAPES)
def test_the_first_view_is_the_whole_picture_as_it_is(height: int, width: int, shape: float) -> None:
    part = View().part(height, width, shape)
    assert (part.left, part.top, part.width, part.height) == (0, 0, width, height)
    assert levels(View()).tolist() == list(range(256)) and View().whole_window


@given(VIEWS, SIDES, SIDES, SHAPES)
def test_a_part_lies_within_the_picture_and_is_smaller_the_nearer_one_is(
    view: View, height: int, width: int, shape: float
) -> None:
    part, nearer = view.part(height, width, shape), view.zoomed(1.5).part(height, width, shape)
    assert part.left >= 0 and part.left + part.width <= width and part.width >= 1
    assert part.top >= 0 and part.top + part.height <= height and part.height >= 1
    assert nearer.width <= part.width and nearer.height <= part.height


@given(VIEWS, st.integers(50, 400), st.integers(50, 400), SHAPES)
def test_what_is_seen_is_as_large_as_the_zoom_says(view: View, height: int, width: int, shape: float) -> None:
    part = view.part(height, width, shape)
    fitted = min(shape / width, 1 / height)
    shown = min(shape / part.width, 1 / part.height)
    assert abs(shown / (fitted * view.zoom) - 1) < 1 / min(part.width, part.height) + 1e-6


@given(VIEWS)
def test_the_ends_of_the_window_are_drawn_black_and_white(view: View) -> None:
    table, (low, high) = levels(view).astype(int), view.ends
    steps = np.diff(table)
    assert (steps <= 0).all() if view.inverted else (steps >= 0).all()
    black, white = (255, 0) if view.inverted else (0, 255)
    assert all(table[level] == black for level in range(max(0, low - 1) if low > 0 else 0) if level < low)
    assert all(table[level] == white for level in range(min(256, max(0, high + 1)), 256))


@given(PICTURES, VIEWS, SHAPES)
def test_what_is_seen_are_the_part_s_own_pixels_through_the_window(
    pixels: np.ndarray, view: View, shape: float
) -> None:
    part = view.part(pixels.shape[0], pixels.shape[1], shape)
    shown = seen(pixels, view, shape)
    assert shown.dtype == np.uint8 and shown.shape == (part.height, part.width)
    assert np.array_equal(shown, levels(view)[cut(pixels, part)])
    assert np.array_equal(seen(pixels, view.turned(), shape), 255 - shown)
    three = np.repeat(pixels[..., None], 3, axis=2)
    assert np.array_equal(seen(three, view, shape), np.repeat(shown[..., None], 3, axis=2))


@given(VIEWS, st.floats(-300, 300), st.floats(-300, 300), st.floats(-3, 3), st.floats(0.1, 10))
def test_no_key_leads_out_of_bounds(view: View, wider: float, higher: float, aside: float, nearer: float) -> None:
    found = view.windowed(wider, higher).moved(aside, -aside).zoomed(nearer)
    assert 1 <= found.zoom <= MOST_ZOOM and 0 <= found.x <= 1 and 0 <= found.y <= 1
    assert NARROWEST <= found.width <= 255 and 0 <= found.level <= 255
    assert found.turned().turned() == found


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(1, 30))), st.integers(1, 3))
def test_an_outline_lies_on_the_mask_and_leaves_what_is_deep_inside(mask: np.ndarray, thickness: int) -> None:
    edge = outline(mask, thickness)
    assert edge.shape == mask.shape and not (edge & ~mask).any()
    padded = np.pad(mask, thickness)
    for row, column in np.argwhere(mask).tolist():
        square = padded[row : row + 2 * thickness + 1, column : column + 2 * thickness + 1]
        if square.all():
            assert not edge[row, column], "all around lies within"
        if not square[thickness - 1 : thickness + 2, thickness].all():
            assert edge[row, column], "one beside it lies without"
