"""What computes the frozen layers: Keras, which can compute every network, or ncnn, which takes Winograd's shortcut.

Both take preprocessed images to the activations that a plan keeps, in float32. `engine_choice` says which one serves.
"""

from functools import cached_property
from typing import Any, Protocol

import numpy as np

from engine.base.cancel import Stop
from engine.base.engines import EngineName
from engine.base.errors import Stopped
from engine.base.language import tr
from engine.base.runtime import compiled, tensorflow
from engine.network.backbones import Backbone
from engine.network.classifier import Classifier
from engine.network.ncnn_network import NcnnNetwork, means, serves


class FrozenEngine(Protocol):
    """Images in, what the frozen layers give for them out."""

    @property
    def batchwise(self) -> bool:
        """May an image's numbers depend on how many are computed together with it?"""

    def activations(self, inputs: Any, stop: Stop | None = None) -> np.ndarray:
        """Of preprocessed images (n, size, size, 3): what the plan keeps of each, float32 (n, *kept_shape).

        Raises Stopped.
        """


def served_by(backbone: Backbone) -> tuple[EngineName, ...]:
    """The engines that can compute a backbone."""
    return ("keras", "ncnn") if serves(backbone) else ("keras",)


def engine_of(classifier: Classifier) -> FrozenEngine:
    """The engine that the classifier names, with the weights that its frozen layers have now."""
    return NcnnEngine(classifier) if classifier.engine == "ncnn" else KerasEngine(classifier)


class KerasEngine:
    """The prefix as TensorFlow computes it, in the classifier's number format.

    In float32 on a processor each image passes alone: with AVX2, its last bits depend on how many pass together with
    it and on its place among them (MobileNetV2, ResNet50V2, EfficientNetB0 and VGG16 on a Zen 3), so a cache that is
    filled in two goes would differ from one that is filled in one. It takes no longer than 32 at once.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._prefix = classifier.prefix
        self.batchwise = classifier.compute_dtype != "float32" or bool(tensorflow().config.list_physical_devices("GPU"))

    @cached_property
    def _forward(self) -> Any:
        tf, prefix = tensorflow(), self._prefix
        assert prefix
        return compiled(lambda images: tf.cast(prefix(images, training=False), tf.float32))

    def activations(self, inputs: Any, stop: Stop | None = None) -> np.ndarray:
        """As the protocol says; a stop is looked at between what is computed at once."""
        step = len(inputs) if self.batchwise else 1
        found = []
        for start in range(0, len(inputs), step):
            if stop and stop.is_set():
                raise Stopped(tr("Stopped while the frozen layers were computed."))
            found.append(np.asarray(self._forward(inputs[start : start + step]).numpy()))
        return np.concatenate(found)


class NcnnEngine:
    """The same layers as ncnn computes them: each image by one processor, always in float32."""

    batchwise = False

    def __init__(self, classifier: Classifier) -> None:
        plan, model = classifier.plan, classifier.model
        self._plan = plan
        kept = plan.backbone.layers[plan.cut - 1].name
        self._network = NcnnNetwork(plan.backbone, lambda name: model.get_layer(name).get_weights(), kept)
        self._kept = kept

    def activations(self, inputs: Any, stop: Stop | None = None) -> np.ndarray:
        """As the protocol says; a stop is looked at between two images."""
        plan, images = self._plan, np.asarray(inputs)
        if plan.cut == len(plan.backbone.layers):
            return self._network.means(plan.head, images, stop)
        found = self._network.at((*plan.read_below, self._kept), images, stop)
        kept = found[self._kept]
        if not plan.read_below:
            return kept
        rows = [kept.reshape(len(kept), -1)]
        for name in plan.read_below:
            rows.append(np.stack([means(one.transpose(2, 0, 1), plan.head.cells) for one in found[name]]))
        return np.concatenate(rows, axis=1)
