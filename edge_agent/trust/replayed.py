"""What an estimator answered where a site's past asked it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from edge_agent.survey import Point

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """Answers to all queries of a site's past."""

    points: tuple[Point, ...]

    posterior: Floats
    """Probability of each point, shape (n, n_points)."""

    truth: npt.NDArray[np.intp]
    """Number of the point that each query was recorded at, shape (n,)."""

    is_later_day: npt.NDArray[np.bool_]
    """Whether shots and query are of different walks, shape (n,)."""

    weight: Floats
    """1 / the number of images of the same point in the same visit, shape (n,): images
    of one placement err together, and count as one query."""

    is_fresh: npt.NDArray[np.bool_]
    """Whether the query's point was calibrated by the newest walk of then, shape (n,);
    what is known of it is older otherwise."""

    def __len__(self) -> int:
        return len(self.truth)

    def of_kind(self, *, later: bool) -> Self:
        """Return the answers within walks, or those from walk to walk."""
        return self.select(np.flatnonzero(self.is_later_day == later))

    def select(self, rows: npt.NDArray[np.intp]) -> Self:
        """Return the answers to some of the queries."""
        return type(self)(
            self.points,
            self.posterior[rows],
            self.truth[rows],
            self.is_later_day[rows],
            self.weight[rows],
            self.is_fresh[rows],
        )

    @property
    def n_queries(self) -> float:
        """Number of placements that asked."""
        return float(self.weight.sum())
