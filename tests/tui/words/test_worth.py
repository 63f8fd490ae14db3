"""How a threshold was chosen, in plain words, for every rule that a recipe may have."""

import pytest

from tui.words.worth import rule_words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("youden", "sensitivity and specificity together best (Youden)"),
        ("sensitivity=0.95", "sensitivity at least 95.0%"),
        ("specificity>=0.9", "specificity at least 90.0%"),
        ("cost=10", "a miss costs 10 false alarms"),
        ("cost=10@0.02", "a miss costs 10 false alarms, 2.0% having it"),
        ("0.5", "as the recipe says"),
    ],
)
def test_a_rule_is_said_in_plain_words(rule: str, words: str) -> None:
    assert rule_words(rule) == words
