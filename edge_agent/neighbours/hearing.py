"""Which access points are heard where, and which are off the air today.

    r(p, c) = (n today + r_past) / (N today + 1)       n of N shots hear channel c at p
    r_past  = (n past + r_c) / (N past + 1)            r_c over all fresh shots and past

each a mean of what was seen and of what was expected before, which counts as one shot.
A channel that no fresh shot hears is off the air where that would be less likely than
one in a thousand otherwise:

    Π over fresh shots  (1 - r_past)  <  0.001

Dead access points, not drift, are most of what a map loses with age.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.neighbours.walk_means import WhitenedShots
from edge_agent.neighbours.whitening import Matrix

_SURE: Final = 0.98
"""Nobody is surer than that of hearing an access point, or of not hearing it."""

_CHANCE: Final = 1e-3
"""Probability of silence below which it is no chance."""


def hearing(before: WhitenedShots, now: WhitenedShots) -> Matrix:
    """Return r, shape (n_points, n_channels).

    Args:
        before: Shots of the past.
        now: Fresh shots.
    """
    past = _of_past(before, now)
    heard, n_shots = now.counts(), now.n_shots()[:, None]
    return np.asarray(np.clip((heard + past) / (n_shots + 1), 1 - _SURE, _SURE))


def dropped_channels(
    before: WhitenedShots, now: WhitenedShots
) -> npt.NDArray[np.bool_]:
    """Return which channels history knows and today misses, shape (n_channels,).

    Args:
        before: Shots of the past.
        now: Fresh shots.
    """
    past = np.clip(_of_past(before, now), 1 - _SURE, _SURE)
    silence = now.n_shots() @ np.log1p(-past)
    is_silent = ~now.heard.any(axis=0) & before.heard.any(axis=0)
    return np.asarray(is_silent & (silence < np.log(_CHANCE)))


def _of_past(before: WhitenedShots, now: WhitenedShots) -> Matrix:
    """Return r_past; of channels that history does not know, r_c everywhere."""
    both = [shots.heard for shots in (before, now)]
    n_both = max(sum(map(len, both)), 1)
    overall = sum(heard.sum(axis=0) for heard in both) / n_both
    recent = now.heard.mean(axis=0) if len(now.heard) else overall
    found = (before.counts() + overall) / (before.n_shots()[:, None] + 1)
    return np.asarray(np.where(before.heard.any(axis=0), found, recent))
