"""Outlines of a chest seen from the front, in chest coordinates: x from the midline, y from the top edge.

The patient's right is at the image's left, so x < 0, as on a film; the heart's apex points to x > 0.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from sample_data.canvas import Points, closed_curve, mirror, ribbon
from sample_data.phantom import Phantom

_CAGE_Y = np.array([0.06, 0.11, 0.15, 0.20, 0.28, 0.38, 0.50, 0.62, 0.74, 0.86, 1.10])
_CAGE_X = np.array([0.10, 0.17, 0.215, 0.255, 0.305, 0.345, 0.374, 0.388, 0.392, 0.39, 0.37])


def cage(phantom: Phantom, y: Points) -> Points:
    """Half width of the rib cage's inside at heights `y`, any shape."""
    return np.asarray(np.interp(y, _CAGE_Y, _CAGE_X) * phantom.breadth)


@cache
def body() -> Points:
    """Neck, shoulders, arms and flanks (n, 2)."""
    side = np.array(
        [(0.10, -0.2), (0.10, 0.0), (0.115, 0.045), (0.19, 0.075), (0.33, 0.088), (0.44, 0.12), (0.60, 0.21),
         (0.68, 0.40), (0.58, 0.52), (0.495, 0.57), (0.468, 0.64), (0.462, 0.74), (0.47, 0.87), (0.485, 1.2)]
    )  # fmt: skip
    return closed_curve(np.concatenate([side, mirror(side)[::-1]]))


def lungs(phantom: Phantom) -> tuple[Points, Points]:
    """The right and the left lung (n, 2), both reaching the midline: the heart is laid over them."""
    return _lung(phantom, phantom.dome_right, -1.0), _lung(phantom, phantom.dome_left, 1.0)


def _lung(phantom: Phantom, drop: float, side: float) -> Points:
    wall_y = np.array([0.155, 0.20, 0.28, 0.38, 0.50, 0.62, 0.72, 0.785 + drop])
    wall_x = cage(phantom, wall_y) - 0.012
    apex = [(0.03, 0.30), (0.045, 0.17), (0.085, 0.118), (0.14, 0.112)]
    angle = [(wall_x[-1] - 0.008, 0.805 + drop)]
    dome = np.array([(0.335, 0.765), (0.27, 0.722), (0.19, 0.703), (0.11, 0.708), (0.05, 0.72), (0.02, 0.70)])
    dome += [0.0, drop]
    dome[:, 0] *= phantom.breadth
    outline = np.concatenate([apex, np.stack([wall_x, wall_y], axis=1), angle, dome])
    return closed_curve(outline * [side, 1.0])


def heart(phantom: Phantom) -> Points:
    """Heart and great vessels (n, 2): the shadow between the lungs, from the neck to the diaphragm."""
    wide, knob, base = phantom.heart, phantom.aorta, phantom.dome_left
    right = [
        (-0.05, 0.05), (-0.047, 0.20), (-0.052, 0.30), (-0.050, 0.39), (-0.058, 0.45),
        (-0.088 * wide, 0.53), (-0.101 * wide, 0.62), (-0.085 * wide, 0.70), (-0.07 * wide, 0.84),
    ]  # fmt: skip
    left = [
        (0.13 * wide, 0.84), (0.205 * wide, 0.745 + base), (0.212 * wide, 0.70 + base), (0.178 * wide, 0.61),
        (0.125 * wide, 0.52), (0.083, 0.455), (0.074, 0.42), (0.058, 0.385), (0.05 + 0.022 * knob, 0.345),
        (0.05 + 0.026 * knob, 0.305), (0.05 + 0.010 * knob, 0.265), (0.044, 0.20), (0.05, 0.05),
    ]  # fmt: skip
    return closed_curve(np.array(right + left))


def trachea() -> Points:
    """Windpipe down to the carina and the two main bronchi, as bands (3, 2n, 2)."""
    t = np.linspace(0, 1, 8)
    pipe = np.stack([0.004 * t, -0.1 + 0.45 * t], axis=1)
    right = np.stack([0.004 - 0.045 * t, 0.345 + 0.045 * t], axis=1)
    left = np.stack([0.004 + 0.052 * t, 0.345 + 0.05 * t], axis=1)
    narrow = np.full(8, 0.011)
    return np.stack([ribbon(pipe, np.full(8, 0.019)), ribbon(right, narrow), ribbon(left, narrow)])


