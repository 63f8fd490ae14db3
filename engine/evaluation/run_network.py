"""A run's network from its weights alone: network inputs in, probabilities and features out, by Keras or by ncnn.

Here alone is decided which of the two answers. ncnn does where it can and the run's recipe does not say otherwise: it
needs no TensorFlow, which takes seconds to load.
"""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from engine.base.engines import AskedEngine, ncnn_fault
from engine.base.events import Emit, Notice
from engine.base.language import tr
from engine.base.runtime import announce_tensorflow
from engine.evaluation.ncnn_answers import NcnnAnswers
from engine.network.freezing import FreezePlan
from engine.network.ncnn_network import RefusedError, serves

if TYPE_CHECKING:
    from engine.evaluation.keras_answers import KerasAnswers

T = TypeVar("T")


class RunNetwork:
    """The network of a run, which answers by ncnn or by Keras."""

    def __init__(
        self, weights: Path, plan: FreezePlan, classes: int, asked: AskedEngine, few: bool, emit: Emit
    ) -> None:
        """`asked` is what the recipe or the caller says; `few` promises that few pictures will be asked for, at once.

        That ncnn can't answer is emitted. Raises WeightsError where the file `weights` does not fit; where it holds
        what is no number, the first answer may raise it.
        """
        self._weights, self._plan, self._classes, self._emit = weights, plan, classes, emit
        self._ncnn: NcnnAnswers | None = None
        if asked != "keras" and serves(plan.backbone):
            if fault := ncnn_fault():
                self._excuse(f"{fault}.")
            else:
                self._ncnn = NcnnAnswers(weights, plan, classes, few)
        if not self._ncnn:
            self.keras  # noqa: B018 (loads it)

    @cached_property
    def keras(self) -> "KerasAnswers":
        """The same network in Keras, loaded when it is first asked for.

        Where the run, as one that trains, got other weights since ncnn took its own, Keras answers from then on.
        """
        announce_tensorflow(self._emit)
        from engine.evaluation.keras_answers import KerasAnswers

        found = KerasAnswers(self._weights, self._plan, self._classes)
        if self._ncnn and self._ncnn.outdated:
            self._ncnn = None
        return found

    def answer(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits, float32 (n, classes), and the means that the head gets, float32 (n, channels).

        Both are averaged over an image and its mirror image where the network's head does so. `inputs` are uint8
        (n, size, size, 3), n at least 1. Raises RunError where memory is lacking.
        """
        given = np.concatenate([inputs, inputs[:, :, ::-1]]) if self._plan.head.mirror else inputs
        found = self._by_ncnn(lambda ncnn: ncnn.answer(given))
        logits, features = self.keras.answer(given) if found is None else found
        if not self._plan.head.mirror:
            return logits, features
        n = len(inputs)
        return (logits[:n] + logits[n:]) / 2, (features[:n] + features[n:]) / 2

    def maps(self, layer: str, inputs: np.ndarray) -> np.ndarray | None:
        """What the backbone's `layer` gives for network inputs, float32 (n, side, side, channels); None where Keras
        answers, which computes the rest as well.
        """
        return self._by_ncnn(lambda ncnn: ncnn.maps(layer, inputs))

    def read(self, inputs: np.ndarray) -> list[np.ndarray]:
        """What each layer that the head reads gives for network inputs, float32 (n, side, side, channels) each."""
        found = self._by_ncnn(lambda ncnn: ncnn.read(inputs))
        return self.keras.read(inputs) if found is None else found

    @property
    def linear(self) -> tuple[np.ndarray, np.ndarray]:
        """Kernel (width, classes) and bias (classes,) of the head's last layer."""
        if self._ncnn:
            return self._ncnn.linear
        kernel, bias = self.keras.model.get_layer("logits").get_weights()
        return kernel, bias

    def _by_ncnn(self, ask: Callable[[NcnnAnswers], T]) -> T | None:
        """What ncnn says; None where it does not serve, or no longer."""
        if not self._ncnn:
            return None
        try:
            return ask(self._ncnn)
        except RefusedError as error:
            self._excuse(str(error))
            self._ncnn = None
            return None

    def _excuse(self, why: str) -> None:
        self._emit(Notice("info", tr("{why} TensorFlow answers instead.", why=why)))
