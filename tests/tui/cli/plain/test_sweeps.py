"""Sweeps and audits in lines: how much, under which name, those of other times; the test part opens on a question."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE
from tests.makers.made import kept_sweep
from tests.makers.talk import NEXT, Begin, Talk


@pytest.fixture
def talk(tmp_path: Path, begin: Begin, few: Path) -> Talk:
    """A talk about a sweep and an audit of another time."""
    (tmp_path / "runs" / "audited").mkdir(parents=True)
    for name in ("audit.json", "audit.svg"):
        shutil.copy(ROOT / "docs" / "example" / name, tmp_path / "runs" / "audited")
    kept_sweep(tmp_path / "runs" / "which", SAMPLE)
    return begin(few)


def test_a_sweep_gets_another_grid_and_name_and_its_costs_are_said(talk: Talk) -> None:
    talk.answer(NEXT, 8)
    talk.told("-sweep: backbones vgg16, depths auto, lrs empty, seeds 2, budget none. What next")
    talk.answer("Start it", 2)
    talk.answer("seeds: 2", 4)
    talk.answer("New value", "0")
    talk.answer("seeds is 0: give a whole number", "1")
    talk.answer("What next", 2)
    talk.answer("depths: auto", 2)
    talk.answer("New value", "head,block5")
    talk.answer("What next", 3)
    talk.answer("Its name", "a b")
    talk.answer('name is "a b"', "mine")
    talk.answer("The sweep mine: backbones vgg16, depths head,block5", 4)
    talk.told("training .*state waiting")
    talk.told("2 trainings on")
    assert talk.leave() == 0


def test_an_earlier_sweep_is_shown_and_its_test_part_opens_on_a_question_alone(talk: Talk, tmp_path: Path) -> None:
    talk.answer(NEXT, 8)
    talk.answer("What next", 5)
    talk.answer("Which sweep", 1)
    talk.told("recommended")
    talk.answer("what about it", 2)
    talk.answer("1 The recommended", 1)
    talk.answer("1 Keep it shut", 1)
    talk.answer("what about it", 0)
    assert talk.leave() == 0
    assert not list((tmp_path / "runs" / "which").glob("*/test.json"))


def test_an_audit_trains_as_much_as_is_asked_for_and_an_earlier_one_is_shown(talk: Talk) -> None:
    talk.answer(NEXT, 7)
    talk.answer("folds 5, epochs 60", 2)
    talk.answer("folds: 5", 1)
    talk.answer("New value", "3")
    talk.answer("folds 3, epochs 60", 3)
    talk.answer("Which audit", 1)
    talk.told("shown .*, accuracy ")
    talk.answer("folds 3", 0)
    assert talk.leave() == 0
    assert "\u2588" not in talk.shown