def ribs(phantom: Phantom) -> tuple[Points, Points]:
    """Posterior bands (20, 2n, 2) from the spine out, and anterior bands (14, 2n, 2) from the flank in."""
    number = np.arange(10)[:, None]
    top = 0.098 + phantom.rib_pitch * number + 0.0012 * number * (number - 4)
    drop = phantom.rib_slope * (0.58 + 0.085 * number)
    reach = cage(phantom, top + drop)
    t = np.linspace(0, 1, 18)[None, :] * (np.pi / 2)
    x = 0.03 + (reach - 0.03) * np.sin(t)
    y = top + drop * (1 - np.cos(t)) + (0.004 * number - 0.024) * np.sin(2 * t)
    back = np.stack([x, y], axis=-1)
    s = np.linspace(0, 0.78, 18)[None, :] * (np.pi / 2)
    low = slice(0, 7)
    x = reach[low] * np.cos(s) + 0.03 * np.sin(s)
    y = (top + drop)[low] + (0.06 + 0.013 * number[low]) * np.sin(s) + 0.03 * (1 - np.cos(s))
    front = np.stack([x, y], axis=-1)
    taper = np.linspace(1.0, 0.82, 18)
    behind, before = ribbon(back, 0.0125 * taper), ribbon(front, 0.0135 * taper[::-1])
    return np.concatenate([behind, mirror(behind)]), np.concatenate([before, mirror(before)])


def clavicles(phantom: Phantom) -> Points:
    """Two S-shaped bands (2, 2n, 2)."""
    t = np.linspace(0, 1, 20)
    x = 0.036 + 0.345 * t
    y = 0.200 - 0.056 * t - 0.020 * np.sin(np.pi * t) + 0.010 * np.sin(2 * np.pi * t) + phantom.clavicle
    band = ribbon(np.stack([x, y], axis=1), 0.0115 + 0.006 * (2 * t - 1) ** 2)
    return np.stack([band, mirror(band)])


@cache
def scapulae() -> tuple[Points, Points]:
    """Shoulder blades (2, n, 2) and the heads of the upper arms (2, n, 2)."""
    blade = closed_curve(
        np.array([(0.33, 0.17), (0.40, 0.15), (0.43, 0.20), (0.405, 0.29), (0.40, 0.37), (0.38, 0.44),
                  (0.35, 0.39), (0.318, 0.28)])
    )  # fmt: skip
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    head = np.stack([0.485 + 0.055 * np.cos(angle), 0.225 + 0.06 * np.sin(angle)], axis=1)
    return np.stack([blade, mirror(blade)]), np.stack([head, mirror(head)])


def vertebrae(phantom: Phantom) -> Points:
    """The vertebral bodies (k, n, 2) from the neck to below the diaphragm."""
    pitch = phantom.rib_pitch * 0.92
    centres = np.arange(-0.02, 1.1, pitch)
    half = np.array([(-1, -0.8), (-0.86, 0), (-1, 0.8), (0, 0.9), (1, 0.8), (0.86, 0), (1, -0.8), (0, -0.9)])
    block = half * [0.033, pitch * 0.46]
    return np.asarray(block[None] + np.stack([0 * centres, centres], axis=1)[:, None, :])


@cache
def breasts() -> Points:
    """Two round shadows (2, n, 2) over the lower zones."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    disc = np.stack([0.235 + 0.145 * np.cos(angle), 0.64 + 0.135 * np.sin(angle)], axis=1)
    return np.stack([disc, mirror(disc)])


def stomach_gas(phantom: Phantom) -> Points:
    """The air bubble (n, 2) under the left dome."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    flat = np.minimum(np.sin(angle), 0.75)
    return np.stack([0.19 + 0.075 * np.cos(angle), 0.80 + phantom.dome_left + 0.035 * flat], axis=1)
