"""What re-visits look like while nothing has changed: what strangeness is measured by.

Each lap of a walk is compared with other laps of the same walk, of the newest walk
and of earlier ones: that is a re-visit with the device put down anew, minutes after the
shots it is compared with. Days apart is no re-visit but what is to be found out: in the
27 days of a public survey, spots are located rightly in 96 % of the re-visits of a day,
and in 50 % of those of the next (docs/drift.md).

    nearest     D of the nearest shot                                    (n,)
    gap         of a channel to the shot that is nearest by the others   (n, n_channels)
    offset      of its level there [dB]                                  (n, n_channels)
    silent      whether it is not heard where that shot hears it         (n, n_channels)
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import Arrays
from edge_agent.environment import Environment
from edge_agent.evidence import Evidence, Examiner
from edge_agent.history import walk_of
from edge_agent.neighbours.estimator import Fingerprints, Neighbours
from edge_agent.neighbours.whitening import Matrix

MOST_REVISITS = 2000
"""The newest count."""

LEAST_REVISITS = 9
"""Fewer tell nothing: no p-value would be below 0.1."""

_PREFIX = "drift."


@dataclass(frozen=True, slots=True, eq=False)
class Revisits:
    """How re-visits compare with the shots; NaN where a channel was not in both."""

    nearest: Matrix
    """D of the nearest shot, shape (n,)."""

    gap: Matrix
    """Of each channel to the shot that is nearest by the others, (n, n_channels)."""

    offset_db: Matrix
    """Of its level there [dB], shape (n, n_channels)."""

    silent: Matrix
    """1 where a channel is not heard that this shot hears, 0 where it is, NaN where
    the shot does not hear it, shape (n, n_channels)."""

    def __post_init__(self) -> None:
        n = len(self.nearest)
        shape = (n, *self.gap.shape[1:])
        for name in ("gap", "offset_db", "silent"):
            values = getattr(self, name)
            if values.ndim != 2 or values.shape != shape:
                raise ValueError(f"{name} has shape {values.shape}, not {shape}")
            if np.isinf(values).any():
                raise ValueError(f"{name} holds infinite values")
        if self.nearest.ndim != 1 or not np.isfinite(self.nearest).all():
            raise ValueError("nearest is not one finite number a re-visit")

    def __len__(self) -> int:
        return len(self.nearest)

    @property
    def n_channels(self) -> int:
        """Of an image."""
        return int(self.gap.shape[1])

    @classmethod
    def of(cls, examined: list[Evidence], n_channels: int) -> Self:
        """Return one row for each image.

        Args:
            examined: Images beside shots.
            n_channels: Of an image.
        """
        rows = [_compare(evidence) for evidence in examined]
        columns = [np.array([row[k] for row in rows]) for k in range(4)]
        shape = (len(rows), n_channels)
        return cls(columns[0].reshape(-1), *(c.reshape(shape) for c in columns[1:]))

    def newest(self, n: int) -> Self:
        """Return the last rows, at most ``n``."""
        keep = slice(max(0, len(self) - n), None)
        return type(self)(
            self.nearest[keep], self.gap[keep], self.offset_db[keep], self.silent[keep]
        )

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Return all rows, in the order given."""
        return cls(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("nearest", "gap", "offset_db", "silent")
            )
        )

    def to_arrays(self) -> Arrays:
        """Return the arrays that `from_arrays` reads, in single precision."""
        return {
            f"{_PREFIX}{name}": getattr(self, name).astype(np.float32)
            for name in ("nearest", "gap", "offset_db", "silent")
        }

    def to_json(self) -> dict[str, Any]:
        """Return them as JSON values, null where a channel was not in both."""
        return {
            name: json_numbers(getattr(self, name))
            for name in ("nearest", "gap", "offset_db", "silent")
        }

    @classmethod
    def from_json(cls, facts: Any, n_channels: int) -> Self:  # noqa: ANN401  (JSON)
        """Return the re-visits that `to_json` described.

        Args:
            facts: That description.
            n_channels: Of an image.

        Raises:
            KeyError, TypeError, ValueError: It did not describe this.
        """
        nearest, *rest = (
            np.array(facts[name], np.float64)
            for name in ("nearest", "gap", "offset_db", "silent")
        )
        shape = (len(nearest), n_channels)
        return cls(nearest, *(values.reshape(shape) for values in rest))

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self | None:
        """Return the re-visits among the arrays of a calibration.

        Returns:
            None where there are none: a calibration of before.

        Raises:
            KeyError, ValueError: Some are missing, or make no sense.
        """
        if not any(name.startswith(_PREFIX) for name in arrays):
            return None
        found = [
            arrays[_PREFIX + name] for name in ("nearest", "gap", "offset_db", "silent")
        ]
        if any(array.dtype != np.float32 for array in found):
            kinds = ", ".join(str(array.dtype) for array in found)
            raise ValueError(f"re-visits are {kinds}, not float32")
        return cls(*(array.astype(np.float64) for array in found))


