"""Building materials, and what a slab of one reflects and lets through.

    η = a f^b - j 17.98 c f^d / f                     f in GHz

    r_TE = (cos θ - s) / (cos θ + s)                  s = sqrt(η - sin² θ)
    r_TM = (η cos θ - s) / (η cos θ + s)
    R = r (1 - e^(-2jq)) / (1 - r² e^(-2jq))          q = 2π s · thickness / λ
    T = (1 - r²) e^(-jq) / (1 - r² e^(-2jq))

Recommendation ITU-R P.2040-3, "Effects of building materials and structures on
radiowave propagation above about 100 MHz": permittivity as in section 2.1.4 with the
constants of Table 3, Fresnel coefficients, and the slab of one layer. θ is the angle of
incidence, from the normal. Valid from 1 GHz on, to 100 GHz unless the table says less.

TM follows the convention of the Recommendation, in which r_TM at normal incidence is
-r_TE: it is the ratio of the field components along the normal, which for grazing rays
and vertical antennas is what is heard.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from trainer.errors import RoomError

SPEED_OF_LIGHT = 299_792_458.0
"""[m/s]."""

Complex = npt.NDArray[np.complex128]
Floats = npt.NDArray[np.float64]


class Polarisation(Enum):
    """How the electric field lies to the plane of incidence."""

    TE = "TE"
    """Perpendicular to it."""

    TM = "TM"
    """In it."""


@dataclass(frozen=True, slots=True)
class Material:
    """Constants a, b, c, d of Table 3: ε' = a f^b, σ = c f^d [S/m], f in GHz."""

    name: str
    a: float
    b: float
    c: float
    d: float

    highest_ghz: float = 100.0
    """Up to where the fit holds."""

    def permittivity(self, carrier_hz: float) -> complex:
        """Return the relative complex permittivity η.

        Raises:
            RoomError: The fit does not hold at this frequency.
        """
        f_ghz = carrier_hz / 1e9
        if not 1 <= f_ghz <= self.highest_ghz:
            raise RoomError(
                f"{self.name} is known from 1 to {self.highest_ghz:g} GHz, not at "
                f"{f_ghz:g} GHz"
            )
        conductivity = self.c * f_ghz**self.d
        return complex(self.a * f_ghz**self.b, -17.98 * conductivity / f_ghz)


MATERIALS = {
    material.name: material
    for material in (
        Material("concrete", 5.24, 0.0, 0.0462, 0.7822),
        Material("brick", 3.91, 0.0, 0.0238, 0.16, highest_ghz=40.0),
        Material("plasterboard", 2.73, 0.0, 0.0085, 0.9395),
        Material("wood", 1.99, 0.0, 0.0047, 1.0718),
        Material("glass", 6.31, 0.0, 0.0036, 1.3394),
        Material("ceiling board", 1.48, 0.0, 0.0011, 1.0750),
        Material("chipboard", 2.58, 0.0, 0.0217, 0.7800),
        Material("metal", 1.0, 0.0, 1e7, 0.0),
    )
}
"""Table 3 of ITU-R P.2040-3: indoor materials that it has from 1 GHz on, as floorboard,
from 50 GHz on, is not."""


def slab(
    material: Material,
    thickness_m: float,
    cos_incidence: Floats,
    carrier_hz: float,
    polarisation: Polarisation,
) -> tuple[Complex, Complex]:
    """Return what a slab reflects and what it lets through.

    Args:
        material: Of the slab.
        thickness_m: Of the slab.
        cos_incidence: cos θ, in [0, 1], any shape.
        carrier_hz: Frequency.
        polarisation: Of the wave.

    Returns:
        Factors R and T of the field, shaped like ``cos_incidence``.

    Raises:
        RoomError: The material is unknown at this frequency.
    """
    eta = material.permittivity(carrier_hz)
    root = np.sqrt(eta - (1 - np.square(cos_incidence)))
    load = cos_incidence if polarisation is Polarisation.TE else eta * cos_incidence
    face = (load - root) / (load + root)
    wavelength = SPEED_OF_LIGHT / carrier_hz
    once = np.exp(-2j * np.pi * thickness_m / wavelength * root)
    rounds = 1 - np.square(face * once)
    reflected = face * (1 - np.square(once)) / rounds
    return reflected, (1 - np.square(face)) * once / rounds
