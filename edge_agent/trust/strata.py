"""Replays of points with fresh shots and of others, each as often as people go there.

A sparse walk leaves points whose shots are old, and these are located worse. Queries at
fresh points are more than their share of the past: the newest walk's own laps asked
nowhere else. So both kinds are *strata*, and enter with the share of the site's points
that they stand for:

    n_g    queries of stratum g, and what other places' scores of its kind count for
    w_g    share of points, Σ w_g = 1
    n      1 / Σ w_g²/n_g: as many equal queries would tell the mean as well
    each query of g weighs  w_g n / n_g

Source: W. Cochran, "Sampling Techniques" (1977), equation 5.6, for equal variances.
"""

from dataclasses import replace
from functools import reduce
from typing import Final, NamedTuple

import numpy as np

from edge_agent.environment import Environment
from edge_agent.trust.errors import errors_in
from edge_agent.trust.prior import Prior
from edge_agent.trust.radii import Scores
from edge_agent.trust.replayed import Replayed

_KINDS: Final = (True, False)


class Priors(NamedTuple):
    """What is expected of an estimator at a site without a past."""

    fresh: Prior
    """At points with fresh shots."""

    stale: Prior
    """At others."""


def fresh_share(fresh: Environment, history: Environment | None) -> float:
    """Return the share of a site's points that the newest walk went to.

    Args:
        fresh: Its shots.
        history: All earlier ones, aligned; points that nobody ever shot do not count.
    """
    walked = np.unique(fresh.point_of)
    if history is None or not len(walked):
        return 1.0
    return len(walked) / len(np.union1d(walked, history.point_of))


def represented(replayed: Replayed, share: float) -> Replayed:
    """Return the answers at points of a kind that the site has.

    Args:
        replayed: Answers.
        share: As of `fresh_share`.
    """
    shares = np.where(replayed.is_fresh, share, 1 - share)
    return replayed.select(np.flatnonzero(shares > 0))


def balanced(replayed: Replayed, share: float) -> Replayed:
    """Return answers whose points with and without fresh shots weigh their shares.

    Where only one kind was asked, it is all there is to go by.

    Args:
        replayed: Answers, images of one placement weighing 1 together.
        share: As of `fresh_share`.
    """
    found = represented(replayed, share)
    if not len(found) or found.is_fresh.all() or not found.is_fresh.any():
        return found
    fresh = float(found.weight[found.is_fresh].sum())
    stale = float(found.weight[~found.is_fresh].sum())
    n = 1 / (share**2 / fresh + (1 - share) ** 2 / stale)
    factors = np.where(found.is_fresh, share / fresh, (1 - share) / stale) * n
    return replace(found, weight=found.weight * factors)


def scores_in(
    replayed: Replayed | None,
    temperature: float,
    priors: Priors,
    share: float,
    weight: float,
) -> Scores:
    """Return what answers were off by, beside what is known elsewhere.

    Args:
        replayed: Answers, as of `balanced`; None: there are none.
        temperature: T.
        priors: What is known elsewhere.
        share: As of `fresh_share`.
        weight: Queries that what is known elsewhere counts for.
    """
    strata = []
    for kind, part, prior in zip(_KINDS, (share, 1 - share), priors, strict=True):
        if part == 0:
            continue
        scores = prior.scores(weight * part)
        if replayed is not None:
            own = replayed.select(np.flatnonzero(replayed.is_fresh == kind))
            scores = scores.joined(errors_in(own, temperature).scores)
        strata.append((part, scores))
    if len(strata) == 1:
        return strata[0][1]
    n = 1 / sum(part**2 / scores.total for part, scores in strata)
    weighed = [scores.scaled(part * n / scores.total) for part, scores in strata]
    return reduce(Scores.joined, weighed)
