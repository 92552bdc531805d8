"""Standard normal values that belong to places, one per access point.

A field is asked for any points, in any order and number, and always answers alike: it
holds what it was drawn from, and no table. Two kinds:

Correlated, E z(p) z(q) = exp(-|p - q| / ℓ): a sum of waves

    z(p) = Σ_w A_w cos(k_w · p + φ_w) / √W     k_w = n / (ℓ |m|),  n, m normal

with A Rayleigh and φ uniform, so that each term is standard normal at every point. k is
distributed as the spectrum of exp(-r/ℓ) in the plane, (1 + ℓ²k²)^(-3/2), so that the
correlation over fields is exact for any number of waves W.

Independent, no correlation beyond a millimetre: a hash of the access point's key and
the coordinates in whole millimetres, made normal by Box and Muller.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from trainer.simulate.pathloss.laws import Floats

N_WAVES = 128
"""W: a field is then drawn from 128 wave numbers, and its cost grows with them."""

_PER_METRE = 1000
_GOLDEN, _GOLDEN_TWICE = np.uint64(0x9E3779B97F4A7C15), np.uint64(0x3C6EF372FE94F82A)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class Field(Protocol):
    """A standard normal value per point and access point."""

    def at(self, points: Floats) -> Floats:
        """Return the values, shape (n, n_aps).

        Args:
            points: [m], shape (n, 2).
        """


@dataclass(frozen=True, slots=True, eq=False)
class CorrelatedField:
    """Neighbours have similar values."""

    wave_numbers: Floats
    """k [rad/m], shape (n_aps, n_waves, 2)."""

    phases: Floats
    """φ [rad], shape (n_aps, n_waves)."""

    amplitudes: Floats
    """A, shape (n_aps, n_waves)."""

    def at(self, points: Floats) -> Floats:
        """See `Field`."""
        n_aps, n_waves = self.phases.shape
        values = np.empty((len(points), n_aps))
        x, y = points[:, :1], points[:, 1:]
        for ap in range(n_aps):  # one by one: a table of all would be huge
            along_x, along_y = self.wave_numbers[ap].T
            # Products and a row-wise sum, not matmul: a point's value must not depend
            # on how many others are asked for.
            waves = np.cos(x * along_x + y * along_y + self.phases[ap])
            values[:, ap] = (waves * self.amplitudes[ap]).sum(axis=1)
        return np.asarray(values / np.sqrt(n_waves))


@dataclass(frozen=True, slots=True, eq=False)
class IndependentField:
    """Every place has a value of its own."""

    keys: npt.NDArray[np.uint64]
    """Shape (n_aps,)."""

    def at(self, points: Floats) -> Floats:
        """See `Field`."""
        cells = np.rint(points * _PER_METRE).astype(np.int64).view(np.uint64)
        state = _mixed(self.keys + cells[:, :1] * _GOLDEN)
        state = _mixed(state + cells[:, 1:] * _GOLDEN)
        first, second = _mixed(state + _GOLDEN), _mixed(state + _GOLDEN_TWICE)
        radius = np.sqrt(-2 * np.log(_unit(first)))
        return np.asarray(radius * np.cos(2 * np.pi * _unit(second)))


@dataclass(frozen=True, slots=True, eq=False)
class ChangedField:
    """A field of which a part has been drawn anew."""

    usual: Field
    own: Field

    share: float
    """Of the variance that is ``own``, 0 to 1."""

    def at(self, points: Floats) -> Floats:
        """See `Field`."""
        kept = np.sqrt(1 - self.share) * self.usual.at(points)
        return np.asarray(kept + np.sqrt(self.share) * self.own.at(points))


def draw_correlated(
    rng: np.random.Generator, n_aps: int, distance_m: float, *, n_waves: int = N_WAVES
) -> CorrelatedField:
    """Draw a field with correlation exp(-r / distance_m)."""
    normal = rng.normal(size=(n_aps, n_waves, 2))
    spread = np.abs(rng.normal(size=(n_aps, n_waves, 1)))
    return CorrelatedField(
        normal / (spread * distance_m),
        rng.uniform(0, 2 * np.pi, (n_aps, n_waves)),
        rng.rayleigh(1.0, (n_aps, n_waves)),
    )


def draw_independent(rng: np.random.Generator, n_aps: int) -> IndependentField:
    """Draw a field without correlation."""
    return IndependentField(rng.integers(0, 2**64, n_aps, dtype=np.uint64))


def _mixed(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return SplitMix64's output function of each word (G. Steele et al., 2014)."""
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return np.asarray(state ^ (state >> np.uint64(31)))


def _unit(words: npt.NDArray[np.uint64]) -> Floats:
    """Return numbers in (0, 1], 53 bits each."""
    return np.asarray(((words >> np.uint64(11)) + np.uint64(1)) * 2.0**-53)
