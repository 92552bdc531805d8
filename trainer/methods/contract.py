"""What a method is: it learns from the past, calibrates with a few shots, and locates.

    learnt  = method.learn(history, rng)          the past: other environments
    locator = learnt.calibrate(place, shots)      today: a few labelled samples, or none
    fixes   = locator.locate(signals)             no labels go in here

The benchmark never hands a method anything else, so that what it could cheat with is
out of its reach: test points are neither in ``place`` nor in ``history``, the truth of
a query not in ``signals``. Whatever a method must tune, it tunes in ``learn``, by
replaying the past.

Signals to locate come in order of time. The fix of one may depend on those before it,
never on those after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Flag, auto
from typing import Protocol

import numpy as np
import numpy.typing as npt

from trainer.surveys.environment import Environment, Place, Signals


class Needs(Flag):
    """What a method cannot do without."""

    NOTHING = 0
    IMAGES = auto()
    """CSI images."""

    POWER = auto()
    """The received power."""

    HISTORY = auto()
    """Earlier environments of the same place."""

    SHOTS = auto()
    """Labelled samples of today."""


@dataclass(frozen=True, slots=True, eq=False)
class Fixes:
    """Locations of some samples."""

    locations: npt.NDArray[np.float64]
    """[m], shape (n, 2)."""

    posterior: npt.NDArray[np.float64] | None = None
    """Probability of each point of the place, shape (n, n_points); rows sum to 1. None
    where the method has none: the point is then the one nearest to the location."""


class Locator(Protocol):
    """A method that knows today's place."""

    def locate(self, signals: Signals) -> Fixes:
        """Return where these samples were taken.

        Args:
            signals: In order of time, all of one occasion.
        """


class Learnt(Protocol):
    """A method that knows the past."""

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        """Return the method, adapted to today.

        Args:
            place: The map: points that somebody has surveyed at some time.
            shots: Labelled samples of today in that place; empty when zero-shot.
        """


class Method(Protocol):
    """A way of locating; the same object serves any number of episodes."""

    @property
    def name(self) -> str:
        """For the command line, e.g. ``wknn``."""

    @property
    def title(self) -> str:
        """For tables, e.g. ``WKNN``."""

    @property
    def needs(self) -> Needs:
        """Episodes without it are skipped, and the table says so."""

    @property
    def is_stochastic(self) -> bool:
        """Whether another seed gives another result on the same samples."""

    def learn(self, history: Sequence[Environment], rng: np.random.Generator) -> Learnt:
        """Return what the past teaches.

        Args:
            history: Earlier environments, oldest first; of the same place and perhaps
                of others (`Place.name` tells).
            rng: The only source of chance.
        """
