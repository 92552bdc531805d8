"""RSS fingerprints, Fig. 3 and section V-A of the paper.

    x = (d_1 .. d_K, L_1 .. L_K)     K = 5 nearest reference points in signal space:
                                     distances and coordinates, 15 inputs

Departures from the paper, so that what is learnt carries to other places: coordinates
are relative to the mean of the K points, and in units of `LENGTH_M`; distances are per
channel, in units of `LEVEL_DB`. So neither the number of transmitters nor their order
is in the input, and one network serves places with any number of them.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from edge_agent.errors import CalibrationError

LENGTH_M = 10.0
"""Unit of coordinates in inputs and outputs of the network [m]."""

LEVEL_DB = 10.0
"""Unit of distances in signal space [dB]."""

FLOOR_DBM = -100.0
"""What a channel counts as that was not heard."""

_BLOCK = 1 << 19
"""Differences that are held at once: the shots of a large site times its points times
its transmitters are gigabytes."""

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class RadioMap:
    """Reference points and what is received there."""

    rss: Floats
    """[dBm], shape (n, n_channels), finite."""

    locations: Floats
    """[m], shape (n, 2)."""

    points: Rows
    """Their numbers in the place, shape (n,)."""

    @classmethod
    def of(
        cls, rss: npt.NDArray[np.floating], point_of: Rows, locations: Floats
    ) -> Self:
        """Return the mean RSS at each point that has samples [dBm].

        Args:
            rss: Of the samples [dBm], shape (n, n_channels); NaN where not heard.
            point_of: Point of each sample, shape (n,).
            locations: Of all points of the place [m], shape (n_points, 2).
        """
        known = levels(rss)
        points = np.unique(point_of)
        means = [known[point_of == point].mean(axis=0) for point in points]
        return cls(
            np.array(means).reshape(len(points), known.shape[1]),
            locations[points],
            points,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprints:
    """Fig. 3, of some samples."""

    inputs: Floats
    """x, scaled, shape (n, 3 K)."""

    origins: Floats
    """Mean of the K points [m], to which locations are relative, shape (n, 2)."""

    nearest: Rows
    """Rows of the K points in the radio map, nearest first, shape (n, K)."""

    @classmethod
    def of(
        cls,
        rss: npt.NDArray[np.floating],
        radio_map: RadioMap,
        k: int,
        *,
        own_points: Rows | None = None,
    ) -> Self:
        """Return the fingerprints of samples.

        Args:
            rss: [dBm], shape (n, n_channels); NaN where not heard.
            radio_map: The reference points.
            k: K, nearest ones that count.
            own_points: Point of each sample, shape (n,), which then is not among the
                references: a calibration sample would find itself.

        Raises:
            CalibrationError: Fewer than K reference points to choose from.
        """
        n_least = len(radio_map.points) - (own_points is not None)
        if n_least < k:
            raise CalibrationError(
                f"{n_least} reference points, the fingerprint takes {k}"
            )
        distances = _distances(levels(rss), radio_map.rss)
        if own_points is not None:
            distances[own_points[:, None] == radio_map.points] = np.inf
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :k]
        around = radio_map.locations[nearest]  # (n, K, 2)
        origins = around.mean(axis=1)
        relative = (around - origins[:, None, :]) / LENGTH_M
        inputs = np.concatenate(
            [
                np.take_along_axis(distances, nearest, axis=1),
                relative.reshape(len(relative), 2 * k),
            ],
            axis=1,
        )
        return cls(inputs, origins, nearest)

    def targets(self, locations: Floats) -> Floats:
        """Return what the network should answer, shape (n, 2).

        Args:
            locations: Where the samples were taken [m], shape (n, 2).
        """
        return (locations - self.origins) / LENGTH_M

    def place(self, answers: npt.NDArray[np.floating]) -> Floats:
        """Return the locations that answers of the network mean [m], shape (n, 2).

        Args:
            answers: Relative to the origins, in units of `LENGTH_M`, shape (n, 2).
        """
        return np.asarray(self.origins + answers.astype(np.float64) * LENGTH_M)


def _distances(heard: Floats, known: Floats) -> Floats:
    """Return how far samples are from reference points, per channel, in `LEVEL_DB`.

    Args:
        heard: Samples [dBm], shape (n, n_channels).
        known: Reference points [dBm], shape (n_points, n_channels).

    Returns:
        Shape (n, n_points).
    """
    distances = np.empty((len(heard), len(known)))
    n_rows = max(1, _BLOCK // max(1, known.size))
    for start in range(0, len(heard), n_rows):
        block = slice(start, start + n_rows)
        difference = heard[block, None, :] - known
        distances[block] = np.sqrt(np.square(difference).mean(axis=2)) / LEVEL_DB
    return distances


def levels(rss: npt.NDArray[np.floating]) -> Floats:
    """Return RSS with `FLOOR_DBM` where nothing was heard [dBm]."""
    return np.nan_to_num(rss.astype(np.float64), nan=FLOOR_DBM)
