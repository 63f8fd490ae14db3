"""A VGG run's network without TensorFlow: the backbone by ncnn, the head in NumPy, all of it in float32.

Each picture is computed by itself, head and all, so that its numbers depend neither on those beside it nor on how many
processors there are.
"""

import threading
from pathlib import Path

import numpy as np

from engine.base.runtime import give_memory_back
from engine.network.freezing import FreezePlan
from engine.network.hdf5_reader import WeightFile
from engine.network.ncnn_network import NcnnNetwork, shapes
from engine.network.preprocessing import caffe


class NcnnAnswers:
    """What `engine.evaluation.run_network` asks. Any thread may ask, unless it is for few pictures."""

    def __init__(self, weights: Path, plan: FreezePlan, classes: int, few: bool) -> None:
        """Raises WeightsError where the file `weights` does not fit; numbers that are none are met as they are read.

        For `few` pictures, asked for at once, the network is loaded from now on and little of it is kept in memory.
        """
        self._plan, base, head = plan, plan.backbone, plan.head.shapes(plan.backbone, classes)
        self._file = WeightFile(weights, {**shapes(base), **head})
        self._head = [_Dense(*self._file.layer(name)) for name in head]
        self._network = NcnnNetwork(base, self._file.layer, plan.head.layers_read(base)[-1], keep=not few)
        self._beginning = threading.Lock()
        if few:
            give_memory_back()
            self._network.begin()

    def answer(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Raises RefusedError where ncnn does not take the network, RunError where memory is lacking."""
        self._begin()
        try:
            features = self._network.means(self._plan.head, caffe(inputs))
        finally:
            self._file.close()  # all of it was loaded, or can't be
        return np.stack([self._logits(row) for row in features]), features

    def maps(self, layer: str, inputs: np.ndarray) -> np.ndarray:
        """What the backbone's `layer` gives, float32 (n, side, side, channels); raises as `answer` does."""
        self._begin()
        return self._network.at((layer,), caffe(inputs))[layer]

    def read(self, inputs: np.ndarray) -> list[np.ndarray]:
        """What each layer that the head reads gives, as `maps` has it."""
        self._begin()
        return list(self._network.at(self._plan.head.layers_read(self._plan.backbone), caffe(inputs)).values())

    @property
    def linear(self) -> tuple[np.ndarray, np.ndarray]:
        """Kernel (in, classes) and bias (classes,) of the last layer."""
        return self._head[-1].kernel, self._head[-1].bias

    def _begin(self) -> None:
        with self._beginning:
            self._network.begin()

    def _logits(self, row: np.ndarray) -> np.ndarray:
        """Through the head's layers, with ReLU between them."""
        for number, dense in enumerate(self._head):
            row = dense(np.maximum(row, np.float32(0)) if number else row)
        return row

    @property
    def outdated(self) -> bool:
        """Has the run other weights by now?"""
        return self._file.replaced


class _Dense:
    """A dense layer. Its sums are NumPy's own, as those of a BLAS may depend on the number of its threads."""

    def __init__(self, kernel: np.ndarray, bias: np.ndarray) -> None:
        self._rows, self.kernel, self.bias = np.ascontiguousarray(kernel.T), kernel, bias

    def __call__(self, row: np.ndarray) -> np.ndarray:
        """(in,) to (out,), float32."""
        return np.asarray((self._rows * row).sum(axis=1) + self.bias)
