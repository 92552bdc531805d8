"""What one image says for and against each shot of a site, channel by channel.

    D_i = Σ_c share_ic          the distance of `neighbours.estimator`, not yet summed

Whatever locates, its answer is looked at through the neighbours: which shots are
nearest, and which channel puts them there. Drift is judged from it, fix by fix, and
``edge_agent explain`` prints it.

A channel is judged where *the other* channels say that the device is (`rivals`): at the
nearest shot of all, a channel that went stale has had its say already.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.csi.image import ImageSpec
from edge_agent.neighbours.estimator import Fingerprints, Neighbours
from edge_agent.neighbours.whitening import Matrix, channel_features


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One image beside all shots."""

    heard: npt.NDArray[np.bool_]
    """Channels of the image, shape (n_channels,)."""

    level_dbm: Matrix
    """Received power of each channel [dBm], shape (n_channels,); NaN where unheard."""

    shares: Matrix
    """What each channel adds to the distance of each shot, (n_shots, n_channels)."""

    offset_db: Matrix
    """Level now, less the shot's [dB], shape (n_shots, n_channels); NaN where one of
    them does not hear the channel."""

    shots_heard: npt.NDArray[np.bool_]
    """Channels of the shots, shape (n_shots, n_channels)."""

    restlessness_db: float
    """How much a tone changes from packet to packet: standard deviation, mean over
    tones, median over the channels heard [dB]; 0 where none is."""

    @property
    def distances(self) -> Matrix:
        """D of every shot, shape (n_shots,)."""
        return np.asarray(self.shares.sum(axis=1))

    @property
    def nearest(self) -> int:
        """Number of the nearest shot."""
        return int(self.distances.argmin())

    @property
    def rivals(self) -> npt.NDArray[np.intp]:
        """The shot that is nearest by all other channels, shape (n_channels,).

        Where there is but one channel: by that one.
        """
        if self.shares.shape[1] == 1:
            return np.array([self.nearest], np.intp)
        others = self.distances[:, None] - self.shares
        return np.asarray(others.argmin(axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class Examiner:
    """Compares images with the shots of one site."""

    neighbours: Neighbours
    spec: ImageSpec
    fingerprints: Fingerprints

    levels_dbm: Matrix
    """Received power of the shots [dBm], shape (n_shots, n_channels)."""

    @classmethod
    def of(
        cls, neighbours: Neighbours, spec: ImageSpec, fingerprints: Fingerprints
    ) -> "Examiner":
        """Return what compares with these shots.

        Levels are not kept beside fingerprints: they are what the whitening was given,
        so that its inverse gives them back.

        Args:
            neighbours: Of the bundle.
            spec: How images are built.
            fingerprints: Of the site.

        Raises:
            ValueError: The fingerprints are of other images.
        """
        whitening = neighbours.check(spec).whitening
        expected = (spec.n_channels, whitening.n_features)
        if fingerprints.z.shape[1:] != expected:
            raise ValueError(
                f"fingerprints of shape {fingerprints.z.shape}, not (n_shots, "
                f"{expected[0]}, {expected[1]})"
            )
        last = np.zeros(whitening.n_features)
        last[-1] = whitening.scale[-1]
        levels = fingerprints.z.astype(np.float64) @ np.linalg.solve(
            whitening.root, last
        )
        return cls(
            neighbours,
            spec,
            fingerprints,
            np.where(fingerprints.heard, levels, np.nan),
        )

    def examine(
        self, pixels: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_]
    ) -> Evidence:
        """Return what an image says.

        Args:
            pixels: Shape (n_channels, n_packets, n_tones).
            heard: Shape (n_channels,).
        """
        features = channel_features(pixels[None], self.spec)
        (z,) = self.neighbours.whitening(features)
        level = np.where(heard, features[0, :, -1], np.nan)
        return Evidence(
            heard,
            level,
            self._shares(z, heard),
            level - self.levels_dbm,
            self.fingerprints.heard,
            restlessness_db(pixels[heard], self.spec),
        )

    def _shares(self, z: Matrix, heard: npt.NDArray[np.bool_]) -> Matrix:
        shots, kernel = self.fingerprints, self.neighbours.kernel
        squares = np.square(z - shots.z).sum(axis=2)
        gaps = kernel.freedom * np.log1p(squares / kernel.freedom)
        unheard = kernel.unheard * (shots.heard ^ heard)
        return np.asarray(np.where(shots.heard & heard, gaps, unheard))


def restlessness_db(pixels: npt.NDArray[np.uint8], spec: ImageSpec) -> float:
    """Return how much a tone changes from packet to packet [dB].

    A receiver that is carried through a room full of echoes sees every tone fade as
    Rayleigh has it, whose standard deviation is 10 / ln 10 · π / √6 = 5.57 dB whatever
    the room and the level; one that rests sees noise, and people, 1 to 3 dB.

    Args:
        pixels: Channels that were heard, shape (n, n_packets, n_tones).
        spec: How they were built.

    Returns:
        Standard deviation, mean over the tones, median over the channels; 0 without
        any.
    """
    if len(pixels) == 0:
        return 0.0
    step_db = (spec.ceiling_dbm - spec.floor_dbm) / 255
    of_channel = pixels.astype(np.float32).std(axis=1).mean(axis=1) * step_db
    return float(np.median(of_channel))
