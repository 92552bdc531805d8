"""A survey that is made, not measured: days of a hall with four transmitters.

Importable from other processes, so that workers can load it too.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trainer.errors import TrainerError
from trainer.methods.contract import Fixes, Needs
from trainer.methods.floors import Centre, RandomPoints
from trainer.methods.neighbours import NearestNeighbours
from trainer.surveys.environment import Environment, Place, Signals

TRANSMITTERS = np.array([(-2.0, -2.0), (14.0, -3.0), (13.0, 11.0), (-3.0, 10.0)])


def hall(columns=4, rows=3, *, name="hall", floors=1, n_test=0):
    """A grid, 3 m apart, on each floor; then points for testing, between its rows."""
    grid = [(3.0 * x, 3.0 * y) for y in range(rows) for x in range(columns)]
    between = [(3.0 * x + 1.5, 1.5) for x in range(n_test)]
    locations = np.array(grid * floors + between).reshape(-1, 2)
    floor_of = np.r_[np.repeat(np.arange(floors), len(grid)), np.zeros(n_test)]
    channels = tuple(f"ap{i}" for i in range(len(TRANSMITTERS)))
    return Place(name, locations, floor_of.astype(np.intp), channels)


def environment(
    place,
    rows,
    *,
    name="day",
    order=0,
    seed=0,
    drift_db=0.0,
    noise_db=0.5,
    is_csi=False,
):
    """Samples at (point, visit) or (point, visit, is_test) of each row."""
    table = np.array([(*row, 0)[:3] for row in rows], np.intp).reshape(-1, 3)
    rng = np.random.default_rng([seed, order])
    where = place.locations[table[:, 0]]
    distance = np.linalg.norm(where[:, None] - TRANSMITTERS, axis=2)
    power = -30 - 25 * np.log10(distance) - 15 * place.floors[table[:, 0], None]
    power += rng.normal(0, drift_db, power.shape[1:])
    power += rng.normal(0, noise_db, power.shape)
    images = None
    if is_csi:
        images = rng.random((len(table), 4, 5, power.shape[1]), np.float32)
    return Environment(
        name,
        place,
        order,
        Signals(power.astype(np.float32), images),
        table[:, 0],
        table[:, 1],
        table[:, 2] > 0,
    )


def rows_of(points, visits, n=1, *, is_test=False):
    """The rows of ``n`` samples per point and visit, in order of time."""
    return [(p, v, int(is_test)) for v in visits for p in points for _ in range(n)]


def survey(
    n_days=6, *, place=None, visits=(0, 1), n=4, n_test=3, drift_db=1.0, **options
):
    """Days ``d0``, ``d1``, ..: every reference point in every visit, then tests."""
    place = hall(n_test=n_test) if place is None else place
    n_reference = place.n_points - n_test
    rows = rows_of(range(n_reference), visits, n)
    tests = range(n_reference, place.n_points)
    rows += rows_of(tests, [max(visits) + 1], 2, is_test=True)
    return [
        environment(
            place, rows, name=f"d{day}", order=day, drift_db=drift_db, **options
        )
        for day in range(n_days)
    ]


# -- methods ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Slow:
    """1-NN that takes its time over every episode, and tells when it starts."""

    seconds: float = 0.05
    name: str = "slow"
    title: str = "Slow"
    needs: Needs = Needs.SHOTS
    is_stochastic: bool = False

    def learn(self, history, rng):
        return self

    def calibrate(self, place, shots):
        time.sleep(self.seconds)
        return (
            NearestNeighbours("1nn", "1-NN", 1).learn((), None).calibrate(place, shots)
        )


@dataclass(frozen=True)
class Noisy:
    """The truth is out of its reach: a stochastic method that remembers its draw."""

    name: str = "noisy"
    title: str = "Noisy"
    needs: Needs = Needs.NOTHING
    is_stochastic: bool = True

    def learn(self, history: Sequence[Environment], rng):
        return _NoisyOf(rng.normal(size=2))


@dataclass(frozen=True)
class _NoisyOf:
    offset: np.ndarray

    def calibrate(self, place, shots):
        return replace(self, offset=self.offset + place.locations.mean(axis=0))

    def locate(self, signals):
        return Fixes(np.tile(self.offset, (len(signals), 1)))


@dataclass(frozen=True)
class Refusing:
    """A method that cannot work on this survey, and says why."""

    error: Exception
    stage: str = "learn"
    name: str = "refusing"
    title: str = "Refusing"
    needs: Needs = Needs.NOTHING
    is_stochastic: bool = False

    def _at(self, stage):
        if stage == self.stage:
            raise self.error
        return self

    def learn(self, history, rng):
        return self._at("learn")

    def calibrate(self, place, shots):
        return self._at("calibrate")

    def locate(self, signals):
        return self._at("locate")


def make_methods():
    everything = [
        Centre(),
        RandomPoints(),
        NearestNeighbours("1nn", "1-NN", k=1, of_samples=True),
        NearestNeighbours("wknn", "WKNN", k=3, is_weighted=True),
        Noisy(),
    ]
    return {method.name: method for method in everything}


def make_slow_methods():
    return {"slow": Slow()}


def make_buggy_methods():
    return {"refusing": Refusing(ZeroDivisionError("a bug"))}


def make_refusing_methods():
    return {"refusing": Refusing(TrainerError("too few stars tonight"))}


# -- surveys that a worker can load ----------------------------------------------------


def load(name, data):
    """``days`` or ``other``: two surveys."""
    return survey(6, seed=len(name))


def load_small_csi(name, data):
    """Images whose level is the power: a method that looks at either can locate."""
    days = survey(3, place=hall(3, 2), n_test=0, n=3, is_csi=True)
    return [replace(day, signals=_with_level(day.signals)) for day in days]


def _with_level(signals):
    level = 10 ** (signals.rss[:, None, None, :] / 20)
    images = (0.5 + signals.images) * level * 1e3
    return Signals(signals.rss, images.astype(np.float32))


def load_nothing(name, data):
    raise TrainerError(f"no {name} below {data}")


def make_some_methods(*names):
    return {name: make_methods()[name] for name in names}


@dataclass(frozen=True)
class Threads(Refusing):
    """Says how many threads it may use."""

    error: Exception | None = None

    def _at(self, stage):
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        raise TrainerError(" ".join(os.environ.get(name, "?") for name in names))


def make_thread_methods():
    return {"refusing": Threads()}
