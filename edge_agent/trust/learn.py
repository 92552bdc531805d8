"""From a site's past to how far its locations can be trusted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from edge_agent.bundles.bundle import Bundle
from edge_agent.environment import Environment
from edge_agent.estimators import Estimator
from edge_agent.history import walk_of
from edge_agent.learning.backends import Backend
from edge_agent.survey import Point
from edge_agent.trust.choice import (
    floors_at,
    losses,
    measure_at,
    winner,
)
from edge_agent.trust.episodes import Episode, episodes
from edge_agent.trust.errors import errors_in
from edge_agent.trust.learners import (
    Learner,
    MapLearner,
    NeighboursLearner,
    NetworkLearner,
)
from edge_agent.trust.prior import Prior, prior_for
from edge_agent.trust.radii import ACCURACY, BOUND, Scores
from edge_agent.trust.record import Trust
from edge_agent.trust.replayed import Replayed
from edge_agent.trust.replaying import replay, together
from edge_agent.trust.stage import Stage
from edge_agent.trust.temperature import fit_temperature

_WALK_TIME: Final = "%Y%m%dT%H%M%SZ"

_PRIOR_WEIGHT: Final = 10.0
"""Queries that what is known elsewhere counts for beside the site's own."""

_PRIOR_ALONE: Final = 30.0
"""The same where the site has none: r95 is then the 98 % quantile of other places, as
this one may be worse than they are."""


@dataclass(frozen=True, slots=True, eq=False)
class LearntTrust:
    """How far to trust a site's locations, and what that follows from."""

    trust: Trust
    past: tuple[Episode, ...]
    """What was replayed; empty where there was nothing to replay."""

    replays: Mapping[Estimator, Replayed]
    """What each estimator answered."""


def learn_trust(
    bundle: Bundle,
    fresh: Environment,
    history: Environment | None = None,
    *,
    wanted: Estimator = Estimator.AUTO,
    backend: Backend = Backend.AUTO,
    parameter_set: str | None = None,
    on_episode: Callable[[int, int], None] = lambda _done, _all: None,
) -> LearntTrust:
    """Replay a site's past with every estimator that the bundle has.

    Args:
        bundle: The model.
        fresh: Shots of the newest walk.
        history: All earlier ones, aligned (`edge_agent.history`).
        wanted: What locates; AUTO: what wins the replay.
        backend: What computes the network.
        parameter_set: As of `Bundle.choose_set`.
        on_episode: Called with the number of episodes replayed, and of all.

    Raises:
        BackendError, BundleError: What is to compute cannot.
        ValueError: The history is not aligned.
    """
    past = episodes(fresh, history)
    learners = learners_of(
        bundle, backend, parameter_set, has_history=history is not None
    )
    n = len(past) * len(learners)
    done = 0
    replays: dict[Estimator, Replayed] = {}
    for learner in learners:

        def tell(_done: int, before: int = done) -> None:
            on_episode(before + _done, n)

        replays[learner.estimator] = replay(past, learner, fresh.points, tell)
        done += len(past)
    both = (Estimator.NETWORK, Estimator.NEIGHBOURS)
    if all(estimator in replays for estimator in both):
        replays[Estimator.ENSEMBLE] = together(*(replays[each] for each in both))
    recommended = bundle.manifest.estimator
    chosen = winner(replays, recommended) if wanted is Estimator.AUTO else wanted
    trust = trust_in(
        chosen,
        replays,
        fresh.points,
        prior_for(bundle.trust, chosen),
        is_forced=wanted is not Estimator.AUTO,
        walked_ns=time_of_walk(fresh),
    )
    return LearntTrust(trust, past, replays)


def learn_trusts(
    bundle: Bundle,
    fresh: Environment,
    history: Environment | None = None,
    *,
    backend: Backend = Backend.AUTO,
    parameter_set: str | None = None,
    on_episode: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[Trust, ...]:
    """Return how far to trust every estimator that the bundle has at this site.

    Whoever forces one of them later wants its own radii.

    Args, errors: as of `learn_trust`.

    Returns:
        What won the replay first.
    """
    learnt = learn_trust(
        bundle,
        fresh,
        history,
        backend=backend,
        parameter_set=parameter_set,
        on_episode=on_episode,
    )
    others = [
        trust_in(
            estimator,
            learnt.replays,
            fresh.points,
            prior_for(bundle.trust, estimator),
            is_forced=True,
            walked_ns=learnt.trust.walked_ns,
        )
        for estimator in learnt.replays
        if estimator is not learnt.trust.estimator
    ]
    return learnt.trust, *others


def time_of_walk(fresh: Environment) -> int | None:
    """Return when the newest walk began [ns since the UNIX epoch].

    Args:
        fresh: Its shots; None where their visits do not name a walk by its time.
    """
    newest = max(map(walk_of, fresh.visit_of.tolist()), default="")
    try:
        began = datetime.strptime(newest, _WALK_TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(began.timestamp()) * 1_000_000_000


def learners_of(
    bundle: Bundle,
    backend: Backend = Backend.AUTO,
    parameter_set: str | None = None,
    *,
    has_history: bool,
) -> Sequence[Learner]:
    """Return the learners that a bundle can serve; their ensemble needs none.

    Args:
        bundle: The model.
        backend: What computes the network.
        parameter_set: As of `Bundle.choose_set`.
        has_history: Whether the site was walked before.
    """
    learners: list[Learner] = [NetworkLearner(bundle, backend, parameter_set)]
    if bundle.neighbours is not None:
        learners.append(NeighboursLearner(bundle))
        if has_history:
            learners.append(MapLearner(bundle))
    return learners


def trust_in(
    estimator: Estimator,
    replays: Mapping[Estimator, Replayed],
    points: tuple[Point, ...],
    prior: Prior,
    *,
    is_forced: bool = False,
    walked_ns: int | None = None,
) -> Trust:
    """Return how far to trust an estimator.

    Args:
        estimator: That locates.
        replays: Of all estimators; may lack this one.
        points: Of the site.
        prior: What is expected of the estimator.
        is_forced: Whether a person chose it.
        walked_ns: As of `Trust`.
    """
    asked = {e: r for e, r in replays.items() if len(losses(r).values)}
    scores = sorted(((e, losses(r).mean) for e, r in asked.items()), key=lambda s: s[1])
    own = asked.get(estimator)
    return Trust(
        estimator,
        is_forced,
        walked_ns,
        tuple(scores),
        measure_at(points),
        floors_at(points),
        own.n_queries if own else 0.0,
        _stage(own and own.of_kind(later=False), prior),
        _stage(own and own.of_kind(later=True), prior.aged()),
    )


def _stage(replayed: Replayed | None, prior: Prior) -> Stage:
    """Return what is fitted on some answers, beside what is expected."""
    if replayed is None or not len(replayed):
        scores = prior.scores(_PRIOR_ALONE)
        return _of_scores(prior.alone, scores, 0.0)
    temperature = fit_temperature(replayed, prior.temperature)
    known = prior.scores(_PRIOR_WEIGHT)
    errors = errors_in(replayed, temperature)
    if not len(errors.metres):
        return _of_scores(temperature, known, replayed.n_queries)
    return replace(
        _of_scores(temperature, known.joined(errors.scores), replayed.n_queries),
        expected=errors.ratio(known.mean, _PRIOR_WEIGHT),
    )


def _of_scores(temperature: float, scores: Scores, n_queries: float) -> Stage:
    return Stage(
        temperature,
        scores.holding(ACCURACY),
        scores.holding(BOUND),
        scores.mean,
        n_queries,
    )
