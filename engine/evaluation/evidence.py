"""Where a linear head's answer comes from: its log-odds taken apart into places, exactly.

Such a head's logits are sums over channels, cells and places, so each place has its part of them (class activation
mapping, Zhou et al. 2016, "Learning Deep Features for Discriminative Localization", eq. 2), at every depth that the
head reads. Activations are never below 0, and what all X-rays have speaks for or against a class everywhere; so a place
counts by how it differs from the training images' mean. The parts of all places and depths add up to the logits less
those of that mean.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.evaluation.predictor import Predictor
from engine.network.heads import grid

Floats = npt.NDArray[np.float32]


class Evidence:
    """A run's linear head, asked what each place adds to a class."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor, self._head = predictor, predictor.plan.head
        self._kernel, self._bias = predictor.linear
        known, width = predictor.reference, len(self._kernel)
        self.usual = known.features.mean(axis=0) if known else np.zeros(width, np.float32)
        """What the head gets of the training images, on average, (width,); 0 where that is not known."""

    def maps(self, inputs: npt.NDArray[np.uint8], targets: npt.NDArray[np.integer]) -> tuple[Floats, Floats]:
        """Maps, float32 (n, side, side) at the side of the finest depth, and logits, float32 (n, classes), of network
        inputs, uint8 (n, size, size, 3), as they are.

        Each map is what the places add to the log-odds of its class in `targets`, to first order; where that is below
        0, to those of the class that is answered.
        """
        depths, _, logits = self.at_each_depth(inputs, targets)
        side = max(one.shape[1] for one in depths)
        return np.sum([_wide(one, side) for one in depths], axis=0, dtype=np.float32), logits.astype(np.float32)

    def at_each_depth(
        self, inputs: npt.NDArray[np.uint8], targets: npt.NDArray[np.integer]
    ) -> tuple[list[Floats], Floats, Floats]:
        """The same maps of each depth at its own side, whose sums over all places and depths are the first-order part
        of the log-odds; the slopes (n, classes) of the log-odds by the logits; and the logits.
        """
        activations = self._predictor.read(inputs)
        logits = self._logits(activations)
        slopes = _slopes(logits, targets)
        return [self._at(place, one, slopes) for place, one in enumerate(activations)], slopes, logits

    def _logits(self, activations: list[Floats]) -> Floats:
        """Of activations (n, side, side, channels) of each depth that is read."""
        rows = [
            one[:, top:bottom, left:right].mean(axis=(1, 2))
            for one in activations
            for top, bottom, left, right in grid(one.shape[1], self._head.cells)
        ]
        return np.asarray(np.concatenate(rows, axis=1) @ self._kernel + self._bias)

    def _at(self, place: int, activations: Floats, slopes: Floats) -> Floats:
        """What the places of one depth add, (n, side, side)."""
        backbone, head = self._predictor.backbone, self._head
        begin = sum(head.width_of(backbone, name) for name in head.reads[:place])
        channels, found = activations.shape[-1], np.zeros(activations.shape[:3], np.float32)
        for number, (top, bottom, left, right) in enumerate(grid(activations.shape[1], head.cells)):
            first = begin + number * channels
            weights = slopes @ self._kernel[first : first + channels].T
            differing = activations[:, top:bottom, left:right] - self.usual[first : first + channels]
            part = np.einsum("nyxc,nc->nyx", differing, weights)
            found[:, top:bottom, left:right] += part / ((bottom - top) * (right - left))
        return found


def _slopes(logits: Floats, targets: npt.NDArray[np.integer]) -> Floats:
    """How the log-odds of each target, or where it is below 0 of the class answered, change with each logit: float32
    (n, classes).
    """
    chosen = np.where(targets < 0, logits.argmax(axis=1), targets)
    own = np.eye(logits.shape[1], dtype=bool)[chosen]
    rest = np.where(own, -np.inf, logits)
    others = np.exp(rest - rest.max(axis=1, keepdims=True))
    return np.where(own, 1.0, -others / others.sum(axis=1, keepdims=True)).astype(np.float32)


def _wide(maps: Floats, side: int) -> Floats:
    """Maps (n, s, s) at another side, bilinear, each with about the sum that it had."""
    own = maps.shape[1]
    if own == side:
        return maps
    wide = [Image.fromarray(one).resize((side, side), Image.Resampling.BILINEAR) for one in maps]
    return np.stack([np.asarray(one) for one in wide]) * np.float32((own / side) ** 2)
