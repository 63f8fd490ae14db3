"""Which layers train: the report's numbers, the parsing of --unfreeze, and where the network is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import ConfigError
from engine.network.backbones import BACKBONES
from engine.network.freezing import FreezePlan, parse_unfreeze, plan, table
from engine.recipe.config import NetworkConfig

VGG16 = BACKBONES["vgg16"]
WITH_WEIGHTS = [layer.name for layer in VGG16.layers if layer.parameters]


def test_the_table_has_the_reports_number_of_parameters() -> None:
    rows = table(plan(NetworkConfig()), 2)
    assert sum(row.parameters for row in rows) == 14_978_370
    assert [row.index for row in rows[:19]] == list(range(19)) and rows[14].name == "block4_pool"


@pytest.mark.parametrize(
    ("network", "trainable", "frozen"),
    [
        (NetworkConfig(mode="transfer"), 263_682, 14_714_688),
        (NetworkConfig(mode="partial", unfreeze="block5"), 7_343_106, 7_635_264),
        (NetworkConfig(mode="partial"), 7_343_106, 7_635_264),
        (NetworkConfig(mode="finetune"), 14_978_370, 0),
    ],
)
def test_each_mode_trains_what_it_says(network: NetworkConfig, trainable: int, frozen: int) -> None:
    assert plan(network).parameters(2) == (trainable, frozen)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("block5", ["block5_conv1", "block5_conv2", "block5_conv3"]),
        ("block5_conv3", ["block5_conv3"]),
        ("15-18", ["block5_conv1", "block5_conv2", "block5_conv3"]),
        ("17", ["block5_conv3"]),
        ("block1_conv1, 16-17", ["block1_conv1", "block5_conv2", "block5_conv3"]),
    ],
)
def test_blocks_layers_and_index_ranges_name_layers(text: str, names: list[str]) -> None:
    assert sorted(parse_unfreeze(text, VGG16)) == names


@pytest.mark.parametrize("text", ["block6", "15-19", "18-15", "block5_pool", "18", "-1", "conv", "", "²"])
def test_what_names_no_layer_with_weights_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--unfreeze"):
        parse_unfreeze(text, VGG16)


@given(st.sets(st.sampled_from(WITH_WEIGHTS)))
def test_nothing_before_the_cut_trains_and_the_counts_add_up(names: set[str]) -> None:
    chosen = FreezePlan(VGG16, frozenset(names))
    assert not any(chosen.trains(layer) for layer in VGG16.layers[: chosen.cut])
    assert not names or chosen.trains(VGG16.layers[chosen.cut])
    assert sum(chosen.parameters(3)) == 14_978_370 + 513
    assert 0 <= chosen.repeated_share <= chosen.epoch_share <= 1


def test_the_share_of_work_is_that_of_the_multiply_adds() -> None:
    assert 1 / plan(NetworkConfig(mode="partial", unfreeze="block5")).epoch_share == pytest.approx(4.35, abs=0.01)
    assert 1 / plan(NetworkConfig(mode="partial", unfreeze="block4,block5")).epoch_share == pytest.approx(
        1.52, abs=0.01
    )
    assert plan(NetworkConfig(mode="transfer")).epoch_share == 0
    assert plan(NetworkConfig(mode="finetune")).epoch_share == 1


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (NetworkConfig(), (512,)),
        (NetworkConfig(mode="partial", unfreeze="block5"), (14, 14, 512)),
        (NetworkConfig(mode="partial", unfreeze="block5_conv3"), (14, 14, 512)),
        (NetworkConfig(mode="partial", unfreeze="block4"), (28, 28, 256)),
    ],
)
def test_what_is_kept_of_an_image(network: NetworkConfig, shape: tuple[int, ...]) -> None:
    assert plan(network).kept_shape == shape
