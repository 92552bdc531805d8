"""How sure a posterior may be: one number, fitted where the past asks.

    P_T(p) ∝ P(p)^(1/T)
    T = argmin  Σ w_i (-ln P_T(truth_i)) + ln²(T / T_0) / 2 s²

over the replayed queries i, each weighing w_i. The second term is a belief about T from
elsewhere, T_0 give or take a factor of e^s: with few queries T stays near it, with
none it is T_0. Fitted on images of the visit that calibrates, T would be far too small:
they look like each other, and not like tomorrow.

Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural
networks", ICML 2017. Departures: the belief about T, and what it is fitted on.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.trust.replayed import Replayed

Floats = npt.NDArray[np.float64]

_COLDEST: Final = 1 / 8
_HOTTEST: Final = 16.0
_N_STEPS: Final = 113
"""Of 6 %."""

_SPREAD: Final = 0.5
"""s."""

_LEAST: Final = 1e-12


def tempered(posterior: npt.NDArray[np.floating], temperature: float) -> Floats:
    """Return P_T, shape (n, n_points); a point without any probability keeps none.

    Args:
        posterior: P, shape (n, n_points).
        temperature: T.
    """
    weights = posterior.astype(np.float64)
    # Relative to the largest first: no temperature makes all of them vanish.
    weights = weights / weights.max(axis=1, keepdims=True)
    weights = weights ** (1 / temperature)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def surprise(posterior: Floats, truth: npt.NDArray[np.intp]) -> Floats:
    """Return -ln P(truth), shape (n,).

    Args:
        posterior: Shape (n, n_points).
        truth: Number of the true point, shape (n,).
    """
    of_truth = posterior[np.arange(len(truth)), truth]
    return np.asarray(-np.log(np.maximum(of_truth, _LEAST)))


def fit_temperature(replayed: Replayed, expected: float) -> float:
    """Return T.

    Args:
        replayed: What was answered to the past.
        expected: T_0.
    """
    steps = np.geomspace(_COLDEST, _HOTTEST, _N_STEPS)
    if not len(replayed):
        return expected
    costs = [
        float(
            replayed.weight @ surprise(tempered(replayed.posterior, t), replayed.truth)
            + np.log(t / expected) ** 2 / (2 * _SPREAD**2)
        )
        for t in steps.tolist()
    ]
    return float(steps[int(np.argmin(costs))])
