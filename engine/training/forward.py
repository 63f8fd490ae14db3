"""The forward pass over a source, as validation and audits take it, and the score of its logits."""

import numpy as np

from engine.base.cancel import Stop
from engine.base.errors import Stopped
from engine.base.language import tr
from engine.base.runtime import compiled
from engine.training.augment import PLAIN
from engine.training.batches import Source


class Pass:
    """A compiled forward pass over a source's images as they are."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._network = compiled(lambda inputs: source.network(inputs, training=False))

    def logits(self, batch: int = 64, stop: Stop | None = None) -> np.ndarray:
        """Logits, float32 (n, classes), in the source's order. Raises Stopped between two batches."""
        everything = np.arange(len(self.source.images))
        found = []
        for inputs, _ in self.source.batches(everything, PLAIN, batch):
            found.append(self._network(inputs).numpy())
            if stop and stop.is_set():
                raise Stopped(tr("Stopped in the validation."))
        return np.concatenate(found)


def score(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy (0 to 1) of logits (n, classes) against labels (n,)."""
    return float(cross_entropies(logits, labels).mean()), float((logits.argmax(axis=1) == labels).mean())


def cross_entropies(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The cross-entropy of each row of logits (n, classes) with its label, in nats, float64 (n,)."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(wide).sum(axis=1)) - wide[np.arange(len(labels)), labels])
