"""Colours of errors, between round numbers."""

import math
from typing import Final

COLOURS: Final = ("#3b528b", "#21918c", "#5ec962", "#e69f00", "#d55e00")
"""From small errors to large ones; told apart by the colour-blind too."""

_STEPS: Final = (1.0, 2.0, 5.0, 10.0)


def colour_bounds(errors: list[float]) -> tuple[float, ...]:
    """Return four round errors between the colours, up to about the largest."""
    step = round_up(max(*errors, 0.1) / len(COLOURS))
    return tuple(round(step * k, 9) for k in range(1, len(COLOURS)))


def colour_of(error: float, bounds: tuple[float, ...]) -> str:
    """Return the colour of an error.

    Args:
        error: [m].
        bounds: As of `colour_bounds`.
    """
    return COLOURS[sum(error > bound for bound in bounds)]


def round_up(value: float) -> float:
    """Return the next of .., 0.1, 0.2, 0.5, 1, .."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * s for s in _STEPS if power * s >= value * (1 - 1e-9))
