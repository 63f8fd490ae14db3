"""Whatever computes the frozen layers, an image's activations are the same to the bit in any company."""

import numpy as np
import pytest

from engine.base.cancel import Stop
from engine.base.errors import Stopped
from engine.network.backbones import BACKBONES
from engine.network.classifier import build
from engine.network.freezing import plan
from engine.network.frozen_engines import KerasEngine
from engine.recipe.config import BACKBONE_NAMES, NetworkConfig

DAILY = ("mobilenetv2",)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in DAILY else pytest.mark.slow) for name in BACKBONE_NAMES]
)
def test_in_float32_keras_gives_an_image_the_same_bits_in_any_company_and_place(name: str) -> None:
    engine = KerasEngine(build(plan(NetworkConfig(backbone=name, weights="none")), 2, "float32", seed=0))  # type: ignore[arg-type]
    size = BACKBONES[name].size
    images = np.random.default_rng(0).uniform(-1, 1, (9, size, size, 3)).astype(np.float32)
    whole = engine.activations(images)
    for chosen in ([0], [8, 1], [4, 3, 2, 1, 0], [2] * 6 + [7]):
        assert np.array_equal(engine.activations(images[chosen]), whole[chosen]), chosen


def test_a_stop_comes_between_two_images() -> None:
    engine = KerasEngine(build(plan(NetworkConfig(backbone="mobilenetv2", weights="none")), 2, "float32", seed=0))
    size, stop = BACKBONES["mobilenetv2"].size, Stop()
    stop.request("now")
    with pytest.raises(Stopped):
        engine.activations(np.zeros((3, size, size, 3), np.float32), stop)
