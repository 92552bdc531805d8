"""Windows of received power to locations, for one calibrated site."""

import math

import numpy as np

from edge_agent.estimate import (
    Estimate,
    Position,
    most_probable_floor,
    rooms_by_probability,
)
from edge_agent.rss.calibration import RssCalibration, clip_to_map
from edge_agent.rss.fingerprints import Fingerprints, Floats
from edge_agent.rss.network import regress
from edge_agent.rss.window import RssSample

_LEAST_VARIANCE = 0.01
"""No survey knows its points better than to 10 cm [m²]."""


class RssLocalizer:
    """Locates windows with a site's adapted network."""

    def __init__(self, calibration: RssCalibration, k: int) -> None:
        """Prepare.

        Args:
            calibration: Of the site.
            k: K, nearest reference points of a fingerprint.
        """
        self._calibration, self._k = calibration, k
        residuals = calibration.residuals
        # About zero, not about their mean: a bias is an error like any other.
        moments = residuals.T @ residuals / len(residuals)
        self._covariance = moments + _LEAST_VARIANCE * np.eye(2)
        self._precision = np.linalg.inv(self._covariance)
        distances = np.sort(np.hypot(*residuals.T))
        self._r68, self._r95 = (holding(distances, share) for share in (0.68, 0.95))
        points = calibration.points
        self._where = np.array([point.location for point in points])
        self._floors = np.array([point.floor for point in points])

    def locate(self, sample: RssSample) -> Estimate:
        """Return where the window was recorded.

        Rooms are those of the points around, weighted by a normal distribution with
        the covariance of the residuals; of several floors each counts as much as it has
        of the K nearest points in signal space.
        """
        site = self._calibration
        fingerprints = Fingerprints.of(sample.rss[None], site.radio_map, self._k)
        answers = regress(site.parameters, fingerprints.inputs.astype(np.float32))
        (location,) = clip_to_map(fingerprints.place(answers), site.radio_map)
        nearest = site.radio_map.points[fingerprints.nearest[0]]
        posterior = self._posterior(location, nearest)
        (xx, xy), (_, yy) = self._covariance.tolist()
        return Estimate(
            sample.ended_ns,
            Position(
                float(location[0]),
                float(location[1]),
                (xx, xy, yy),
                self._r68,
                self._r95,
            ),
            most_probable_floor(posterior, site.points),
            rooms_by_probability(posterior, site.points),
            tuple(posterior.tolist()),
            sample.n_frames,
            (sample.ended_ns - sample.started_ns) / 1e9,
            int(sample.heard.sum()),
            len(site.transmitters),
        )

    def _posterior(self, location: Floats, nearest: np.ndarray) -> Floats:
        """Return the probability of each point, shape (n_points,)."""
        share = (self._floors[:, None] == self._floors[nearest]).mean(axis=1)
        offsets = self._where - location
        squares = np.einsum("ni,ij,nj->n", offsets, self._precision, offsets)
        closest = squares[share > 0].min()
        weights = share * np.exp((closest - squares.clip(closest)) / 2)
        return np.asarray(weights / weights.sum())


def holding(distances: Floats, share: float) -> float:
    """Return the radius that a further distance is within, with such a probability.

    The smallest of n sorted distances that are not fewer than ``share`` of n + 1: that
    is how often the next one is not larger, if all are alike (split conformal
    prediction). Of few, it is the largest.

    Args:
        distances: Sorted [m], shape (n,), at least one.
        share: 0 to 1.
    """
    n = len(distances)
    return float(distances[min(math.ceil(share * (n + 1)), n) - 1])