def json_numbers(values: Matrix) -> list[Any]:
    """Return an array as nested lists, with null for NaN."""
    if values.ndim > 1:
        return [json_numbers(row) for row in values]
    return [None if np.isnan(value) else value for value in values.tolist()]


def _compare(
    evidence: Evidence,
) -> tuple[float, Matrix, Matrix, Matrix]:
    """Return a row: nearest, and gap, offset and silence of each channel."""
    channels = np.arange(len(evidence.heard))
    rivals = evidence.rivals
    there = evidence.shots_heard[rivals, channels]
    in_both = there & evidence.heard
    return (
        float(evidence.distances[evidence.nearest]),
        np.where(in_both, evidence.shares[rivals, channels], np.nan),
        evidence.offset_db[rivals, channels],
        np.where(there, ~evidence.heard, np.nan),
    )


def site_revisits(
    neighbours: Neighbours, fresh: Environment, history: Environment | None = None
) -> Revisits:
    """Return the re-visits of a site's past.

    Args:
        neighbours: Of the bundle.
        fresh: Shots of the newest walk.
        history: Of all walks before; aligned with the fresh ones.

    Returns:
        The newest last; none where no walk has two laps.
    """
    parts = [Revisits.of([], fresh.spec.n_channels)]
    n_laps = len(set(fresh.visit_of.tolist()))
    for shots in (history, fresh):
        if shots is None:
            continue
        walk_of_shot = np.array([walk_of(v) for v in shots.visit_of.tolist()], np.str_)
        for walk in sorted(set(walk_of_shot.tolist())):
            rows = np.flatnonzero(walk_of_shot == walk)
            parts.append(_between_laps(neighbours, shots.select(rows), n_laps))
    return Revisits.joined(parts).newest(MOST_REVISITS)


def _between_laps(neighbours: Neighbours, walk: Environment, most: int) -> Revisits:
    """Return how each lap compares with others, with the ``most`` before it at most.

    A site that was walked in a single lap has one shot of a point to compare with, and
    everything is farther from one than from the nearest of three. Before the first come
    the last.

    Shots of points that no other lap has are left out: they are no re-visits.
    """
    examined: list[Evidence] = []
    laps = sorted(set(walk.visit_of.tolist()))
    for number, lap in enumerate(laps):
        is_lap = walk.visit_of == lap
        before = [
            laps[number - back] for back in range(1, min(most, len(laps) - 1) + 1)
        ]
        others = np.flatnonzero(np.isin(walk.visit_of, before))
        again = np.isin(walk.point_of, walk.point_of[others])
        if not (is_lap & again).any():
            continue
        examiner = Examiner.of(neighbours, walk.spec, _shots(neighbours, walk, others))
        examined += [
            examiner.examine(walk.images[row], walk.heard[row])
            for row in np.flatnonzero(is_lap & again).tolist()
        ]
    return Revisits.of(examined, walk.spec.n_channels)


def _shots(
    neighbours: Neighbours, walk: Environment, rows: npt.NDArray[np.intp]
) -> Fingerprints:
    return neighbours.fingerprints(
        walk.spec,
        walk.images[rows],
        walk.heard[rows],
        walk.point_of[rows],
        len(walk.points),
    )
