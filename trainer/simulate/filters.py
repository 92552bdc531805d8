"""Filters of transmitter and receiver: a slow ripple over the band, fixed for weeks.

    ripple [dB] = Σ_n Re(c_n exp(jπ n x)),   n = 1, 2, 3;   x from -1 to 1 over the band

One for each access point, of 0.6 dB in all.
"""

import numpy as np
import numpy.typing as npt

from trainer.simulate.materials import Complex, Floats

_N_RIPPLES = 3
_SPREAD_DB = 0.6


def draw_filters(rng: np.random.Generator, n_aps: int) -> Complex:
    """Return the coefficients c_n [dB], shape (n_aps, 3)."""
    sizes = rng.normal(0, _SPREAD_DB / np.sqrt(_N_RIPPLES), (n_aps, _N_RIPPLES))
    phases = rng.uniform(0, 2 * np.pi, (n_aps, _N_RIPPLES))
    return np.asarray(sizes * np.exp(1j * phases))


def filter_gains(
    coefficients: Complex, tones: npt.NDArray[np.intp], last: int
) -> Floats:
    """Return the amplitude at each subcarrier.

    Args:
        coefficients: Of one access point, shape (3,).
        tones: Subcarriers, shape (n_tones,).
        last: The subcarrier at the edge of the band.
    """
    order = np.arange(1, len(coefficients) + 1)
    turns = np.exp(1j * np.pi * np.outer(tones / last, order))
    return np.asarray(10 ** ((turns @ coefficients).real / 20))
