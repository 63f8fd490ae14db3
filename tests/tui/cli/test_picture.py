"""Pictures and bars as text on stdout."""

import io

import numpy as np
from rich.console import Console

from tui.cli.job_tables import BAR, bar
from tui.cli.picture import COLUMNS, RAMP, SCALE, put_picture


def test_a_terminal_with_colours_gets_the_picture_and_one_without_gets_the_heat() -> None:
    picture, heat = np.full((100, 100, 3), 128, np.uint8), np.zeros((50, 50), np.float32)
    heat[:, 25:] = 1
    coloured = io.StringIO()
    put_picture(picture, heat, Console(file=coloured, force_terminal=True, color_system="truecolor", width=80))
    assert coloured.getvalue().count("▀") == COLUMNS * COLUMNS // 2 and "128;128;128" in coloured.getvalue()
    assert coloured.getvalue().splitlines()[-1].count("█") == SCALE
    few = io.StringIO()
    put_picture(picture, heat, Console(file=few, force_terminal=True, color_system="256", width=80))
    assert "48;5;244m" in few.getvalue() and "48;5;142m" in few.getvalue(), (
        "grey where it is cold, yellow where it is hot"
    )
    plain = io.StringIO()
    put_picture(picture, heat, Console(file=plain, force_terminal=True, no_color=True, width=40))
    *rows, last = plain.getvalue().splitlines()
    assert last == f'heat: none "{RAMP}" most'
    assert len(rows) == 20 and "\x1b" not in plain.getvalue()
    assert all(row.strip() == RAMP[-1] * 20 for row in rows)


def test_a_bar_is_as_long_as_its_share_and_marks_the_baseline() -> None:
    assert bar(0.0, 0.5) == "·" * 20 + "|" + "·" * 19
    assert bar(1.0, 0.25).count("█") == BAR - 1 and bar(1.0, 0.25)[10] == "|"
    assert len(bar(0.4, 1.0)) == BAR
