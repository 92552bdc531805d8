"""How signals vary over a map: Gaussian-process regression between points."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

from trainer.methods.features import Matrix

_ROUNDING: Final = 1e-6
"""Share of the spacing by which coordinates may be off and still be on the lattice."""


def typical_spacing(locations: Matrix) -> float:
    """Return the median distance of a point to the nearest other one [m].

    Args:
        locations: Shape (n, n_dimensions) [m].

    Raises:
        ValueError: Fewer than two different points.
    """
    different = np.unique(locations, axis=0)
    if len(different) < 2:
        raise ValueError(f"{len(different)} different points have no spacing")
    distances = cdist(different, different)
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(axis=1)))


def between(
    locations: Matrix, floors: npt.NDArray[np.intp]
) -> tuple[Matrix, npt.NDArray[np.intp]]:
    """Return a lattice of half the points' spacing between them.

    Args:
        locations: Shape (n, 2) [m].
        floors: Shape (n,); every floor has a lattice of its own.

    Returns:
        Coordinates [m], shape (m, 2), and floors (m,). None is farther from a point
        than their spacing, none nearer than an eighth of it; none at all where the
        points are scattered, as there would be more than 16 for every point.
    """
    grown, floor_of = [np.zeros((0, 2))], [np.zeros(0, np.intp)]
    for floor in np.unique(floors):
        points = np.unique(locations[floors == floor], axis=0)
        if len(points) < 2:
            continue
        spacing = typical_spacing(points)
        low, high = points.min(axis=0), points.max(axis=0)
        n_x, n_y = ((high - low) * 2 / spacing + 1 + _ROUNDING).astype(int)
        if n_x * n_y > 16 * len(points):
            continue
        axes = [low[0] + np.arange(n_x) * spacing / 2]
        axes.append(low[1] + np.arange(n_y) * spacing / 2)
        places = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
        nearest = cdist(places, points).min(axis=1)
        is_near = nearest <= spacing * (1 + _ROUNDING)
        grown.append(places[is_near & (nearest > spacing / 8)])
        floor_of.append(np.full(len(grown[-1]), floor))
    return np.concatenate(grown), np.concatenate(floor_of)


def matern32(a: Matrix, b: Matrix, length: float) -> Matrix:
    """Return the Matérn covariance of smoothness 3/2, shape (len(a), len(b)).

        k(r) = (1 + √3 r/l) exp(-√3 r/l)

    C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006,
    Eq. (4.17). Rougher than the squared exponential, as shadowing behind walls is.

    Args:
        a: Shape (n, n_dimensions) [m].
        b: Shape (m, n_dimensions) [m].
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
        locations: All points [m], shape (n_points, n_dimensions).
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
