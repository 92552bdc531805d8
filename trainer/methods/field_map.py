"""The map of a place: what every point is expected to hear, drawn and bent.

    d(p), m(p)               detection and level in history            drawn
    m + GP[m' - m](p)        m': today's level, where heard            bent
    d + GP[d' - d](p)        d': today's detection

per channel (an access point; in CSI a tone of one) and point p, with GP the regression
of `trainer.methods.spatial`. Points that history lacks are filled in by one around the
mean of its points. For a channel without history m and d are the means of m' and d':
the fresh points alone draw it.

What is heard varies about its level by

    σ² + w²                  with history alone; or bent by fewer than `few_points`
    (σ² + w² + e²) / 2       bent by more
    σ² + w'² + 10²           a channel without history, bent by fewer
    σ²/2 + w'² + e²          the same, bent by more

[dB²] with σ² of the sensor, w² within a stop (w'² today), and e² how badly calibrated
points that are left out are foretold: the sum of their squares over the number of those
that hear the channel, zero where none does.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from trainer.methods.features import Matrix
from trainer.methods.hurdle import odds_of_silence
from trainer.methods.rows import Rows, Vector
from trainer.methods.spatial import Field, between, interpolate, typical_spacing
from trainer.surveys.environment import Place

Mask = npt.NDArray[np.bool_]

_WEAK_DB: Final = 5.0
"""Where a point never heard a channel, how loud it would be [dB above the floor]."""

_UNKNOWN_DB: Final = 10.0
"""Spread about the map of a channel that too few points have drawn [dB]."""

_STOREY_M: Final = 10.0
"""Between floors, for the field: farther than they are, as there is concrete."""


@dataclass(frozen=True, slots=True)
class FieldSettings:
    """Chosen once for all surveys, not for each.

    What history moves (ν, temperature, lengths, dead channels) was chosen on past days
    of MTLocData, UM_DSI, NCEPU and UJI. The rules for places without history (noise of
    value, places between points, the temperature from points left out) were chosen with
    an eye on CRISLoc's lab and corridor, CSU and SOD, which have no other days: there
    the benchmark's figures are not of unseen data.
    """

    freedom: float = 8.0
    """ν of Student's t."""

    temperature: float = 0.25
    """Channels err together: C of them count for about √C, and these for 1/T."""

    lengths: float = 5.0
    """Length of the field, in spacings of the calibrated points."""

    shortest_length_m: float = 0.5

    noise_of_change: float = 0.3
    """Variance of a fresh value, in units of the change since history."""

    noise_of_value: float = 0.1
    """The same where there is no history, in units of what varies over the map."""

    dead_before: float = 0.3
    """Share of channels that are off the air by the time history is used."""

    few_points: int = 8
    """With fewer calibrated points, leaving one out says little; 2 at least."""


