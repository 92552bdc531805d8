"""How much of today a method is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Regime:
    """Shots at points."""

    name: str
    title: str

    shots: int
    """Images per calibrated point, all laps together."""

    laps: int = 1
    """Visits of a point that they are from, as many of each."""

    points: Literal["all", "quarter", "five"] = "all"
    """Which of the points that can be calibrated are."""


_REGIMES: Final = (
    Regime("zero", "zero-shot", 0),
    Regime("1shot", "1 shot", 1),
    Regime("3shot", "3 shots in one visit", 3),
    Regime("3laps", "3 laps of one shot", 3, laps=3),
    Regime("quarter", "3 shots at every 4th point", 3, points="quarter"),
    Regime("five", "3 shots at five points", 3, points="five"),
)

REGIMES: Final[Mapping[str, Regime]] = MappingProxyType({r.name: r for r in _REGIMES})
"""All regimes by name, in the order of the table."""
