"""The verb `doctor`: what is half-written is named, and mended only when that is asked for."""

import json
import time
from pathlib import Path

import pytest

from engine.runs.bin import KEPT_DAYS
from tui.cli import run
from tui.cli.commands.doctor import doctor


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that is known at once, and a cache that nobody else has."""
    monkeypatch.setattr("engine.jobs.doctor.examine", lambda: {"processors": 2, "versions": {"python": "3"}})
    monkeypatch.setenv("COVID_TUI_CACHE", str(tmp_path / "cache"))


def test_nothing_half_written_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--out", str(tmp_path / "runs")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "processors: 2",
        "versions",
        "  python  3",
        "half-written: nothing",
        "deleted runs: none",
    ]


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


def test_deleted_runs_are_listed_with_their_size_and_go_by_repair_when_they_are_old_or_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor.__doc__ and f"deleted {KEPT_DAYS} days ago" in doctor.__doc__
    runs = tmp_path / "runs"
    for name in ("20260101-120000-000-old", f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-000-young"):
        (runs / f".bin-{name}").mkdir(parents=True)
        (runs / f".bin-{name}" / "best.weights.h5").write_bytes(b"x" * 5_300_000)
    assert run(["doctor", "--out", str(runs)]) == 0
    said = capsys.readouterr().out
    assert "deleted runs: 2, 10.6 MB (kept for 30 days" in said
    assert "  old: deleted on 2026-01-01, 5.3 MB, now " in said and "removed" not in said
    assert run(["doctor", "--repair", "--out", str(runs)]) == 0
    said = capsys.readouterr().out
    assert "removed for good: old, deleted on 2026-01-01, 5.3 MB\nspace freed: 5.3 MB\ndeleted runs: 1, 5.3 MB" in said
    assert [path.name[-5:] for path in runs.iterdir()] == ["young"]
    assert run(["doctor", "--empty-bin", "--json", "--out", str(runs)]) == 0
    [gone] = json.loads(capsys.readouterr().out)["deleted runs"]
    assert (gone["run"], gone["bytes"], gone["removed"]) == ("young", 5_300_000, True)
    assert list(runs.iterdir()) == []