@dataclass(frozen=True, slots=True, eq=False)
class FieldMap:
    """What is expected where."""

    settings: FieldSettings
    sensor: float
    """Variance of one reading about a perfect map [dB²]."""

    candidates: Matrix
    """Where one may be: the points of the place, and perhaps places between them; [m],
    with a height that stands for the floor, shape (n_candidates, 3)."""

    owner_of: npt.NDArray[np.intp]
    """Point that each candidate counts for, shape (n_candidates,): a point for itself,
    a place between points for the nearest of the calibrated ones."""

    level: Matrix
    """Where heard [dB above the floor], shape (n_candidates, n_channels)."""

    detection: Matrix
    """Share of samples that hear a channel, shape (n_candidates, n_channels)."""

    variances: Vector
    """Of what is heard about the level [dB²], shape (n_channels,)."""

    has_past: Mask
    """Channels that history ever heard, shape (n_channels,)."""

    is_known: Mask
    """Channels that history or today's shots heard, shape (n_channels,)."""

    dead_odds: Vector
    """Log odds that a channel is off the air today, shape (n_channels,); minus infinity
    once it was heard today, of no meaning where nobody ever heard it."""

    @classmethod
    def blank(
        cls, settings: FieldSettings, place: Place, n_channels: int, sensor: float
    ) -> Self:
        """Return a map on which nothing is drawn yet."""
        points = np.column_stack([place.locations, _STOREY_M * place.floors])
        nothing = np.zeros((place.n_points, n_channels))
        none = np.zeros(n_channels, np.bool_)
        return cls(
            settings,
            sensor,
            points,
            np.arange(place.n_points),
            nothing,
            nothing,
            np.full(n_channels, sensor),
            none,
            none,
            np.zeros(n_channels),
        )

    def drawn(self, past: Rows) -> Self:
        """Return the blank map with history on it."""
        n_points = len(self.candidates)
        level = np.nan_to_num(past.level(n_points), nan=_WEAK_DB)
        detection = past.detection(n_points)
        surveyed = np.flatnonzero(np.isfinite(detection[:, 0]))
        return replace(
            self,
            level=self._filled(level, surveyed),
            detection=np.clip(self._filled(detection, surveyed), 0.0, 1.0),
            variances=self.sensor + past.spread,
            has_past=past.is_heard,
            is_known=past.is_heard,
            dead_odds=np.full(len(past.is_heard), logit(self.settings.dead_before)),
        )

    def with_places_between(self, shown: npt.NDArray[np.intp], place: Place) -> Self:
        """Return the blank map with a lattice between the points that were calibrated.

        History's points are where people were asked to stand before, and where the map
        is known best. Without history nothing speaks for the points but that they were
        easy to measure at.
        """
        added, floors = between(place.locations[shown], place.floors[shown])
        places = np.column_stack([added, _STOREY_M * floors])
        gaps = ((places[:, None] - self.candidates[shown]) ** 2).sum(axis=-1)
        nothing = np.zeros((len(self.candidates) + len(places), self.level.shape[1]))
        return replace(
            self,
            candidates=np.concatenate([self.candidates, places]),
            owner_of=np.concatenate([self.owner_of, shown[gaps.argmin(axis=1)]]),
            level=nothing,
            detection=nothing,
        )

    def lifted(self, lower_db: float) -> Self:
        """Return the map above a floor that is so much lower [dB]."""
        return replace(self, level=self.level + lower_db)

    def bent(self, fresh: Rows) -> Self:
        """Return the map with today's shots on it, at least one."""
        n_points = int(self.owner_of.max()) + 1
        today, rate = fresh.level(n_points), fresh.detection(n_points)
        calibrated = np.flatnonzero(np.isfinite(rate[:, 0]))
        today, rate = today[calibrated], rate[calibrated]
        # What has no history varies around its own mean, not around nothing.
        level = np.where(self.has_past, self.level, _column_means(today))
        detection = np.where(self.has_past, self.detection, rate.mean(axis=0))
        is_heard = np.isfinite(today)
        # Where history never heard it there is no level that could have changed.
        is_new = is_heard & (detection[calibrated] == 0)
        change = np.where(is_heard & ~is_new, today - level[calibrated], 0.0)
        moved = self._interpolated(calibrated, change)
        found = self._interpolated(calibrated, rate - detection[calibrated])
        level = np.maximum(level + moved.values, 0.0)
        level[calibrated] = np.where(is_new, today, level[calibrated])
        heard_share = np.maximum(is_heard.mean(axis=0), 1 / len(calibrated))
        silence = odds_of_silence(self.detection[fresh.point_of]).sum(axis=0)
        return replace(
            self,
            level=level,
            detection=np.clip(detection + found.values, 0.0, 1.0),
            variances=self._variances(
                fresh.spread, moved.left_out / heard_share, len(calibrated)
            ),
            is_known=self.is_known | fresh.is_heard,
            dead_odds=np.where(fresh.is_heard, -np.inf, self.dead_odds + silence),
        )

    def _variances(self, spread: Vector, left_out: Vector, n_points: int) -> Vector:
        """Return the variances once points have been calibrated; see the module."""
        if n_points < self.settings.few_points:
            new = self.sensor + spread + _UNKNOWN_DB**2
            return np.where(self.has_past, self.variances, new)
        old = (self.variances + left_out) / 2
        return np.where(self.has_past, old, self.sensor / 2 + spread + left_out)

    def _interpolated(self, known: npt.NDArray[np.intp], values: Matrix) -> Field:
        settings = self.settings
        is_change = bool(self.has_past.any())
        return interpolate(
            self.candidates,
            known,
            values,
            length=self._length(known),
            noise=settings.noise_of_change if is_change else settings.noise_of_value,
        )

    def _filled(self, values: Matrix, known: npt.NDArray[np.intp]) -> Matrix:
        """Return values at all points, interpolated where they are not known."""
        if len(known) == len(values):
            return values
        base = values[known].mean(axis=0)
        guessed = self._interpolated(known, values[known] - base)
        filled: Matrix = base + guessed.values
        filled[known] = values[known]
        return filled

    def _length(self, known: npt.NDArray[np.intp]) -> float:
        """Return the length of a field that these points can show [m]."""
        points = self.candidates[known]
        if len(np.unique(points, axis=0)) < 2:
            return np.inf  # one point moves the whole map
        length = self.settings.lengths * typical_spacing(points)
        return max(length, self.settings.shortest_length_m)


def _column_means(values: Matrix) -> Vector:
    """Return means that pass over NaN; zero where there is nothing else."""
    is_known = np.isfinite(values)
    sums = np.where(is_known, values, 0.0).sum(axis=0)
    means: Vector = sums / np.maximum(is_known.sum(axis=0), 1)
    return means
