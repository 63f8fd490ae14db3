"""Pictures in block characters."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rich.cells import cell_len
from rich.console import Console

from tui.words.block_cells import GRIDS, BlockCells, Blocks, characters, fitted_cells

KINDS: tuple[Blocks, ...] = ("halfblock", "quadrant", "sextant", "octant")


def printed(pixels: np.ndarray, kind: Blocks = "halfblock") -> str:
    """What a console of truecolor prints for them."""
    file = io.StringIO()
    Console(file=file, force_terminal=True, color_system="truecolor", width=40).print(BlockCells(pixels, kind), end="")
    return file.getvalue()


def redrawn(pixels: np.ndarray, kind: Blocks) -> np.ndarray:
    """The pixels that the characters show."""
    across, down = GRIDS[kind]
    patterns, front, ground = fitted_cells(pixels, kind)
    rows, columns = patterns.shape
    bits = (patterns[..., None] >> np.arange(across * down) & 1).reshape(rows, columns, down, across)
    lit = bits.transpose(0, 2, 1, 3).reshape(rows * down, columns * across, 1).astype(bool)
    wide = [np.repeat(np.repeat(part, down, axis=0), across, axis=1) for part in (front, ground)]
    shown: np.ndarray = np.where(lit, *wide)
    return shown


def test_two_pixels_stand_in_each_character() -> None:
    pixels = np.array([[[255, 0, 0], [1, 2, 3]], [[0, 0, 255], [4, 5, 6]]], np.uint8)
    assert printed(pixels) == "\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[0m\x1b[38;2;1;2;3;48;2;4;5;6m▀\x1b[0m\n"


@pytest.mark.parametrize("kind", KINDS)
def test_each_row_of_cells_is_a_line(kind: Blocks) -> None:
    across, down = GRIDS[kind]
    lines = printed(np.zeros((3 * down, 5 * across, 3), np.uint8), kind).splitlines()
    assert len(lines) == 3 and all(line.count("m▀" if kind == "halfblock" else "m ") == 5 for line in lines)


@pytest.mark.parametrize("kind", KINDS)
def test_every_pattern_has_a_character_of_its_own_one_column_wide(kind: Blocks) -> None:
    signs = characters(kind)
    across, down = GRIDS[kind]
    assert len(signs) == len(set(signs)) == 2 ** (across * down) and all(cell_len(sign) == 1 for sign in signs)
    assert signs[0] == " " and signs[-1] == "█"


def test_the_characters_are_those_of_unicode() -> None:
    sextants, octants = characters("sextant"), characters("octant")
    assert [sextants[pattern] for pattern in (1, 2, 20, 21, 22, 41, 42, 43, 62)] == list("🬀🬁🬓▌🬔🬧▐🬨🬻")
    # Block octants 3, 23, 123, 4, 14 and 2345678, by the names of Unicode 16.
    named = {4: 0x1CD00, 6: 0x1CD01, 7: 0x1CD02, 8: 0x1CD03, 9: 0x1CD04, 0xFE: 0x1CDE5}
    assert all(octants[pattern] == chr(code) for pattern, code in named.items())
    assert [octants[pattern] for pattern in (5, 10, 15, 80, 85, 170, 240)] == list("▘▝▀▖▌▐▄")


@pytest.mark.parametrize("kind", KINDS[1:])
@given(data=st.data())
def test_what_two_colours_can_show_is_shown_as_it_is(kind: Blocks, data: st.DataObject) -> None:
    across, down = GRIDS[kind]
    lit = data.draw(arrays.arrays(np.bool_, (2 * down, 3 * across)))
    one, other = (np.array(data.draw(st.tuples(*[st.integers(0, 255)] * 3)), np.uint8) for _ in range(2))
    pixels = np.where(lit[..., None], one, other).astype(np.uint8)
    assert np.array_equal(redrawn(pixels, kind), pixels)


@pytest.mark.parametrize("kind", KINDS[1:3])
@given(data=st.data())
def test_no_other_pattern_would_be_nearer_to_the_picture(kind: Blocks, data: st.DataObject) -> None:
    across, down = GRIDS[kind]
    pixels = data.draw(arrays.arrays(np.uint8, (down, across, 3)))
    values = pixels.reshape(-1, 3).astype(float)

    def off(lit: np.ndarray) -> float:
        return float(sum(((part - part.mean(axis=0)) ** 2).sum() for part in (values[lit], values[~lit]) if len(part)))

    patterns = np.arange(2 ** len(values))[:, None] >> np.arange(len(values)) & 1
    best = min(off(pattern.astype(bool)) for pattern in patterns)
    found = ((redrawn(pixels, kind).astype(float) - pixels) ** 2).sum()
    assert found <= best + pixels.size * 0.25 + 0.1, "but for the rounding of colours"
