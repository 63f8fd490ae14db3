"""In which number format activations are kept: that of the arithmetic, so that nothing is rounded, where it can be."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.base.context import Context
from engine.base.runtime import make_repeatable
from engine.network.classifier import Classifier, build
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, MachineConfig, NetworkConfig, TrainConfig, from_dict
from engine.training.augment import PLAIN
from engine.training.batches import FeatureSource, PixelSource, choose, stored_format
from engine.training.feature_file import number_format
from engine.training.forward import Pass
from tests.engine.training.test_loop import CLASSES, STORE, images, widen

pytestmark = pytest.mark.usefixtures("small_pictures")

ROUNDING = 1e-5
"""Of the largest logit: the whole network is compiled as one, the kept part and the rest as two."""
HEAD, BLOCK5 = NetworkConfig(), NetworkConfig(mode="partial")


@pytest.mark.parametrize(
    ("network", "precision", "asked", "kept"),
    [
        (HEAD, "float32", "auto", "float32"),
        (HEAD, "bfloat16", "auto", "float32"),  # the pooled vector is float32 in any arithmetic
        (HEAD, "float16", "auto", "float32"),
        (BLOCK5, "bfloat16", "auto", "bfloat16"),
        (BLOCK5, "float16", "auto", "float16"),
        (BLOCK5, "float32", "auto", "float16"),
        (BLOCK5, "float32", "float32", "float32"),
        (BLOCK5, "bfloat16", "float16", "float16"),
        (HEAD, "bfloat16", "bfloat16", "bfloat16"),
    ],
)
def test_the_format_follows_the_arithmetic_unless_one_is_asked_for(
    network: NetworkConfig, precision: str, asked: Any, kept: str
) -> None:
    assert plan(network).kept_format(asked, precision) == kept


def kept_of(network: NetworkConfig, precision: str, asked: Any, cache: Path) -> tuple[Classifier, FeatureSource]:
    """A network of random weights, and a source of kept activations of a few images for it."""
    make_repeatable(0)
    config = TrainConfig(
        network=network,
        augment=AugmentConfig(augment="none"),
        machine=MachineConfig(precision=precision, feature_dtype=asked),  # type: ignore[arg-type]
    )
    classifier = build(plan(network), CLASSES, precision, seed=0, blank=True)
    widen(classifier)
    pixels = PixelSource(images(range(4)), classifier, STORE, config)
    source = choose(pixels, pixels, precision, cache, Context())[0]
    assert isinstance(source, FeatureSource)
    source.prepare(PLAIN)
    return classifier, source


@pytest.mark.parametrize(
    ("network", "precision"),
    [(HEAD, "float32"), (HEAD, "bfloat16"), (BLOCK5, "bfloat16")],
    ids=["head-float32", "head-bfloat16", "block5-bfloat16"],
)
def test_what_is_kept_is_what_the_layers_gave_to_the_bit(
    network: NetworkConfig, precision: str, tmp_path: Path
) -> None:
    classifier, source = kept_of(network, precision, "auto", tmp_path)
    ((kept, _),) = source.batches(np.arange(4), PLAIN, 8)
    assert kept.dtype == number_format(stored_format(source))
    together = [[n] for n in range(4)] if precision == "float32" else [range(4)]
    inputs = [source.pixels.input(np.array(chosen), PLAIN) for chosen in together]
    gave = np.concatenate([classifier.prefix(images, training=False) for images in inputs])  # type: ignore[misc]
    assert np.array_equal(kept.astype(np.float32), np.asarray(gave).astype(np.float32))
    whole = Pass(source.pixels).logits()
    assert np.abs(Pass(source).logits() - whole).max() <= ROUNDING * np.abs(whole).max()


def test_float16_under_bfloat16_rounds_the_pooled_vector_and_auto_does_not(tmp_path: Path) -> None:
    moved = {}
    for asked in ("auto", "float16"):
        _, source = kept_of(HEAD, "bfloat16", asked, tmp_path)
        moved[asked] = np.abs(Pass(source).logits() - Pass(source.pixels).logits()).max()
    assert moved["auto"] <= moved["float16"]


def test_a_run_from_before_goes_on_in_its_own_format() -> None:
    saved = json.loads(
        (Path(__file__).parents[2] / "makers" / "data" / "runs" / "partial-vgg16" / "config.json").read_text()
    )
    del saved["folder"]
    config = from_dict(TrainConfig, saved)
    assert config.machine.feature_dtype == "float16"
    assert plan(config.network).kept_format(config.machine.feature_dtype, "bfloat16") == "float16"
    assert dataclasses.replace(config.machine, feature_dtype="auto") == dataclasses.replace(MachineConfig(), seed=0)
