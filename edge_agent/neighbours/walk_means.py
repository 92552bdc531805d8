"""Whitened shots of a site, and their means per walk, point and channel.

A mean is of visits, each of which is the mean of its images: three images of one stop
say little more than one.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from edge_agent.environment import Environment
from edge_agent.history import walks_of
from edge_agent.neighbours.estimator import Neighbours
from edge_agent.neighbours.whitening import Matrix, channel_features

MOST_WALKS = 8
"""Of a point, the newest; what older ones say of it has changed since."""


@dataclass(frozen=True, slots=True, eq=False)
class WhitenedShots:
    """What neighbours see of a site's shots."""

    z: Matrix
    """Shape (n, n_channels, d); zero where not heard."""

    heard: npt.NDArray[np.bool_]
    """Shape (n, n_channels)."""

    point_of: npt.NDArray[np.intp]
    """Shape (n,)."""

    visit_of: npt.NDArray[np.intp]
    """Number of each image's visit, in order of time, shape (n,)."""

    walk_of: npt.NDArray[np.intp]
    """Number of its walk, likewise."""

    n_points: int

    @classmethod
    def of(cls, neighbours: Neighbours, shots: Environment) -> Self:
        """Return the shots of the newest walks of each point.

        Args:
            neighbours: Who see.
            shots: Of a site; visits are named as `edge_agent.history` says.

        Raises:
            ValueError: The images have another number of tones.
        """
        neighbours.check(shots.spec)
        rows = _newest(walks_of(shots), shots.point_of)
        _, walk_of = np.unique(walks_of(shots)[rows], return_inverse=True)
        _, visit_of = np.unique(shots.visit_of[rows], return_inverse=True)
        z = neighbours.whitening(channel_features(shots.images[rows], shots.spec))
        heard = shots.heard[rows]
        return cls(
            z * heard[..., None],
            heard,
            shots.point_of[rows],
            visit_of.astype(np.intp),
            walk_of.astype(np.intp),
            len(shots.points),
        )

    def as_one_walk(self) -> Self:
        """Return the same shots, whichever walks they are of."""
        return replace(self, walk_of=np.zeros_like(self.walk_of))

    @property
    def n_walks(self) -> int:
        """How many walks they are of."""
        return int(self.walk_of.max(initial=-1)) + 1

    def counts(self) -> Matrix:
        """Return how many shots hear each channel at each point, (n_points, C)."""
        total = np.zeros((self.n_points, self.heard.shape[1]))
        np.add.at(total, self.point_of, self.heard)
        return total

    def n_shots(self) -> npt.NDArray[np.intp]:
        """Return how many shots each point has, shape (n_points,)."""
        return np.bincount(self.point_of, minlength=self.n_points).astype(np.intp)


def _newest(
    walks: npt.NDArray[np.str_], point_of: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Return the rows of each point's newest walks, in order.

    Of each point, not of the site: sparse walks would soon outnumber the one in which
    most points were shot.
    """
    kept = np.zeros(len(walks), np.bool_)
    for point in np.unique(point_of).tolist():
        at_point = point_of == point
        newest = np.unique(walks[at_point])[-MOST_WALKS:]
        kept |= at_point & np.isin(walks, newest)
    return np.flatnonzero(kept)


@dataclass(frozen=True, slots=True, eq=False)
class WalkMeans:
    """Means of z, and how visits of one walk scatter about them."""

    means: Matrix
    """Shape (n_walks, n_points, n_channels, d); NaN where nothing was heard."""

    n_visits: npt.NDArray[np.intp]
    """Visits in each mean, shape (n_walks, n_points, n_channels)."""

    scatter: Matrix
    """Σ r rᵀ of visits about the mean of their walk at their point, shape (d, d)."""

    n_degrees: int
    """Such residuals less means taken from them."""

    @classmethod
    def of(cls, shots: WhitenedShots) -> Self:
        """Return the means."""
        n_channels, d = shots.z.shape[1:]
        n_points, n_walks = shots.n_points, shots.n_walks
        sums = np.zeros((n_walks, n_points, n_channels, d))
        n_visits = np.zeros((n_walks, n_points, n_channels), np.intp)
        squares = np.zeros((d, d))
        for channel in range(n_channels):
            rows = np.flatnonzero(shots.heard[:, channel])
            key = shots.visit_of[rows] * n_points + shots.point_of[rows]
            _, first, member = np.unique(key, return_index=True, return_inverse=True)
            visits = np.zeros((len(first), d))
            np.add.at(visits, member, shots.z[rows, channel])
            visits /= np.bincount(member)[:, None]
            at = shots.walk_of[rows[first]], shots.point_of[rows[first]]
            np.add.at(sums[:, :, channel], at, visits)
            np.add.at(n_visits[:, :, channel], at, 1)
            n_there = n_visits[(*at, channel)][:, None]
            residuals = visits - sums[(*at, channel)] / n_there
            squares += residuals.T @ residuals
        has_any = n_visits > 0
        means = np.where(has_any[..., None], 0.0, np.nan) + sums
        means /= np.maximum(n_visits, 1)[..., None]
        return cls(means, n_visits, squares, int(n_visits.sum() - has_any.sum()))
