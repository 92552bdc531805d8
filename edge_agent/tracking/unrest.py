"""Whether a device is carried, from the newest packets of one image.

    d[t] = pixels[t] - mean over tones          shape of packet t in decibels, no level
    u    = rms(d[t] - d[t - k]) / (sqrt(2) rms(d[t]))       k packets are some 0.2 s

A device that moves by half a wavelength, 3 cm at 5 GHz, hears another pattern of fades:
u is near 1. One that rests hears the same one but for noise and for people who walk
about: u is near 0. Received power is left out because gain control and people change it
at rest too.

Noise makes weak access points restless, and a few things can make any of them so; but
none can make one steady while the device moves. So the steadiest channel counts.
"""

import numpy as np

from edge_agent.csi.image import CsiImage

_LAG_S = 0.2
"""Somebody who walks is some 20 cm further by then."""

_SPAN_S = 0.5
"""What came before says little about now."""

_LEAST_PACKETS = 5


def unrest(image: CsiImage) -> float | None:
    """Return how different packets are that were heard a moment apart.

    Args:
        image: With at least one channel.

    Returns:
        0, all alike, to about 1, nothing in common; None where that cannot be told: the
        packets have no times, are too few, or come too seldom.
    """
    n_packets = image.pixels.shape[1]
    span_s = (image.ended_ns - image.started_ns) / 1e9
    if n_packets <= _LEAST_PACKETS or not span_s > 0:
        return None
    interval_s = span_s / (n_packets - 1)
    lag = max(1, round(_LAG_S / interval_s))
    newest = max(_LEAST_PACKETS, round(_SPAN_S / interval_s))
    if interval_s > _SPAN_S or lag >= n_packets - _LEAST_PACKETS:
        return None
    newest = min(newest, n_packets - lag)
    shape = image.pixels[image.heard].astype(np.float32)  # (n_heard, n_packets, tones)
    shape -= shape.mean(axis=2, keepdims=True)
    late, early = shape[:, -newest:], shape[:, -newest - lag : -lag]
    spread = np.square(late).mean(axis=(1, 2))
    is_varied = spread > 0
    if not is_varied.any():
        return None
    change = np.square(late - early).mean(axis=(1, 2))
    return float(np.sqrt((change[is_varied] / (2 * spread[is_varied])).min()))
