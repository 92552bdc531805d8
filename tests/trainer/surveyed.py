"""Small surveys with a signal in them: what methods are tried on.

Twelve points, 3 m apart, in a hall; transmitters outside it. Day by day every
transmitter's power changes a little. Each day has two visits.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from trainer.methods.contract import Needs
from trainer.surveys.environment import Environment, Place, Signals

LOCATIONS = np.array([(3.0 * x, 3.0 * y) for y in range(3) for x in range(4)])
TRANSMITTERS = np.array([(-4.0, -3.0), (13.0, -2.0), (12.0, 9.0), (-3.0, 8.0)])
CENTRE = LOCATIONS.mean(axis=0)

N_PACKETS, N_TONES = 12, 14
UNHEARD_BELOW_DBM = -63.0


@dataclass(frozen=True)
class Episode:
    """What a method is given, and what it is asked."""

    history: tuple[Environment, ...]
    place: Place
    shots: Environment
    queries: Environment

    @property
    def offers(self) -> Needs:
        """What a method may need of it."""
        offers = Needs.NOTHING
        if self.queries.signals.is_csi:
            offers |= Needs.IMAGES
        if np.isfinite(self.queries.signals.rss).any():
            offers |= Needs.POWER
        if self.history:
            offers |= Needs.HISTORY
        if len(self.shots):
            offers |= Needs.SHOTS
        return offers

    def map_environments(self, change) -> Self:
        """Change all environments."""
        return replace(
            self,
            history=tuple(map(change, self.history)),
            shots=change(self.shots),
            queries=change(self.queries),
        )

    def with_place(self, place) -> Self:
        moved = self.map_environments(lambda e: replace(e, place=place))
        return replace(moved, place=place)

    def with_signals(self, change) -> Self:
        return self.map_environments(
            lambda e: replace(e, signals=change(e.signals, e.name))
        )

    def without_shots(self) -> Self:
        return replace(self, shots=self.shots.select(np.arange(0)))

    def without_history(self) -> Self:
        return replace(self, history=())


def place(n_channels, *, locations=LOCATIONS, name="hall"):
    channels = tuple(f"02:00:00:00:00:{i:02x}" for i in range(n_channels))
    floors = np.zeros(len(locations), np.intp)
    return Place(name, np.array(locations, np.float64), floors, channels)


def rss_episode(*, n_history=2, n_shots=3, n_queries=3, seed=0):
    """Received power alone; the farthest transmitters are not heard."""
    return _episode(_rss_signals, n_history, n_shots, n_queries, seed)


def csi_episode(*, n_history=2, n_shots=3, n_queries=3, seed=0):
    """Images with the level restored, and the power."""
    return _episode(_csi_signals, n_history, n_shots, n_queries, seed)


def _episode(signals_at, n_history, n_shots, n_queries, seed):
    rng = np.random.default_rng(seed)
    hall = place(4 if signals_at is _rss_signals else 3)
    days = [
        _day(hall, signals_at, day, n_shots, n_queries, rng)
        for day in range(n_history + 1)
    ]
    today = days.pop()
    return Episode(
        tuple(days),
        hall,
        today.select(np.flatnonzero(today.visit_of == 0)),
        today.select(np.flatnonzero(today.visit_of == 1)),
    )


def _day(hall, signals_at, number, n_first, n_second, rng):
    points = np.tile(np.arange(hall.n_points), n_first + n_second)
    visits = np.repeat([0, 1], [n_first * hall.n_points, n_second * hall.n_points])
    offsets = rng.normal(0, 1.0, len(hall.channels))
    return Environment(
        name=f"d{number}",
        place=hall,
        order=number,
        signals=signals_at(hall.locations[points], offsets, rng),
        point_of=points.astype(np.intp),
        visit_of=visits.astype(np.intp),
        is_test=np.zeros(len(points), np.bool_),
    )


def _power_dbm(locations, offsets):
    transmitters = TRANSMITTERS[: len(offsets)]
    distances = np.linalg.norm(locations[:, None] - transmitters, axis=2)
    return -30 - 30 * np.log10(distances) + offsets


def _rss_signals(locations, offsets, rng):
    rss = _power_dbm(locations, offsets)
    rss += rng.normal(0, 0.7, rss.shape)
    rss[rss < UNHEARD_BELOW_DBM] = np.nan
    return Signals(rss.astype(np.float32))


def _csi_signals(locations, offsets, rng):
    power = _power_dbm(locations, offsets)
    power += rng.normal(0, 0.7, power.shape)
    tones = np.linspace(-1, 1, N_TONES)
    # Two rays per channel; their phases turn once in 20 m: neighbours are alike.
    phases = locations @ np.array([[0.31, 0.12, -0.22], [-0.08, 0.27, 0.19]])
    response = 1 + 0.6 * np.exp(1j * (phases[:, None] + 1.5 * tones[:, None]))
    amplitude = 1000 * 10 ** (power[:, None] / 20) * np.abs(response)
    noise = rng.normal(1, 0.03, (len(locations), N_PACKETS, N_TONES, power.shape[1]))
    images = amplitude[:, None] * noise
    return Signals(power.astype(np.float32), images.astype(np.float32))
