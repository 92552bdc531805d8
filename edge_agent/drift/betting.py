"""How much an observation speaks against "nothing has changed", so that it adds up.

    p = (1 + #{past as strange, or stranger}) / (1 + #past)   conformal p-value
    f(p) = (1 - p + p ln p) / (p ln² p)                       what a bet on small p pays
    S = max(0, S + ln f(p))                                   CUSUM; alarm at S ≥ ln N

f is the mixture of ε p^(ε-1) over ε in 0..1: its mean is 1 when p is uniform, so that
nobody gains by betting while nothing has changed. Then N observations pass on average
before S reaches ln N, whatever the distribution of the distances (G. Lorden 1971 for
CUSUM; for p-values V. Vovk, "Testing randomness online", Statistical Science 36, 2021).
m detectors side by side each have ln(m N).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

QUIET_STOPS = 10_080
"""N: stops from one false alarm to the next, on average. A device that is put down anew
every minute makes so many in a week."""

_NEAR_ONE = 1e-4
_CEILING = 2.0
"""S never exceeds so many thresholds, so that an alarm ends when its cause does."""


def p_value(past: npt.NDArray[np.floating], value: float) -> float:
    """Return the conformal p-value of a value that is strange when it is large.

    Args:
        past: Values while nothing had changed, ascending, shape (n,).
        value: The new one.
    """
    n_stranger = len(past) - int(np.searchsorted(past, value, side="left"))
    return (1 + n_stranger) / (1 + len(past))


def log_bet(p: float) -> float:
    """Return ln f(p).

    Args:
        p: Above 0 and at most 1.

    Raises:
        ValueError: It is no such number.
    """
    if not 0 < p <= 1:
        raise ValueError(f"p is {p}, not above 0 and at most 1")
    if 1 - p < _NEAR_ONE:  # f(1) = 1/2; near it the quotient is 0 / 0
        return math.log(0.5)
    log_p = math.log(p)
    return math.log((1 - p + p * log_p) / (p * log_p**2))


@dataclass(slots=True)
class Cusum:
    """One detector."""

    threshold: float
    """S at which it alarms, ln(m N)."""

    level: float = 0.0
    """S after the last stop that ended."""

    n_stops: int = 0
    """Stops since S was last 0."""

    is_alarm: bool = False
    """Reached the threshold, and has not been back to half of it since."""

    def peek(self, gain: float) -> float:
        """Return what S would be.

        Args:
            gain: Of the stop that goes on.
        """
        return min(max(0.0, self.level + gain), _CEILING * self.threshold)

    def add(self, gain: float) -> None:
        """Count a stop that has ended.

        Args:
            gain: ln f(p) of it.
        """
        self.level = self.peek(gain)
        self.n_stops = self.n_stops + 1 if self.level > 0 else 0
        if self.level >= self.threshold:
            self.is_alarm = True
        elif self.level < self.threshold / 2:
            self.is_alarm = False

    def score(self, gain: float) -> float:
        """Return how near the alarm is, 0 to 1, the stop that goes on included."""
        return min(1.0, self.peek(gain) / self.threshold)


def threshold(n_detectors: int) -> float:
    """Return ln(m N).

    Args:
        n_detectors: m.
    """
    return math.log(max(n_detectors, 1) * QUIET_STOPS)
