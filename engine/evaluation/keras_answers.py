"""A run's network as Keras computes it, in float32: every backbone, and gradients, which the heat needs."""

from pathlib import Path

import numpy as np

from engine.base.runtime import tensorflow
from engine.network.classifier import load, preprocess
from engine.network.freezing import FreezePlan
from engine.network.heads import POOL


class KerasAnswers:
    """What `engine.evaluation.run_network` asks. `model` takes preprocessed images to logits."""

    def __init__(self, weights: Path, plan: FreezePlan, classes: int) -> None:
        """Raises WeightsError where the file `weights` is not sound."""
        tf = tensorflow()
        model = self.model = load(weights, plan, classes).model
        both = tf.keras.Model(model.input, [model.output, model.get_layer(POOL).output])

        self._forward = tf.function(
            lambda images: both(preprocess(images, plan.backbone), training=False),
            autograph=False,
            reduce_retracing=True,
        )

    def answer(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Computes all inputs at once."""
        logits, features = (found.numpy() for found in self._forward(inputs))
        return logits, features
