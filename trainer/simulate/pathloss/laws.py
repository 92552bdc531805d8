"""Mean path loss against distance and carrier frequency, without shadowing.

    FSPL(f)   = 20 lg(4π f / c)                                      free space at 1 m
    CI        = FSPL(f) + 10 n lg d                                        Eq. (2)
    CIF       = FSPL(f) + 10 n (1 + b (f - f0) / f0) lg d                  Eq. (5)
    ABG       = 10 α lg d + β + 10 γ lg(f / GHz)
    dual ABG  = ABG(α1) up to d_BP, beyond it + 10 α2 lg(d / d_BP)         Eq. (7)
    dual CIF  = CIF(n1, b1) up to d_BP, beyond it
                + 10 n2 (1 + b2 (f - f0) / f0) lg(d / d_BP)                Eq. (8)

Equation numbers are those of K. Haneda et al., "Indoor 5G 3GPP-like channel models for
office and shopping mall environments", ICC Workshops 2016. Eq. (1) of the MetaLoc paper
is CI; its antenna gain G belongs to the link budget (`RssSite.gain_db`).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

SPEED_OF_LIGHT = 299_792_458.0
"""[m/s]."""

Floats = npt.NDArray[np.float64]


class PathLossLaw(Protocol):
    """How the mean path loss grows with distance."""

    def loss_db(self, distance_m: npt.ArrayLike, carrier_hz: float) -> Floats:
        """Return the mean path loss [dB], of the shape of the distances.

        Args:
            distance_m: Between the antennas, above 0.
            carrier_hz: Carrier frequency.
        """


def free_space_at_1m_db(carrier_hz: float) -> float:
    """Return FSPL(f), the loss of one metre of free space [dB]."""
    return float(20 * np.log10(4 * np.pi * carrier_hz / SPEED_OF_LIGHT))


@dataclass(frozen=True, slots=True)
class CloseIn:
    """CI: anchored at the free-space loss of one metre, Eq. (2)."""

    exponent: float
    """n."""

    def loss_db(self, distance_m: npt.ArrayLike, carrier_hz: float) -> Floats:
        """See `PathLossLaw`."""
        return free_space_at_1m_db(carrier_hz) + self.exponent * _decades_db(distance_m)


@dataclass(frozen=True, slots=True)
class CloseInFrequency:
    """CIF: CI with an exponent that grows with the frequency, Eq. (5)."""

    exponent: float
    """n, at the reference frequency."""

    slope: float
    """b."""

    reference_hz: float
    """f0."""

    def loss_db(self, distance_m: npt.ArrayLike, carrier_hz: float) -> Floats:
        """See `PathLossLaw`."""
        exponent = self.exponent_at(carrier_hz)
        return free_space_at_1m_db(carrier_hz) + exponent * _decades_db(distance_m)

    def exponent_at(self, carrier_hz: float) -> float:
        """Return n (1 + b (f - f0) / f0)."""
        offset = (carrier_hz - self.reference_hz) / self.reference_hz
        return self.exponent * (1 + self.slope * offset)


@dataclass(frozen=True, slots=True)
class FloatingIntercept:
    """ABG: three fitted numbers, and no anchor in free space."""

    alpha: float
    """α, slope with distance."""

    beta_db: float
    """β, at 1 m and 1 GHz."""

    gamma: float
    """γ, slope with frequency."""

    def loss_db(self, distance_m: npt.ArrayLike, carrier_hz: float) -> Floats:
        """See `PathLossLaw`."""
        intercept = self.beta_db + 10 * self.gamma * np.log10(carrier_hz / 1e9)
        return np.asarray(intercept + self.alpha * _decades_db(distance_m))


@dataclass(frozen=True, slots=True)
class DualFloatingIntercept:
    """ABG with two slopes, Eq. (7)."""

    near: FloatingIntercept
    """α1, β, γ."""

    far_alpha: float
    """α2."""

    break_m: float
    """d_BP."""

    def loss_db(self, distance_m: npt.ArrayLike, carrier_hz: float) -> Floats:
        """See `PathLossLaw`."""
        before, beyond = _split(distance_m, self.break_m)
        near = self.near.loss_db(before, carrier_hz)
        return near + self.far_alpha * _decades_db(beyond)


@dataclass(frozen=True, slots=True)
class DualCloseInFrequency:
    """CIF with two slopes, Eq. (8)."""

    near: CloseInFrequency
    """n1, b1, f0."""

    far: CloseInFrequency
    """n2, b2 and the same f0; only its slope counts."""

    break_m: float
    """d_BP."""

    def loss_db(self, distance_m: npt.ArrayLike, carrier_hz: float) -> Floats:
        """See `PathLossLaw`."""
        before, beyond = _split(distance_m, self.break_m)
        near = self.near.loss_db(before, carrier_hz)
        return near + self.far.exponent_at(carrier_hz) * _decades_db(beyond)


@dataclass(frozen=True, slots=True)
class HigherOf:
    """The higher of two losses, as TR 38.901 has it out of sight."""

    first: PathLossLaw
    second: PathLossLaw

    def loss_db(self, distance_m: npt.ArrayLike, carrier_hz: float) -> Floats:
        """See `PathLossLaw`."""
        return np.maximum(
            self.first.loss_db(distance_m, carrier_hz),
            self.second.loss_db(distance_m, carrier_hz),
        )


FREE_SPACE = CloseIn(2.0)
"""The equation of Friis."""


def _decades_db(distance_m: npt.ArrayLike) -> Floats:
    """Return 10 lg d."""
    return np.asarray(10 * np.log10(distance_m))


def _split(distance_m: npt.ArrayLike, break_m: float) -> tuple[Floats, Floats]:
    """Return the distance up to the break point, and the ratio beyond it."""
    distance = np.asarray(distance_m, np.float64)
    return np.minimum(distance, break_m), np.maximum(distance, break_m) / break_m
