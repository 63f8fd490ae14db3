"""Pictures in half blocks."""

import io

import numpy as np
from rich.console import Console

from tui.words.half_blocks import HalfBlocks


def printed(pixels: np.ndarray) -> str:
    """What a console of truecolor prints for them."""
    file = io.StringIO()
    Console(file=file, force_terminal=True, color_system="truecolor", width=40).print(HalfBlocks(pixels), end="")
    return file.getvalue()


def test_two_pixels_stand_in_each_character() -> None:
    pixels = np.array([[[255, 0, 0], [1, 2, 3]], [[0, 0, 255], [4, 5, 6]]], np.uint8)
    assert printed(pixels) == "\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[0m\x1b[38;2;1;2;3;48;2;4;5;6m▀\x1b[0m\n"


def test_each_two_rows_of_pixels_are_a_line() -> None:
    lines = printed(np.zeros((6, 3, 3), np.uint8)).splitlines()
    assert len(lines) == 3 and all(line.count("▀") == 3 for line in lines)
