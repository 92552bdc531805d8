"""Surveys in small, whose signals say which sample they are of."""

import numpy as np

from trainer.surveys.environment import Environment, Place, Signals


def place(n_points=4, n_channels=2, name="home"):
    """Point i stands at (i, 10 i)."""
    number = np.arange(n_points, dtype=np.float64)
    return Place(
        name,
        np.stack([number, 10 * number], axis=1),
        np.zeros(n_points, np.intp),
        tuple(f"ap{i}" for i in range(n_channels)),
    )


def environment(rows, *, of=None, images=None, rss=None, is_test=None, name="d01"):
    """Samples at (point, visit) of each row.

    Without ``images`` and ``rss``, the i-th sample has i + 1 for every amplitude.
    """
    of = of or place(max((p for p, _ in rows), default=-1) + 1)
    n, n_channels = len(rows), len(of.channels)
    if images is None and rss is None:
        number = np.arange(1, n + 1, dtype=np.float32)
        images = np.tile(number[:, None, None, None], (1, 2, 3, n_channels))
    if rss is None:
        rss = np.full((n, n_channels), np.nan, np.float32)
    return Environment(
        name,
        of,
        0,
        Signals(rss, images),
        np.array([p for p, _ in rows], np.intp),
        np.array([v for _, v in rows], np.intp),
        np.zeros(n, np.bool_) if is_test is None else np.array(is_test),
    )
