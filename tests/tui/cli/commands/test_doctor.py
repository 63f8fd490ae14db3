"""The verb `doctor`: what is half-written is named, and mended only when that is asked for."""

import json
from pathlib import Path

import pytest

from tui.cli import run


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that is known at once, and a cache that nobody else has."""
    monkeypatch.setattr("engine.jobs.doctor.examine", lambda: {"processors": 2, "versions": {"python": "3"}})
    monkeypatch.setenv("COVID_TUI_CACHE", str(tmp_path / "cache"))


def test_nothing_half_written_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--out", str(tmp_path / "runs")]) == 0
    assert capsys.readouterr().out.splitlines() == ["processors: 2", "versions", "  python  3", "half-written: nothing"]


def test_what_a_killed_process_left_goes_only_by_repair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tmp_path / "runs"
    (runs / "a").mkdir(parents=True)
    (runs / "a" / "config.json").write_text("{}")
    left = runs / "a" / ".best.weights.h5.4194304.part"
    left.write_bytes(b"half")
    arguments = ["doctor", "--out", str(runs), "--json"]
    assert run(arguments) == 0 and left.exists()
    [item] = [one for one in json.loads(capsys.readouterr().out)["half-written"] if one["path"] == str(left)]
    assert item["repaired"] is False
    assert run([*arguments, "--repair"]) == 0 and not left.exists()
    assert any(one["repaired"] for one in json.loads(capsys.readouterr().out)["half-written"])
