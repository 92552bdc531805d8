"""What the product does: one rule, no choice left to the user.

CSI of a place that has a history: day effects. Anything else, RSS with or without a
history and CSI of a new place: the residual field.

The rule is the outcome of the benchmark on past days: the shape of a channel changes
within centimetres, so that there is no field between points to bend and only the day
can be learnt; received power has one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainer.methods.contract import Learnt, Locator, Needs
from trainer.methods.day_effects import DayEffects
from trainer.methods.residual_field import ResidualField
from trainer.surveys.environment import Environment, Place


@dataclass(frozen=True, slots=True)
class Product:
    """The method; see the module."""

    name: ClassVar[str] = "ours"
    title: ClassVar[str] = "ours"
    needs: ClassVar[Needs] = Needs.NOTHING
    is_stochastic: ClassVar[bool] = False

    def learn(
        self, history: Sequence[Environment], rng: np.random.Generator
    ) -> "_Learnt":
        """Let both learn what they can."""
        images = [day for day in history if day.signals.is_csi]
        return _Learnt(
            frozenset(day.place.name for day in images if len(day)),
            DayEffects().learn(images, rng),
            ResidualField().learn(history, rng),
        )


@dataclass(frozen=True, slots=True)
class _Learnt:
    places_of_images: frozenset[str]
    day_effects: Learnt
    field: Learnt

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        """Adapt the one that suits the place."""
        has_images = place.name in self.places_of_images
        learnt = self.day_effects if has_images else self.field
        return learnt.calibrate(place, shots)
