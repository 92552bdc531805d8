"""Ask every learner what the site's past asks."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edge_agent.environment import Environment
from edge_agent.errors import CalibrationError
from edge_agent.survey import Point
from edge_agent.trust.episodes import Episode
from edge_agent.trust.learners import Learner, geometric_mean
from edge_agent.trust.replayed import Floats, Replayed


def replay(
    past: Sequence[Episode],
    learner: Learner,
    points: tuple[Point, ...],
    on_episode: Callable[[int], None] = lambda _done: None,
) -> Replayed:
    """Return what a learner says of every query.

    Args:
        past: From `edge_agent.trust.episodes.episodes`.
        learner: Taught anew by each episode.
        points: Of the site.
        on_episode: Called with the number of episodes replayed.
    """
    n_points = len(points)
    posteriors = [np.zeros((0, n_points))]
    truths, laters = [np.zeros(0, np.intp)], [np.zeros(0, np.bool_)]
    weights, freshes = [np.zeros(0)], [np.zeros(0, np.bool_)]
    for done, episode in enumerate(past, 1):
        queries = episode.queries
        posteriors.append(_answers(episode, learner))
        truths.append(queries.point_of)
        laters.append(np.full(len(queries), episode.is_later_walk))
        weights.append(1 / np.bincount(queries.point_of)[queries.point_of])
        freshes.append(np.isin(queries.point_of, episode.shots.point_of))
        on_episode(done)
    return Replayed(
        points,
        np.concatenate(posteriors),
        np.concatenate(truths),
        np.concatenate(laters),
        np.concatenate(weights),
        np.concatenate(freshes),
    )


def _answers(episode: Episode, learner: Learner) -> Floats:
    """Return the posteriors of an episode's queries, shape (n, n_points).

    The learner numbers those points that anybody has a shot of.
    """
    parts = [part for part in (episode.shots, episode.history) if part is not None]
    known = np.unique(np.concatenate([part.point_of for part in parts]))
    answers = np.zeros((len(episode.queries), len(episode.shots.points)))
    history = (
        renumbered(episode.history, known) if episode.history is not None else None
    )
    try:
        predictor = learner.learn(renumbered(episode.shots, known), history)
    except CalibrationError:  # it knows nothing
        answers[:, known] = 1 / len(known)
        return answers
    queries = episode.queries
    answers[:, known] = predictor.predict(queries.images, queries.heard)
    return answers


def renumbered(site: Environment, points: npt.NDArray[np.intp]) -> Environment:
    """Return the part of an environment that is of some of its points.

    Args:
        site: The whole.
        points: Their numbers, sorted; numbered 0, 1, 2 .. in what is returned.
    """
    part = site.select(np.flatnonzero(np.isin(site.point_of, points)))
    return replace(
        part,
        points=tuple(site.points[number] for number in points.tolist()),
        point_of=np.searchsorted(points, part.point_of),
    )


def together(first: Replayed, second: Replayed) -> Replayed:
    """Return what the ensemble of two would have said to the same queries."""
    return replace(first, posterior=geometric_mean(first.posterior, second.posterior))
