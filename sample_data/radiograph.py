"""Draws a phantom: sums up what the beam meets on its way, then develops the film.

Attenuation is in units of a chest's soft tissue: about 0.3 in the lungs, 1.5 behind the heart. Broad shapes
are drawn at half size. A disease enters before the film and only inside the lung mask, and nothing blurs
afterwards, so that two pictures of one phantom are the same, pixel for pixel, outside that mask.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sample_data import anatomy, lesions
from sample_data.canvas import Bytes, Field, Frame, Layer, clouds, smoothstep, upsample
from sample_data.phantom import Disease, Phantom, Stream

SMALLEST = 32  # pixels along a side
_FILM_STEPS = 4096
_DEEP = np.arange(20) % 10 > 7  # the posterior ribs behind the liver, hardly seen
_DENSEST = 4.0  # attenuation at the film table's end


def draw(
    phantom: Phantom,
    disease: Disease,
    size: int = 299,
    *,
    corner_mark: bool = False,
) -> tuple[Bytes, Bytes]:
    """A frontal chest picture and its lung mask, both uint8 (size, size); the mask is 0 or 255.

    The mask holds every pixel with any lung in its beam. `size` is at least 32 pixels. With `corner_mark` a
    bright letter is burnt into the upper left corner, a planted shortcut for tests that look for one; every
    other pixel stays as it was.
    """
    if size < SMALLEST:
        raise ValueError(f"size is {size} pixels: give {SMALLEST} or more")
    fine, coarse = Frame(phantom, size), Frame(phantom, (size + 1) // 2)
    air = _lungs(phantom, fine).soften(0.0034 * phantom.blur).field()
    mask = np.where(air > 0, np.uint8(255), np.uint8(0))
    trunk, depth = _trunk(phantom, coarse)
    veil, lines = lesions.opacity(phantom, disease, coarse, fine)
    if veil is not None:
        depth -= veil
    lung = _markings(phantom, fine) - upsample(depth, size)
    if lines is not None:
        lung += lines
    lung *= air
    lung += upsample(trunk, size)
    lung += _bones(phantom, fine)
    image = _develop(phantom, lung)
    if corner_mark:
        _burn_mark(image)
    return image, mask


def _lungs(phantom: Phantom, frame: Frame) -> Layer:
    """Both lung fields in 255, without what the heart and the great vessels hide."""
    right, left = anatomy.lungs(phantom)
    return Layer(frame).fill(right).fill(left).fill(anatomy.heart(phantom), 0)


def _markings(phantom: Phantom, frame: Frame) -> Field:
    """Attenuation of the vessels in the lungs."""
    tree = lesions.vessels(phantom)
    drawing = Layer(frame).stroke_all(tree.paths, tree.widths, tree.greys).soften(0.0030 * phantom.blur)
    return drawing.field() * np.float32(0.20 * phantom.markings)


def _trunk(phantom: Phantom, frame: Frame) -> tuple[Field, Field]:
    """Attenuation of all soft tissue as if the lungs were solid, and how much of it their air takes away."""
    rng = phantom.stream(Stream.BODY)
    x, y = frame.grid()
    torso, (right, left) = anatomy.body(), anatomy.lungs(phantom)
    broad = Frame(phantom, (frame.size + 1) // 2)
    bulk = upsample(Layer(broad).fill(torso).smooth(0.055).field(), frame.size)
    body = Layer(frame).fill(torso).soften(0.010).field() * (0.22 + 0.86 * bulk)
    slim = 1 - np.float32(1.9) * x * x
    belly = smoothstep(0.66, 0.95, y)
    body *= slim * (phantom.thickness * (1 + np.float32(0.06) * clouds(rng, 9, frame.size)) + 0.5 * belly)
    heart = Layer(frame).fill(anatomy.heart(phantom)).soften(0.014).field()
    body += heart * (0.16 + 0.36 * smoothstep(0.15, 0.6, y)) * (1 - belly)
    breasts = Layer(broad).fill_all(anatomy.breasts()).smooth(0.02).field()
    body += np.float32(0.10 * phantom.breast) * upsample(breasts, frame.size)
    spine = Layer(frame).fill_all(anatomy.vertebrae(phantom)).soften(0.008).field()
    body += np.float32(0.32 * phantom.bone) * spine
    bubble = min(255, int(230 * phantom.gas))
    gas = Layer(frame).fill_all(anatomy.trachea(), 125).fill(anatomy.stomach_gas(phantom), bubble)
    body -= np.float32(0.46) * gas.soften(0.010).field()
    deep = Layer(broad).fill(right).fill(left).smooth(0.04).field()
    depth = np.float32(0.70 * phantom.inflation) * (0.62 + 0.42 * upsample(deep, frame.size))
    return body, depth


def _bones(phantom: Phantom, frame: Frame) -> Field:
    """Attenuation of ribs, collar bones, shoulder blades and arms."""
    behind, before = anatomy.ribs(phantom)
    blades, heads = anatomy.scapulae()
    bones = Layer(frame).fill_all(behind[_DEEP], 60, rim=80).fill_all(behind[~_DEEP], 118, rim=165)
    bones.add(Layer(frame).fill_all(before, 72, rim=88))
    shoulders = Layer(frame).fill_all(blades, 60, rim=80).fill_all(heads, 150)
    bones.add(shoulders.fill_all(anatomy.clavicles(phantom), 140, rim=190))
    return bones.soften(0.0042 * phantom.blur).field() * np.float32(0.36 * phantom.bone)


@lru_cache(maxsize=1)
def _grain() -> NDArray[np.float32]:
    """Normal quantiles by which a random byte becomes a grain of noise with deviation 1."""
    bell = NormalDist()
    return np.array([bell.inv_cdf((i + 0.5) / 256) for i in range(256)], dtype=np.float32)


def _develop(phantom: Phantom, beam: Field) -> Bytes:
    """Attenuation to grey levels by the film's curve, with grain."""
    steps = np.linspace(0, _DENSEST, _FILM_STEPS)
    density = (1 - np.exp(-phantom.exposure * steps)) ** phantom.gamma
    curve = phantom.black + (phantom.white - phantom.black) * density
    where = (beam * np.float32((_FILM_STEPS - 1) / _DENSEST)).astype(np.int32)
    grey = curve.astype(np.float32).take(where, mode="clip")
    chance = np.frombuffer(phantom.stream(Stream.NOISE).bytes(beam.size), np.uint8).reshape(beam.shape)
    grey += (_grain() * np.float32(phantom.noise)).take(chance)
    return np.asarray(np.clip(np.rint(grey, out=grey), 0, 255, out=grey).astype(np.uint8))


def _burn_mark(image: Bytes) -> None:
    """Burn a letter R on a dark plate into the upper left corner, in place."""
    side = max(8, round(image.shape[0] * 0.09))
    plate = Image.new("L", (5, 7), 20)
    ImageDraw.Draw(plate).point(
        [(1, 1), (2, 1), (1, 2), (3, 2), (1, 3), (2, 3), (1, 4), (3, 4), (1, 5), (3, 5)], fill=250
    )
    margin = max(2, side // 4)
    there = slice(margin, margin + side)
    image[there, there] = np.asarray(plate.resize((side, side), Image.Resampling.NEAREST))
