"""The workbench in lines: a newcomer's way from nothing to a prediction, and a review, with numbered answers alone."""

import re
import shutil
from pathlib import Path

import pexpect
import pytest

from engine.data.corrections_file import CorrectionsFile
from engine.runs.directory import CORRECTIONS, all_runs
from tests.conftest import SAMPLE
from tests.makers.talk import DRAWN, NEXT, Begin, Talk


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for label in ("COVID", "Viral Pneumonia"):
        shutil.copytree(SAMPLE / label / "images", tmp_path / "data" / label)
    return tmp_path / "data"


@pytest.fixture
def talk(begin: Begin) -> Talk:
    return begin()


@pytest.mark.slow
def test_a_newcomer_goes_from_nothing_to_a_prediction_with_numbers_alone(
    talk: Talk, data: Path, tmp_path: Path
) -> None:
    talk.answer(f"Folder: none. {NEXT}", 3)
    talk.answer("Open a folder first", 1)
    talk.answer("Which folder", 1)
    talk.answer("Path of the folder", data / "nowhere")
    talk.answer("is no folder", data)
    talk.answer(NEXT, 99)
    talk.answer("There is no answer 99", 4)
    talk.answer("Which group", 2)
    talk.answer("test share: 0.1", 3)
    talk.answer("New value", "0.3")
    talk.answer("Which group", 0)
    talk.answer(NEXT, 3)
    talk.answer("The recipe is auto, test share 0.3. Start", 1)
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
    talk.answer("What else", 1)
    talk.told("of the heat")
    talk.answer("What else", 2)
    talk.told("most alike in training")
    talk.answer("What else", 4)
    talk.answer("Which answers are refused", 4)
    talk.told("wrong")
    talk.answer("What else", 6)
    talk.answer("to which file", tmp_path / "said.csv")
    talk.answer("What else", 0)
    assert (tmp_path / "said.csv").read_text().count("\n") == 2
    talk.answer(NEXT, 0)
    talk.process.expect(pexpect.EOF)
    assert talk.process.wait() == 0
    assert not DRAWN.search(talk.shown)


@pytest.mark.slow
def test_a_newcomer_goes_the_same_way_in_chinese(begin: Begin, data: Path) -> None:
    talk = begin(language="zh_TW")
    talk.answer("接下來", 1)
    talk.answer("哪個資料夾", 1)
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
    talk.answer("還要問什麼", 1)
    talk.process.expect("熱度的")
    talk.answer("還要問什麼", 0)
    talk.answer("接下來", 0)
    talk.process.expect(pexpect.EOF)
    assert talk.process.wait() == 0
    assert not re.search("What next|Number,|accuracy|sensitivity", talk.shown)


@pytest.mark.slow
def test_a_review_is_decided_in_lines_and_kept_at_once(talk: Talk, data: Path, tmp_path: Path) -> None:
    talk.answer(NEXT, 1)
    talk.answer("Which folder", 1)
    talk.answer("Path of the folder", data)
    talk.answer(NEXT, 9)
    table = CorrectionsFile(tmp_path / "runs" / CORRECTIONS)
    talk.answer("Image 1 of", 1)
    talk.answer("Image 2 of", 2)
    talk.answer("Which label is right", 1)
    talk.answer("Image 3 of", 3)
    talk.answer("Image 4 of", 6)
    talk.answer("Image 3 of", 10)
    talk.told("next training learns with")
    talk.answer("Image 3 of", 0)
    talk.answer(NEXT, 3)
    talk.told("The recipe is auto, corrections")
    assert [made.decision for made in table.read().values()] == ["keep", "relabel"]
    assert talk.leave() == 0
