"""Augmentation: what Keras's ImageDataGenerator does to an image, drawn from (seed, image, view) and nothing else."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras.src.legacy.preprocessing.image import apply_affine_transform

from engine.recipe.config import AugmentConfig
from engine.training.augment import PLAIN, UNCHANGED, Parameters, apply, draw, transforms, view_of
from tests.makers.examples import examples

POLICY = AugmentConfig(shift=0.2, shear=20.0)
SHA = hashlib.sha256(b"an image").hexdigest()


def smooth_images(n: int, size: int) -> np.ndarray:
    x: np.ndarray = np.random.default_rng(0).uniform(0, 255, (n, size, size, 1)).astype(np.float32)
    for _ in range(6):
        x = (x + np.roll(x, 1, 1) + np.roll(x, 1, 2)) / 3
    return x


def test_a_batch_is_moved_as_keras_moves_each_image() -> None:
    size = 48
    images = smooth_images(12, size)
    draws = [draw(POLICY, 7, SHA, view) for view in range(12)]
    moved = apply(images, transforms(draws, size)).numpy()
    for before, after, d in zip(images, moved, draws, strict=True):
        keras = apply_affine_transform(
            before.copy(), d.rotation, d.shift_x * size, d.shift_y * size, d.shear, d.zoom_x, d.zoom_y, 0, 1, 2
        )
        assert np.abs(after - (keras[:, ::-1] if d.flip else keras)).max() < 0.01
        assert np.abs(after - before).mean() > 1


def test_the_plain_view_and_no_augmentation_change_no_pixel() -> None:
    images = smooth_images(2, 32)
    assert draw(POLICY, 0, SHA, PLAIN) == draw(AugmentConfig(augment="none"), 0, SHA, 3) == UNCHANGED
    assert np.array_equal(apply(images, transforms([UNCHANGED, UNCHANGED], 32)).numpy(), images)


@given(st.integers(0, 2**31 - 1), st.binary(min_size=1), st.integers(0, 999))
@settings(max_examples=examples(50))
def test_a_draw_depends_on_seed_image_and_view_alone_and_stays_in_range(seed: int, image: bytes, view: int) -> None:
    sha = hashlib.sha256(image).hexdigest()
    d = draw(POLICY, seed, sha, view)
    assert d == draw(POLICY, seed, sha, view)
    assert d not in (draw(POLICY, seed + 1, sha, view), draw(POLICY, seed, sha, view + 1))
    assert d != draw(POLICY, seed, hashlib.sha256(image + b"x").hexdigest(), view)
    assert abs(d.rotation) <= 30 and abs(d.shear) <= 20 and abs(d.shift_x) <= 0.2 and abs(d.shift_y) <= 0.2
    assert 0.8 <= d.zoom_x <= 1.2 and 0.8 <= d.zoom_y <= 1.2


def test_over_many_images_the_draws_fill_their_ranges_evenly() -> None:
    draws = [draw(POLICY, 0, hashlib.sha256(bytes([n % 256, n // 256])).hexdigest(), 0) for n in range(4000)]
    assert np.mean([d.flip for d in draws]) == pytest.approx(0.5, abs=0.03)
    turns = np.array([d.rotation for d in draws])
    assert np.histogram(turns, 10, (-30, 30))[0].min() > 320


def test_the_epochs_go_round_the_image_as_it_is_and_its_kept_views() -> None:
    def views(policy: AugmentConfig) -> list[int]:
        return [view_of(policy, epoch) for epoch in range(1, 8)]

    assert views(AugmentConfig(views="2")) == [PLAIN, 0, 1, PLAIN, 0, 1, PLAIN]
    assert views(AugmentConfig(augment="none")) == [PLAIN] * 7
    assert views(AugmentConfig(views="epoch")) == [0, 1, 2, 3, 4, 5, 6]


def test_a_draw_says_what_it_does() -> None:
    assert str(UNCHANGED) == "as it is"
    assert str(Parameters(-12.3, 0.0, 1.0, 1.0, 0.0, 0.0, True)) == "rotate -12 deg, flip"
