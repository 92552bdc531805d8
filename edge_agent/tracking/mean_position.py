"""Where somebody is: the mean of what images of late said, and how far off that is.

    m  <- m + g (x - m)                       x: location of the newest image
    C  <- (1 - g) (C + g d d') + g C_x        d = x - m before: moments of a mixture
    r² <- (1 - g) r² + g r_x²                 so for both radii

    published: m, C, and sqrt(r² + spread² + way²)

    spread²  of the x around m, weighted as in m; it is in C
    way      v motion (window / 2 + age): how far one has walked since the packets were
             heard that m is made of, on average; way² / 2 goes to both axes of C

    g = dt / (dt + (1 - motion) T + motion max(0, 0.9 s - window / 2))

At rest it is the plain mean over the rest, T as in `edge_agent.tracking.belief`: by
convexity no further off than single images are on average. The radii are those of
single images, and wider by what these contradict each other: errors at rest are the
same from one image to the next, so no radius shrinks by averaging. Carried,
what packets of 0.9 s ago say on average: longer means lag, and an image whose window is
longer than that lags by itself. Where nobody can tell, it is taken to be carried.

The forward filter of `Belief` says which room. Its mean is no location: likelihoods
that are multiplied settle on one point, and are further off between points and where
two are mistaken for each other (docs/tracking.md).
"""

import numpy as np
import numpy.typing as npt

from edge_agent.estimate import Position
from edge_agent.tracking.belief import mean_span_s, newest_share

_AGE_S = 0.9
"""Of the packets that the location of a walker is made of, on average [s]."""


class MeanPosition:
    """The mean of locations, image after image."""

    def __init__(self, *, speed_m_s: float) -> None:
        """Begin with nothing.

        Args:
            speed_m_s: At which people walk.
        """
        self._speed_m_s = speed_m_s
        self._mean: npt.NDArray[np.float64] | None = None
        self._covariance = np.zeros((2, 2))
        self._squares = np.zeros(2)
        self._spread = self._age_s = 0.0

    def update(
        self,
        raw: Position,
        *,
        passed_s: float,
        window_s: float,
        motion: float | None,
        rested_s: float,
    ) -> Position:
        """Return the mean with one more location.

        Args:
            raw: Of one image alone.
            passed_s: Time since the image before [s], 0 or more.
            window_s: From its oldest packet to its newest [s].
            motion: Whether the device is carried, 0 to 1; None: nobody can tell.
            rested_s: For how long it has been at rest [s]; 0 while it is carried.
        """
        newest = np.array([raw.x, raw.y])
        carried = 1.0 if motion is None else motion
        resting_s = mean_span_s(window_s, rested_s)
        walking_s = max(0.0, _AGE_S - window_s / 2)
        span_s = (1 - carried) * resting_s + carried * walking_s
        share = newest_share(passed_s, span_s)
        if self._mean is None:
            self._mean, share = newest, 1.0
        off = newest - self._mean
        xx, xy, yy = raw.covariance
        self._mean = self._mean + share * off
        kept = 1 - share
        self._spread = kept * (self._spread + share * float(off @ off))
        self._covariance = kept * (
            self._covariance + share * np.outer(off, off)
        ) + share * np.array([[xx, xy], [xy, yy]])
        self._squares = kept * self._squares + share * np.square([raw.r68, raw.r95])
        self._age_s = kept * (self._age_s + passed_s)
        return self._position(window_s, motion or 0.0)

    def _position(self, window_s: float, motion: float) -> Position:
        assert self._mean is not None
        way = self._speed_m_s * motion * (window_s / 2 + self._age_s)
        r68, r95 = np.sqrt(self._squares + self._spread + way**2).tolist()
        x, y = self._mean.tolist()
        (xx, xy), (_, yy) = (self._covariance + np.eye(2) * way**2 / 2).tolist()
        return Position(x, y, (xx, xy, yy), r68, r95)
