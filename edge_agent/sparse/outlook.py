"""What is known of a site's fingerprints today, and how wrong locations will be.

t, of the directions that tell points apart best, is Gaussian (`neighbours.bent_map`). A
visit at point s, n shots of it, leaves

    C' = C - c_s c_sᵀ / (c_ss + 1/n)              whatever the shots turn out to be
    E (μ'_p - μ'_q)² = (μ_p - μ_q)² + (what the variance of t_p - t_q lost)

With these two points p and q are confused as far as their distributions overlap, by the
bound of Bhattacharyya, all of them in competition:

    w(q | p) ∝ exp(-Σ [ E(μ'_p - μ'_q)² / 8 s_pq + 1/2 ln(s_pq / sqrt(s_p s_q)) ])
    s_p = C'_pp + 1,  s_pq = (s_p + s_q) / 2
    expected error = mean over p of Σ_q w(q | p) cost(p, q)

A point that nobody has ever shot is located somewhere else, whatever it looks like.

Source: T. Kailath, "The divergence and Bhattacharyya distance measures in signal
selection", IEEE Trans. Commun. Tech. 15(1), 1967, with variances of one dimension.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment
from edge_agent.neighbours.changes import Changes
from edge_agent.neighbours.estimator import Neighbours
from edge_agent.neighbours.same_site import check_aligned, kernel_of
from edge_agent.neighbours.walk_means import WalkMeans, WhitenedShots
from edge_agent.neighbours.whitening import Matrix
from edge_agent.survey import Point

_MOST_DIRECTIONS: Final = 400
_FEWEST_DIRECTIONS: Final = 6
_MOST_ENTRIES: Final = 300_000
"""Of all covariances together, so that a site of hundreds of points is still planned in
seconds on a small computer."""

_SAME_ROOM: Final = 0.3
"""Cost of mistaking points of one room where rooms are all there is."""


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What would be expected of locations, if nothing more were shot."""

    means: Matrix
    """μ, shape (n_directions, n_points)."""

    covariances: Matrix
    """C, shape (n_directions, n_points, n_points)."""

    gaps: Matrix
    """E (μ_p - μ_q)², shape (n_directions, n_points, n_points)."""

    is_known: npt.NDArray[np.bool_]
    """Points with a shot, of whatever age, shape (n_points,)."""

    costs: Matrix
    """cost(p, q), shape (n_points, n_points)."""

    @classmethod
    def of(
        cls,
        neighbours: Neighbours,
        spec: ImageSpec,
        history: Environment,
        fresh: Environment,
    ) -> Self:
        """Return the outlook after some fresh shots, or before any.

        Args:
            neighbours: Who whiten.
            spec: How the images were built.
            history: Shots of earlier walks, aligned.
            fresh: Of the newest walk; may be none.

        Raises:
            ValueError: They are not aligned, or history has heard nothing.
        """
        check_aligned(spec, history, fresh)
        before = WhitenedShots.of(neighbours, history)
        kernel = kernel_of(history)
        changes = Changes.learn(WalkMeans.of(before), kernel)
        channels, directions = _telling(changes, len(history.points))
        blank = cls._before(changes, kernel, channels, directions, before, history)
        now = WhitenedShots.of(neighbours, fresh)
        if not len(fresh):
            return blank
        found = WalkMeans.of(now.as_one_walk())
        outlook = blank
        for point in np.unique(now.point_of).tolist():
            n_visits = found.n_visits[0, point, channels].astype(np.float64)
            turned = found.means[0, point] @ changes.directions
            values = np.nan_to_num(turned[channels, directions])
            outlook = outlook._told(point, n_visits, values)
        return replace(outlook, gaps=_squares(outlook.means))

    @classmethod
    def _before(
        cls,
        changes: Changes,
        kernel: Matrix,
        channels: npt.NDArray[np.intp],
        directions: npt.NDArray[np.intp],
        before: WhitenedShots,
        history: Environment,
    ) -> Self:
        """Return the outlook without a fresh shot."""
        covariances = np.stack(
            [
                changes.covariance(channel, kernel)[direction]
                for channel, direction in zip(
                    channels.tolist(), directions.tolist(), strict=True
                )
            ]
        )
        means = changes.expected[:, channels, directions].T
        return cls(
            means,
            covariances,
            _squares(means),
            before.n_shots() > 0,
            costs_of(history.points),
        )

    def _told(self, point: int, n_visits: Matrix, values: Matrix) -> Self:
        """Return what is known once visits of a point were seen."""
        across = self.covariances[:, :, point]
        gains = across / (across[:, point] + 1 / np.maximum(n_visits, 1e-9))[:, None]
        surprise = (values - self.means[:, point])[:, None]
        return replace(
            self._visited(point, n_visits), means=self.means + gains * surprise
        )

    def visited(self, point: int, n_visits: int) -> Self:
        """Return the outlook if a point were shot.

        Args:
            point: Its number.
            n_visits: How often, each time put down anew.
        """
        return self._visited(point, np.full(len(self.means), float(n_visits)))

    def _visited(self, point: int, n_visits: Matrix) -> Self:
        across = self.covariances[:, :, point]
        scale = np.sqrt(across[:, point] + 1 / np.maximum(n_visits, 1e-9))
        lost = across / scale[:, None]
        is_known = self.is_known.copy()
        is_known[point] = True
        return replace(
            self,
            covariances=self.covariances - lost[:, :, None] * lost[:, None],
            # of t_p - t_q: (l_p - l_q)², l lᵀ being what the covariance lost
            gaps=self.gaps + _squares(lost),
            is_known=is_known,
        )

    def errors(self) -> Matrix:
        """Return the expected error at each point, shape (n_points,).

        In metres, or in costs where the site has rooms alone.
        """
        own = np.einsum("jpp->jp", self.covariances) + 1
        both = (own[:, :, None] + own[:, None]) / 2
        logs = np.log(own).sum(axis=0)
        overlap = (self.gaps / both).sum(axis=0) / 8
        overlap += np.log(both).sum(axis=0) / 2 - (logs[:, None] + logs) / 4
        weights = np.where(self.is_known, np.exp(-overlap), 0.0)
        total = np.maximum(weights.sum(axis=1), 1e-300)
        return np.asarray((weights * self.costs).sum(axis=1) / total)

    @property
    def error(self) -> float:
        """Mean of `errors`."""
        return float(self.errors().mean())


