"""A newcomer's way in a real terminal, from no argument to a prediction with its heat, by keys or by mouse alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.makers.screen import Terminal, workbench
from tests.makers.small import SIDE
from translations.__main__ import load

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


def chinese(start: str) -> str:
    """How the translation of the message begins that begins so in English."""
    found = [str(message.string) for message in load("zh_TW") if str(message.id).startswith(start)]
    assert found, start
    return found[0].split("{")[0][:12].strip()


@pytest.mark.slow
def test_in_chinese(tmp_path: Path) -> None:
    named = {"cache": tmp_path, "prelude": SMALL, "columns": 120, "lines": 40, "COVID_TUI_LANGUAGE": "zh_TW"}
    with workbench("--out", tmp_path / "runs", **named) as terminal:  # type: ignore[arg-type]
        terminal.until(chinese("covid-tui learns from chest X-rays"))
        terminal.press("s")
        terminal.until(chinese("The folder is read: classes"), 120)
        terminal.press(">")
        terminal.until(chinese("Trained, and tested on images that it never saw"), 400)
        terminal.press(">")
        terminal.until(chinese("The first line is the result with"))
        terminal.press(">")
        terminal.until(chinese("That is what it says; g shows"))
        terminal.until(chinese("The model says {"), 120)
        terminal.press("g")
        terminal.until("網路看的位置：", 120)
        assert "Step" not in terminal.rows
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
