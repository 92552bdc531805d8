"""How likely an access point is in sight, against horizontal distance.

P_LOS(d) = 1                          d ≤ d1
           exp(-(d - d1) / s1)        d1 < d < d2
           p2 exp(-(d - d2) / s2)     d2 ≤ d
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.simulate.pathloss.laws import Floats


@dataclass(frozen=True, slots=True)
class SightProbability:
    """P_LOS in three pieces."""

    certain_m: float
    """d1: nearer than that nothing stands in the way."""

    near_scale_m: float
    """s1."""

    far_m: float
    """d2."""

    far_scale_m: float
    """s2."""

    far_probability: float
    """p2."""

    source: str

    def at(self, distance_m: npt.ArrayLike) -> Floats:
        """Return P_LOS, of the shape of the distances.

        Args:
            distance_m: Horizontal distance, 0 or more.
        """
        distance = np.asarray(distance_m, np.float64)
        beyond = np.maximum(distance - self.certain_m, 0)
        near = np.exp(-beyond / self.near_scale_m)
        beyond = np.maximum(distance - self.far_m, 0)
        far = self.far_probability * np.exp(-beyond / self.far_scale_m)
        return np.where(distance < self.far_m, near, far)


MIXED_OFFICE = SightProbability(
    1.2, 4.7, 6.5, 32.6, 0.32, "Haneda et al., Eq. (1); TR 38.901 Table 7.4.2-1, mixed"
)
"""Cubicles and corridors. The paper has it in models (c), (d) and (e)."""

OPEN_OFFICE = SightProbability(
    5.0, 70.8, 49.0, 211.7, 0.54, "TR 38.901 Table 7.4.2-1, open office"
)
"""TR 38.901 counts 49 m itself as near, which makes a difference of 0.003 there."""
