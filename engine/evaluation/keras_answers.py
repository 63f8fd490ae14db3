"""A run's network as Keras computes it, in float32: every backbone, and gradients, which the heat needs."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from engine.base.runtime import compiled, tensorflow
from engine.network.classifier import load, preprocess
from engine.network.freezing import FreezePlan
from engine.network.heads import POOL


class KerasAnswers:
    """What `engine.evaluation.run_network` asks. `model` takes preprocessed images to logits."""

    def __init__(self, weights: Path, plan: FreezePlan, classes: int) -> None:
        """Raises WeightsError where the file `weights` is not sound."""
        tf, self._plan = tensorflow(), plan
        model = self.model = load(weights, plan, classes).model
        both = tf.keras.Model(model.input, [model.output, model.get_layer(POOL).output])
        self._forward = compiled(lambda images: both(preprocess(images, plan.backbone), training=False))

    def read(self, inputs: np.ndarray) -> list[np.ndarray]:
        """What each layer that the head reads gives for network inputs, float32 (n, side, side, channels) each."""
        return [np.asarray(maps.numpy()) for maps in self._read(inputs)]

    @cached_property
    def _read(self) -> Any:
        tf, plan = tensorflow(), self._plan
        layers = [self.model.get_layer(name).output for name in plan.head.layers_read(plan.backbone)]
        read = tf.keras.Model(self.model.input, layers)

        def maps(images: Any) -> list[Any]:
            found = read(preprocess(images, plan.backbone), training=False)
            return list(found) if len(layers) > 1 else [found]

        return compiled(maps)

    def answer(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Computes all inputs at once."""
        logits, features = (found.numpy() for found in self._forward(inputs))
        return logits, features
