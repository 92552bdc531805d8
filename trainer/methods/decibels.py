"""Logarithmic fingerprints: a power per access point, or an amplitude per tone."""

from collections.abc import Iterable

import numpy as np

from trainer.methods.features import (
    SILENCE_DBM,
    UNHEARD_MARGIN_DB,
    Matrix,
    mean_amplitude,
    rss_floor,
    rss_vector,
)
from trainer.surveys.environment import Signals


def decibel_floor(
    signals: Iterable[Signals], *, margin_db: float = UNHEARD_MARGIN_DB
) -> float:
    """Return the value of `decibels` that stands for "not heard".

    Args:
        signals: All that is known, typically the past and today's shots.
        margin_db: Distance to the weakest reception [dB]. In CSI surveys the weakest
            thousandth is not counted: single tones fade without bound.
    """
    everything = list(signals)
    images = [s for s in everything if s.is_csi and len(s)]
    if not images:
        return rss_floor(everything, margin_db=margin_db)
    amplitudes = [mean_amplitude(s) for s in images]
    heard = np.concatenate([amplitude[amplitude > 0] for amplitude in amplitudes])
    if not len(heard):
        return SILENCE_DBM
    return float(20 * np.log10(np.quantile(heard, 0.001))) - margin_db


def decibels(signals: Signals, floor_db: float) -> Matrix:
    """Return fingerprints with what is weaker, or not heard, lifted to the floor.

    RSS surveys: `rss_vector`, shape (n, n_channels) [dBm]. CSI surveys: the mean
    amplitude of each tone, (n, n_tones * n_channels) [dB, relative to the unit of the
    images]: a level and a shape, both in one unit.
    """
    if not signals.is_csi:
        return rss_vector(signals, floor_db)
    amplitude = mean_amplitude(signals)
    logarithm: Matrix = np.full_like(amplitude, -np.inf)
    np.log10(amplitude, out=logarithm, where=amplitude > 0)
    decibel: Matrix = np.fmax(20 * logarithm, floor_db)
    return decibel
