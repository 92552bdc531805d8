"""Gaussian-process regression of today's fingerprints on fresh shots.

Of one direction and channel, with C the covariance before (`changes.Changes`), S the
points with fresh shots, and N = diag(1 / visits) there:

    μ  = m + C_.S (C_SS + N)^(-1) (y - m_S)
    C' = diag C - diag C_.S (C_SS + N)^(-1) C_S.

C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006,
Eqs. (2.25) and (2.26).
"""

import numpy as np

from edge_agent.neighbours.changes import Changes
from edge_agent.neighbours.walk_means import WalkMeans, WhitenedShots
from edge_agent.neighbours.whitening import Matrix


def bent(changes: Changes, kernel: Matrix, now: WhitenedShots) -> tuple[Matrix, Matrix]:
    """Return μ and C of today's fingerprints, shapes (n_points, n_channels, d).

    Args:
        changes: What the past teaches.
        kernel: `field_kernel` of the points.
        now: Fresh shots; all are taken to be of one walk.
    """
    found = WalkMeans.of(now.as_one_walk())
    means, variances = changes.expected.copy(), np.empty_like(changes.expected)
    for channel in range(means.shape[1]):
        covariance = changes.covariance(channel, kernel)
        prior = np.einsum("jpp->pj", covariance)
        shown = (
            np.flatnonzero(found.n_visits[0, :, channel])
            if len(found.means)
            else np.zeros(0, np.intp)
        )
        if not len(shown):
            variances[:, channel] = prior
            continue
        gaps = found.means[0, shown, channel] @ changes.directions
        gaps -= means[shown, channel]
        across = covariance[:, :, shown]  # (d, n_points, n_shown)
        gram = across[:, shown] + np.diag(1 / found.n_visits[0, shown, channel])
        gains = np.linalg.solve(
            gram, np.concatenate([gaps.T[:, :, None], across.transpose(0, 2, 1)], 2)
        )
        means[:, channel] += np.einsum("jps,js->pj", across, gains[:, :, 0])
        told = np.einsum("jps,jsp->pj", across, gains[:, :, 1:])
        variances[:, channel] = np.maximum(prior - told, 0)
    return means, variances
