"""Runs in lines: mistakes, worth, course, deletion and what brings it back; a training stopped in each way."""

from pathlib import Path

import pytest

from engine.runs.bin import in_bin
from engine.runs.directory import all_runs
from tests.conftest import SAMPLE
from tests.makers.made import finished_run
from tests.makers.talk import MADE_UP, NEXT, Begin

LINES = [
    ("COVID/images/COVID-1.png", "COVID", [0.9, 0.1]), ("COVID/images/COVID-2.png", "COVID", [0.2, 0.8]),
    ("COVID/images/COVID-3.png", "COVID", [0.8, 0.2]), ("Viral Pneumonia/images/a.png", "Viral Pneumonia", [0.1, 0.9]),
    ("Viral Pneumonia/images/b.png", "Viral Pneumonia", [0.7, 0.3]),
]  # fmt: skip


@pytest.fixture
def tested(tmp_path: Path) -> Path:
    """The folder of runs, with one that was tested."""
    finished_run(tmp_path / "runs", "tested", SAMPLE, LINES, threshold=0.5)
    return tmp_path / "runs"


def test_a_result_has_its_mistakes_its_course_and_what_it_is_worth(begin: Begin, tested: Path) -> None:
    talk = begin()
    talk.answer(NEXT, 5)
    talk.told("run tested, state finished")
    talk.answer("Which run", 1)
    talk.answer("what about it", 7)
    talk.told("Worst first: 2 mistakes in 5 images")
    talk.told("1 COVID/images/COVID-2.png: truth COVID, said Viral Pneumonia, sure 80.0%")
    talk.told("2 Viral Pneumonia/images/b.png: truth Viral Pneumonia, said COVID, sure 70.0%")
    talk.answer("what about it", 6)
    talk.told("epoch   1  loss 1.0000")
    talk.told("epoch   2  loss 0.5000")
    talk.told("test accuracy")
    talk.answer("what about it", 8)
    talk.answer("How many in 1,000 have COVID", "many")
    talk.answer("many is no number between 0 and 1,000", "20")
    talk.told("where 2.0% have COVID")
    talk.answer("How many in 1,000 have COVID", "?")
    talk.told("The rarer it is")
    assert talk.leave() == 0


def test_a_deletion_opens_on_keep_and_is_taken_back(begin: Begin, tested: Path) -> None:
    talk = begin()
    talk.answer(NEXT, 5)
    talk.answer("Which run", 1)
    talk.answer("what about it", 10)
    talk.answer("1 Keep", 1)
    talk.told("what about it")
    assert [run.name for run in all_runs(tested)] == ["tested"]
    talk.answer("10 Delete it", 10)
    talk.answer("2 Delete, with model and results", 2)
    talk.told("Deleted tested")
    talk.answer(NEXT, 13)
    talk.told("tested, deleted on")
    assert all_runs(tested) == [] and [one.name for one in in_bin(tested)] == ["tested"]
    talk.answer("Bring back", 1)
    talk.told("Brought back tested")
    assert [run.name for run in all_runs(tested)] == ["tested"]
    assert talk.leave() == 0


def test_a_shut_test_part_opens_on_a_question_alone(begin: Begin, tested: Path) -> None:
    (tested / "tested" / "test.json").unlink()
    talk = begin()
    talk.answer(NEXT, 5)
    talk.answer("Which run", 1)
    talk.answer("1 Its result, which opens its test part, once", 1)
    talk.answer("1 Keep it shut", 1)
    talk.answer("what about it", 7)
    talk.told("tested was not tested yet")
    assert talk.leave() == 0
    assert not (tested / "tested" / "test.json").exists()


@pytest.mark.parametrize(("answer", "end"), [(2, "stopped, tested"), pytest.param(4, "live", marks=pytest.mark.slow)])
def test_a_training_is_stopped_as_one_answers_and_left_it_goes_on(
    begin: Begin, few: Path, tmp_path: Path, answer: int, end: str
) -> None:
    talk = begin(few, code=MADE_UP)
    talk.answer(NEXT, 3)
    talk.answer("Start the training", 1)
    talk.told("epoch   1  loss")
    talk.process.sendintr()
    talk.answer("Stop the training", 1)
    talk.told("epoch   2  loss")
    talk.process.sendintr()
    talk.answer("1 Go on", answer)
    if answer == 4:
        talk.told("goes on in the background")
    else:
        talk.told("test accuracy")
    talk.answer("A warning advises batch 8", 1)
    talk.told(NEXT)
    (run,) = all_runs(tmp_path / "runs")
    assert run.state() == "live" if answer == 4 else run.finished()
    talk.process.sendline("5")
    talk.answer("Which run", 1)
    if answer == 4:
        talk.answer("what about it", 6)
        talk.told("epoch   3  loss")
        talk.process.sendintr()
        talk.answer("Stop the training", 2)
        talk.told("test accuracy")
    talk.answer("what about it", 0)
    talk.answer(NEXT, 3)
    talk.told("The recipe is report, epochs 84, batch 8")
    assert talk.leave() == 0
