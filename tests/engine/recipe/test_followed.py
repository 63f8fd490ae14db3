"""To say how to train by hand chooses the recipe "report", unless who chooses was said as well."""

import dataclasses

from engine.recipe.config import FIRST, ChoiceConfig, DataConfig, FitConfig, followed


def test_a_change_by_hand_chooses_report_and_no_other_does() -> None:
    assert FIRST.choice.recipe == "auto"
    by_hand = dataclasses.replace(FIRST, fit=FitConfig(epochs=3))
    assert followed(FIRST, by_hand) == dataclasses.replace(
        by_hand, choice=dataclasses.replace(FIRST.choice, recipe="report")
    )
    of_data = dataclasses.replace(FIRST, data=DataConfig(test_share=0.3))
    assert followed(FIRST, of_data) == of_data
    both = dataclasses.replace(by_hand, choice=ChoiceConfig(recipe="auto", budget="9m"))
    assert followed(FIRST, both) == both
