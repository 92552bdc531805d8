"""Slow random changes: Ornstein-Uhlenbeck processes, sampled exactly.

    x[n] = a x[n-1] + sqrt(1 - a²) w[n]      a = exp(-interval / time)

w is white with unit variance, so x is stationary with unit variance and correlation
exp(-t / time). A block of samples is one product with the lower triangle of powers of
a, so that Python steps from block to block only.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

_BLOCK = 64
"""Samples per product: about as many operations as drawing the noise takes."""


def slow_blocks(
    rng: np.random.Generator,
    n_times: int,
    n_processes: int,
    *,
    interval_s: float,
    time_s: float,
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield independent processes, block by block.

    Args:
        rng: Source of the noise.
        n_times: Number of samples.
        n_processes: Number of processes.
        interval_s: Time between samples.
        time_s: Correlation time.

    Yields:
        Unit variance, shape (at most 64, n_processes); ``n_times`` rows in all.
    """
    keep = np.exp(-interval_s / time_s)
    n_rows = min(_BLOCK, n_times)
    lag = np.subtract.outer(np.arange(n_rows), np.arange(n_rows))
    response = np.where(lag >= 0, keep ** np.maximum(lag, 0), 0) * np.sqrt(1 - keep**2)
    response = response.astype(np.float32)
    decay = (keep ** np.arange(1, n_rows + 1)).astype(np.float32)[:, None]
    last = rng.standard_normal((1, n_processes), np.float32)
    # The first sample is drawn as the others are, from the one before it.
    for start in range(0, n_times, n_rows):
        n = min(n_rows, n_times - start)
        noise = rng.standard_normal((n, n_processes), np.float32)
        block = response[:n, :n] @ noise
        block += decay[:n] * last
        last = block[-1:].copy()  # whoever gets the block may change it
        yield block


def slow_process(
    rng: np.random.Generator,
    n_times: int,
    n_processes: int,
    *,
    interval_s: float,
    time_s: float,
) -> npt.NDArray[np.float32]:
    """Return what `slow_blocks` yields in one piece, shape (n_times, n_processes)."""
    blocks = slow_blocks(
        rng, n_times, n_processes, interval_s=interval_s, time_s=time_s
    )
    return np.concatenate([*blocks])


def slow_phasors(
    rng: np.random.Generator,
    n_times: int,
    n_processes: int,
    *,
    interval_s: float,
    time_s: float,
) -> Iterator[npt.NDArray[np.complex64]]:
    """Yield circular complex processes of unit power, as `slow_blocks` does."""
    scale = np.float32(np.sqrt(0.5))
    for block in slow_blocks(
        rng, n_times, 2 * n_processes, interval_s=interval_s, time_s=time_s
    ):
        block *= scale
        yield block.view(np.complex64)
