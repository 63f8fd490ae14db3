"""A newcomer's way in a real terminal, from no argument to a prediction with its heat, by keys or by mouse alone."""

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
HEAT = "Where it looked: "


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    named = {"cache": tmp_path, "prelude": SMALL, "columns": 120, "lines": 40}
    with workbench("--out", tmp_path / "runs", **named) as made:  # type: ignore[arg-type]
        yield made


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
    terminal.until("learns from chest X-rays")
    terminal.click("Try it on drawn sample images")
    terminal.until("Step 1 of 4. The folder is read", 120)
    terminal.click("> trains")
    terminal.until("Step 2 of 4. Trained", 400)
    terminal.click("> shows")
    terminal.until("Step 3 of 4")
    terminal.click("> asks")
    terminal.until("Step 4 of 4")
    terminal.until("The model says", 120)
    terminal.click("g Heat")
    terminal.until(HEAT, 120)
    terminal.click("q Quit")
    assert terminal.wait() == 0
