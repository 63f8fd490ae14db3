"""A run's network as Keras computes it, in float32: every backbone, and gradients, which the heat needs."""

from pathlib import Path
from typing import Any

import numpy as np

from engine.base.runtime import tensorflow
from engine.network.classifier import load, preprocess
from engine.network.freezing import FreezePlan


class KerasAnswers:
    """What `engine.evaluation.run_network` asks. `model` takes preprocessed images to logits."""

    def __init__(self, weights: Path, plan: FreezePlan, classes: int) -> None:
        """Raises WeightsError where the file `weights` is not sound."""
        tf = tensorflow()
        model = self.model = load(weights, plan, classes).model
        both = tf.keras.Model(model.input, [model.output, model.get_layer("pool").output])

        @tf.function(autograph=False, reduce_retracing=True)  # type: ignore[untyped-decorator]
        def forward(images: Any) -> Any:
            logits, features = both(preprocess(images, plan.backbone), training=False)
            return tf.nn.softmax(logits), features

        self._forward = forward
        self._logits = tf.function(
            lambda images: model(preprocess(images, plan.backbone), training=False), reduce_retracing=True
        )

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """Logits, float32 (n, classes), of network inputs."""
        return np.asarray(self._logits(inputs).numpy())

    def answer(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Computes all inputs at once."""
        probabilities, features = (found.numpy() for found in self._forward(inputs))
        return probabilities, features
