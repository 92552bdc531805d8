"""Several methods that vote with their doubts: the geometric mean of their posteriors.

    P(p) ∝ Π_m (P_m(p) + ε)^(1/M)

ε keeps one that is sure and wrong from silencing the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

import numpy as np

from trainer.methods.contract import Fixes, Learnt, Locator, Method, Needs
from trainer.methods.posterior import expectation, softmax
from trainer.surveys.environment import Environment, Place, Signals

_DOUBT: Final = 0.01
"""ε."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The method; see the module."""

    name: str
    title: str
    members: tuple[Method, ...]
    """All of them give posteriors."""

    @property
    def needs(self) -> Needs:
        """What any of the members needs."""
        return reduce(or_, (member.needs for member in self.members))

    @property
    def is_stochastic(self) -> bool:
        """Whether any of the members is."""
        return any(member.is_stochastic for member in self.members)

    def learn(
        self, history: Sequence[Environment], rng: np.random.Generator
    ) -> "_Learnt":
        """Let all members learn; each has chances of its own."""
        chances = rng.spawn(len(self.members))
        return _Learnt(
            tuple(
                member.learn(history, chance)
                for member, chance in zip(self.members, chances, strict=True)
            )
        )


@dataclass(frozen=True, slots=True)
class _Learnt:
    members: tuple[Learnt, ...]

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        """Let all members adapt."""
        return _Vote(place, tuple(m.calibrate(place, shots) for m in self.members))


@dataclass(frozen=True, slots=True)
class _Vote:
    place: Place
    members: tuple[Locator, ...]

    def locate(self, signals: Signals) -> Fixes:
        """Return the mean location under the common posterior.

        Raises:
            ValueError: A member gives no posterior.
        """
        scores = np.zeros((len(signals), self.place.n_points))
        for member in self.members:
            posterior = member.locate(signals).posterior
            if posterior is None:
                raise ValueError(
                    f"{type(member).__name__} gives no posterior to vote with; "
                    "leave it out of the ensemble"
                )
            scores += np.log(posterior + _DOUBT) / len(self.members)
        return expectation(self.place, softmax(scores), signals)
