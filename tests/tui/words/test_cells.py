"""Columns hold where a character takes two cells."""

import pytest

from tui.words.cells import cells, padded


@pytest.mark.parametrize(("text", "width"), [("", 0), ("loss", 4), ("損失", 4), ("3 張影像", 8), ("é", 1), ("，", 2)])
def test_characters_are_as_wide_as_a_terminal_shows_them(text: str, width: int) -> None:
    assert cells(text) == width


def test_a_column_of_any_script_is_padded_to_its_cells() -> None:
    assert padded("loss", 6) == f"{'loss':<6}" == "loss  "
    assert padded("loss", 6, right=True) == f"{'loss':>6}"
    assert padded("損失", 6) == "損失  "
    assert padded("損失", 6, right=True) == "  損失"
    assert padded("損失", 3) == "損失"
