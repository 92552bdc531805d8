"""The unit of CSI images: their mean square is the received power in nanowatts.

    mean over packets and tones of |image|² [nW] = 10^((P [dBm] + 60) / 10)

All surveys whose received power is known are brought to it, so that images of different
places and receivers compare. Values are then around 1 to 100.
"""

import numpy as np
import numpy.typing as npt

from trainer.surveys.environment import Floats

DBM_OF_NANOWATT = -60.0
ROOT_NANOWATT = 1e3
"""Amplitude of 1 √mW [√nW]."""


def power_dbm(images: Floats) -> Floats:
    """Return the mean received power per image and channel.

    Packets in which a channel is silent do not count.

    Args:
        images: Amplitudes [√nW], shape (n, n_packets, n_tones, n_channels).

    Returns:
        [dBm], shape (n, n_channels); NaN where a channel is not heard in any packet.
    """
    power = np.square(images).mean(axis=2, dtype=np.float64)
    heard = (power > 0).sum(axis=1)
    mean = power.sum(axis=1) / np.where(heard, heard, np.nan)
    level: Floats = (_decibels(mean) + DBM_OF_NANOWATT).astype(np.float32)
    return level


def mean_power_db(images: Floats) -> npt.NDArray[np.float64]:
    """Return the mean square of images per channel, over all packets and tones.

    Where no packet is silent this is `power_dbm` but for the unit; a silent packet
    counts here as no power.

    Args:
        images: Amplitudes in any unit, shape (n, n_packets, n_tones, n_channels).

    Returns:
        [dB, relative to the unit], shape (n, n_channels); NaN where a channel is not
        heard in any packet.
    """
    power = np.einsum("npsc,npsc->nc", images, images, dtype=np.float64)
    return _decibels(power / (images.shape[1] * images.shape[2]))


def _decibels(power: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return 10 lg of a power, NaN where there is none."""
    level = np.full_like(power, np.nan)
    np.log10(power, out=level, where=power > 0)
    return 10 * level


def with_power(amplitudes: Floats, dbm: npt.NDArray[np.floating]) -> Floats:
    """Return packets scaled such that each has its received power.

    Gain control has removed the level from the amplitudes; this puts it back.

    Args:
        amplitudes: In any unit, not all of a packet zero, shape (n_packets, n_tones).
        dbm: Power of each packet [dBm], shape (n_packets,), or one for all.

    Returns:
        [√nW], the shape of the amplitudes.
    """
    level = amplitude_of(np.asarray(dbm, np.float64))[..., None]
    rms = np.sqrt(np.square(amplitudes).mean(axis=1, keepdims=True))
    restored: Floats = (amplitudes * (level / rms)).astype(np.float32)
    return restored


def amplitude_of(dbm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the root-mean-square amplitude [√nW] of a received power [dBm]."""
    return np.power(10.0, (dbm - DBM_OF_NANOWATT) / 20)
