"""History draws the map, a few fresh points bend it, and the sky is not trusted.

For every channel c (an access point; in CSI a tone of one) and point p of the map:

    m_c(p)  = mean of history at p                                       the map
    f_c(p)  = m_c(p) + GP[fresh - m_c at the calibrated points](p)       bent
    s_c²    = sensor + spread within a visit + how badly points left out are foretold
    P(p|x)  ∝ exp(-1/(T √C) Σ_c (ν+1)/2 log(1 + (x_c - f_c(p))² / (ν s_c²)))
    fix     = Σ_p P(p|x) location(p)

Channels without history are drawn by the fresh points alone, around their mean. Without
any history that is all there is, and still better than nearest neighbours: places
between the points are asked about too, and each channel counts as far as the points of
this map foretell one another.

A channel that history expects at the calibrated points and no fresh shot hears is dead,
and is dropped; one that history expects where the last fixes were, and no signal so far
has held, is dropped too, until it is heard. Dead access points, not drift, are most of
what a map loses with age.

Departures from the recipe it began with, nearest neighbours on the bent map: the heavy
tails of Student's t stand for changes nobody has seen, the tempered posterior mean for
the five nearest, and lengths follow the spacing of the calibrated points.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from trainer.methods.contract import Fixes, Locator, Needs
from trainer.methods.features import decibel_floor, decibels
from trainer.methods.posterior import expectation
from trainer.methods.rows import Matrix, Rows, Vector, group_means
from trainer.methods.spatial import between, interpolate, typical_spacing
from trainer.methods.student import softmax, student_misfit
from trainer.surveys.environment import Environment, Place, Signals

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FieldSettings:
    """Chosen on past days of MTLocData, UM_DSI, NCEPU and UJI, once for all surveys."""

    freedom: float = 8.0
    """ν of Student's t."""

    temperature: float = 0.25
    """T; channels err together, so that C of them count for about √C."""

    lengths: float = 5.0
    """Length of the field, in spacings of the calibrated points."""

    shortest_length_m: float = 0.5

    noise_of_change: float = 0.3
    """Variance of a fresh value, in units of the change since history."""

    noise_of_value: float = 0.1
    """The same where there is no history, in units of what varies over the map."""

    missed_before_dead: float = 1.5
    """Receptions that history expects of a channel and that did not come."""

    few_points: int = 8
    """With fewer calibrated points, leaving one out says little."""


_SETTINGS: Final = FieldSettings()

_RSS_SENSOR_DB: Final = 4.4
_CSI_SENSOR_DB: Final = 1.0
"""Spread of one reading about a perfect map [dB]."""

_UNKNOWN_DB: Final = 10.0
"""Spread about the map of a channel that too few points have drawn [dB]."""

_STOREY_M: Final = 10.0
"""Between floors, for the field: farther than they are, as there is concrete."""


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
        known = [*here, shots] if len(shots) else here
        if not known:
            return _Nowhere(place)
        floor_db = decibel_floor([e.signals for e in known])
        field = _blank(self.settings, place, floor_db, known[0].signals.is_csi)
        if here:
            field = _drawn(field, Rows.of(here, floor_db))
        if len(shots):
            field = _bent(field, Rows.of([shots], floor_db))
        return field


@dataclass(frozen=True, slots=True, eq=False)
class _Field:
    """The map as far as it is known, and what is located with it."""

    settings: FieldSettings
    place: Place
    floor_db: float
    sensor: float
    """Variance of one reading about a perfect map [dB²]."""

    candidates: Matrix
    """Where one may be: the points, and perhaps places between them; [m], with the
    height that stands for the floor, shape (n_candidates, 3)."""

    owner_of: npt.NDArray[np.intp]
    """The point nearest to each candidate, (n_candidates,)."""

    means: Matrix
    """Expected signal [dB above the floor], shape (n_candidates, n_channels)."""

    variances: Vector
    """Of a signal about it [dB²], shape (n_channels,)."""

    detection: Matrix
    """How often history heard each channel, shape (n_candidates, n_channels)."""

    has_past: Mask
    """Channels that history ever heard, shape (n_channels,)."""

    is_alive: Mask
    """Channels that are believed to be on the air, shape (n_channels,)."""

    is_heard: Mask
    """Channels that today's shots heard, shape (n_channels,)."""

    def locate(self, signals: Signals) -> Fixes:
        """Locate one after the other, forgetting channels that stay silent."""
        values = decibels(signals, self.floor_db) - self.floor_db
        n_points = self.place.n_points
        locations = np.empty((len(values), 2))
        posterior = np.zeros((len(values), n_points))
        missed, ever_heard = np.zeros(values.shape[1]), self.is_heard.copy()
        for row, sample in enumerate(values):
            ever_heard |= sample > 0
            silent = ~ever_heard & (missed > self.settings.missed_before_dead)
            channels = np.flatnonzero(self.is_alive & ~silent)
            if not sample[channels].any():
                posterior[row] = 1 / n_points
                locations[row] = self.place.locations.mean(axis=0)
                continue
            weights = self._explain(sample, channels)
            np.add.at(posterior[row], self.owner_of, weights)
            locations[row] = weights @ self.candidates[:, :2]
            missed += weights @ self.detection
        return Fixes(locations, posterior)

    def _explain(self, sample: Vector, channels: npt.NDArray[np.intp]) -> Vector:
        """Return the probability of each candidate."""
        misfit = student_misfit(
            sample[channels],
            self.means[:, channels],
            self.variances[channels],
            self.settings.freedom,
        )
        return softmax(-misfit / (self.settings.temperature * len(channels) ** 0.5))


