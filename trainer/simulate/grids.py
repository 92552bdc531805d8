"""The grids of the paper's hall and laboratory, as the authors' code has them.

hall  x = 0.6 ⌊label / 6⌋           y = 0.6 (label mod 6)
lab   x = 1.2 ⌊label / 15⌋ + 0.6 [label > 14] + 0.6 [label ≥ 75]
      y = 0.6 (label mod 15)
"""

import numpy as np
import numpy.typing as npt

N_POINTS = 90


def grid(scene: str) -> npt.NDArray[np.float64]:
    """Return the coordinates of the 90 labels of ``hall`` or ``lab`` [m], (90, 2)."""
    label = np.arange(N_POINTS)
    if scene == "hall":
        return np.column_stack([label // 6 * 0.6, label % 6 * 0.6])
    x = label // 15 * 1.2 + 0.6 * (label > 14) + 0.6 * (label >= 75)
    return np.column_stack([x, label % 15 * 0.6])
