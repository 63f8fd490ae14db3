"""A term of the field that stands on a screen is explained behind "?"; one that does not is not in the way."""

import re
from pathlib import Path

import pytest

from tests.makers.drive import run, text, until
from tui.app import Workbench
from tui.words import terms
from tui.words.image_words import by_mode_word, mode_word
from tui.words.terms import TERMS, terms_in


@pytest.mark.parametrize("term", TERMS)
def test_each_term_is_found_where_it_stands_and_explained_without_itself(term: str) -> None:
    assert (term, TERMS[term]) in terms_in(f"its {term}, as told")
    assert not terms_in("xyz")
    assert TERMS[term].endswith(".") and TERMS[term][0].isupper()


def test_plurals_are_found_and_parts_of_words_and_paths_are_not() -> None:
    assert [term for term, _ in terms_in("Epochs")] == ["epoch"]
    assert terms_in("headline overhead runs/head/mask.png --seed") == []
    assert [term for term, _ in terms_in("threshold=youden, mcnemar")] == ["McNemar", "threshold", "Youden"]
    assert terms_in("auc") == [] and [term for term, _ in terms_in("AUC 0.9")] == ["AUC"]


def test_the_terms_stand_in_alphabetical_order() -> None:
    assert [*TERMS] == sorted(TERMS, key=str.lower)


def test_a_translated_term_is_found_without_spaces_and_a_longer_one_before_a_shorter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chinese = {"epoch": "訓練週期", "train": "訓練", "loss": "損失", "learning rate": "學習率", "rate": "學習率"}
    monkeypatch.setattr(terms, "tr", lambda text: chinese.get(text, text))
    terms.translated_terms.cache_clear()
    try:
        found = [term for term, _ in terms_in("每個訓練週期的損失與AUC，以及 head/x 的學習率")]
    finally:
        terms.translated_terms.cache_clear()
    assert found == ["AUC", "訓練週期", "學習率", "損失"]


def test_a_screens_help_explains_the_terms_that_stand_on_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 50)) as pilot:
            for number in range(1, 10):
                await pilot.press("escape", str(number))
                await pilot.pause()
                there = [term for term, _ in terms_in(text(app))]
                assert there, number
                await pilot.press("question_mark")
                await pilot.pause()
                await pilot.press("end")
                await until(pilot, lambda: "Words on this screen" in text(app))
                shown = re.sub(r"\s+", " ", text(app))
                assert all(term in shown for term in there[-3:]), (number, there)
                await pilot.press("escape")

    run(scenario())


def test_modes_have_plain_words() -> None:
    assert [mode_word(mode) for mode in ("L", "I;16", "RGB", "XYZ")] == ["grey", "grey", "colour", "XYZ"]
    assert by_mode_word({"L": 3, "RGB": 4, "I;16": 2}) == {"grey": 5, "colour": 4}
