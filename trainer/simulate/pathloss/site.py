"""A rectangle with access points, and what is received in it.

    P_r = P_t + G - PL(max(d, 1 m)) - X + noise          [dBm], per access point
    d² = (x - x_AP)² + (y - y_AP)² + h²

**Sight.** Whether an access point is in sight of a place is decided once: where
Φ(z) < P_LOS(horizontal d), with z a standard normal field that is correlated over 10 m
(TR 38.901 Table 7.6.3.1-2, indoor). Φ(z) is uniform, so the share of places in sight is
P_LOS, neighbours mostly agree, and reference points and samples cannot disagree about
the same place. The paper does not say how it decides.

Shadowing and days: `trainer.simulate.pathloss.shadowing`.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from trainer.simulate.pathloss.errors import (
    PathLossError,
    above_zero,
    at_least,
    between,
    finite,
)
from trainer.simulate.pathloss.fields import Field, draw_correlated
from trainer.simulate.pathloss.laws import Floats
from trainer.simulate.pathloss.models import CLAMPS, Clamp, PathLossModel
from trainer.simulate.pathloss.shadowing import (
    SHADOWINGS,
    DayChange,
    Shadowing,
    Shadows,
    draw_shadows,
)

Booleans = npt.NDArray[np.bool_]

PAPER_CARRIER_HZ = 2.44e9
PAPER_N_APS = 24
"""Section IV-A: 24 access points at 2440 MHz, at random places."""

NEAREST_M = 1.0
"""No link is shorter: the laws are fits from one metre on."""

MOST_APS = 20_000
CARRIER_RANGE_HZ = (1e8, 1e12)
"""Least and greatest carrier frequency of a site."""

_LONGEST_M, _HIGHEST_M = 10_000.0, 1000.0
_MOST_DB = 100.0
"""More of anything is a slip of the keyboard, and would give numbers all the same."""

SIGHT_DISTANCE_M = 10.0
"""Correlation distance of who sees whom."""

_ROUNDED_M = 1e-3
"""How far outside a point may be: surveys round coordinates to millimetres."""

_phi = np.frompyfunc(lambda z: 0.5 * math.erfc(-z / math.sqrt(2)), 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class RssSite:
    """A place on a day; from `draw_site`."""

    model: PathLossModel

    size_m: tuple[float, float]
    """Length and width; points are from (0, 0) to there."""

    access_points: Floats
    """x, y [m], shape (n_aps, 2)."""

    power_dbm: Floats
    """P_t of each access point, shape (n_aps,)."""

    gain_db: float
    """G, of both antennas together."""

    carrier_hz: float

    height_m: float
    """h: how far above the receiver the access points hang."""

    sight: Field
    """z, see the module."""

    shadows: Shadows | None
    """None where the shadowing is the samples' own."""

    noise_db: float
    """Standard deviation of what every sample adds."""

    clamp: Clamp

    sensitivity_dbm: float | None
    """What is weaker is not heard; None hears everything."""

    @property
    def n_aps(self) -> int:
        """Number of access points."""
        return len(self.access_points)

    def horizontal_m(self, points: Floats) -> Floats:
        """Return distances on the map, shape (n, n_aps).

        Args:
            points: x, y [m], shape (n, 2).

        Raises:
            PathLossError: No points, or one that is not in the site.
        """
        self._check(points)
        apart = points[:, None, :] - self.access_points
        return np.asarray(np.hypot(apart[..., 0], apart[..., 1]))

    def in_sight(self, points: Floats) -> Booleans:
        """Return which access points each place sees, shape (n, n_aps).

        Arguments and errors are those of `horizontal_m`.
        """
        probability = self.model.sight_probability(self.horizontal_m(points))
        if self.model.los is None:
            return np.zeros(probability.shape, np.bool_)
        uniform = _phi(self.sight.at(points)).astype(np.float64)
        return np.asarray(uniform < probability)

    def mean_rss(self, points: Floats) -> Floats:
        """Return the power without noise [dBm], shape (n, n_aps).

        It includes shadowing that belongs to places, and ignores sensitivity. Arguments
        and errors are those of `horizontal_m`.
        """
        return self._mean_rss(points, self.in_sight(points))

    def rss(self, points: Floats, n_samples: int, rng: np.random.Generator) -> Floats:
        """Return received power [dBm], shape (n, n_samples, n_aps); NaN if not heard.

        Args:
            points: x, y [m], shape (n, 2).
            n_samples: At each point.
            rng: Source of the noise, and of shadowing that is the samples'.

        Raises:
            PathLossError: As `horizontal_m`, or no samples.
        """
        at_least("n_samples", n_samples, 1)
        in_sight = self.in_sight(points)
        spread = np.full(in_sight.shape, self.noise_db)
        if self.shadows is None:
            spread = np.hypot(spread, self.model.sigma_db(in_sight))
        mean, spread = self._mean_rss(points, in_sight)[:, None], spread[:, None]
        noise = rng.normal(size=(len(points), n_samples, self.n_aps))
        return self.heard(mean + spread * noise)

    def heard(self, power_dbm: Floats) -> Floats:
        """Return received power with NaN where it is below the sensitivity."""
        if self.sensitivity_dbm is None:
            return power_dbm
        return np.where(power_dbm < self.sensitivity_dbm, np.nan, power_dbm)

    def on_day(self, rng: np.random.Generator, change: DayChange | None = None) -> Self:
        """Return the site on a day of its own.

        Days differ from what they have in common, not each from the one before: call it
        on the same site for all of them.

        Args:
            rng: Source of the changes.
            change: How much; `DayChange` by default.
        """
        change = change or DayChange()
        power = self.power_dbm + rng.normal(0, change.power_db, self.n_aps)
        shadows = self.shadows
        if shadows is not None:
            shadows = shadows.changed(rng, self.n_aps, change.own_share)
        return replace(self, power_dbm=power, shadows=shadows)

    def _mean_rss(
        self,
        points: Floats,
        in_sight: Booleans,
    ) -> Floats:
        distance = np.maximum(
            np.hypot(self.horizontal_m(points), self.height_m), NEAREST_M
        )
        loss = self.model.loss_db(distance, self.carrier_hz, in_sight, clamp=self.clamp)
        mean = self.power_dbm + self.gain_db - loss
        if self.shadows is None:
            return mean
        sigma_db = self.model.sigma_db(in_sight)
        return np.asarray(mean - sigma_db * self.shadows.at(points, in_sight))

    def _check(self, points: Floats) -> None:
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise PathLossError(
                f"points have shape {points.shape}; expected (n, 2) with n of 1 or more"
            )
        low, high = -_ROUNDED_M, np.add(self.size_m, _ROUNDED_M)
        outside = ~((points >= low) & (points <= high)).all(axis=1)
        if outside.any():
            number = int(np.argmax(outside))
            length, width = self.size_m
            raise PathLossError(
                f"point {number} is at {tuple(points[number].tolist())} m; expected "
                f"within (0, 0) and ({length:g}, {width:g})"
            )


