"""What is drawn: the four classes, and one imaginary patient on one film as a handful of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np


class Disease(StrEnum):
    """The four classes; a value is the class folder's name in the COVID-19 Radiography Database."""

    COVID = "COVID"
    VIRAL_PNEUMONIA = "Viral Pneumonia"
    NORMAL = "Normal"
    LUNG_OPACITY = "Lung_Opacity"


class Stream(IntEnum):
    """Independent random streams of one phantom: a lesion never moves a vessel or a grain of noise."""

    BODY = 0
    MARKINGS = 1
    LESION = 2
    NOISE = 3


@dataclass(frozen=True, slots=True)
class Phantom:
    """One patient and one exposure. Lengths are fractions of the image side; nothing depends on a disease.

    `severity` (0 to 1) says how strongly a disease would show in this patient, and is not used for `NORMAL`.
    """

    seed: int
    width: float = 1.0  # scale of the whole chest across the image
    height: float = 1.0  # scale of the whole chest down the image
    shift_x: float = 0.0
    shift_y: float = 0.0
    tilt: float = 0.0  # radians, clockwise
    breadth: float = 1.0  # of the rib cage alone
    thickness: float = 1.0  # of soft tissue in the beam
    breast: float = 0.3  # 0 none to 1
    inflation: float = 1.0  # how dark the lungs are
    dome_right: float = 0.0  # the right diaphragm's drop; negative is a shallow breath
    dome_left: float = 0.02
    heart: float = 1.0  # heart width
    aorta: float = 1.0
    gas: float = 0.5  # gastric bubble, 0 none to 1
    clavicle: float = 0.0  # the clavicles' drop
    rib_pitch: float = 0.066
    rib_slope: float = 0.12
    bone: float = 1.0  # mineral density
    markings: float = 1.0  # prominence of normal lung vessels
    exposure: float = 1.18  # attenuation to density; larger is a brighter picture
    gamma: float = 1.0  # film contrast
    black: float = 10.0  # grey level of air, 0 to 255
    white: float = 240.0  # grey level of infinite attenuation, 0 to 255
    blur: float = 1.0  # edge softness in pixels of a 299-pixel image
    noise: float = 0.45  # standard deviation of the grain in grey levels
    severity: float = 0.6

    @classmethod
    def from_seed(cls, seed: int) -> Phantom:
        """The patient with this number (0 or more); the same number always gives the same patient."""
        rng = np.random.default_rng([seed, Stream.BODY])

        def near(middle: float, spread: float) -> float:
            """A draw from a bell around `middle`, cut at two spreads."""
            return middle + spread * float(np.clip(rng.normal(), -2.0, 2.0))

        dome = near(0.0, 0.017)
        return cls(
            seed=seed,
            width=near(1.0, 0.035),
            height=near(1.0, 0.035),
            shift_x=near(0.0, 0.014),
            shift_y=near(0.0, 0.016),
            tilt=near(0.0, 0.028),
            breadth=near(1.0, 0.035),
            thickness=near(1.0, 0.07),
            breast=max(0.0, near(0.2, 0.3)),
            inflation=near(1.0, 0.05),
            dome_right=dome,
            dome_left=dome + near(0.022, 0.008),
            heart=near(1.0, 0.1),
            aorta=near(1.0, 0.15),
            gas=max(0.0, near(0.4, 0.4)),
            clavicle=near(0.0, 0.012),
            rib_pitch=near(0.066, 0.002),
            rib_slope=near(0.12, 0.012),
            bone=near(1.0, 0.15),
            markings=near(1.0, 0.18),
            exposure=near(1.18, 0.11),
            gamma=near(1.05, 0.1),
            black=near(12.0, 5.0),
            white=near(238.0, 7.0),
            blur=near(1.0, 0.2),
            noise=near(0.45, 0.1),
            severity=float(rng.uniform(0.2, 1.0)),
        )

    def stream(self, stream: Stream) -> np.random.Generator:
        """A fresh generator for one of this phantom's random streams."""
        return np.random.default_rng([self.seed, stream])
