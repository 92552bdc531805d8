"""Why here and not there: the nearest shot beside the best of another place."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.evidence import Evidence
from edge_agent.neighbours.whitening import Matrix
from edge_agent.survey import Point

_MOST_SHOTS = 5


@dataclass(frozen=True, slots=True)
class ShotNearby:
    """A shot, and how far the image is from it."""

    point: Point
    visit: str
    """Empty where the site's shots are no longer those of the calibration."""

    distance: float
    shares: tuple[float, ...]
    """What each channel adds to it."""

    offsets_db: tuple[float | None, ...]
    """Level of each channel now, less the shot's [dB]; None where one does not hear
    it."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "point": self.point.name,
            "room": self.point.room,
            "visit": self.visit or None,
            "distance": round(self.distance, 3),
            "shares": [round(share, 3) for share in self.shares],
            "offsets_db": [
                None if offset is None else round(offset, 1)
                for offset in self.offsets_db
            ],
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The nearest shot beside the best one of the place that was expected."""

    expected: str
    nearest: ShotNearby
    best: ShotNearby
    """Of the expected place."""

    rank: int
    """How many shots of other places are nearer."""

    deciding: tuple[int, ...]
    """Channels without which, one at a time, the expected place would be nearest."""

    @property
    def is_right(self) -> bool:
        """Whether the nearest shot is of the expected place."""
        return self.rank == 0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "place": self.expected,
            "best": self.best.to_json(),
            "nearer_shots_elsewhere": self.rank,
            "deciding_channels": list(self.deciding),
        }


def nearest_shots(
    evidence: Evidence,
    point_of: npt.NDArray[np.intp],
    points: tuple[Point, ...],
    visits: tuple[str, ...],
) -> tuple[ShotNearby, ...]:
    """Return the few nearest shots, nearest first.

    Args:
        evidence: Of the image.
        point_of: Number of each shot's point, shape (n_shots,).
        points: Of the site.
        visits: Of each shot; empty where unknown.
    """
    order = np.argsort(evidence.distances, kind="stable")[:_MOST_SHOTS]
    return tuple(
        _shot(evidence, row, point_of, points, visits) for row in order.tolist()
    )


def compare(
    evidence: Evidence,
    expected: str,
    is_expected: npt.NDArray[np.bool_],
    point_of: npt.NDArray[np.intp],
    points: tuple[Point, ...],
    visits: tuple[str, ...],
) -> Comparison:
    """Compare with the best shot of a place.

    Args:
        evidence: Of the image.
        expected: Name of the place.
        is_expected: Which shots are of it, shape (n_shots,); one at least.
        point_of: As of `nearest_shots`, as for the rest.
        points: .
        visits: .
    """
    distances = evidence.distances
    best = _least(distances, is_expected)
    deciding = [
        channel
        for channel in range(evidence.shares.shape[1])
        for without in [distances - evidence.shares[:, channel]]
        if is_expected[int(without.argmin())] and not is_expected[evidence.nearest]
    ]
    return Comparison(
        expected,
        _shot(evidence, evidence.nearest, point_of, points, visits),
        _shot(evidence, best, point_of, points, visits),
        int((~is_expected & (distances < distances[best])).sum()),
        tuple(deciding),
    )


def _least(distances: Matrix, chosen: npt.NDArray[np.bool_]) -> int:
    return int(np.where(chosen, distances, np.inf).argmin())


def _shot(
    evidence: Evidence,
    row: int,
    point_of: npt.NDArray[np.intp],
    points: tuple[Point, ...],
    visits: tuple[str, ...],
) -> ShotNearby:
    offsets = evidence.offset_db[row].tolist()
    return ShotNearby(
        points[point_of[row]],
        visits[row] if visits else "",
        float(evidence.distances[row]),
        tuple(evidence.shares[row].tolist()),
        tuple(None if np.isnan(offset) else offset for offset in offsets),
    )
