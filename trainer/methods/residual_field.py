"""History draws the map, a few fresh points bend it, and the sky is not trusted.

For every channel c (an access point; in CSI a tone of one) and point p of the map:

    m_c(p)  = mean of history at p                                       the map
    f_c(p)  = m_c(p) + GP[fresh - m_c at the calibrated points](p)       bent
    s_c²    = sensor + spread within a visit + how badly points left out are foretold
    P(p|x)  ∝ exp(-1/(T √C) Σ_c (ν+1)/2 log(1 + (x_c - f_c(p))² / (ν s_c²)))
    fix     = Σ_p P(p|x) location(p)

Channels without history are drawn by the fresh points alone, around their mean. Without
any history that is all there is, and still better than nearest neighbours: the points
are interpolated, and each channel counts as far as the points of this map foretell one
another.

A channel that history expects at the calibrated points and no fresh shot hears is dead,
and is dropped; one that history expects where the last fixes were, and no signal so far
has held, is dropped too, until it is heard. Dead access points, not drift, are most of
what a map loses with age.

Departures from the recipe it began with, nearest neighbours on the bent map: the heavy
tails of Student's t stand for changes nobody has seen, the tempered posterior mean for
the five nearest, and lengths follow the spacing of the calibrated points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from trainer.methods.contract import Fixes, Locator, Needs
from trainer.methods.features import decibel_floor, decibels
from trainer.methods.posterior import expectation
from trainer.methods.spatial import interpolate, typical_spacing
from trainer.methods.student import softmax, student_misfit
from trainer.surveys.environment import Environment, Place, Signals

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FieldSettings:
    """Chosen on past days of MTLocData, UM_DSI, NCEPU and UJI, once for all surveys."""

    freedom: float = 5.0
    """ν of Student's t."""

    temperature: float = 0.25
    """T; channels err together, so that C of them count for about √C."""

    lengths: float = 5.0
    """Length of the field, in spacings of the calibrated points."""

    shortest_length_m: float = 0.5

    noise: float = 0.3
    """Variance of a fresh value, in units of the change it is to show."""

    missed_before_dead: float = 1.5
    """Receptions that history expects of a channel and that did not come."""

    few_points: int = 8
    """With fewer calibrated points, leaving one out says little."""


_SETTINGS: Final = FieldSettings()
_RSS_SENSOR_DB: Final = 4.4
_CSI_SENSOR_DB: Final = 1.0
"""Spread of one reading about a perfect map [dB]."""

_UNKNOWN_DB: Final = 10.0
"""Spread about the map of a channel that a few points alone have drawn [dB]."""


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """What history says of one place."""

    mean: Matrix
    """Above the floor [dB], shape (n_points, n_channels); NaN at points it has not."""

    detection: Matrix
    """How often each channel is heard, the same shape."""

    within: Vector
    """Variance within a visit and point [dB²], shape (n_channels,)."""


@dataclass(frozen=True, slots=True)
class ResidualField:
    """The method; see the module."""

    settings: FieldSettings = _SETTINGS
    name: str = "field"
    title: str = "residual field"
    needs: Needs = Needs.NOTHING
    is_stochastic: bool = False

    def learn(
        self, history: Sequence[Environment], rng: np.random.Generator
    ) -> "_Learnt":
        """Keep the past; which place it is needed for, calibration tells."""
        return _Learnt(tuple(history), self.settings)


@dataclass(frozen=True, slots=True)
class _Learnt:
    history: tuple[Environment, ...]
    settings: FieldSettings

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        """Draw the map and bend it."""
        here = [e for e in self.history if e.place.name == place.name and len(e)]
        if not here and not len(shots):
            return _Nowhere(place)
        floor = decibel_floor([e.signals for e in (*here, shots)])
        fresh = _Samples.of([shots], floor) if len(shots) else None
        past = _past(_Samples.of(here, floor), place.n_points) if here else None
        return _draw_map(self.settings, place, floor, past, fresh)


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    """Labelled samples of one place, above the floor."""

    values: Matrix
    heard: Mask
    point_of: npt.NDArray[np.intp]
    stop_of: npt.NDArray[np.intp]
    """Number of the environment, visit and point a sample belongs to."""

    is_csi: bool

    @classmethod
    def of(cls, environments: Sequence[Environment], floor: float) -> "_Samples":
        values = [decibels(e.signals, floor) - floor for e in environments]
        stops = np.array(
            [
                (number, visit, point)
                for number, e in enumerate(environments)
                for visit, point in zip(e.visit_of, e.point_of, strict=True)
            ]
        )
        _, stop_of = np.unique(stops, axis=0, return_inverse=True)
        stacked = np.concatenate(values)
        return cls(
            stacked,
            stacked > 0,
            np.concatenate([e.point_of for e in environments]),
            stop_of.reshape(-1),
            environments[0].signals.is_csi,
        )


def _past(samples: _Samples, n_points: int) -> _Past:
    return _Past(
        _group_means(samples.values, samples.point_of, n_points),
        _group_means(samples.heard.astype(np.float64), samples.point_of, n_points),
        _variance_within(samples.values, samples.stop_of),
    )


