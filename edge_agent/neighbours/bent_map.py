"""History draws the map, a few fresh shots bend it.

Of every direction of z T (`neighbours.changes`) and every channel, today's fingerprints
of all points are one Gaussian vector t, and a fresh point is its value after a visit:

    t ~ N(m, Σ)                       what the past expects of today
    y = t + v, v ~ N(0, 1/n_visits)   at the points with fresh shots
    t | y ~ N(μ, C)                   Gaussian-process regression

so that one shot tells of the walk at all points, of the level around it, and most of
its own point. An image x is compared with what is then expected of it, with Student's
tails: a channel that somebody stands in front of is far from everything.

    q_p = Σ (x - μ_p)² / (C_p + 1)
    S_p = Σ over channels  -(ν + d)/2 ln(1 + q_p/ν) - 1/2 Σ ln(C_p + 1) + ln r_p
    P_1(p) ∝ exp(τ S_p)

r_p is the probability of hearing the channel there; ln (1 - r_p) counts alone where it
was not heard. C is large where nothing fresh is: the determinant keeps such points from
being favoured, and what they may look like from being narrow.

Between points with fresh shots, the shots themselves know more than a mean of theirs:
the probability P_1 of all of them together is dealt out as P_1 P_2, P_2 being that of
plain neighbours (`neighbours.estimator`) among the fresh shots.

A channel that no fresh shot hears although, by history, they should is *dropped*: it is
off the air. One that history does not know is expected to be anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import Arrays
from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment
from edge_agent.neighbours.changes import Changes
from edge_agent.neighbours.estimator import (
    Fingerprints,
    Kernel,
    Neighbours,
    posterior_of,
)
from edge_agent.neighbours.hearing import dropped_channels, hearing
from edge_agent.neighbours.regression import bent
from edge_agent.neighbours.same_site import channel_names, check_aligned, kernel_of
from edge_agent.neighbours.walk_means import WalkMeans, WhitenedShots
from edge_agent.neighbours.whitening import Matrix

FREEDOM: Final = 4.0
"""ν; 2 to 8 differ by less than days do."""

TEMPER: Final = 0.7
"""τ: directions err together."""

_PREFIX: Final = "bent."
_LEAST: Final = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class BentMap:
    """What is expected of an image at every point today."""

    directions: npt.NDArray[np.float32]
    """T, shape (d, d)."""

    means: npt.NDArray[np.float32]
    """μ, shape (n_points, n_channels, d)."""

    variances: npt.NDArray[np.float32]
    """C, likewise; a visit's own variance, 1, comes on top."""

    hears: npt.NDArray[np.float32]
    """r, shape (n_points, n_channels)."""

    is_used: npt.NDArray[np.bool_]
    """Channels that are compared, shape (n_channels,)."""

    is_known: npt.NDArray[np.bool_]
    """Points with a shot, of whatever age, shape (n_points,)."""

    fresh: Fingerprints | None
    """The fresh shots; None where there are none."""

    kernel: Kernel
    """Of the neighbours among them."""

    dropped: tuple[str, ...] = ()
    """Transmitters of the channels that are off the air."""

    def __post_init__(self) -> None:
        n_points, n_channels, d = self.means.shape
        shapes = {
            "directions": (d, d),
            "variances": (n_points, n_channels, d),
            "hears": (n_points, n_channels),
            "is_used": (n_channels,),
            "is_known": (n_points,),
        }
        for name, expected in shapes.items():
            if (found := getattr(self, name).shape) != expected:
                raise ValueError(f"{name} has shape {found}, not {expected}")
        for name in ("directions", "means", "variances", "hears"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} holds values that are not finite")
        if not (self.variances >= 0).all():
            raise ValueError("a variance is negative")
        if not ((self.hears > 0) & (self.hears < 1)).all():
            raise ValueError("a probability of hearing is not between 0 and 1")
        if not self.is_known.any():
            raise ValueError("no point has a shot: there is nowhere to locate")
        if self.fresh is not None and (
            self.fresh.n_points != n_points
            or self.fresh.z.shape[1:] != (n_channels, d)
            or not self.is_known[self.fresh.point_of].all()
        ):
            raise ValueError("the fresh shots are of another map")

    @classmethod
    def bend(
        cls,
        neighbours: Neighbours,
        spec: ImageSpec,
        history: Environment,
        fresh: Environment,
    ) -> Self:
        """Return history's map, bent by the fresh shots.

        Args:
            neighbours: Who whiten.
            spec: How the images of both were built.
            history: Shots of earlier walks, aligned (`edge_agent.history.align`).
            fresh: Of the newest walk, at some points or all; may be none at all.

        Raises:
            ValueError: They are not aligned, were built otherwise, or history has heard
                nothing.
        """
        check_aligned(spec, history, fresh)
        before = WhitenedShots.of(neighbours, history)
        now = WhitenedShots.of(neighbours, fresh)
        kernel = kernel_of(history)
        changes = Changes.learn(WalkMeans.of(before), kernel)
        return cls.of(
            changes, kernel, before, now, neighbours.kernel, channel_names(fresh)
        )

    @classmethod
    def of(
        cls,
        changes: Changes,
        field: Matrix,
        before: WhitenedShots,
        now: WhitenedShots,
        kernel: Kernel,
        names: Sequence[str],
    ) -> Self:
        """Return the map that a past expects, bent by fresh shots.

        Args:
            changes: What the past teaches.
            field: `field_kernel` of the points.
            before: The past.
            now: The fresh shots.
            kernel: Of the neighbours among them.
            names: Of the channels' transmitters.
        """
        is_dropped = dropped_channels(before, now)
        means, variances = bent(changes, field, now)
        fresh = None
        if len(now.z):
            fresh = Fingerprints(
                now.z.astype(np.float32), now.heard, now.point_of, now.n_points
            )
        gone = [names[channel] for channel in np.flatnonzero(is_dropped).tolist()]
        return cls(
            changes.directions.astype(np.float32),
            means.astype(np.float32),
            variances.astype(np.float32),
            hearing(before, now).astype(np.float32),
            ~is_dropped & (before.heard.any(axis=0) | now.heard.any(axis=0)),
            (before.n_shots() > 0) | (now.n_shots() > 0),
            fresh,
            kernel,
            tuple(dict.fromkeys(gone)),
        )

    @property
    def variance(self) -> Matrix:
        """How unsure the map is of each point, shape (n_points,).

        The mean of C over directions and the channels that are compared, in units of
        what one visit differs from the next; near 0 where shots are fresh.
        """
        used = self.variances[:, self.is_used]
        if not used.size:
            return np.zeros(len(used))
        return np.asarray(used.mean(axis=(1, 2), dtype=np.float64))

    def posterior(self, z: Matrix, heard: npt.NDArray[np.bool_]) -> Matrix:
        """Return P(p), shape (n, n_points); zero at points without a shot.

        Args:
            z: Whitened images, shape (n, n_channels, d).
            heard: Shape (n, n_channels).
        """
        scores = np.where(self.is_known, TEMPER * self._scores(z, heard), -np.inf)
        if self.fresh is None:
            return _softmax(scores)
        fresh = np.unique(self.fresh.point_of)
        # A channel that no fresh shot hears is equally far from all of them.
        distances = self.kernel.distances(z, heard, self.fresh)
        near = posterior_of(distances, self.fresh, self.kernel.temperature)[:, fresh]
        posterior = _softmax(scores)
        together = posterior[:, fresh].sum(axis=1, keepdims=True)
        posterior[:, fresh] = together * _softmax(
            scores[:, fresh] + np.log(np.maximum(near, _LEAST))
        )
        return posterior

    def _scores(self, z: Matrix, heard: npt.NDArray[np.bool_]) -> Matrix:
        """Return S, shape (n, n_points)."""
        d = z.shape[2]
        scores = np.zeros((len(z), len(self.means)))
        for channel in np.flatnonzero(self.is_used):
            x = z[:, channel] @ self.directions.astype(np.float64)
            variances = self.variances[:, channel].astype(np.float64) + 1
            means = self.means[:, channel].astype(np.float64)
            squares = x**2 @ (1 / variances).T - 2 * x @ (means / variances).T
            squares += (means**2 / variances).sum(axis=1)
            found = -(FREEDOM + d) / 2 * np.log1p(np.maximum(squares, 0) / FREEDOM)
            found -= np.log(variances).sum(axis=1) / 2
            hears = self.hears[:, channel].astype(np.float64)
            scores += np.where(
                heard[:, channel, None], found + np.log(hears), np.log1p(-hears)
            )
        return scores

    def to_arrays(self) -> Arrays:
        """Return the arrays that `from_arrays` reads."""
        arrays: Arrays = {
            f"{_PREFIX}{name}": getattr(self, name) for name in _FIELDS
        } | {f"{_PREFIX}dropped": np.array(self.dropped, np.str_)}
        if self.fresh is not None:
            arrays |= {
                f"{_PREFIX}fresh.z": self.fresh.z,
                f"{_PREFIX}fresh.heard": self.fresh.heard,
                f"{_PREFIX}fresh.point_of": self.fresh.point_of.astype(np.int32),
            }
        return arrays

    @classmethod
    def from_arrays(
        cls, arrays: Arrays, n_points: int, neighbours: Neighbours
    ) -> Self | None:
        """Return the map among the arrays of a calibration.

        Args:
            arrays: Of the calibration.
            n_points: Points of the site.
            neighbours: Of the bundle.

        Returns:
            None where there is none.

        Raises:
            KeyError, ValueError: Something is missing, or makes no sense.
        """
        if not any(name.startswith(_PREFIX) for name in arrays):
            return None
        values = {name: arrays[_PREFIX + name] for name in _FIELDS}
        for name, dtype in _FIELDS.items():
            if values[name].dtype != dtype:
                raise ValueError(f"{name} is {values[name].dtype}, not {dtype}")
        if values["means"].ndim != 3 or len(values["means"]) != n_points:
            raise ValueError(
                f"the bent map has shape {values['means'].shape} for {n_points} points"
            )
        if values["means"].shape[2] != neighbours.whitening.n_features:
            raise ValueError(
                f"the bent map has {values['means'].shape[2]} directions, the bundle "
                f"{neighbours.whitening.n_features}"
            )
        fresh = None
        if f"{_PREFIX}fresh.z" in arrays:
            fresh = Fingerprints.from_arrays(
                {
                    name.replace(f"{_PREFIX}fresh.", "fingerprints."): array
                    for name, array in arrays.items()
                    if name.startswith(f"{_PREFIX}fresh.")
                },
                n_points,
            )
        dropped = tuple(str(name) for name in arrays[f"{_PREFIX}dropped"].tolist())
        return cls(**values, fresh=fresh, kernel=neighbours.kernel, dropped=dropped)


_FIELDS: Final = {
    "directions": np.float32,
    "means": np.float32,
    "variances": np.float32,
    "hears": np.float32,
    "is_used": np.bool_,
    "is_known": np.bool_,
}


def _softmax(scores: Matrix) -> Matrix:
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
