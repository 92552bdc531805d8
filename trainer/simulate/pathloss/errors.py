"""What path-loss environments refuse."""

import math

from trainer.errors import TrainerError


class PathLossError(TrainerError):
    """A size, a level or a number of things that no place can have; exit code 2."""

    exit_code = 2


class NumberError(PathLossError):
    """One number that no place can have."""

    def __init__(self, name: str, complaint: str) -> None:
        """Keep both, for who knows the number by another name.

        Args:
            name: Of the number.
            complaint: What it is and what was expected.
        """
        super().__init__(f"{name} {complaint}")
        self.name = name
        self.complaint = complaint


def at_least(name: str, value: float, least: float) -> None:
    """Check a number.

    Raises:
        NumberError: Not finite, or below ``least``.
    """
    if not (math.isfinite(value) and value >= least):
        raise NumberError(name, f"is {value}; expected {least:g} or more")


def between(name: str, value: float, least: float, most: float) -> None:
    """Check a number.

    Raises:
        NumberError: Not a number, or outside of the two.
    """
    if not least <= value <= most:
        raise NumberError(name, f"is {value:g}; expected {least:g} to {most:g}")


def above_zero(name: str, value: float) -> None:
    """Check a number.

    Raises:
        NumberError: Not finite, or not above 0.
    """
    if not (math.isfinite(value) and value > 0):
        raise NumberError(name, f"is {value}; expected a finite number above 0")


def finite(name: str, value: float) -> None:
    """Check a number.

    Raises:
        NumberError: Not finite.
    """
    if not math.isfinite(value):
        raise NumberError(name, f"is {value}; expected a finite number")
