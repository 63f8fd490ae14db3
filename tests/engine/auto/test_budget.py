"""How long a ladder may take: by the images or as asked, and decided once for a run."""

from pathlib import Path

import pytest

from engine.auto.budget import FILE, NIGHT, Budget, usual
from engine.recipe.config import ChoiceConfig


def test_the_usual_budget_is_two_minutes_for_300_images_and_a_night_for_20_000() -> None:
    assert usual(300) == 120
    assert 0.8 * NIGHT <= usual(20_000) <= NIGHT == usual(10**6)
    times = [usual(count) for count in (30, 100, 300, 1000, 3000, 10_000)]
    assert times == sorted(times)


def test_a_budget_that_is_given_holds_whatever_the_images_are(tmp_path: Path) -> None:
    assert Budget(ChoiceConfig(budget="90s"), 10**6, tmp_path).seconds == 90
    assert Budget(ChoiceConfig(), 300, tmp_path).seconds == 120


def test_a_rung_is_begun_where_it_fits_with_all_that_follows(tmp_path: Path) -> None:
    budget = Budget(ChoiceConfig(budget="100s"), 300, tmp_path)
    assert budget.decide("a", seconds=50, after=40).begun
    decided = budget.decide("b", seconds=70, after=40)
    assert not decided.begun and decided.left == pytest.approx(60, abs=1)
    assert budget.needed(decided) == pytest.approx(110, abs=1)


def test_what_was_decided_holds_when_the_run_goes_on_under_the_same_budget(tmp_path: Path) -> None:
    made = Budget(ChoiceConfig(budget="100s"), 300, tmp_path).decide("a", 200, 0)
    later = Budget(ChoiceConfig(budget="100s"), 300, tmp_path)
    assert later.before("a") == made and later.before("b") is None
    assert Budget(ChoiceConfig(budget="1h"), 300, tmp_path).before("a") is None
    (tmp_path / FILE).write_text("{", encoding="utf-8")
    assert later.before("a") is None