def costs_of(points: tuple[Point, ...]) -> Matrix:
    """Return what it costs to take one point for another, (n_points, n_points).

    Metres where both have coordinates; the largest such distance between a point and
    the outside; where there are rooms alone, 1 for another room and 0.3 for another
    point of the same.

    Args:
        points: Of a site.
    """
    where = np.array([point.location for point in points], np.float64).reshape(-1, 2)
    apart = np.hypot(*(where[:, None] - where).transpose(2, 0, 1))
    largest = float(np.max(apart, where=np.isfinite(apart), initial=0.0))
    rooms = np.array([str((point.room, point.is_outside)) for point in points])
    other = np.where(rooms[:, None] == rooms, _SAME_ROOM, 1.0)
    costs = np.where(np.isfinite(apart), apart, other * (largest or 1.0))
    np.fill_diagonal(costs, 0.0)
    return np.asarray(costs)


def _telling(
    changes: Changes, n_points: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the channels and directions in which points differ most, best first."""
    kept = np.clip(_MOST_ENTRIES // n_points**2, _FEWEST_DIRECTIONS, _MOST_DIRECTIONS)
    told = (changes.spread + changes.local) / (1 + changes.local / 4)
    # Stable, so that the same past chooses the same.
    order = np.argsort(-told, axis=None, kind="stable")[: int(kept)]
    channels, directions = np.unravel_index(order, told.shape)
    return channels.astype(np.intp), directions.astype(np.intp)


def _squares(values: Matrix) -> Matrix:
    return np.asarray((values[:, :, None] - values[:, None]) ** 2)
