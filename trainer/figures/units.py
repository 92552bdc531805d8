"""What is computed once per seed, stored, and shown by one figure or several."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]
"""What a unit leaves, by name."""

Needed: TypeAlias = Mapping[str, Mapping[str, npt.NDArray[Any]]]
"""Arrays of the units that a unit needs, by the name of the unit."""

Tell: TypeAlias = Callable[[str], None]
"""Told where a unit stands, now and then."""


class Unit(Protocol):
    """A computation; a frozen dataclass whose fields are all its settings."""

    @property
    def name(self) -> str:
        """Unique among the units of a run; part of a file name."""

    @property
    def needs(self) -> tuple["Unit", ...]:
        """Units of the same seed whose results it takes; they need none themselves."""

    @property
    def weight(self) -> float:
        """About how long it takes, against other units [s]."""

    def run(self, seed: int, needed: Needed, tell: Tell) -> Arrays:
        """Compute.

        Args:
            seed: Decides everything that chance decides.
            needed: What `needs` left.
            tell: To be told where it stands.
        """


def chance(seed: int, *purpose: int) -> np.random.Generator:
    """Return a generator of its own for each purpose.

    What one part of a unit draws then does not depend on how much another does.
    """
    return np.random.default_rng([seed, *purpose])
