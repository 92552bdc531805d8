"""Where somebody may be, after all that was heard: the forward filter of an HMM.

    walk      b <- walk of length m dt, see `edge_agent.tracking.grid`
    hear      b <- b^(1 - f) L^w / sum         L = (1 - e) n P(cell | image) + e

m is whether the device is carried, 0 to 1 (`edge_agent.tracking.unrest`). P is what an
estimator says, for which all cells are as likely beforehand: so it is a likelihood but
for a factor. e bounds what one image can say.

Images are no independent observations, so w is below 1 (the likelihood is tempered).

    carried   w = c dt / window, f = 0         c = 4: by then it is in other fades
    at rest   w = c f,  f = dt / (T + 0.25 s)  T: for how long it has rested

A walker's window of one second is a metre long. At rest the errors of one image are
those of the next: a place that is mistaken for another is mistaken all the time. What
is believed then is the geometric mean over the rest, to the power of c whether it lasts
for seconds or for hours. The longer the rest, the less can one image change: a door
that is opened does not move the device.

Where nothing tells whether it is carried, m is a third, images count once a second, and
nothing is forgotten.
"""

import numpy as np
import numpy.typing as npt

from edge_agent.tracking.grid import Grid

Floats = npt.NDArray[np.float64]

_DOUBT = 0.02
"""e: how often an image says nothing about where it was taken."""

_OBSERVATIONS = 4.0
"""c: what the images of one window, or of one rest, are worth together. At ten images
of one second each this is an exponent of 0.4 for a walker's. Fewer follow a simulated
walk more slowly, more bring nothing (docs/tracking.md)."""

_LEAST = 1e-300
_UNTOLD = 1 / 3
_UNTOLD_WINDOW_S = 1.0
_LEAST_REST_S = 0.25
_LONGEST_REST_S = 300.0
"""What is forgotten after a long rest, so that a mistake ends some day."""


class Belief:
    """Probabilities of the cells, image after image."""

    def __init__(self, grid: Grid) -> None:
        """Begin with no idea.

        Args:
            grid: The cells, and the ways between them.
        """
        self._grid = grid
        self.probabilities: Floats = np.full(grid.n_cells, 1 / grid.n_cells)
        """Of each cell, shape (n_cells,); they sum to 1."""

        self._is_empty = True

    def update(
        self,
        posterior: npt.NDArray[np.floating],
        *,
        passed_s: float,
        window_s: float,
        motion: float | None,
        rested_s: float,
    ) -> float:
        """Take in an image.

        Args:
            posterior: What an estimator makes of it alone, shape (n_cells,), sum 1.
            passed_s: Time since the image before [s], 0 or more.
            window_s: From its oldest packet to its newest [s].
            motion: Whether the device is carried, 0 to 1; None: nobody can tell.
            rested_s: For how long it has been at rest [s]; 0 while it is carried.

        Returns:
            How much of what was believed before is left, 0 to 1: the share of past
            images in averages that go with this belief.

        Raises:
            ValueError: The posterior is of other cells.
        """
        n = self._grid.n_cells
        if posterior.shape != (n,):
            raise ValueError(f"{posterior.shape} probabilities for {n} cells")
        likelihood = np.log((1 - _DOUBT) * n * posterior + _DOUBT)
        if self._is_empty:
            self._is_empty = False
            self._set(likelihood)
            return 0.0
        carried = _UNTOLD if motion is None else motion
        prior = self._grid.after(self.probabilities, passed_s * carried)
        weight, forgotten = _weight(passed_s, window_s, motion, rested_s)
        before = np.log(np.maximum(prior, _LEAST))
        self._set((1 - forgotten) * before + weight * likelihood)
        return 1 - max(weight, forgotten)

    def _set(self, logarithms: Floats) -> None:
        weights = np.exp(logarithms - logarithms.max())
        self.probabilities = weights / weights.sum()


def _weight(
    passed_s: float, window_s: float, motion: float | None, rested_s: float
) -> tuple[float, float]:
    """Return w and f."""
    if motion is None:
        return min(1.0, passed_s / max(window_s, _UNTOLD_WINDOW_S)), 0.0
    share = passed_s / window_s if window_s > 0 else 1.0
    rest_s = min(rested_s, _LONGEST_REST_S) + _LEAST_REST_S
    forgotten = (1 - motion) * min(1.0, passed_s / rest_s)
    return min(1.0, _OBSERVATIONS * (motion * share + forgotten)), forgotten
