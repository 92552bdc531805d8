"""Filters of transmitter and receiver: a slow ripple over the band, fixed for weeks.

    ripple [dB] = Σ_n Re(c_n exp(jπ n x)),   n = 1, 2, 3;   x from -1 to 1 over the band

The receiver's own is the larger part: in recordings of several access points by one
bcm43455c0 (EPIC-CSU) the mean shape over all places varies by 1.4 dB over 20 MHz, and
is much the same for all of them.
"""

import numpy as np
import numpy.typing as npt

from trainer.simulate.materials import Complex, Floats

_N_RIPPLES = 3
_RECEIVER_DB, _ACCESS_POINT_DB = 1.3, 0.6
"""Standard deviation over the band."""


def draw_filters(rng: np.random.Generator, n_aps: int) -> Complex:
    """Return c_n [dB] of access points with one receiver, shape (n_aps, 3)."""
    parts = rng.normal(0, 1 / np.sqrt(_N_RIPPLES), (2, 1 + n_aps, _N_RIPPLES))
    drawn = parts[0] + 1j * parts[1]
    return np.asarray(_RECEIVER_DB * drawn[:1] + _ACCESS_POINT_DB * drawn[1:])


def filter_gains(
    coefficients: Complex, tones: npt.NDArray[np.intp], last: int
) -> Floats:
    """Return the amplitude at each subcarrier; its mean square is 1.

    Args:
        coefficients: Of one access point, shape (3,).
        tones: Subcarriers, shape (n_tones,).
        last: The subcarrier at the edge of the band.
    """
    order = np.arange(1, len(coefficients) + 1)
    turns = np.exp(1j * np.pi * np.outer(tones / last, order))
    gains = 10 ** ((turns @ coefficients).real / 20)
    return np.asarray(gains / np.sqrt(np.square(gains).mean()))
