"""What lies inside the lungs: the vessels that everybody has, and the opacities that make the classes.

Every function returns attenuation for the whole picture; the caller keeps what falls on the lungs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sample_data.anatomy import cage
from sample_data.canvas import Field, Frame, Layer, Points, clouds, smoothstep
from sample_data.phantom import Disease, Phantom, Stream

HILUM = np.array([0.062, 0.415])  # of the left lung; the right one's mirrored


Opacity = tuple[Field | None, Field | None]  # a veil at the coarse size, strokes at the fine one


@dataclass(frozen=True, slots=True)
class Strokes:
    """Tapering paths (k, n, 2) with widths (k, n-1) in fractions of the side and greys (k, n-1) of 255."""

    paths: Points
    widths: Points
    greys: Points


def _branches(
    rng: np.random.Generator, start: Points, angle: Points, length: Points, width: Points, grey: Points
) -> Strokes:
    """Bent paths of four points from `start` (k, 2); the rest is (k,). Angle 0 is lateral, down > 0."""
    step = np.linspace(0, 1, 4)[None, :]
    bend = rng.uniform(-0.35, 0.35, len(angle))[:, None]
    heading = angle[:, None] + bend * step
    reach = length[:, None] * step
    offset = np.stack([reach * np.cos(heading), reach * np.sin(heading)], axis=-1)
    fade = np.linspace(1, 0.45, 3)[None, :]
    return Strokes(start[:, None, :] + offset, width[:, None] * fade, grey[:, None] * fade)


def _sides(rng: np.random.Generator, count: int) -> Points:
    """-1 or 1 for each of `count` things, in balance to within one, as a column."""
    sides = np.where(np.arange(count) % 2 == 0, 1.0, -1.0) * rng.choice([-1.0, 1.0])
    return np.asarray(sides[:, None])


def _mirrored(strokes: Strokes, sides: Points) -> Strokes:
    flip = np.concatenate([sides, np.ones_like(sides)], axis=1)
    return Strokes(strokes.paths * flip[:, None, :], strokes.widths, strokes.greys)


def vessels(phantom: Phantom) -> Strokes:
    """The normal branching vessels of both lungs, two generations."""
    rng = phantom.stream(Stream.MARKINGS)
    count = 26
    angle = np.linspace(-1.45, 1.35, count) + rng.normal(0, 0.09, count)
    angle = rng.permutation(angle)
    length = rng.uniform(0.13, 0.25, count) * (0.75 + 0.45 * np.abs(np.sin(angle)))
    start = HILUM + rng.normal(0, [0.006, 0.03], (count, 2))
    width = rng.uniform(0.010, 0.017, count)
    grey = rng.uniform(120, 215, count)
    main = _branches(rng, start, angle, length, width, grey)
    twig_of = np.repeat(np.arange(count), 2)
    leaves = rng.integers(1, 3, len(twig_of))
    turn = rng.uniform(0.25, 0.7, len(twig_of)) * np.tile([1.0, -1.0], count)
    twigs = _branches(
        rng,
        start=main.paths[twig_of, leaves],
        angle=angle[twig_of] + turn,
        length=length[twig_of] * rng.uniform(0.4, 0.8, len(twig_of)),
        width=width[twig_of] * 0.55,
        grey=grey[twig_of] * 0.75,
    )
    sides = _sides(rng, count)
    thin = Strokes(
        np.concatenate([twigs.paths, main.paths]),
        np.concatenate([twigs.widths, main.widths]),
        np.concatenate([twigs.greys, main.greys]),
    )
    return _mirrored(thin, np.concatenate([sides[twig_of], sides]))


def opacity(phantom: Phantom, disease: Disease, coarse: Frame, fine: Frame) -> Opacity:
    """Attenuation by the disease: a broad veil at the coarse frame's size and strokes at the fine one's."""
    rng = phantom.stream(Stream.LESION)
    match disease:
        case Disease.NORMAL:
            return None, None
        case Disease.COVID:
            return _ground_glass(phantom, rng, coarse), None
        case Disease.VIRAL_PNEUMONIA:
            return _interstitial(phantom, rng, coarse, fine)
        case Disease.LUNG_OPACITY:
            return _consolidation(phantom, rng, coarse), None


def _hills(frame: Frame, centres: Points, radii: Points, heights: Points) -> Field:
    """Overlapping soft patches, 0 to 1: centres and radii (k, 2), heights (k,) below 1."""
    x, y = frame.grid()
    clear = np.ones_like(x)
    for (cx, cy), (rx, ry), height in zip(centres, radii, heights, strict=True):
        across, down = (
            (x - np.float32(cx)) * np.float32(0.5 / rx),
            (y - np.float32(cy)) * np.float32(0.5 / ry),
        )
        bump = np.clip(1 - across * across - down * down, 0, 1)
        clear *= 1 - np.float32(height) * bump * bump
    return np.asarray(1 - clear)


def _ground_glass(phantom: Phantom, rng: np.random.Generator, frame: Frame) -> Field:
    """COVID: patches of haze on both sides, along the outer wall, more of them below."""
    count = int(8 + np.rint(phantom.severity * 9 + rng.uniform(0, 4)))
    y = 0.28 + 0.46 * rng.beta(2.6, 1.5, count)
    x = cage(phantom, y) * rng.uniform(0.66, 0.99, count)
    centres = np.stack([x, y], axis=1) * np.concatenate([_sides(rng, count), np.ones((count, 1))], axis=1)
    radii = np.stack([rng.uniform(0.016, 0.044, count), rng.uniform(0.020, 0.055, count)], axis=1)
    heights = (0.2 + 0.5 * phantom.severity) * rng.uniform(0.4, 1.0, count)
    patches = _hills(frame, centres, radii, heights)
    mottle = 0.85 + 0.4 * clouds(rng, 22, frame.size) + 0.35 * clouds(rng, 50, frame.size)
    return np.asarray(np.float32(0.52) * patches * mottle)


def _interstitial(phantom: Phantom, rng: np.random.Generator, coarse: Frame, fine: Frame) -> Opacity:
    """Viral pneumonia: streaks out of both hila, thickened bronchial walls, a slight central haze."""
    severity = phantom.severity
    sides = np.array([-1.0, 1.0])
    hila = np.stack([sides * (HILUM[0] + 0.035), np.full(2, HILUM[1] + 0.03)], axis=1)
    haze = _hills(coarse, hila, np.array([[0.075, 0.11]] * 2), 0.35 + 0.4 * severity * rng.uniform(0.7, 1, 2))
    haze = haze * (0.85 + 0.35 * clouds(rng, 30, coarse.size))
    count = int(44 + 60 * severity)
    away = 0.10 * np.sqrt(rng.uniform(0, 1, count))
    angle = rng.uniform(-1.45, 1.45, count)
    middle = HILUM + np.array([0.012, 0.03])
    start = middle + np.stack([away * np.cos(angle), 1.3 * away * np.sin(angle)], axis=1)
    streaks = _branches(
        rng,
        start=start,
        angle=angle + rng.normal(0, 0.45, count),
        length=rng.uniform(0.03, 0.11, count),
        width=rng.uniform(0.006, 0.013, count),
        grey=rng.uniform(90, 215, count),
    )
    streaks = _mirrored(streaks, _sides(rng, count))
    drawing = Layer(fine).stroke_all(streaks.paths, streaks.widths, streaks.greys)
    rings = int(3 + 7 * severity)
    turn = np.linspace(0, 2 * np.pi, 11)[None, :]
    middle = HILUM + np.stack([rng.uniform(0.03, 0.11, rings), rng.uniform(-0.08, 0.14, rings)], axis=1)
    middle *= np.concatenate([_sides(rng, rings), np.ones((rings, 1))], axis=1)
    radius = rng.uniform(0.007, 0.012, rings)[:, None]
    cuffs = middle[:, None, :] + np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=-1)
    drawing.stroke_all(cuffs, np.full((rings, 10), 0.007), np.full((rings, 10), 190.0))
    lines = drawing.soften(0.0050 * phantom.blur).field()
    strength = np.float32(0.15 + 0.21 * severity)
    return np.asarray(np.float32(0.30) * haze, dtype=np.float32), strength * lines


def _consolidation(phantom: Phantom, rng: np.random.Generator, frame: Frame) -> Field:
    """Lung opacity: one dense lobe, with a sharp edge where it meets its fissure."""
    x, y = frame.grid()
    lobe = int(rng.integers(0, 5))
    side = np.float32(-1.0 if lobe < 3 else 1.0)
    out = x * side  # distance from the midline on the sick side
    minor = np.float32(rng.uniform(0.38, 0.43)) + np.float32(rng.uniform(-0.12, 0.12)) * (out - 0.2)
    major = np.float32(rng.uniform(0.47, 0.53)) + np.float32(rng.uniform(0.1, 0.4)) * (out - 0.2)
    edge, feather = 0.008, 0.16 + 0.1 * phantom.severity
    if lobe == 0:  # right upper, resting on the minor fissure
        shape = smoothstep(edge, -edge, y - minor) * smoothstep(-2.2 * feather, -0.6 * feather, y - minor)
    elif lobe == 1:  # right middle, hanging from it towards the heart
        shape = smoothstep(-edge, edge, y - minor) * smoothstep(feather + 0.11, 0.6 * feather, y - minor)
        shape = shape * smoothstep(0.34, 0.20, out)
    elif lobe == 3:  # left upper, above the major fissure
        shape = smoothstep(edge, -edge, y - major) * smoothstep(-2.4 * feather, -0.7 * feather, y - major)
    else:  # a lower lobe, below it
        shape = smoothstep(-edge, edge, y - major)
    shape = shape * (out > 0)
    mottle = 0.95 + 0.16 * clouds(rng, 14, frame.size) + 0.12 * clouds(rng, 40, frame.size)
    density = np.float32((0.24 + 0.36 * phantom.severity) * rng.uniform(0.85, 1.1))
    return np.asarray(density * shape * mottle)
