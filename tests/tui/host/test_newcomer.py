"""A newcomer's way in a real terminal, from no argument to a prediction with its heat, by keys and by mouse alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.makers.screen import Terminal, workbench
from tests.makers.small import SIDE

SMALL = f"""
import dataclasses
from engine.network.backbones import BACKBONES
BACKBONES["vgg16"] = dataclasses.replace(BACKBONES["vgg16"], size={SIDE})
"""
FILE = "COVID-1.png"
HEAT = "Where it looked: "


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    named = {"cache": tmp_path, "prelude": SMALL, "columns": 120, "lines": 40}
    with workbench("--out", tmp_path / "runs", **named) as made:  # type: ignore[arg-type]
        yield made


def click(terminal: Terminal, words: str, seconds: float = 60) -> None:
    """Press and let go of the first button where the screen shows these words."""
    terminal.until(words, seconds)
    line, row = next((line, row) for line, row in enumerate(terminal.rows.splitlines()) if words in row)
    place = f"{row.index(words) + 2};{line + 1}"
    terminal.press(f"\x1b[<0;{place}M\x1b[<0;{place}m")


@pytest.mark.slow
def test_by_keys_alone(terminal: Terminal) -> None:
    terminal.until("learns from chest X-rays")
    terminal.press("s")
    terminal.until("Step 1 of 4. The folder is read", 120)
    terminal.press(">")
    terminal.until("Step 2 of 4. Trained", 400)
    terminal.press(">")
    terminal.until("Step 3 of 4")
    terminal.press(">")
    terminal.until("Step 4 of 4")
    terminal.until("The model says", 120)
    terminal.press("g")
    terminal.until(HEAT, 120)
    terminal.press("q")
    assert terminal.wait() == 0


@pytest.mark.slow
def test_by_mouse_alone(terminal: Terminal) -> None:
    click(terminal, "Try it on drawn sample images")
    click(terminal, "3 Train", 120)
    click(terminal, " Start", 120)
    terminal.until("; always ", 400)
    click(terminal, "5 Results")
    terminal.until("Truth in rows")
    click(terminal, "6 Predict")
    click(terminal, "+ COVID")
    click(terminal, "+ images")
    click(terminal, FILE)
    terminal.until("The model says", 120)
    click(terminal, "Heat")
    terminal.until(HEAT, 120)
    click(terminal, "Quit")
    assert terminal.wait() == 0
