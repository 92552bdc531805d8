"""What path-loss environments refuse."""

import math

from trainer.errors import TrainerError


class PathLossError(TrainerError):
    """A size, a level or a number of things that no place can have; exit code 2."""

    exit_code = 2


def at_least(name: str, value: float, least: float) -> None:
    """Check a number.

    Raises:
        PathLossError: Not finite, or below ``least``.
    """
    if not (math.isfinite(value) and value >= least):
        raise PathLossError(f"{name} is {value}; expected {least:g} or more")


def between(name: str, value: float, least: float, most: float) -> None:
    """Check a number.

    Raises:
        PathLossError: Not a number, or outside of the two.
    """
    if not least <= value <= most:
        raise PathLossError(f"{name} is {value:g}; expected {least:g} to {most:g}")


def above_zero(name: str, value: float) -> None:
    """Check a number.

    Raises:
        PathLossError: Not finite, or not above 0.
    """
    if not (math.isfinite(value) and value > 0):
        raise PathLossError(f"{name} is {value}; expected a finite number above 0")


def finite(name: str, value: float) -> None:
    """Check a number.

    Raises:
        PathLossError: Not finite.
    """
    if not math.isfinite(value):
        raise PathLossError(f"{name} is {value}; expected a finite number")