def _draw_map(
    settings: FieldSettings,
    place: Place,
    floor: float,
    past: _Past | None,
    fresh: _Samples | None,
) -> "_FieldLocator":
    n_points = place.n_points
    n_channels = (past.mean if past else _values(fresh)).shape[1]
    is_csi = fresh.is_csi if fresh else n_channels != len(place.channels)
    sensor = (_CSI_SENSOR_DB if is_csi else _RSS_SENSOR_DB) ** 2
    if past is None:
        means = np.zeros((n_points, n_channels))
        detection = np.zeros((n_points, n_channels))
        within, has_past = np.zeros(n_channels), np.zeros(n_channels, np.bool_)
    else:
        means = _fill(settings, place.locations, past.mean)
        detection = np.nan_to_num(past.detection)
        within, has_past = past.within, np.logical_or.reduce(detection > 0, axis=0)
    variances = sensor + within
    alive: Mask = has_past
    if fresh is not None:
        today = _group_means(fresh.values, fresh.point_of, n_points)
        calibrated = np.flatnonzero(np.isfinite(today[:, 0]))
        heard = _any_heard(fresh)
        expected = detection[fresh.point_of].sum(axis=0)
        alive = heard | (has_past & (expected <= settings.missed_before_dead))
        change = today[calibrated] - means[calibrated]
        # What has no history varies around its own mean, not around nothing.
        base = np.where(has_past, 0.0, change.mean(axis=0))
        field = interpolate(
            place.locations,
            calibrated,
            change - base,
            length=_length(settings, place.locations[calibrated]),
            noise=settings.noise,
        )
        means = means + base + field.values
        within = np.where(
            has_past, within, _variance_within(fresh.values, fresh.stop_of)
        )
        if len(calibrated) >= settings.few_points:
            drawn = (variances + field.left_out) / 2
            undrawn = sensor / 2 + within + field.left_out
        else:
            drawn, undrawn = variances, sensor + within + _UNKNOWN_DB**2
        variances = np.where(has_past, drawn, undrawn)
    return _FieldLocator(
        settings,
        place,
        floor,
        np.maximum(means, 0.0),
        variances,
        detection,
        alive,
        _any_heard(fresh) if fresh else np.zeros(n_channels, np.bool_),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _FieldLocator:
    settings: FieldSettings
    place: Place
    floor: float
    means: Matrix
    variances: Vector
    detection: Matrix
    alive: Mask
    ever_heard: Mask

    def locate(self, signals: Signals) -> Fixes:
        """Locate one after the other, forgetting channels that stay silent."""
        values = decibels(signals, self.floor) - self.floor
        posterior = np.empty((len(values), self.place.n_points))
        missed = np.zeros(values.shape[1])
        ever_heard = self.ever_heard.copy()
        for row, sample in enumerate(values):
            ever_heard |= sample > 0
            silent = ~ever_heard & (missed > self.settings.missed_before_dead)
            posterior[row] = self._explain(sample, self.alive & ~silent)
            missed += posterior[row] @ self.detection
        return expectation(self.place, posterior, signals)

    def _explain(self, sample: Vector, channels: Mask) -> Vector:
        used = np.flatnonzero(channels)
        if not sample[used].any():
            return np.full(self.place.n_points, 1 / self.place.n_points)
        misfit = student_misfit(
            sample[used],
            self.means[:, used],
            self.variances[used],
            self.settings.freedom,
        )
        return softmax(-misfit / (self.settings.temperature * len(used) ** 0.5))


@dataclass(frozen=True, slots=True)
class _Nowhere:
    """Neither history nor shots: every point is as good as any other."""

    place: Place

    def locate(self, signals: Signals) -> Fixes:
        n_points = self.place.n_points
        return expectation(self.place, np.ones((len(signals), n_points)), signals)


def _any_heard(samples: _Samples) -> Mask:
    heard: Mask = np.logical_or.reduce(samples.heard, axis=0)
    return heard


def _values(samples: _Samples | None) -> Matrix:
    assert samples is not None  # one of past and fresh is there, see calibrate
    return samples.values


def _length(settings: FieldSettings, locations: Matrix) -> float:
    """Return the length of a field that these points can show [m]."""
    if len(np.unique(locations, axis=0)) < 2:
        return np.inf  # one point moves the whole map
    spacing = typical_spacing(locations)
    return max(settings.lengths * spacing, settings.shortest_length_m)


def _fill(settings: FieldSettings, locations: Matrix, means: Matrix) -> Matrix:
    """Return the map with the points that history does not have interpolated."""
    known = np.flatnonzero(np.isfinite(means[:, 0]))
    if len(known) == len(means):
        return means
    base = means[known].mean(axis=0)
    field = interpolate(
        locations,
        known,
        means[known] - base,
        length=_length(settings, locations[known]),
        noise=settings.noise,
    )
    filled: Matrix = base + field.values
    filled[known] = means[known]
    return filled


def _group_means(
    values: Matrix, group_of: npt.NDArray[np.intp], n_groups: int
) -> Matrix:
    """Return the mean of each group's rows, (n_groups, n_channels); NaN if none."""
    counts = np.bincount(group_of, minlength=n_groups)
    sums = np.zeros((n_groups, values.shape[1]))
    np.add.at(sums, group_of, values)
    means: Matrix = np.full_like(sums, np.nan)
    np.divide(sums, counts[:, None], out=means, where=counts[:, None] > 0)
    return means


def _variance_within(values: Matrix, group_of: npt.NDArray[np.intp]) -> Vector:
    """Return the pooled variance of rows about their group's mean, (n_channels,)."""
    n_groups = int(group_of.max()) + 1
    residuals = values - _group_means(values, group_of, n_groups)[group_of]
    freedom = max(len(values) - n_groups, 1)
    variance: Vector = (residuals**2).sum(axis=0) / freedom
    return variance
