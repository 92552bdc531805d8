"""How much an observation speaks against "nothing has changed", so that it adds up.

    r = 1 + #{past as strange, or stranger}      rank among n past values and itself
    p = r / (n + 1)                              conformal p-value
    f(r) = (n + 1) / (r H)                       what a bet on small ranks pays,
                                                 H = 1 + 1/2 + .. + 1/(n + 1)
    S = max(0, S + ln f(r))                      CUSUM; alarm at S ≥ ln N

While nothing has changed a new value is exchangeable with the past, its rank is uniform
over 1..n+1, and the mean of f is 1: nobody gains by betting. N observations then pass
on average before S reaches ln N, whatever the distribution of the values (for CUSUM
G. Lorden, Annals of Mathematical Statistics 42, 1971; for ranks V. Vovk, "Testing
randomness online", Statistical Science 36, 2021). Of the functions of which that holds
this one gains fast where n is small: 1.9 for a value stranger than 24 others.

Departure from Vovk: the past does not grow with what is judged, or a change would soon
be what is usual. So the N holds on average over pasts, and one that happens to be tame
alarms earlier (docs/drift.md has numbers).

m detectors side by side each have ln(m N).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

QUIET_STOPS = 10_080
"""N: stops from one false alarm to the next, on average. A device that is put down anew
every minute makes so many in a week."""

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


def log_bet(past: npt.NDArray[np.floating], value: float) -> float:
    """Return ln f of a value that is strange when it is large.

    Args:
        past: As of `p_value`; 1 value or more.
        value: The new one.
    """
    n_ranks = len(past) + 1
    rank = n_ranks * p_value(past, value)
    return math.log(n_ranks / rank) - math.log(_harmonic(n_ranks))


def _harmonic(n: int) -> float:
    """Return 1 + 1/2 + .. + 1/n."""
    return float((1 / np.arange(1, n + 1)).sum())


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
