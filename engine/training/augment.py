"""Augmentation as one affine step over a whole batch, with parameters drawn from (seed, image, view) alone.

An image's view is the same in whatever order, batch or process it is drawn, so a run can be repeated and a view's
activations can be kept.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.base.language import tr
from engine.base.runtime import tensorflow
from engine.base.wording import listing
from engine.recipe.config import AugmentConfig

PLAIN = -1
"""The view that is the image itself."""


@dataclass(frozen=True)
class Parameters:
    """One draw of the policy, in the terms of Keras's ImageDataGenerator."""

    rotation: float
    """Degrees."""
    shear: float
    """Degrees."""
    zoom_x: float
    """Factor; above 1 the image shrinks."""
    zoom_y: float
    shift_x: float
    """Share of the width."""
    shift_y: float
    flip: bool

    @property
    def steps(self) -> tuple[str, ...]:
        """What is done to the image, a few words each; that it stays as it is, where nothing is."""
        zoomed = (self.zoom_x, self.zoom_y) != (1, 1)
        steps = [tr("rotate {degrees:+.0f} deg", degrees=self.rotation)] if self.rotation else []
        steps += [tr("zoom {x:.2f}x{y:.2f}", x=1 / self.zoom_x, y=1 / self.zoom_y)] if zoomed else []
        steps += [tr("shear {degrees:+.1f} deg", degrees=self.shear)] if abs(self.shear) >= 0.05 else []
        if self.shift_x or self.shift_y:
            steps.append(tr("shift {x} {y}", x=f"{self.shift_x:+.0%}", y=f"{self.shift_y:+.0%}"))
        steps += [tr("flip")] if self.flip else []
        return tuple(steps) or (tr("as it is"),)

    def __str__(self) -> str:
        return listing(self.steps)


UNCHANGED = Parameters(0.0, 0.0, 1.0, 1.0, 0.0, 0.0, False)
MIRRORED = Parameters(0.0, 0.0, 1.0, 1.0, 0.0, 0.0, True)


def draw(policy: AugmentConfig, seed: int, sha: str, view: int) -> Parameters:
    """The parameters of view `view` (from 0; PLAIN for the image itself) of the image with pixel hash `sha`."""
    if policy.augment == "none" or view == PLAIN:
        return UNCHANGED
    if policy.augment == "mirror":
        return MIRRORED
    random = np.random.Generator(np.random.Philox(key=[seed, int(sha[:16], 16)], counter=[0, 0, 0, view]))
    turn, shear, zoom_x, zoom_y, shift_x, shift_y, flip = random.uniform(-1, 1, 7)
    return Parameters(
        rotation=float(turn * policy.rotation),
        shear=float(shear * policy.shear),
        zoom_x=float(1 + zoom_x * policy.zoom),
        zoom_y=float(1 + zoom_y * policy.zoom),
        shift_x=float(shift_x * policy.shift),
        shift_y=float(shift_y * policy.shift),
        flip=bool(policy.flip and flip < 0),
    )


def view_of(policy: AugmentConfig, epoch: int) -> int:
    """The view that an epoch, counted from 1, sees of every image.

    Kept views go round with the image as it is at their head: validation and test see upright, whole images, and a
    model that never does in training is worse at them (`benchmarks/README.md`: 0.879 without, 0.898 with).
    """
    if policy.kept_views is None:
        return epoch - 1
    return (epoch - 1) % policy.kept_views - 1


def transforms(draws: Sequence[Parameters], size: int) -> np.ndarray:
    """Projective transforms, float32 (n, 8), that map a result's (x, y) to the source's, about the image's centre.

    The order is that of Keras's `apply_affine_transform`: rotation, shift, shear, zoom, then the flip of the result.
    """
    p = np.array([dataclasses.astuple(d) for d in draws], np.float64).reshape(-1, 7)
    turn, shear, zoom_x, zoom_y, shift_x, shift_y = np.deg2rad(p[:, 0]), np.deg2rad(p[:, 1]), *p[:, 2:6].T
    turned = _matrices(np.cos(turn), -np.sin(turn), 0, np.sin(turn), np.cos(turn), 0)
    shifted = _matrices(1, 0, shift_x * size, 0, 1, shift_y * size)
    sheared = _matrices(1, -np.sin(shear), 0, 0, np.cos(shear), 0)
    zoomed = _matrices(zoom_x, 0, 0, 0, zoom_y, 0)
    mirrored = _matrices(1 - 2 * p[:, 6], 0, 0, 0, 1, 0)
    centre = (size - 1) / 2
    to_centre, back = _matrices(1, 0, -centre, 0, 1, -centre), _matrices(1, 0, centre, 0, 1, centre)
    whole = back @ turned @ shifted @ sheared @ zoomed @ mirrored @ to_centre
    return np.broadcast_to(whole, (len(draws), 3, 3)).reshape(-1, 9)[:, :8].astype(np.float32)


def apply(images: Any, matrices: Any) -> Any:
    """Move float32 images (b, size, size, c) by transforms (b, 8): bilinear, the nearest pixel beyond the border."""
    tf = tensorflow()
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=matrices,
        output_shape=tf.shape(images)[1:3],
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )


def _matrices(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> np.ndarray:
    """Matrices ((a, b, c), (d, e, f), (0, 0, 1)), (n, 3, 3), of numbers or arrays (n,)."""
    a, b, c, d, e, f = np.broadcast_arrays(*np.atleast_1d(a, b, c, d, e, f))
    zero, one = np.zeros_like(a, np.float64), np.ones_like(a, np.float64)
    return np.stack([a, b, c, d, e, f, zero, zero, one], axis=-1).reshape(-1, 3, 3)
