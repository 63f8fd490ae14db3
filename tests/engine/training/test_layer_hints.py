"""The guide to the layers worth training: relative gradient norms by block against Keras's own, and the verb."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.runtime import tensorflow
from engine.network.classifier import build, preprocess
from engine.network.freezing import plan
from engine.recipe.config import NetworkConfig, TrainConfig
from engine.training import layer_hints
from engine.training.batches import PixelSource
from engine.training.layer_hints import BlockPull, Guide
from tests.conftest import SAMPLE, Cli
from tests.engine.training.test_loop import CLASSES, PIXELS, STORE, images

pytestmark = pytest.mark.usefixtures("small_pictures")

IMAGES = 6
"""Two batches of unequal size, of 4."""


def test_norms_are_those_of_the_gradient_of_the_mean_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    tf = tensorflow()
    monkeypatch.setattr(layer_hints, "BATCH", 4)  # the batches must add up to one pass
    config = TrainConfig(network=NetworkConfig(weights="none"))
    probe = build(plan(config.network), CLASSES, "float32", seed=3)
    told: list[Any] = []
    found = layer_hints.pulls(
        probe, PixelSource(images(range(IMAGES)), probe, STORE, config), "float32", Context(told.append)
    )

    model = build(
        plan(dataclasses.replace(config.network, mode="finetune")), CLASSES, "float32", seed=9, blank=True
    ).model
    model.set_weights(probe.model.get_weights())
    inputs = preprocess(PIXELS[:IMAGES].astype(np.float32), probe.plan.backbone)
    with tf.GradientTape() as tape:
        labels = np.arange(IMAGES) % CLASSES
        loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, model(inputs, training=False))
    variables = model.trainable_variables
    pairs = dict(zip([v.path for v in variables], tape.gradient(loss, variables), strict=True))
    assert [block.block for block in found] == list(probe.plan.backbone.blocks)
    for block in found:
        own = [variable for variable in variables if variable.path.startswith(block.block)]
        expected = tf.linalg.global_norm([pairs[v.path] for v in own]) / tf.linalg.global_norm([v.value for v in own])
        assert block.relative == pytest.approx(float(expected), rel=1e-3) and block.relative > 0
    assert (told[-1].done, told[-1].total) == (IMAGES, IMAGES)

    stop = Stop()
    stop.request("now")
    with pytest.raises(Stopped):
        layer_hints.pulls(
            probe, PixelSource(images(range(IMAGES)), probe, STORE, config), "float32", Context(told.append, stop)
        )


def test_the_hardest_pulled_block_is_suggested_and_ties_go_to_the_head() -> None:
    blocks = tuple(BlockPull(f"block{k}", relative, 1) for k, relative in enumerate((0.1, 0.4, 0.4, 0.2), start=1))
    assert Guide(blocks, 0.9, 256).hardest.block == "block3"
    assert "--unfreeze block3" in Guide(blocks, 0.9, 256).sentence and "1.0 times" in Guide(blocks, 0.9, 256).sentence


@pytest.mark.slow
def test_the_verb_shows_each_block_and_writes_no_run(cli: Cli) -> None:
    done = cli("layers", "--weights", "none", "--suggest", SAMPLE, "--json", timeout=600)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [one["block"] for one in result["blocks"]] == [f"block{k}" for k in range(1, 6)]
    assert result["suggested"] == max(result["blocks"], key=lambda one: one["relative"])["block"]
    assert 0 < result["images"] <= 256 and result["sentence"].startswith(result["suggested"])