def draw_site(
    rng: np.random.Generator,
    model: PathLossModel,
    size_m: float | tuple[float, float],
    *,
    power_dbm: float,
    n_aps: int = PAPER_N_APS,
    carrier_hz: float = PAPER_CARRIER_HZ,
    gain_db: float = 0.0,
    height_m: float = 0.0,
    shadowing: Shadowing = "independent",
    noise_db: float = 0.0,
    clamp: Clamp = "none",
    sensitivity_dbm: float | None = None,
) -> RssSite:
    """Draw a site with access points at uniformly random places.

    Other σ than the model's: `PathLossModel.with_sigma`.

    Args:
        rng: Source of access points, sight and shadowing.
        model: One of `trainer.simulate.pathloss.models`.
        size_m: Side of a square, or length and width.
        power_dbm: P_t of every access point.
        n_aps: Number of access points.
        carrier_hz: Carrier frequency.
        gain_db: G.
        height_m: How far above the receivers the access points hang; 0 is a plane.
        shadowing: What X belongs to, see the module.
        noise_db: Standard deviation of what every sample adds.
        clamp: See `trainer.simulate.pathloss.models.Clamp`.
        sensitivity_dbm: What is weaker is not heard; None hears everything.

    Raises:
        PathLossError: No such site: a side of 0 or beyond 10 km, a carrier below
            100 MHz or above 1 THz, no access point or over 20,000, a level beyond 100
            dB either way, a choice that does not exist.
    """
    length, width = size_m if isinstance(size_m, tuple) else (size_m, size_m)
    for name, side in (("length", length), ("width", width)):
        above_zero(f"the {name} of the site [m]", side)
        between(f"the {name} of the site [m]", side, 0, _LONGEST_M)
    between("carrier_hz", carrier_hz, *CARRIER_RANGE_HZ)
    between("n_aps", n_aps, 1, MOST_APS)
    between("height_m", height_m, 0, _HIGHEST_M)
    between("noise_db", noise_db, 0, _MOST_DB)
    between("power_dbm", power_dbm, -_MOST_DB, _MOST_DB)
    between("gain_db", gain_db, -_MOST_DB, _MOST_DB)
    if sensitivity_dbm is not None:
        finite("sensitivity_dbm", sensitivity_dbm)
    if shadowing not in SHADOWINGS:
        raise PathLossError(
            f"shadowing is {shadowing!r}; expected one of {', '.join(SHADOWINGS)}"
        )
    if clamp not in CLAMPS:
        raise PathLossError(f"clamp is {clamp!r}; expected one of {', '.join(CLAMPS)}")
    access_points = rng.uniform(0, 1, (n_aps, 2)) * (length, width)
    sight = draw_correlated(rng, n_aps, SIGHT_DISTANCE_M)
    shadows = draw_shadows(rng, n_aps, shadowing)
    return RssSite(
        model=model,
        size_m=(float(length), float(width)),
        access_points=access_points,
        power_dbm=np.full(n_aps, float(power_dbm)),
        gain_db=gain_db,
        carrier_hz=carrier_hz,
        height_m=height_m,
        sight=sight,
        shadows=shadows,
        noise_db=noise_db,
        clamp=clamp,
        sensitivity_dbm=sensitivity_dbm,
    )
