"""Horus: the probability of the received powers at each point, and its centre of mass.

Youssef & Agrawala, "The Horus WLAN location determination system", MobiSys 2005:

    P(x | s) ∝ Π_a P(s_a | x)                      discrete-space estimator
    P(s_a | x) = ∫_{s_a - ½}^{s_a + ½} N(q; μ_ax, σ²_ax) dq    parametric distribution
    x = Σ_{i ∈ N best} P(x_i | s) x_i / Σ P(x_i | s)           centre of mass

The powers are in dBm; in CSI surveys, the mean square amplitude of each channel in dB.

Departures from the paper, which had 100 samples per point and heard every access point:

* A channel is not heard with probability (misses + 1) / (samples + 2), so that silence
  tells as much as a power does.
* σ²_ax is shrunk towards the channel's variance pooled over points, and that towards
  the survey's, by as many pseudo-samples as `prior_samples`; it is not below the square
  of `least_sigma_db`, and grows by 1 + 1/n, as μ_ax is itself a mean of n samples.
* A tenth of all powers is spread over 100 dB, so that one bad channel cannot veto; on
  validation days 0.05 to 0.2 are within 5 % of it, 0.001 is up to a third worse.
* No average over successive fixes: queries of a benchmark are not a walk. No
  small-space compensator: points are all there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from trainer.methods.contract import Fixes, Learnt, Locator, Needs
from trainer.methods.features import Matrix, level_db
from trainer.methods.posterior import expectation, keep_best
from trainer.methods.references import References, point_totals, sources
from trainer.surveys.environment import Environment, Place, Signals

_SPAN_DB: Final = 100.0
"""Range over which powers that no Gaussian explains are spread [dB]."""

_BLOCK_ROWS: Final = 32
"""Queries whose likelihoods per channel are held at once."""


@dataclass(frozen=True, slots=True)
class Horus:
    """See the module; without shots, the past is the radio map."""

    n_best: int = 5
    """N, points of the centre of mass; as many as KNN has neighbours."""

    prior_samples: float = 5.0
    """Weight of a pooled variance, in samples."""

    least_sigma_db: float = 2.0
    """Floor of σ [dB]."""

    outliers: float = 0.1
    """Share of powers that no Gaussian explains."""

    name: ClassVar[str] = "horus"
    title: ClassVar[str] = "Horus"
    needs: ClassVar[Needs] = Needs.NOTHING
    is_stochastic: ClassVar[bool] = False

    def learn(self, history: Sequence[Environment], rng: np.random.Generator) -> Learnt:
        """Return the method with the past in memory."""
        return _Learnt(self, tuple(history))


@dataclass(frozen=True, slots=True)
class _Learnt:
    method: Horus
    history: tuple[Environment, ...]

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        references = References.of(sources(self.history, place, shots), level_db)
        radio_map = RadioMap.of(references, self.method) if len(references) else None
        return _Locator(self.method, place, radio_map)


@dataclass(frozen=True, slots=True, eq=False)
class RadioMap:
    """The distribution of every channel's power at every point that has samples."""

    points: npt.NDArray[np.intp]
    """Numbers of the points, shape (n_map,)."""

    mean_db: Matrix
    """μ, shape (n_map, n_channels); zero where never heard."""

    sigma_db: Matrix
    """σ of a new sample, shape (n_map, n_channels)."""

    heard: Matrix
    """Probability of hearing, shape (n_map, n_channels)."""

    was_heard: npt.NDArray[np.bool_]
    """Whether there is a μ, shape (n_map, n_channels)."""

    @classmethod
    def of(cls, references: References, settings: Horus) -> Self:
        """Estimate the distributions.

        Args:
            references: At least one row of powers, NaN where not heard.
            settings: How to shrink.
        """
        points, row_of = np.unique(references.point_of, return_inverse=True)
        powers = references.features
        is_heard = np.isfinite(powers)

        def per_point(values: Matrix) -> Matrix:
            return point_totals(values.T, row_of, len(points)).T

        count = per_point(is_heard.astype(np.float64))
        mean = per_point(np.where(is_heard, powers, 0)) / np.maximum(count, 1)
        deviation = np.where(is_heard, powers - mean[row_of], 0)
        squares = per_point(deviation**2)
        degrees = np.maximum(count - 1, 0)

        least, prior = settings.least_sigma_db**2, settings.prior_samples
        of_survey = _shrunk(squares.sum(), degrees.sum(), np.float64(least), prior)
        of_channel = _shrunk(squares.sum(axis=0), degrees.sum(axis=0), of_survey, prior)
        variance = np.maximum(_shrunk(squares, degrees, of_channel, prior), least)
        samples = np.bincount(row_of)[:, None]
        return cls(
            points=points,
            mean_db=mean,
            sigma_db=np.sqrt(variance * (1 + 1 / np.maximum(count, 1))),
            heard=(count + 1) / (samples + 2),
            was_heard=count > 0,
        )

    def log_likelihood(self, powers: Matrix, outliers: float) -> Matrix:
        """Return ln P(s | x), shape (n, n_map).

        Args:
            powers: NaN where not heard, shape (n, n_channels).
            outliers: Share of powers that no Gaussian explains.
        """
        total = np.empty((len(powers), len(self.points)))
        for start in range(0, len(powers), _BLOCK_ROWS):
            block = powers[start : start + _BLOCK_ROWS, None]
            is_heard = np.isfinite(block)
            z = (np.where(is_heard, block, 0) - self.mean_db) / self.sigma_db
            half_bin = 0.5 / self.sigma_db
            inliers = np.where(
                self.was_heard, ndtr(z + half_bin) - ndtr(z - half_bin), 0
            )
            of_power = (1 - outliers) * inliers + outliers / _SPAN_DB
            probability = np.where(is_heard, self.heard * of_power, 1 - self.heard)
            total[start : start + _BLOCK_ROWS] = np.log(probability).sum(axis=2)
        return total


@dataclass(frozen=True, slots=True)
class _Locator:
    method: Horus
    place: Place
    radio_map: RadioMap | None

    def locate(self, signals: Signals) -> Fixes:
        weights = np.zeros((len(signals), self.place.n_points))
        if self.radio_map is not None:
            likelihood = self.radio_map.log_likelihood(
                level_db(signals), self.method.outliers
            )
            likelihood -= likelihood.max(axis=1, keepdims=True)
            weights[:, self.radio_map.points] = np.exp(likelihood)
        return expectation(self.place, keep_best(weights, self.method.n_best), signals)


def _shrunk(
    squares: npt.NDArray[np.float64] | np.float64,
    degrees: npt.NDArray[np.float64] | np.float64,
    prior_variance: npt.NDArray[np.float64] | np.float64,
    prior_samples: float,
) -> npt.NDArray[np.float64]:
    """Return the variance of squares with a prior that weighs some samples."""
    return np.asarray(
        (squares + prior_samples * prior_variance) / (degrees + prior_samples)
    )
