"""How far off replayed answers are, beside how far off they thought they might be."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.trust.choice import placed
from edge_agent.trust.prior import LARGEST
from edge_agent.trust.radii import Scores, spreads
from edge_agent.trust.replayed import Replayed
from edge_agent.trust.temperature import tempered

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """How far off answers are, and how far they are spread."""

    metres: Floats
    """[m], shape (n,)."""

    base: Floats
    """b [m], shape (n,)."""

    weights: Floats
    """Shape (n,)."""

    @property
    def scores(self) -> Scores:
        """Errors in units of b."""
        # A single point has neither neighbours nor spread: it is never off.
        base = np.maximum(self.base, np.finfo(np.float64).tiny)
        return Scores(np.minimum(self.metres / base, LARGEST), self.weights)

    def ratio(self, expected: float, weight: float) -> float:
        """Return E[error] / b, a ratio of sums: its mean is that of the errors.

        Args:
            expected: The same elsewhere.
            weight: Queries of average spread that this counts for.
        """
        more = weight * float(self.weights @ self.base) / float(self.weights.sum())
        base = float(self.weights @ self.base) + more
        if base == 0:
            return expected
        return (float(self.weights @ self.metres) + more * expected) / base


def errors_in(replayed: Replayed, temperature: float) -> Errors:
    """Return how far off answers are.

    Args:
        replayed: Answers at points with coordinates; others are left out.
        temperature: T.
    """
    rows = placed(replayed)
    if not len(rows):
        return Errors(*[np.zeros(0)] * 3)
    posterior = replayed.posterior[rows]
    found = spreads(posterior, tempered(posterior, temperature), replayed.points)
    where = np.array([point.location for point in replayed.points])
    metres = np.hypot(*(found.mean - where[replayed.truth[rows]]).T)
    return Errors(metres, found.base, replayed.weight[rows])
