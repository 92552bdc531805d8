"""How badly a point explains a sample: whether a channel is heard, and how loud.

    heard:   -log d̂ - log t_ν(x; level, s²)       the hurdle, then the value
    silent:  -log(1 - d̂ (1 - δ))                  off the air, or not received

with d the share of samples in which the point hears the channel, d̂ = d kept from 0 and
1, and δ the probability that the channel is off the air: P(silent) = δ + (1 - δ)(1 -
d̂), and δ = 0 once it is heard. x is the level and s times Student's t_ν; what does not
depend on the point is left away.

A weak channel that comes and goes is not one of half the level: power is measured when
it is heard, and silence is evidence of its own. J. G. Cragg, "Some statistical models
for limited dependent variables", Econometrica 39, 1971.

Student's t, because a channel may have changed in ways that nobody has seen: it then
costs about the same everywhere, as the tails are heavy.
"""

from typing import Final

import numpy as np

from trainer.methods.features import Matrix
from trainer.methods.rows import Vector

_LEAST: Final = 0.08
"""Detection, and its complement, are at least this: a few samples are no law."""


def misfits(
    sample: Vector,
    level: Matrix,
    variances: Vector,
    detection: Matrix,
    is_dead: Vector,
    freedom: float,
) -> Matrix:
    """Return -log P(sample | point), shape (n_points, n_channels).

    Up to a constant for each channel that is heard, the same for all points.

    Args:
        sample: Above the floor, zero where not heard, shape (n_channels,).
        level: Expected where heard, shape (n_points, n_channels).
        variances: Of what is heard about it, all above zero, shape (n_channels,).
        detection: d, shape (n_points, n_channels).
        is_dead: δ, shape (n_channels,); of no effect where the channel is heard.
        freedom: ν.
    """
    likely = np.clip(detection, _LEAST, 1 - _LEAST)
    squares = (sample - level) ** 2 / (freedom * variances)
    heard = (freedom + 1) / 2 * np.log1p(squares) - np.log(likely)
    silent = -np.log1p(-likely * (1 - is_dead))
    return np.where(sample > 0, heard, silent)


def odds_of_silence(detection: Matrix) -> Matrix:
    """Return what silence adds to the log odds that a channel is dead.

        log P(silent | dead) / P(silent | alive) = -log(1 - d), d at most 0.92

    Where the channel was never heard, silence says nothing.

    Args:
        detection: d where the channel was not heard, of any shape.
    """
    odds: Matrix = -np.log1p(-np.clip(detection, 0.0, 1 - _LEAST))
    return odds
