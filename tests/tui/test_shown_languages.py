"""The workbench in another language: nothing on its screens is left out, and no wide character moves a column."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.recipe.config import TrainConfig
from engine.recipe.fields import Field, parts
from engine.recipe.plans import AuditPlan, SweepPlan
from tests.conftest import ROOT, SAMPLE
from tests.makers import pseudo
from tests.makers.screen import Terminal, workbench
from tests.makers.shown import EXAMPLE, RUNS

PLAIN = re.compile(r"(?<![\w/.=-])[A-Za-z]{3,}(?![\w/.=])")
NAMES = """
COVID Viral Pneumonia Normal Lung Opacity PNG covid transfer partial vgg imagenet pool logits auto report yes none grey
runs pictures synthetic cpu memory program AUC SWEEP AUDIT DATA enter esc tab pgup pgdn space shift backspace slash
arrows sample_data
"""
"""What is the same in every language: files, classes and values of the sample, networks, the gauges of the machine that
the tests show, and the names of keys.
"""
SIZES = ((60, 15), (80, 24), (120, 40), (160, 50))
SCREENS = "123456789"


def stored() -> str:
    """The texts that the screens show from files of runs, an audit and others: they stay as they were made."""
    files = [*RUNS.parent.rglob("*.json"), *RUNS.rglob("*.jsonl"), EXAMPLE / "audit.json"]
    return " ".join(file.read_text(encoding="utf-8") for file in files)


def every_field() -> list[Field]:
    """Those of the recipe, of an audit and of a sweep, whose names are those of flags and files."""
    trees = (TrainConfig, AuditPlan, SweepPlan)
    return [field for tree in trees for part in parts(tree) for field in part.fields]


def unknown(line: str, same: set[str]) -> Iterator[str]:
    """The words in plain letters that are not the same in every language, nor what a dialog's border leaves of one."""
    for word in PLAIN.finditer(line):
        before, after, found = line[: word.start()][-1:], line[word.end() :][:1], word[0]
        begun = after in ("│", "┌", "└") and any(one.startswith(found) for one in same)
        ended = before in ("│", "┐", "┘") and any(one.endswith(found) for one in same)
        if found not in same and not begun and not ended and len(set(found)) > 2:  # else the points of a plot
            yield found


@pytest.mark.slow
def test_nothing_that_any_screen_says_is_left_untranslated(tmp_path: Path) -> None:
    strange = pseudo.write(tmp_path / "strange.mo")
    shown = subprocess.run(
        [sys.executable, "-m", "tests.makers.every_screen", str(tmp_path), "120x40"],
        cwd=ROOT, env={**os.environ, "COVID_TUI_LANGUAGE": str(strange)}, stdout=subprocess.PIPE, check=True,
        timeout=900,
    )  # fmt: skip
    fields = {word for field in every_field() for word in re.findall("[a-z]+", f"{field.part} {field.name}")}
    same = {*NAMES.split(), *re.findall(r"\w+", stored()), *fields, *(word.upper() for word in fields)}
    screens = json.loads(shown.stdout)["120x40"]
    found = {(name, word) for name, lines in screens.items() for line in lines for word in unknown(line, same)}
    assert found == set()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    """Some runs and the sample data."""
    shutil.copytree(RUNS, tmp_path / "runs")
    yield tmp_path


def still(terminal: Terminal) -> None:
    """Read until nothing new has come for a second."""
    rows, since = terminal.rows, time.monotonic()
    while time.monotonic() - since < 1:
        terminal.read(0.1)
        if terminal.rows != rows:
            rows, since = terminal.rows, time.monotonic()


def broken(terminal: Terminal) -> list[str]:
    """The frames whose right side is not below their corner: what stands left of it is wider than was thought."""
    cells = terminal.cells
    found = []
    for y, row in enumerate(cells):
        for x in (x for x, cell in enumerate(row) if cell == "┐"):
            below = "".join(line[x] for line in cells[y + 1 : -1])  # the keys are in the last line
            if not re.match(r"[│┤]*(┘|$)", below):
                found.append(f"column {x}, from line {y}: {below}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=["x".join(map(str, size)) for size in SIZES])
def test_in_chinese_no_column_is_shifted(here: Path, size: tuple[int, int]) -> None:
    columns, lines = size
    named = {"cache": here, "columns": columns, "lines": lines, "COVID_TUI_LANGUAGE": "zh_TW", "LC_ALL": "C.UTF-8"}
    with workbench(SAMPLE, "--out", here / "runs", **named) as terminal:  # type: ignore[arg-type]
        terminal.until("資料", 60)
        wide = 0
        for key in SCREENS:
            terminal.press(key)
            still(terminal)
            assert broken(terminal) == [], f"{key}\n{terminal.rows}"
            wide += sum("\u4e00" <= letter <= "\u9fff" for letter in terminal.rows)
        assert wide > 200
        terminal.press("q")
