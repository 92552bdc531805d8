"""What any method must beat: answers that ignore the signal, or all but its power."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from trainer.methods.contract import Fixes, Learnt, Locator, Method, Needs
from trainer.surveys.environment import Environment, Place, Signals


@dataclass(frozen=True, slots=True)
class Centre:
    """Always the centroid of the map's points: the level of chance."""

    name: ClassVar[str] = "centre"
    title: ClassVar[str] = "Centre of the map"
    needs: ClassVar[Needs] = Needs.NOTHING
    is_stochastic: ClassVar[bool] = False

    def learn(self, history: Sequence[Environment], rng: np.random.Generator) -> Learnt:
        """Return a method that needs neither."""
        return _AnyCentre()


@dataclass(frozen=True, slots=True)
class _AnyCentre:
    def calibrate(self, place: Place, shots: Environment) -> Locator:
        return _CentreOf(place)


@dataclass(frozen=True, slots=True)
class _CentreOf:
    place: Place

    def locate(self, signals: Signals) -> Fixes:
        shape = (len(signals), self.place.n_points)
        posterior = np.full(shape, 1 / self.place.n_points)
        return Fixes(posterior @ self.place.locations, posterior)


@dataclass(frozen=True, slots=True)
class RandomPoints:
    """The mean of some random points of the map, others for every query.

    The paper's KNN row (Table III: 2.73 m hall, 3.35 m lab) is statistically that of
    five random points of its grid (2.71 m, 3.50 m).
    """

    k: int = 5
    needs: ClassVar[Needs] = Needs.NOTHING
    is_stochastic: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """See `Method`."""
        return f"random{self.k}"

    @property
    def title(self) -> str:
        """See `Method`."""
        return f"{self.k} random points (the paper's KNN)"

    def learn(self, history: Sequence[Environment], rng: np.random.Generator) -> Learnt:
        """Return a method that needs no past."""
        return _AnyRandomPoints(self.k, int(rng.integers(2**63)))


@dataclass(frozen=True, slots=True)
class _AnyRandomPoints:
    k: int
    seed: int

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        return _RandomPointsOf(place, min(self.k, place.n_points), self.seed)


@dataclass(frozen=True, slots=True)
class _RandomPointsOf:
    place: Place
    k: int
    seed: int

    def locate(self, signals: Signals) -> Fixes:
        # Row i is the generator's i-th block whatever the number of rows, so that a
        # fix does not depend on later queries.
        shape = (len(signals), self.place.n_points)
        order = np.random.default_rng(self.seed).random(shape).argsort(axis=1)
        posterior = np.where(order < self.k, 1 / self.k, 0.0)
        return Fixes(posterior @ self.place.locations, posterior)


@dataclass(frozen=True, slots=True)
class PowerOnly:
    """A method that is shown the received power of a CSI survey, and no image."""

    method: Method
    name: str
    title: str
    needs: ClassVar[Needs] = Needs.IMAGES | Needs.POWER

    @property
    def is_stochastic(self) -> bool:
        """See `Method`."""
        return self.method.is_stochastic

    def learn(self, history: Sequence[Environment], rng: np.random.Generator) -> Learnt:
        """Return what the method learns from the powers alone."""
        return _LearntPower(self.method.learn([*map(_power_only, history)], rng))


@dataclass(frozen=True, slots=True)
class _LearntPower:
    learnt: Learnt

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        return _PowerLocator(self.learnt.calibrate(place, _power_only(shots)))


@dataclass(frozen=True, slots=True)
class _PowerLocator:
    locator: Locator

    def locate(self, signals: Signals) -> Fixes:
        return self.locator.locate(Signals(signals.rss))


def _power_only(environment: Environment) -> Environment:
    return replace(environment, signals=Signals(environment.signals.rss))
