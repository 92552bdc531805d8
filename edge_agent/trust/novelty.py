"""Whether an image was taken at any of the site's points at all.

    D      distance of the nearest shot                    `edge_agent.evidence`
    a      (1 + #{re-visits as far from theirs, or farther}) / (n + 1)
    e      #{shots as far from those of all other points, or nearer} / m
    s      e / (e + 2 a), at least 1/2 beyond all re-visits    strangeness

Who stands where nobody calibrated has no shot of that place, and is as far from all
others as the site's points are from each other: that is what each of them would have
looked like, had it been left out. Who is at a point is as far from its shots as
re-visits were. ``a`` is the conformal p-value of the second, ``e`` the share of the
first that even were as near; s weighs one against the other, is 0 where no other place
is as near, and rises with D. With few re-visits ``a`` stays large, so that s never is
close to 1: nobody can be sure then. Nor is it small where no re-visit was as far: a few
points are far from each other, and leave much room between.

    belief         (1 - s) P_T + s / n_points
    r68, r95       (1 - s) r + s times what holds that share of the site's points
    E[error]       (1 - s) E + s times the error of the middle

s is what there is to believe in "some place like these, nobody knows which".

On another day than that of the walk all images are farther away, at the points and
between them alike, and D does not tell one from the other (docs/accuracy.md). What is
said then has radii of that day (`trust.stage`), which know; s is not used.

Source of ``a``: V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random
World" (2005), section 2.2.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from edge_agent.neighbours.estimator import Fingerprints
from edge_agent.neighbours.estimator import Kernel as NeighboursKernel

Floats = npt.NDArray[np.float64]

_MOST_SHOTS: Final = 300
"""Whose distance to other points is looked at: a second on a Raspberry Pi at most."""


_AT_POINTS: Final = 2.0
"""How many times as likely somebody is at a point of the site as elsewhere: people walk
their site where they mean to be located. With 1, a fourth of the re-visits of a dense
simulated hall were called uncertain."""

_BEYOND: Final = 0.5
"""Least strangeness of what is farther away than all re-visits."""


class Novelty(NamedTuple):
    """How unlike the site's shots an image is."""

    share: float
    """Share of re-visits that were nearer, 0 to 1; n / (n + 1) at most."""

    strangeness: float
    """s, 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Familiarity:
    """How far images are from the shots of a site, at its points and elsewhere."""

    revisits: Floats
    """D of re-visits, rising, shape (n,)."""

    elsewhere: Floats
    """D of shots to those of all other points, rising, shape (m,)."""

    def __post_init__(self) -> None:
        for name in ("revisits", "elsewhere"):
            values = getattr(self, name)
            if values.ndim != 1 or not len(values):
                raise ValueError(f"{name} has shape {values.shape}, not (n,)")
            if not np.isfinite(values).all() or (np.diff(values) < 0).any():
                raise ValueError(f"{name} are not finite numbers that rise")

    @classmethod
    def of(
        cls,
        revisits: npt.NDArray[np.floating],
        kernel: NeighboursKernel,
        shots: Fingerprints,
    ) -> Self | None:
        """Return what is known of a calibrated site.

        Args:
            revisits: D of each, in any order, shape (n,).
            kernel: Of the bundle's neighbours.
            shots: Of the site.

        Returns:
            None where there are no re-visits, or the shots are all of one point.
        """
        if not len(revisits) or len(np.unique(shots.point_of)) < 2:
            return None
        return cls(
            np.sort(revisits.astype(np.float64)), np.sort(_elsewhere(kernel, shots))
        )

    def novelty(self, nearest: float) -> Novelty:
        """Return how unlike the site's shots an image is.

        Args:
            nearest: D of the nearest shot.

        Raises:
            ValueError: It is not a distance.
        """
        if not 0 <= nearest < np.inf:
            raise ValueError(f"the nearest shot is {nearest} away, not 0 or more")
        nearer = int(np.searchsorted(self.revisits, nearest, "left"))
        n = len(self.revisits)
        as_far = (1 + n - nearer) / (n + 1)
        as_near = int(np.searchsorted(self.elsewhere, nearest, "right"))
        other = as_near / len(self.elsewhere)
        least = _BEYOND if nearer == n else 0.0
        return Novelty(
            nearer / (n + 1), max(other / (other + _AT_POINTS * as_far), least)
        )


def doubted(belief: Floats, strangeness: float) -> Floats:
    """Return a belief of which a share goes to all points alike.

    Args:
        belief: Probability of each point, shape (n_points,).
        strangeness: That share, s.
    """
    return np.asarray((1 - strangeness) * belief + strangeness / len(belief))


def undoubted(belief: Floats, strangeness: float) -> Floats:
    """Return the belief that `doubted` was given.

    Args:
        belief: Of a location.
        strangeness: Of the same, less than 1.
    """
    own = belief - strangeness / len(belief)
    # What was nothing may be less than that by rounding.
    return np.maximum(own, 0) / (1 - strangeness)


def _elsewhere(kernel: NeighboursKernel, shots: Fingerprints) -> Floats:
    """Return how far shots are from the nearest of any other point, shape (m,)."""
    n = len(shots.point_of)
    asked = np.linspace(0, n - 1, min(n, _MOST_SHOTS)).astype(np.intp)
    z, heard = shots.z[asked].astype(np.float64), shots.heard[asked]
    distances = kernel.distances(z, heard, shots)
    distances[shots.point_of[asked, None] == shots.point_of] = np.inf
    return np.asarray(distances.min(axis=1))
