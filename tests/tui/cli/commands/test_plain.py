"""The workbench in lines: a newcomer's way from nothing to a prediction, and a review, with numbered answers alone."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from engine.data.corrections_file import CorrectionsFile
from engine.runs.directory import CORRECTIONS, all_runs
from tests.conftest import ROOT, SAMPLE
from tests.makers.small import SIDE

SMALL = f"""
import dataclasses
from engine.network.backbones import BACKBONES
BACKBONES["vgg16"] = dataclasses.replace(BACKBONES["vgg16"], size={SIDE})
from tui.cli import main
main()
"""
NEXT, NUMBER = "What next\?", "Number, 0 to \d+: "


class Talk:
    """A real terminal with the questions in it."""

    def __init__(self, out: Path, *arguments: object, language: str = "en") -> None:
        self.number = NUMBER if language == "en" else r"數字，0 到 \d+: "
        self.whole = (out.parent / "talk.txt").open("w+")
        environment = {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COVID_TUI_LANGUAGE": language}
        self.process = pexpect.spawn(
            sys.executable, ["-c", SMALL, "plain", *map(str, arguments), "--out", str(out)], encoding="utf-8",
            timeout=300, dimensions=(24, 80), env={**os.environ, **environment},
        )  # fmt: skip
        self.process.logfile_read = self.whole

    def answer(self, question: str, answer: object, seconds: float = 300) -> None:
        """Wait for a question and its prompt, and answer it."""
        self.process.expect(question, timeout=seconds)
        if isinstance(answer, int):
            self.process.expect(self.number)
        self.process.sendline(str(answer))

    @property
    def shown(self) -> str:
        """All that was ever on the terminal."""
        self.whole.flush()
        self.whole.seek(0)
        return self.whole.read()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for label in ("COVID", "Viral Pneumonia"):
        shutil.copytree(SAMPLE / label / "images", tmp_path / "data" / label)
    return tmp_path / "data"


@pytest.fixture
def talk(tmp_path: Path, cache: Path) -> Iterator[Talk]:
    made = Talk(tmp_path / "runs")
    yield made
    made.process.close(force=True)


@pytest.mark.slow
def test_a_newcomer_goes_from_nothing_to_a_prediction_with_numbers_alone(
    talk: Talk, data: Path, tmp_path: Path
) -> None:
    talk.answer(f"Folder: none. {NEXT}", 3)
    talk.answer("Open a folder first", 1)
    talk.answer("Path of the folder", data / "nowhere")
    talk.answer("is no folder", 1)
    talk.answer("Path of the folder", data)
    talk.answer(NEXT, 99)
    talk.answer("There is no answer 99", 4)
    talk.answer("Which group", 2)
    talk.answer("test share: 0.1", 3)
    talk.answer("New value", "0.3")
    talk.answer("Which group", 0)
    talk.answer(NEXT, 3)
    talk.answer("The recipe is auto, --test-share=0.3. Start", 1)
    talk.process.expect("test accuracy", timeout=600)
    (run,) = all_runs(tmp_path / "runs")
    assert run.state() == "finished" and run.config().data.test_share == 0.3
    talk.answer(NEXT, 5)
    talk.answer("Which run", 1)
    talk.answer("what about it", 1)
    talk.process.expect("sensitivity")
    talk.answer("what about it", 0)
    talk.answer(NEXT, 6)
    talk.answer("Path of an image", data / "COVID" / "COVID-1.png")
    talk.answer("where the model looked", 1)
    talk.process.expect("of the heat")
    talk.answer(NEXT, 0)
    talk.process.expect(pexpect.EOF)
    assert talk.process.wait() == 0
    assert not re.search("[\x1b\u2500-\u259f\u2800-\u28ff]|\r(?!\r*\n)", talk.shown)


@pytest.mark.slow
def test_a_newcomer_goes_the_same_way_in_chinese(cache: Path, data: Path, tmp_path: Path) -> None:
    talk = Talk(tmp_path / "runs", language="zh_TW")
    talk.answer("接下來", 1)
    talk.answer("資料夾的路徑", data)
    talk.answer("接下來", 3)
    talk.answer("配方是 auto", 1)
    talk.process.expect("測試準確率", timeout=600)
    talk.answer("接下來", 5)
    talk.answer("哪個訓練紀錄？", 1)
    talk.answer("要做什麼？", 1)
    talk.process.expect("敏感度")
    talk.answer("要做什麼？", 0)
    talk.answer("接下來", 6)
    talk.answer("影像的路徑", data / "COVID" / "COVID-1.png")
    talk.answer("模型看了哪裡", 1)
    talk.process.expect("熱度的")
    talk.answer("接下來", 0)
    talk.process.expect(pexpect.EOF)
    assert talk.process.wait() == 0
    assert not re.search("What next|Number,|accuracy|sensitivity", talk.shown)
    talk.process.close(force=True)


@pytest.mark.slow
def test_a_review_is_decided_in_lines_and_kept_at_once(talk: Talk, data: Path, tmp_path: Path) -> None:
    talk.answer(NEXT, 1)
    talk.answer("Path of the folder", data)
    talk.answer(NEXT, 9)
    table = CorrectionsFile(tmp_path / "runs" / CORRECTIONS)
    talk.answer("Image 1 of", 1)
    talk.answer("Image 2 of", 2)
    talk.answer("Which label is right", 1)
    talk.answer("Image 3 of", 3)
    talk.answer("Image 4 of", 6)
    talk.answer("Image 3 of", 0)
    talk.process.expect(NEXT)
    assert [made.decision for made in table.read().values()] == ["keep", "relabel"]
    talk.process.sendeof()
    talk.process.expect(pexpect.EOF)
    assert talk.process.wait() == 0
