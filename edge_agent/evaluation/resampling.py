"""Bootstrap: groups drawn with replacement, and where a statistic of them lies.

B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7(1),
1979; the percentile interval.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

N_RESAMPLES: Final = 2000
_LEVEL: Final = 0.95


def drawn(n: int, rng: np.random.Generator) -> Vector:
    """Return how often each of n is drawn in n draws, shape (N_RESAMPLES, n).

    Args:
        n: Groups; may be none.
        rng: Draws.
    """
    if n == 0:
        return np.empty((N_RESAMPLES, 0))
    return rng.multinomial(n, np.full(n, 1 / n), N_RESAMPLES).astype(np.float64)


def percentile_interval(statistics: Vector) -> tuple[float, float]:
    """Return the 95 % interval of a statistic over resamples, shape (n,), n > 0."""
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(statistics, [tail, 1 - tail])
    return float(low), float(high)