@dataclass(frozen=True, slots=True)
class _Nowhere:
    """Neither history nor shots: every point is as good as any other."""

    place: Place

    def locate(self, signals: Signals) -> Fixes:
        n_points = self.place.n_points
        return expectation(self.place, np.ones((len(signals), n_points)), signals)


def _blank(
    settings: FieldSettings, place: Place, floor_db: float, is_csi: bool
) -> _Field:
    """Return a map on which nothing is drawn yet."""
    points = np.column_stack([place.locations, _STOREY_M * place.floors])
    nothing, none = np.zeros((place.n_points, 0)), np.zeros(0, np.bool_)
    return _Field(
        settings,
        place,
        floor_db,
        (_CSI_SENSOR_DB if is_csi else _RSS_SENSOR_DB) ** 2,
        points,
        np.arange(place.n_points),
        nothing,
        np.zeros(0),
        nothing,
        none,
        none,
        none,
    )


def _drawn(blank: _Field, past: Rows) -> _Field:
    """Return the map that history draws."""
    n_points = blank.place.n_points
    means = group_means(past.values, past.point_of, n_points)
    is_heard = (past.values > 0).astype(np.float64)
    detection = group_means(is_heard, past.point_of, n_points)
    has_past = past.is_heard
    return replace(
        blank,
        means=_filled(blank, means),
        variances=blank.sensor + past.spread,
        detection=np.nan_to_num(detection),
        has_past=has_past,
        is_alive=has_past,
        is_heard=np.zeros(len(has_past), np.bool_),
    )


def _bent(field: _Field, fresh: Rows) -> _Field:
    """Return the map with today's shots on it."""
    settings, n_channels = field.settings, fresh.values.shape[1]
    if not field.means.shape[1]:
        field = _with_places_between(field, fresh)
        nothing = np.zeros((len(field.candidates), n_channels))
        field = replace(
            field,
            means=nothing,
            detection=nothing,
            variances=np.full(n_channels, field.sensor),
            has_past=np.zeros(n_channels, np.bool_),
        )
    today = group_means(fresh.values, fresh.point_of, field.place.n_points)
    calibrated = np.flatnonzero(np.isfinite(today[:, 0]))
    change = today[calibrated] - field.means[calibrated]
    # What has no history varies around its own mean, not around nothing.
    base = np.where(field.has_past, 0.0, change.mean(axis=0))
    noise = (
        settings.noise_of_change if field.has_past.any() else settings.noise_of_value
    )
    moved = interpolate(
        field.candidates,
        calibrated,
        change - base,
        length=_length(settings, field.candidates[calibrated]),
        noise=noise,
    )
    if len(calibrated) >= settings.few_points:
        old = (field.variances + moved.left_out) / 2
        new = field.sensor / 2 + fresh.spread + moved.left_out
    else:
        old = field.variances
        new = field.sensor + fresh.spread + _UNKNOWN_DB**2
    expected = field.detection[fresh.point_of].sum(axis=0)
    is_dead = ~fresh.is_heard & (expected > settings.missed_before_dead)
    return replace(
        field,
        means=np.maximum(field.means + base + moved.values, 0.0),
        variances=np.where(field.has_past, old, new),
        is_alive=(field.has_past | fresh.is_heard) & ~is_dead,
        is_heard=fresh.is_heard,
    )


def _with_places_between(field: _Field, fresh: Rows) -> _Field:
    """Return a map that asks about places between the calibrated points too.

    History's points are where people were asked to stand before, and where the map is
    known best. Without history nothing speaks for the points but that they were easy to
    measure at.
    """
    shown = np.unique(fresh.point_of)
    place = field.place
    added, floors = between(place.locations[shown], place.floors[shown])
    points = np.column_stack([added, _STOREY_M * floors])
    gaps = ((points[:, None] - field.candidates[shown]) ** 2).sum(axis=-1)
    owner_of = shown[gaps.argmin(axis=1)]
    return replace(
        field,
        candidates=np.concatenate([field.candidates, points]),
        owner_of=np.concatenate([field.owner_of, owner_of]),
    )


def _length(settings: FieldSettings, points: Matrix) -> float:
    """Return the length of a field that these points can show [m]."""
    if len(np.unique(points, axis=0)) < 2:
        return np.inf  # one point moves the whole map
    return max(settings.lengths * typical_spacing(points), settings.shortest_length_m)


def _filled(field: _Field, means: Matrix) -> Matrix:
    """Return the map with the points that history does not have interpolated."""
    known = np.flatnonzero(np.isfinite(means[:, 0]))
    if len(known) == len(means):
        return means
    base = means[known].mean(axis=0)
    guessed = interpolate(
        field.candidates,
        known,
        means[known] - base,
        length=_length(field.settings, field.candidates[known]),
        noise=field.settings.noise_of_value,
    )
    filled: Matrix = base + guessed.values
    filled[known] = means[known]
    return filled
