"""Runs of CSI packets -> images of consecutive packets."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from trainer.surveys.environment import Floats, Integers
from trainer.surveys.report import Skips


def runs(keys: npt.NDArray[np.int64]) -> Iterator[slice]:
    """Yield the stretches of equal rows.

    Args:
        keys: Shape (n, n_keys) or (n,).
    """
    if not len(keys):
        return
    keys = keys.reshape(len(keys), -1)
    starts = np.flatnonzero((keys[1:] != keys[:-1]).any(axis=1)) + 1
    bounds = [0, *starts.tolist(), len(keys)]
    yield from map(slice, bounds[:-1], bounds[1:])


def cut(packets: Floats, n_packets: int, skips: Skips) -> Floats:
    """Return images of consecutive packets that do not overlap.

    Args:
        packets: Of one recording, in order of time, shape (n, n_tones, n_channels).
        n_packets: Packets per image.
        skips: Counts the packets after the last full image.

    Returns:
        Shape (n // n_packets, n_packets, n_tones, n_channels).
    """
    n = len(packets) // n_packets
    skips.count("packets after the last full image", len(packets) - n * n_packets)
    return packets[: n * n_packets].reshape(n, n_packets, *packets.shape[1:])


def are_finite(packets: Floats) -> npt.NDArray[np.bool_]:
    """Return which packets have a power, shape (n,): all is finite, squares too.

    Args:
        packets: Amplitudes, shape (n, ...).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        power = np.square(packets).reshape(len(packets), -1).sum(axis=1)
    finite: npt.NDArray[np.bool_] = np.isfinite(power)
    return finite


def finite_packets(packets: Floats, skips: Skips) -> Floats:
    """Return the packets whose power is finite; the others are counted.

    Args:
        packets: Amplitudes, shape (n, ...).
        skips: Counts the others.
    """
    finite = are_finite(packets)
    skips.count("packets that are not finite", int((~finite).sum()))
    return packets[finite]


def repeated(values: list[int], counts: list[int]) -> Integers:
    """Return each value as often as its count says."""
    return np.repeat(np.array(values, np.intp), counts)
