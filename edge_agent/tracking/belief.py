"""Which point somebody is at, after all that was heard: a filter that rests.

    walk       b <- walk of length m dt, see `edge_agent.tracking.grid`
    carried    b <- b L^w / sum      L = (1 - e) n P(cell | image) + e
    at rest    b <- (1 - g) b + g P(cell | image)

m is whether the device is carried, 0 to 1 (`edge_agent.tracking.unrest`). P is what an
estimator says, for which all cells are as likely beforehand: so it is a likelihood but
for a factor. e bounds what one image can say.

    w = c m dt / window, 1 at most      g = (1 - m) dt / (dt + T)

Carried, it is the forward filter of an HMM. Images that share packets are no
independent observations: w is c for all images of one window (the likelihood is
tempered).

At rest it is the mean of all images of the rest. The errors of one are those of the
next: a place that is mistaken for another is mistaken all the time, and what multiplies
them becomes sure of it. A mean is not surer than they are; its error in metres, and in
any convex loss, is no larger than theirs are on average. T is for how long images have
held nothing but this rest: until then the newest one counts alone, and the longer the
rest, the less can one image change.

Where nothing tells whether it is carried, m is a third, images count once a second, and
none is averaged.
"""

import numpy as np
import numpy.typing as npt

from edge_agent.tracking.grid import Grid

Floats = npt.NDArray[np.float64]

_DOUBT = 0.02
"""e: how often an image says nothing about where it was taken."""

_OBSERVATIONS = 10.0
"""c: what the images of one window are worth together. With ten images of one second
each, every one counts in full; 4 in all is slower and no better (docs/tracking.md)."""

_LEAST = 1e-300
_UNTOLD = 1 / 3
_UNTOLD_WINDOW_S = 1.0
_LONGEST_REST_S = 300.0
"""What came before fades, so that a mistake ends some day."""


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
    ) -> None:
        """Take in an image.

        Args:
            posterior: What an estimator makes of it alone, shape (n_cells,), sum 1.
            passed_s: Time since the image before [s], 0 or more.
            window_s: From its oldest packet to its newest [s].
            motion: Whether the device is carried, 0 to 1; None: nobody can tell.
            rested_s: For how long it has been at rest [s]; 0 while it is carried.

        Raises:
            ValueError: The posterior is of other cells.
        """
        n = self._grid.n_cells
        if posterior.shape != (n,):
            raise ValueError(f"{posterior.shape} probabilities for {n} cells")
        likelihood = np.log((1 - _DOUBT) * n * posterior + _DOUBT)
        if self._is_empty:
            self._is_empty = False
            self.probabilities = _normalised(likelihood)
            return
        carried = _UNTOLD if motion is None else motion
        believed = self._grid.after(self.probabilities, passed_s * carried)
        weight = _weight(passed_s, window_s, motion)
        if weight > 0:
            before = np.log(np.maximum(believed, _LEAST))
            believed = _normalised(before + weight * likelihood)
        share = 0.0
        if motion is not None:
            span_s = mean_span_s(window_s, rested_s)
            share = (1 - motion) * newest_share(passed_s, span_s)
        self.probabilities = (1 - share) * believed + share * posterior


def mean_span_s(window_s: float, rested_s: float) -> float:
    """Return T: for how long images have held nothing but this rest [s].

    Args:
        window_s: From the newest image's oldest packet to its newest [s].
        rested_s: For how long the device has been at rest [s].
    """
    return max(0.0, min(rested_s, _LONGEST_REST_S) - window_s)


def newest_share(passed_s: float, span_s: float) -> float:
    """Return the newest image's share of a mean, dt / (dt + T).

    Args:
        passed_s: Time since the image before [s], 0 or more.
        span_s: Over which the mean is [s]; 0: the newest image alone.
    """
    return passed_s / (passed_s + span_s) if span_s > 0 else 1.0


def _weight(passed_s: float, window_s: float, motion: float | None) -> float:
    """Return w."""
    if motion is None:
        return min(1.0, passed_s / max(window_s, _UNTOLD_WINDOW_S))
    share = passed_s / window_s if window_s > 0 else 1.0
    return min(1.0, _OBSERVATIONS * motion * share)


def _normalised(logarithms: Floats) -> Floats:
    weights = np.exp(logarithms - logarithms.max())
    return np.asarray(weights / weights.sum())
