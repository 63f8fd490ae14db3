"""`train DATA` chooses by itself how to train; a flag that says how trains by the report's recipe."""

from pathlib import Path

import pytest

from engine.base.errors import ConfigError
from engine.recipe.config import BY_HAND, FIRST, FitConfig, NetworkConfig, TrainConfig
from engine.recipe.toml import save
from tui.cli import app


def recipe_of(*arguments: str) -> TrainConfig:
    _, bound, _ = app.parse_args(["train", "DATA", *arguments], exit_on_error=False, print_error=False)
    recipe = bound.arguments["recipe"]
    assert isinstance(recipe, TrainConfig)
    return recipe


@pytest.mark.parametrize("flags", [(), ("--seed", "3"), ("--backbone", "vgg19"), ("--class-weight", "balanced")])
def test_a_training_chooses_by_itself_how_to_train(flags: tuple[str, ...]) -> None:
    assert recipe_of(*flags).way == "auto"


@pytest.mark.parametrize("flags", [("--mode", "transfer"), ("--mode", "partial"), ("--recipe", "report")])
def test_a_mode_is_the_reports_recipe(flags: tuple[str, ...]) -> None:
    assert recipe_of(*flags).choice.recipe == "report"


@pytest.mark.parametrize("name", [name for names in BY_HAND.values() for name in names])
def test_a_flag_that_says_how_to_train_chooses_the_reports_recipe(name: str) -> None:
    flag, values = f"--{name.replace('_', '-')}", {"augment": "none", "unfreeze": "block5", "mode": "partial"}
    value = values.get(name, "0" if name in ("shear", "zoom", "shift", "gradual") else "1")
    words = [flag] if name == "flip" else [flag, value]
    more = ["--mode", "partial"] if name == "unfreeze" else []
    assert recipe_of(*words, *more).choice.recipe == "report"


def test_to_ask_for_both_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^--recipe auto chooses by itself how to train: leave out --epochs\.$"):
        recipe_of("--recipe", "auto", "--epochs", "5")


def test_a_recipes_file_says_which_recipe_it_is_or_how_to_train(tmp_path: Path) -> None:
    by_hand, first, part = tmp_path / "hand.toml", tmp_path / "first.toml", tmp_path / "part.toml"
    hand = TrainConfig(network=NetworkConfig(mode="partial"), fit=FitConfig(batch=8))
    save(hand, by_hand)
    save(FIRST, first)
    part.write_text("[fit]\nepochs = 7\n")
    assert recipe_of("--config", str(by_hand)) == hand
    assert recipe_of("--config", str(first)) == FIRST
    assert recipe_of("--config", str(part)) == TrainConfig(fit=FitConfig(epochs=7))
    part.write_text("[network]\nbackbone = 'vgg19'\n")
    assert recipe_of("--config", str(part)).way == "auto"
    assert recipe_of("--config", str(first), "--epochs", "3").choice.recipe == "report"
