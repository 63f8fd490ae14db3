"""An audit and a sweep that were made in one language are shown in another: their words are told from their numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.audit import store as audits
from engine.sweep import store as sweeps
from tests.conftest import ROOT
from tests.makers import pseudo

AUDIT = ROOT / "docs" / "example" / "audit.json"
SWEEP = ROOT / "tests" / "makers" / "data" / "sweep" / "sweep.json"
SHOW = """
import json, sys
from pathlib import Path
from engine.audit import store as audits
from engine.sweep import store as sweeps
audit, sweep = audits.read(Path(sys.argv[1])), sweeps.read(Path(sys.argv[2]))
print(json.dumps([audit.verdict, sweep.advice.sentence, *(variant.title for variant in audit.variants)]))
"""


def sweep_of(folder: Path, divided: int | None, sentence: str = "Saved.") -> Path:
    """The kept sweep with what one of today saves of each gap, or as one of before, which did not."""
    values = json.loads(SWEEP.read_text(encoding="utf-8"))
    values["advice"]["sentence"] = sentence
    for gap in values["advice"]["gaps"]:
        gap |= {} if divided is None else {"divided": divided}
    folder.mkdir()
    (folder / "sweep.json").write_text(json.dumps(values), encoding="utf-8")
    return folder


@pytest.fixture
def changed(tmp_path: Path) -> dict[str, Any]:
    """What the file of the kept audit holds, its words another's."""
    values = json.loads(AUDIT.read_text(encoding="utf-8"))
    values["verdict"] = "Gespeichert."
    for variant in values["variants"]:
        variant["title"] = "Gespeichert"
    return dict(values)


def written(path: Path, values: dict[str, Any]) -> Path:
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def test_what_was_saved_in_one_language_is_shown_in_another(tmp_path: Path, changed: dict[str, Any]) -> None:
    audit, sweep = written(tmp_path / "audit.json", changed), sweep_of(tmp_path / "sweep", 8)
    strange = pseudo.write(tmp_path / "strange.mo")
    done = subprocess.run(
        [sys.executable, "-c", SHOW, audit, sweep],
        cwd=ROOT, env={**os.environ, "COVID_TUI_LANGUAGE": str(strange)}, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    shown, read = json.loads(done.stdout), audits.read(AUDIT)
    advice = sweeps.read(sweep).advice
    assert advice and advice.sentence != "Saved."
    here = [read.verdict, advice.sentence, *(variant.title for variant in read.variants)]
    assert "Whole images give 96.5%" in here[0] and "whole image" in here
    assert list(map(pseudo.plain, shown)) == here
    for text in shown:
        assert any(letter in text for letter in pseudo.STRANGE)
        assert "Gespeichert" not in text and "the most accurate" not in text and "accuracy" not in text


def test_what_can_not_be_told_anew_stays_as_it_was_saved(tmp_path: Path, changed: dict[str, Any]) -> None:
    other = sweeps.read(sweep_of(tmp_path / "before", None)).advice
    assert other and other.sentence == "Saved."
    changed["variants"][-1]["name"] = "of another version"
    read = audits.read(written(tmp_path / "audit.json", changed))
    assert read.verdict == "Gespeichert." == f"{read.variants[-1].title}."
    assert read.variants[0].title == "whole image"


def test_an_altered_audit_is_told_without_dividing_by_nothing(tmp_path: Path, changed: dict[str, Any]) -> None:
    changed["baseline"] = changed["variants"][0]["accuracy"]
    assert "Whole images give" in audits.read(written(tmp_path / "audit.json", changed)).verdict
