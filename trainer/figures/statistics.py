"""Means over seeds, with the intervals that decide what may be said.

    mean ± t(0.975, S - 1) s / √S        S seeds, s their standard deviation

Every seed draws everything anew: access points, places, samples, initial parameters.
Values of one seed are one number to these functions, however many samples are behind
it, as they share all of that. Comparisons are paired: the difference is taken within
each seed, where both have met the same places and samples.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

Floats = npt.NDArray[np.float64]

LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, and how sure it is."""

    mean: float

    low: float
    """Of the 95 % interval; NaN where one seed gives none."""

    high: float

    n: int
    """Seeds."""

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval at all."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.has_interval and (self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """A line of estimates; all arrays have shape (n_x,)."""

    mean: Floats
    low: Floats
    """NaN where one seed gives none."""

    high: Floats
    n: int
    """Seeds."""

    def at(self, index: int) -> Estimate:
        """Return one of them."""
        return Estimate(
            float(self.mean[index]),
            float(self.low[index]),
            float(self.high[index]),
            self.n,
        )


def over_seeds(
    values: Floats, *, least: float = -math.inf, most: float = math.inf
) -> Band:
    """Return the mean over seeds with Student's interval.

    Args:
        values: Shape (n_seeds, n_x), n_seeds at least 1.
        least: What is drawn cannot be less: ends of intervals are cut there.
        most: Nor more.

    Raises:
        ValueError: There is no seed, or the values have another shape.
    """
    if values.ndim != 2 or not len(values):
        raise ValueError(f"values of shape {values.shape}, not (n_seeds, n_x)")
    n = len(values)
    mean = values.mean(axis=0)
    if n == 1:
        none = np.full(mean.shape, np.nan)
        return Band(mean, none, none.copy(), 1)
    quantile = float(stdtrit(n - 1, (1 + LEVEL) / 2))
    half = quantile * values.std(axis=0, ddof=1) / math.sqrt(n)
    return Band(
        mean, np.clip(mean - half, least, most), np.clip(mean + half, least, most), n
    )


def estimate(values: Floats) -> Estimate:
    """Return the mean of one number per seed with its interval.

    Args:
        values: Shape (n_seeds,).

    Raises:
        ValueError: There is no seed, or the values have another shape.
    """
    return over_seeds(np.atleast_1d(values)[:, None]).at(0)


def geometric(values: Floats, *, least: float) -> Band:
    """Return the geometric mean over seeds, its interval taken of the logarithms.

    For what differs between seeds by factors, not by terms.

    Args:
        values: Shape (n_seeds, n_x), n_seeds at least 1.
        least: Above 0; what is less counts as that much.

    Raises:
        ValueError: There is no seed, or the values have another shape.
    """
    band = over_seeds(np.log(np.maximum(values, least)))
    return Band(np.exp(band.mean), np.exp(band.low), np.exp(band.high), band.n)


def paired(a: Floats, b: Floats) -> Estimate:
    """Return a - b, the difference taken within each seed.

    Args:
        a: One number per seed, shape (n_seeds,).
        b: The same, of the same seeds.

    Raises:
        ValueError: They are not of the same seeds.
    """
    if a.shape != b.shape:
        raise ValueError(f"{a.shape} and {b.shape} are not values of the same seeds")
    return estimate(a - b)


def share_within(errors: Floats, limits: Floats) -> Floats:
    """Return which share of errors is not larger than each limit, shape (n_limits,).

    Args:
        errors: Shape (n,), n > 0.
        limits: Shape (n_limits,).

    Raises:
        ValueError: There is no error.
    """
    if not len(errors):
        raise ValueError("no error: a distribution takes one or more")
    return np.searchsorted(np.sort(errors), limits, side="right") / len(errors)


def rmse(errors: Floats) -> float:
    """Return the root of the mean squared error.

    Args:
        errors: Distances [m], shape (n,), n > 0.
    """
    return math.sqrt(float(np.square(errors).mean()))
