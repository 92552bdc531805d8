"""From a site's past to how far its locations can be trusted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from edge_agent.bundles.bundle import Bundle
from edge_agent.environment import Environment
from edge_agent.estimators import Estimator
from edge_agent.history import walk_of
from edge_agent.learning.backends import Backend
from edge_agent.trust.choice import deciding, recommended_at, winner
from edge_agent.trust.episodes import Episode, episodes
from edge_agent.trust.fitting import trust_in
from edge_agent.trust.learners import (
    Learner,
    MapLearner,
    NeighboursLearner,
    NetworkLearner,
)
from edge_agent.trust.prior import prior_for
from edge_agent.trust.record import Trust
from edge_agent.trust.replayed import Replayed
from edge_agent.trust.replaying import replay, together
from edge_agent.trust.strata import balanced, fresh_share

_WALK_TIME: Final = "%Y%m%dT%H%M%SZ"


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
    recommended = recommended_at(bundle, replays)
    share = fresh_share(fresh, history)
    if wanted is Estimator.AUTO:
        asked = {
            each: balanced(deciding(found), share) for each, found in replays.items()
        }
        chosen = winner(asked, recommended)
    else:
        chosen = wanted
    trust = trust_in(
        chosen,
        replays,
        fresh.points,
        prior_for(bundle.trust, chosen),
        share=share,
        is_forced=wanted is not Estimator.AUTO,
        walked_ns=time_of_walk(fresh),
        n_changes=n_changes(past),
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
            share=fresh_share(fresh, history),
            is_forced=True,
            walked_ns=learnt.trust.walked_ns,
            n_changes=n_changes(learnt.past),
        )
        for estimator in learnt.replays
        if estimator is not learnt.trust.estimator
    ]
    return learnt.trust, *others


def n_changes(past: Sequence[Episode]) -> int:
    """Return how often a walk was replayed beside the next one.

    Args:
        past: Episodes.
    """
    return sum(episode.is_later_walk for episode in past)


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
