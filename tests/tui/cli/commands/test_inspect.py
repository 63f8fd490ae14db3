"""The verb `inspect`: each file's facts, and the code of bad data where one of them is no picture."""

import json
from pathlib import Path

import pytest

from tests.conftest import SAMPLE
from tui.cli import run

PICTURE = SAMPLE / "COVID" / "images" / "COVID-1.png"


def test_a_file_that_is_no_picture_hides_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.png").write_text("no picture")
    assert run(["inspect", str(tmp_path / "bad.png"), str(PICTURE), "--json"]) == 3
    bad, good = map(json.loads, capsys.readouterr().out.splitlines())
    assert bad["file"] == str(tmp_path / "bad.png") and bad["error"]
    assert good["file"] == str(PICTURE) and good["width"] > 0
    assert run(["inspect", str(tmp_path / "bad.png"), str(PICTURE)]) == 3
    shown = capsys.readouterr()
    assert "bad.png" in shown.err and shown.out.startswith(f"{PICTURE}\n")


def test_the_text_shows_the_numbers_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(PICTURE), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert run(["inspect", str(PICTURE)]) == 0
    text = capsys.readouterr().out
    assert f"{facts['format']}, {facts['width']}x{facts['height']}, mode {facts['mode']}" in text
    line = next(line for line in text.splitlines() if "histogram" in line)
    assert len(line) == len("  " + "  histogram, black to white") + len(facts["histogram"])


def test_without_a_file_it_says_what_to_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect"]) == 2
    assert "Name at least one image file" in capsys.readouterr().err
