"""The recipe: the report's defaults, saved and read back whole, and nonsense refused in a sentence."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import ConfigError
from engine.recipe.config import (
    PARTS,
    AugmentConfig,
    ChoiceConfig,
    DataConfig,
    FitConfig,
    MachineConfig,
    NetworkConfig,
    OutputConfig,
    TrainConfig,
    from_dict,
    to_dict,
)
from engine.recipe.lists import split_list
from engine.recipe.plans import SweepConfig


def test_the_defaults_are_the_reports_recipe() -> None:
    c = TrainConfig()
    assert (c.network.mode, c.network.weights, c.data.val_share) == ("transfer", "imagenet", 0.1)
    assert (c.fit.batch, c.fit.epochs, c.fit.lr, c.fit.patience) == (64, 20, 1e-4, 3)
    a = c.augment
    assert (a.augment, a.rotation, a.shear, a.zoom, a.shift, a.flip) == ("report", 30, 0.2, 0.2, 0, True)


@given(
    st.builds(
        TrainConfig,
        data=st.builds(
            DataConfig,
            classes=st.text(),
            val_share=st.floats(0.01, 0.4),
            test_share=st.floats(0.01, 0.4),
            split=st.none() | st.just(Path("a/split.csv")),
        ),
        augment=st.builds(AugmentConfig, zoom=st.floats(0, 0.9), views=st.sampled_from(["1", "7", "epoch"])),
        fit=st.builds(FitConfig, lr=st.floats(1e-8, 1), epochs=st.integers(1, 1000)),
        output=st.builds(OutputConfig, out=st.just(Path("somewhere"))),
    )
)
def test_a_recipe_survives_being_saved_as_json(config: TrainConfig) -> None:
    assert from_dict(TrainConfig, json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize(
    "values",
    [
        {"fit": {"epochs": 3.5}},
        {"nonsense": 1},
        {"fit": {"epochs": "3"}},
        {"fit": {"epochs": True}},
        {"network": {"mode": "sideways"}},
        {"fit": 3},
        {"output": {"out": 3}},
    ],
)
def test_an_unknown_key_or_a_wrong_type_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f'"?{next(iter(values))}'):
        from_dict(TrainConfig, values)


def test_an_unknown_key_within_a_part_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown key epoch"):
        from_dict(TrainConfig, {"fit": {"epoch": 3}})


def test_of_a_choice_the_choices_are_named() -> None:
    with pytest.raises(ConfigError, match=r'its "network\.mode" should be one of "transfer", "finetune", "partial",'):
        from_dict(TrainConfig, {"network": {"mode": "sideways"}})
    with pytest.raises(ConfigError, match=r'its "fit\.lr" should be a number or "auto"'):
        from_dict(TrainConfig, {"fit": {"lr": "fast"}})


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (DataConfig, {"val_share": 0.0}),
        (DataConfig, {"val_share": 0.5, "test_share": 0.5}),
        (DataConfig, {"test_share": float("nan")}),
        (AugmentConfig, {"rotation": 181.0}),
        (AugmentConfig, {"zoom": 1.0}),
        (AugmentConfig, {"views": "0"}),
        (AugmentConfig, {"views": "many"}),
        (FitConfig, {"epochs": 0}),
        (FitConfig, {"lr": 0.0}),
        (FitConfig, {"lr": float("inf")}),
        (FitConfig, {"patience": -1}),
        (NetworkConfig, {"mode": "transfer", "unfreeze": "block5"}),
        (ChoiceConfig, {"budget": "soon"}),
        (ChoiceConfig, {"budget": "0m"}),
        (SweepConfig, {"budget": "-1"}),
        (SweepConfig, {"budget": "auto"}),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_flag_named(kind: type, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        kind(**values)
    assert "--" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "name", "most"),
    [
        (FitConfig, "lr", 10),
        (FitConfig, "epochs", 100_000),
        (FitConfig, "batch", 65_536),
        (MachineConfig, "cache_limit", 1_000_000),
        (OutputConfig, "checkpoint_minutes", 1_000_000),
        (SweepConfig, "seeds", 1000),
    ],
)
def test_a_value_that_is_too_large_is_told_the_largest(kind: type, name: str, most: int) -> None:
    kind(**{name: most})
    with pytest.raises(ConfigError, match=rf"--{name.replace('_', '-')} is {most + 1}\b.* {most}\b"):
        kind(**{name: most + 1})


def test_every_field_has_a_help_text_of_its_own() -> None:
    source = (Path(__file__).parents[3] / "engine" / "recipe" / "config.py").read_text()
    for part in PARTS:
        for field in dataclasses.fields(part):
            after = source.split(f"    {field.name}: ", 1)[1].split("\n", 2)[1]
            assert after.strip().startswith('"""'), field.name


def test_a_class_name_with_a_comma_can_be_written_in_quotes() -> None:
    assert split_list(' COVID , "Pneumonia, viral" ,') == ("COVID", "Pneumonia, viral")
    assert split_list("  ") == ()


def test_kept_views_count_the_image_as_it_is() -> None:
    assert AugmentConfig(augment="none", views="4").kept_views == 1
    assert AugmentConfig(augment="report", views="6").kept_views == 7
    assert AugmentConfig(augment="report", views="epoch").kept_views is None
