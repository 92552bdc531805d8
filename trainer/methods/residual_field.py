"""History draws the map, a few fresh points bend it, and the sky is not trusted.

    f          = the map, `trainer.methods.field_map`
    P(p | x) ∝ exp(-1/(T √C) Σ_c misfit(x_c | f_c(p)))     `trainer.methods.hurdle`
    fix      = Σ_p P(p | x) location(p)
    C        = Σ_c (1 - δ_c), δ_c the probability that channel c is dead

Dead access points, not drift, are most of what a map loses with age. Of each channel it
is therefore asked whether it is still on the air: the odds that it is dead grow with
every shot and every located sample that lacks it where it should be heard, and are gone
once it is heard, for the rest of the day. From 0.999 a channel is not asked at all.

Without any history the fresh points draw the map alone, still better than nearest
neighbours: places between them are asked about too, each channel counts as far as the
points foretell one another, and T is what locates points best that are left out. Where
the signal tells nothing T grows until the fix is about the middle of the map.

Departures from the recipe it began with, nearest neighbours on the bent map: silence
and level are two questions, heavy tails stand for changes nobody has seen, the mean of
the tempered posterior for the five nearest, and lengths follow the calibrated points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from trainer.methods.contract import Fixes, Locator, Needs
from trainer.methods.features import Matrix, decibel_floor, decibels
from trainer.methods.field_map import FieldMap, FieldSettings
from trainer.methods.hurdle import misfits, odds_of_silence
from trainer.methods.posterior import Unsure, softmax
from trainer.methods.references import by_place
from trainer.methods.rows import Rows, Vector
from trainer.surveys.environment import Environment, Place, Signals

_SETTINGS: Final = FieldSettings()

_RSS_SENSOR_DB: Final = 4.4
_CSI_SENSOR_DB: Final = 1.0
"""Spread of one reading about a perfect map [dB]."""

_CERTAIN: Final = 0.999
"""Probability of being dead from which a channel is not even looked at."""

_N_FOLDS: Final = 5
_MAX_REPLAYED: Final = 200
"""Shots that are located to choose T."""

_WARMER: Final[Vector] = np.array([0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
"""T that are tried, in units of the setting."""


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
        """Draw the map of every place."""
        drawn = {}
        for name, days in by_place(history).items():
            floor_db = decibel_floor([day.signals for day in days])
            blank = _blank(self.settings, days[0].place, days[0].signals, floor_db)
            drawn[name] = (floor_db, blank.drawn(Rows.of(days, floor_db)))
        return _Learnt(self.settings, drawn)


@dataclass(frozen=True, slots=True)
class _Learnt:
    settings: FieldSettings
    drawn: Mapping[str, tuple[float, FieldMap]]
    """By place: the floor [dB], and the map above it."""

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        """Bend the map, or draw it if it has no past."""
        if place.name in self.drawn:
            past_db, field = self.drawn[place.name]
            floor_db = past_db
            if shots.signals.heard.any():
                # A receiver that is weaker than history's is not deaf.
                floor_db = min(past_db, decibel_floor([shots.signals]))
            if len(shots):
                fresh = Rows.of([shots], floor_db)
                field = field.lifted(past_db - floor_db).bent(fresh)
            return _Located(place, floor_db, field, self.settings.temperature)
        if not len(shots):
            return Unsure(place)
        floor_db = decibel_floor([shots.signals])
        fresh = Rows.of([shots], floor_db)
        blank = _blank(self.settings, place, shots.signals, floor_db)
        temperature = _temperature(blank, place, fresh)
        return _Located(place, floor_db, _drawn_by(fresh, blank, place), temperature)


def _blank(
    settings: FieldSettings, place: Place, signals: Signals, floor_db: float
) -> FieldMap:
    """Return a map on which signals of this kind can be drawn."""
    sensor = (_CSI_SENSOR_DB if signals.is_csi else _RSS_SENSOR_DB) ** 2
    n_channels = decibels(signals.select(slice(1)), floor_db).shape[1]
    return FieldMap.blank(settings, place, n_channels, sensor)


def _drawn_by(fresh: Rows, blank: FieldMap, place: Place) -> FieldMap:
    """Return the map without history: the shots alone draw it, and between them."""
    return blank.with_places_between(np.unique(fresh.point_of), place).bent(fresh)


@dataclass(frozen=True, slots=True, eq=False)
class _Located:
    """What is located with a map."""

    place: Place
    floor_db: float
    field: FieldMap
    temperature: float

    def locate(self, signals: Signals) -> Fixes:
        """Locate one after the other; channels that stay silent are doubted more."""
        field, n_points = self.field, self.place.n_points
        values = decibels(signals, self.floor_db) - self.floor_db
        locations = np.empty((len(values), 2))
        posterior = np.zeros((len(values), n_points))
        dead_odds = field.dead_odds
        for row, sample in enumerate(values):
            dead_odds = np.where(sample > 0, -np.inf, dead_odds)
            if not sample[field.is_known].any():
                posterior[row] = 1 / n_points
                locations[row] = self.place.locations.mean(axis=0)
                continue
            scores = explain(field, sample, expit(dead_odds))
            weights = softmax(scores / self.temperature)
            np.add.at(posterior[row], field.owner_of, weights)
            locations[row] = weights @ field.candidates[:, :2]
            dead_odds = dead_odds + odds_of_silence(weights @ field.detection)
        return Fixes(locations, posterior)


def explain(field: FieldMap, sample: Vector, is_dead: Vector) -> Vector:
    """Return how well each candidate explains a sample, shape (n_candidates,).

    T times the logarithm of the posterior, up to a constant.

    Args:
        field: The map.
        sample: [dB above the floor], shape (n_channels,); hears a channel of the map.
        is_dead: Probability that a channel is off the air, shape (n_channels,); 0 where
            it is heard.
    """
    used = np.flatnonzero(field.is_known & (is_dead < _CERTAIN))
    total = misfits(
        sample[used],
        field.level[:, used],
        field.variances[used],
        field.detection[:, used],
        is_dead[used],
        field.settings.freedom,
    ).sum(axis=1)
    scores: Vector = -total / np.sqrt(np.sum(1 - is_dead[used]))
    return scores


def _temperature(blank: FieldMap, place: Place, fresh: Rows) -> float:
    """Return T with which points that are left out are located best.

    A fifth of them at a time; the setting where they are too few.
    """
    settings = blank.settings
    shown = np.unique(fresh.point_of)
    if len(shown) < settings.few_points:
        return settings.temperature
    temperatures: Vector = settings.temperature * _WARMER
    errors = np.zeros(len(temperatures))
    for left_out in _folds(place, shown):
        is_out = np.isin(fresh.point_of, left_out)
        field = _drawn_by(fresh.select(~is_out), blank, place)
        rows = np.flatnonzero(is_out)
        step = -(-len(rows) * _N_FOLDS // _MAX_REPLAYED)
        for row in rows[:: max(step, 1)]:
            errors += _errors(field, place, fresh, row, temperatures)
    return float(temperatures[errors.argmin()])


def _errors(
    field: FieldMap, place: Place, fresh: Rows, row: np.intp, temperatures: Vector
) -> Vector:
    """Return the error of one shot at each temperature [m].

    Zero where it hears nothing of the map: no temperature locates it.
    """
    sample = fresh.values[row]
    if not sample[field.is_known].any():
        return np.zeros(len(temperatures))
    scores = explain(field, sample, expit(field.dead_odds))
    weights: Matrix = softmax(scores / temperatures[:, None])
    gaps = weights @ field.candidates[:, :2] - place.locations[fresh.point_of[row]]
    errors: Vector = np.linalg.norm(gaps, axis=1)
    return errors


def _folds(place: Place, shown: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    """Return parts of the points, each spread over the map, however it is numbered."""
    x, y = place.locations[shown].T
    in_order = shown[np.lexsort([y, x, place.floors[shown]])]
    return [in_order[start::_N_FOLDS] for start in range(_N_FOLDS)]
