"""Bars: a name is cut only where its bar would be too short to be read."""

from rich.cells import cell_len

from tui.widgets.bars import bars
from tui.words.glyphs import PLAIN

SHARES = {"COVID": 0.408, "Viral Pneumonia": 0.592}


def test_a_name_is_whole_beside_a_short_bar() -> None:
    for width in (36, 60, 120):
        rows = [row.plain for row in bars(SHARES, "COVID", PLAIN, width)]
        assert "Viral Pneumonia" in rows[1]
        assert max(map(cell_len, rows)) <= width


def test_a_long_name_leaves_its_bar_in_the_row() -> None:
    for width in (28, 39, 60):
        for row in bars({"A" * 90: 1.0}, "", PLAIN, width):
            assert ".." in row.plain and row.plain.count(PLAIN.bar(1, 1)) >= 4
            assert cell_len(row.plain) <= width
