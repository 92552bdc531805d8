"""What shadowing belongs to: samples, places, or places and their surroundings.

    "sample"       every sample: X ~ N(0, σ²) anew each time, as in Eq. (1) of the
                   paper, whose X_σ is noise
    "independent"  the place: the same whenever it is asked for, unrelated to the next
    "correlated"   the place, with correlation exp(-r / 10 m) in sight and
                   exp(-r / 6 m) out of sight (TR 38.901 Table 7.5-6, InH)

On another day a part of the variance of what belongs to places is drawn anew. What is
new is of the same kind: independent stays independent.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from trainer.simulate.pathloss.errors import PathLossError, between
from trainer.simulate.pathloss.fields import (
    ChangedField,
    Field,
    draw_correlated,
    draw_independent,
)
from trainer.simulate.pathloss.laws import Floats

Shadowing = Literal["sample", "independent", "correlated"]
SHADOWINGS: tuple[Shadowing, ...] = ("sample", "independent", "correlated")

LOS_DISTANCE_M = 10.0
NLOS_DISTANCE_M = 6.0
"""Correlation distances in and out of sight."""


@dataclass(frozen=True, slots=True)
class DayChange:
    """How much of a site is another day's; the defaults are like recordings.

    In the public survey `polyu` (8 points, 27 days) the mean power at a point has a
    spread of 2.5 dB from day to day, 1.2 dB of it common to all points, where points
    differ by 5.2 dB: 2.15² / (2.15² + 5.2²) = 0.15.
    """

    own_share: float = 0.15
    """Of the variance of the shadowing, 0 to 1; nothing where it is the samples'."""

    power_db: float = 1.2
    """Standard deviation of what is added to the power of each access point."""

    def __post_init__(self) -> None:
        between("power_db", self.power_db, 0, 100)
        if not 0 <= self.own_share <= 1:
            raise PathLossError(f"own_share is {self.own_share}; expected 0 to 1")


@dataclass(frozen=True, slots=True, eq=False)
class Shadows:
    """Shadowing that belongs to places, in units of σ."""

    los: Field
    nlos: Field

    is_correlated: bool

    def at(self, points: Floats, in_sight: npt.NDArray[np.bool_]) -> Floats:
        """Return X / σ, shape (n, n_aps).

        Args:
            points: [m], shape (n, 2).
            in_sight: Which of the two fields counts, shape (n, n_aps).
        """
        return np.where(in_sight, self.los.at(points), self.nlos.at(points))

    def changed(self, rng: np.random.Generator, n_aps: int, share: float) -> Self:
        """Return the shadows of another day.

        Args:
            rng: Source of what is new.
            n_aps: Number of access points.
            share: Of the variance that is new, 0 to 1.
        """
        own = _draw(rng, n_aps, is_correlated=self.is_correlated)
        return type(self)(
            ChangedField(self.los, own.los, share),
            ChangedField(self.nlos, own.nlos, share),
            self.is_correlated,
        )


def draw_shadows(
    rng: np.random.Generator, n_aps: int, shadowing: Shadowing
) -> Shadows | None:
    """Draw shadowing that belongs to places; None where it is the samples'."""
    if shadowing == "sample":
        return None
    return _draw(rng, n_aps, is_correlated=shadowing == "correlated")


def _draw(rng: np.random.Generator, n_aps: int, *, is_correlated: bool) -> Shadows:
    if not is_correlated:
        field = draw_independent(rng, n_aps)
        return Shadows(field, field, is_correlated=False)
    return Shadows(
        draw_correlated(rng, n_aps, LOS_DISTANCE_M),
        draw_correlated(rng, n_aps, NLOS_DISTANCE_M),
        is_correlated=True,
    )
