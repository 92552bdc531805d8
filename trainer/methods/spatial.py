"""How signals vary over a map: Gaussian-process regression between points."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

Matrix = npt.NDArray[np.float64]


def typical_spacing(locations: Matrix) -> float:
    """Return the median distance of a point to the nearest other one [m].

    Args:
        locations: Shape (n, 2) [m].

    Raises:
        ValueError: Fewer than two different points.
    """
    different = np.unique(locations, axis=0)
    if len(different) < 2:
        raise ValueError(f"{len(different)} different points have no spacing")
    distances = cdist(different, different)
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(axis=1)))


def matern32(a: Matrix, b: Matrix, length: float) -> Matrix:
    """Return the Matérn covariance of smoothness 3/2, shape (len(a), len(b)).

        k(r) = (1 + √3 r/l) exp(-√3 r/l)

    C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006,
    Eq. (4.17). Rougher than the squared exponential, as shadowing behind walls is.

    Args:
        a: Shape (n, 2) [m].
        b: Shape (m, 2) [m].
        length: l [m].
    """
    r = cdist(a, b) * (3**0.5 / length)
    covariance: Matrix = (1 + r) * np.exp(-r)
    return covariance


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Values at all points of a map, made of values at some of them."""

    values: Matrix
    """Mean of the posterior, shape (n_points, n_channels)."""

    left_out: npt.NDArray[np.float64]
    """Mean square by which a point is missed when it is left out, shape (n_channels,):
    how far the points of this map foretell one another."""


def interpolate(
    locations: Matrix,
    known: npt.NDArray[np.intp],
    values: Matrix,
    *,
    length: float,
    noise: float,
) -> Field:
    """Return zero-mean Gaussian-process regression at all points.

    Args:
        locations: All points [m], shape (n_points, 2).
        known: Numbers of the points with values, shape (m,).
        values: Shape (m, n_channels).
        length: Of `matern32` [m].
        noise: Variance of a value, in units of the field's own.
    """
    covariance = matern32(locations, locations[known], length)
    gram = covariance[known] + noise * np.eye(len(known))
    factor = cho_factor(gram)
    weights = cho_solve(factor, values)
    # Rasmussen & Williams, Eq. (5.12): leaving one out needs no other regression.
    precision = np.diag(cho_solve(factor, np.eye(len(known))))
    missed = weights / precision[:, None]
    return Field(covariance @ weights, np.mean(missed**2, axis=0))
