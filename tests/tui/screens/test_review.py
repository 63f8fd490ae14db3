"""The screen Review in a real terminal: decided with keys alone, killed, and gone on with, with nothing lost."""

import hashlib
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.data.corrections_file import CorrectionsFile
from engine.runs.directory import CORRECTIONS
from tests.conftest import SAMPLE
from tests.makers.screen import Terminal, workbench
from tests.makers.small import SIDE

SMALL = f"""
import dataclasses
from engine.network.backbones import BACKBONES
BACKBONES["vgg16"] = dataclasses.replace(BACKBONES["vgg16"], size={SIDE})
"""
READY, QUESTION = "decided", "Which label is right?"
ALL, UNDONE = 20, 2


def opened(terminal: Terminal) -> None:
    """From the dataset to the queue, with the images whose labels are the least sound."""
    terminal.until("train ", seconds=120)
    terminal.press("9")
    terminal.until("No review yet")
    terminal.press("s")
    terminal.until("among", seconds=300)
    terminal.press("m")
    terminal.until("20 more images")


def holds(table: CorrectionsFile, count: int) -> Callable[[Terminal], bool]:
    return lambda _: len(table.read()) == count


@pytest.mark.slow
def test_twenty_decisions_two_undone_killed_and_gone_on_with_lose_nothing(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "runs"
    for label in ("COVID", "Viral Pneumonia"):
        shutil.copytree(SAMPLE / label / "images", data / label)
    out.mkdir()
    before = {file: hashlib.sha256(file.read_bytes()).digest() for file in data.rglob("*.png")}
    table = CorrectionsFile(out / CORRECTIONS)
    named = {"cache": tmp_path, "prelude": SMALL, "columns": 120, "lines": 40}
    with workbench(data, "--out", out, **named) as terminal:  # type: ignore[arg-type]
        opened(terminal)
        keys = ("k", "x", "u", "r1")
        for number in range(ALL):
            for key in keys[number % 4]:
                terminal.press(key)
                if key == "r":
                    terminal.until(QUESTION)
            terminal.until(holds(table, number + 1))
            terminal.until(lambda shown: QUESTION not in shown.rows)  # else the next one would be taken for it
        made = [*table.read().values()]
        for number in range(UNDONE):
            terminal.press("z")
            terminal.until(holds(table, ALL - number - 1))
        assert [*table.read().values()] == made[: ALL - UNDONE]
        terminal.kill(signal.SIGKILL)
    assert [one.decision for one in made[:4]] == ["keep", "leave-out", "unsure", "relabel"]
    assert all(one.to not in ("", one.label) for one in made if one.decision == "relabel")
    with workbench(data, "--out", out, **named) as terminal:  # type: ignore[arg-type]
        opened(terminal)
        assert f"{ALL - UNDONE}" in next(row for row in terminal.rows.splitlines() if READY in row)
        terminal.until("▀")
        terminal.press("F")
        terminal.until("whole picture")
        terminal.press("F")
        terminal.until(lambda shown: "whole picture" not in shown.rows)
        terminal.press("z")  # the last decision of the visit that was killed
        terminal.until("Taken back")
        assert [*table.read().values()] == made[: ALL - UNDONE - 1]
        terminal.press("n")
        terminal.until("note, then enter")
        terminal.press("rotated?\r")
        terminal.until(holds(table, ALL - UNDONE))
        terminal.press("t")
        terminal.until(f"The next training learns with {ALL - UNDONE} corrections")
        terminal.press("q")
        terminal.wait()
    *others, last = table.read().values()
    assert others == made[: ALL - UNDONE - 1] and (last.decision, last.note) == ("unsure", "rotated?")
    assert {file: hashlib.sha256(file.read_bytes()).digest() for file in data.rglob("*.png")} == before
