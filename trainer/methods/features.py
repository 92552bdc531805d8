"""What methods look at: vectors made of signals, one row per sample.

Pure functions; none looks at another sample than the row's own.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from trainer.surveys.environment import Signals
from trainer.surveys.power import mean_power_db

Matrix = npt.NDArray[np.float64]

UNHEARD_MARGIN_DB: Final = 5.0
"""How far below the weakest reception a channel that was not heard is put [dB].

From 0 to 5 dB the errors of KNN and WKNN with today's shots grow by at most 4 % on the
development surveys, to 20 dB by up to 37 % (NCEPU). Without shots, surveys months apart
gain: 7 % and 18 % (UM_DSI)."""

SILENCE_DB: Final = -100.0
"""The same where nothing was ever heard; the sign of most surveys for it [dBm]."""


def decibels(signals: Signals, floor_db: float) -> Matrix:
    """Return a row per sample in the signal space of neighbours and fields [dB].

    RSS surveys: the received powers [dBm], shape (n, n_channels). CSI surveys: the mean
    over packets of every tone's amplitude, shape (n, n_tones * n_channels). What was
    not heard, and what is weaker, is at the floor.

    Args:
        signals: n samples.
        floor_db: Of `decibel_floor`.
    """
    if signals.images is None:
        return rss_vector(signals, floor_db)
    amplitude, least = mean_amplitude(signals), 10 ** (floor_db / 20)
    found = 20 * np.log10(np.maximum(amplitude, least))
    # Exactly: what is above the floor by rounding alone would count as heard.
    found[amplitude <= least] = floor_db
    return found


def decibel_floor(
    signals: Iterable[Signals], *, margin_db: float = UNHEARD_MARGIN_DB
) -> float:
    """Return the power that stands for "not heard" in `decibels` [dB].

    Args:
        signals: All that is known, typically the past and today's shots.
        margin_db: Distance to the weakest reception, in CSI surveys of any tone [dB].
    """
    weakest = [level for s in signals if (level := _weakest_db(s)) is not None]
    return min(weakest) - margin_db if weakest else SILENCE_DB


def _weakest_db(signals: Signals) -> float | None:
    """Return the weakest reception [dB]; None where nothing is heard."""
    if signals.images is None:
        powers = signals.rss[np.isfinite(signals.rss)]
        return float(powers.min()) if len(powers) else None
    amplitudes = mean_amplitude(signals)
    amplitudes = amplitudes[amplitudes > 0]
    return float(20 * np.log10(amplitudes.min())) if len(amplitudes) else None


def rss_vector(signals: Signals, floor_dbm: float) -> Matrix:
    """Return the received powers [dBm], shape (n, n_channels).

    Args:
        signals: n samples.
        floor_dbm: Stands for "not heard", `decibel_floor`; also lifts what is weaker.
    """
    rss = signals.rss.astype(np.float64)
    return np.fmax(rss, floor_dbm)


def mean_amplitude(signals: Signals) -> Matrix:
    """Return the mean over packets of the CSI amplitudes, (n, n_tones * n_channels).

    In the unit of the images, level included; zero where not heard.

    Raises:
        ValueError: No images.
    """
    images = require_images(signals)
    return _flat(images.mean(axis=1, dtype=np.float64))


def packet_shape(signals: Signals) -> Matrix:
    """Return the mean over packets of packets of unit norm, (n, n_tones * n_channels).

    The norm is taken over all tones and channels of a packet, so that the level common
    to the channels is gone and their ratios stay. A packet of zeros stays zero.

    Raises:
        ValueError: No images.
    """
    images = require_images(signals)
    norms = np.sqrt(np.einsum("npsc,npsc->np", images, images, dtype=np.float64))
    scale = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    shape: Matrix = np.einsum("npsc,np->nsc", images, scale, dtype=np.float64)
    return _flat(shape / images.shape[1])


def level_db(signals: Signals) -> Matrix:
    """Return the power of each channel, shape (n, n_channels); NaN where not heard.

    RSS surveys: as received [dBm]. CSI surveys: mean square of the amplitudes over
    packets and tones [dB, relative to the unit of the images], which is known for every
    channel that was heard, whether or not its RSS was recorded.
    """
    if signals.images is None:
        return signals.rss.astype(np.float64)
    return mean_power_db(signals.images)


def full_scale(signals: Iterable[Signals]) -> Matrix:
    """Return the amplitude of each channel that is white in an image, (n_channels,).

    99 % of the images that hear a channel have no larger amplitude in it: one spike of
    the receiver does not darken all images. One where a channel is never heard.

    Args:
        signals: All that is known; at least one, with images.
    """
    brightest = [require_images(s).max(axis=(1, 2)) for s in signals]
    of_channels = np.concatenate(brightest).astype(np.float64).T
    return np.array(
        [
            np.percentile(values[values > 0], 99) if values.any() else 1.0
            for values in of_channels
        ]
    )


def scaled_images(signals: Signals, scale: Matrix) -> npt.NDArray[np.float32]:
    """Return the images, 0 where not heard to 1, channels first.

    Args:
        signals: With images.
        scale: Amplitude of each channel that becomes 1, `full_scale`.

    Returns:
        Shape (n, n_channels, n_packets, n_tones).
    """
    scaled = np.minimum(require_images(signals) / scale.astype(np.float32), 1)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def require_images(signals: Signals) -> npt.NDArray[np.float32]:
    """Return the images.

    Raises:
        ValueError: There are none; a method that needs them says so in its `needs`.
    """
    if signals.images is None:
        raise ValueError("these signals have no CSI images")
    return signals.images


def _flat(values: Matrix) -> Matrix:
    return values.reshape(len(values), values.shape[1] * values.shape[2])
