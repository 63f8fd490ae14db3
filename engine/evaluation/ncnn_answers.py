"""A VGG run's network without TensorFlow: the backbone by ncnn, the head in NumPy, all of it in float32.

Each picture is computed by itself, head and all, so that its numbers depend neither on those beside it nor on how many
processors there are.
"""

import threading
from pathlib import Path

import numpy as np

from engine.base.runtime import give_memory_back
from engine.network.backbones import Backbone, head_shapes
from engine.network.hdf5_reader import WeightFile
from engine.network.ncnn_network import POOL, NcnnNetwork, shapes
from engine.network.preprocessing import caffe


class NcnnAnswers:
    """What `engine.evaluation.run_network` asks. Any thread may ask, unless it is for few pictures."""

    def __init__(self, weights: Path, backbone: Backbone, classes: int, few: bool) -> None:
        """Raises WeightsError where the file `weights` does not fit; numbers that are none are met as they are read.

        For `few` pictures, asked for at once, the network is loaded from now on and little of it is kept in memory.
        """
        self._file = WeightFile(weights, {**shapes(backbone), **head_shapes(backbone, classes)})
        self._dense, self._logits = _Dense(*self._file.layer("dense")), _Dense(*self._file.layer("logits"))
        self._network = NcnnNetwork(backbone, self._file.layer, POOL, keep=not few)
        self._beginning = threading.Lock()
        if few:
            give_memory_back()
            self._network.begin()

    def answer(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Raises RefusedError where ncnn does not take the network, RunError where memory is lacking."""
        features = self._features(inputs)
        return np.stack([self._probabilities(row) for row in features]), features

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """Logits, float32 (n, classes), of network inputs; raises as `answer` does."""
        return np.stack([self._logits_of(row) for row in self._features(inputs)])

    def maps(self, layer: str, inputs: np.ndarray) -> np.ndarray:
        """What the backbone's `layer` gives, float32 (n, side, side, channels); raises as `answer` does."""
        return self._at(layer, inputs)

    def _features(self, inputs: np.ndarray) -> np.ndarray:
        try:
            return self._at(POOL, inputs)
        finally:
            self._file.close()  # all of it was loaded, or can't be

    def _at(self, layer: str, inputs: np.ndarray) -> np.ndarray:
        with self._beginning:
            self._network.begin()
        return self._network.at((layer,), caffe(inputs))[layer]

    @property
    def outdated(self) -> bool:
        """Has the run other weights by now?"""
        return self._file.replaced

    def _probabilities(self, features: np.ndarray) -> np.ndarray:
        logits = self._logits_of(features)
        shares = np.exp(logits - logits.max())
        return np.asarray(shares / shares.sum())

    def _logits_of(self, features: np.ndarray) -> np.ndarray:
        return self._logits(np.maximum(self._dense(features), np.float32(0)))


class _Dense:
    """A dense layer. Its sums are NumPy's own, as those of a BLAS may depend on the number of its threads."""

    def __init__(self, kernel: np.ndarray, bias: np.ndarray) -> None:
        self._kernel, self._bias = np.ascontiguousarray(kernel.T), bias

    def __call__(self, row: np.ndarray) -> np.ndarray:
        """(in,) to (out,), float32."""
        return np.asarray((self._kernel * row).sum(axis=1) + self._bias)
