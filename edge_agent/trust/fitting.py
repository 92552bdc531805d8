"""From replayed answers to how far to trust the estimator that gave them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from edge_agent.estimators import Estimator
from edge_agent.survey import Point
from edge_agent.trust.choice import deciding, floors_at, losses, measure_at
from edge_agent.trust.errors import errors_in
from edge_agent.trust.prior import Prior
from edge_agent.trust.radii import ACCURACY, BOUND
from edge_agent.trust.record import Trust
from edge_agent.trust.replayed import Replayed
from edge_agent.trust.stage import Stage
from edge_agent.trust.strata import Priors, balanced, represented, scores_in
from edge_agent.trust.temperature import fit_temperature

_PRIOR_WEIGHT: Final = 10.0
"""Queries that what is known elsewhere counts for beside the site's own."""

_PRIOR_ALONE: Final = 30.0
"""The same where the site has none: r95 is then the 98 % quantile of other places, as
this one may be worse than they are."""


LEAST_CHANGES: Final = 2
"""From one walk to the next: what happened once may happen quite differently again."""


def trust_in(
    estimator: Estimator,
    replays: Mapping[Estimator, Replayed],
    points: tuple[Point, ...],
    prior: Prior,
    *,
    share: float = 1.0,
    is_forced: bool = False,
    walked_ns: int | None = None,
    n_changes: int = LEAST_CHANGES,
) -> Trust:
    """Return how far to trust an estimator.

    Args:
        estimator: That locates.
        replays: Of all estimators; may lack this one.
        points: Of the site.
        prior: What is expected of the estimator.
        share: Of the site's points, those with fresh shots
            (`edge_agent.trust.strata.fresh_share`).
        is_forced: Whether a person chose it.
        walked_ns: As of `Trust`.
        n_changes: Times that a walk was replayed beside the next one; of fewer than
            `LEAST_CHANGES` later days are called uncalibrated.
    """
    asked = {e: represented(r, share) for e, r in replays.items()}
    costs = {e: losses(balanced(deciding(r), share)) for e, r in asked.items()}
    scores = [(e, cost.mean) for e, cost in costs.items() if len(cost.values)]
    scored = {e for e, _ in scores}
    own = asked[estimator] if estimator in scored else None
    same = own and own.of_kind(later=False)
    later = own and own.of_kind(later=True)
    later_stage = _stage(later, Priors(prior.aged(), prior.aged()), share)
    if n_changes < LEAST_CHANGES:
        later_stage = replace(later_stage, n_queries=0.0)
    # What is known of a point without fresh shots is of another day already.
    return Trust(
        estimator,
        is_forced,
        walked_ns,
        tuple(sorted(scores, key=lambda score: score[1])),
        measure_at(points),
        floors_at(points),
        own.n_queries if own else 0.0,
        _stage(same, Priors(prior, prior.aged()), share),
        later_stage,
        own is not None and _is_everywhere(deciding(own), share),
    )


def _is_everywhere(replayed: Replayed, share: float) -> bool:
    """Return whether both kinds of points were asked about, as far as there are."""
    return share == 1 or len(np.unique(replayed.is_fresh)) == len(Priors._fields)


def _stage(replayed: Replayed | None, priors: Priors, share: float) -> Stage:
    """Return what is fitted on some answers, beside what is expected."""
    known = scores_in(None, 1.0, priors, share, _PRIOR_ALONE)
    if replayed is None or not len(replayed):
        return Stage(
            priors.fresh.alone,
            known.holding(ACCURACY),
            known.holding(BOUND),
            known.mean,
            0.0,
        )
    even = balanced(replayed, share)
    temperature = fit_temperature(even, priors.fresh.temperature)
    scores = scores_in(replayed, temperature, priors, share, _PRIOR_WEIGHT)
    errors = errors_in(even, temperature)
    return Stage(
        temperature,
        scores.holding(ACCURACY),
        scores.holding(BOUND),
        errors.ratio(known.mean, _PRIOR_WEIGHT) if len(errors.metres) else scores.mean,
        replayed.n_queries,
    )
