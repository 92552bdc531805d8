"""What a method is handed, and, apart from it, the truth.

Points are renumbered, so that not even a gap shows where it will be tested.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trainer.benchmark.splits import Split
from trainer.surveys.environment import Environment, Integers, Place, Signals


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What only the benchmark knows of the queries."""

    place: Place
    """All points of the survey's place."""

    point_of: Integers
    """Point of each query in that place, shape (n,)."""

    known: Integers
    """Number in that place of each point of the episode's, shape (n_points,)."""

    reference: Integers
    """Points that can be calibrated: what the middle of the map is the middle of."""

    @property
    def locations(self) -> npt.NDArray[np.float64]:
        """Where each query was taken [m], shape (n, 2)."""
        return self.place.locations[self.point_of]

    @property
    def floors(self) -> Integers:
        """Floor on which each query was taken, shape (n,)."""
        return self.place.floors[self.point_of]


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """One question to a method, and its answer."""

    place: Place
    """The map: points known from history or shots."""

    history: tuple[Environment, ...]
    shots: Environment
    queries: Signals
    truth: Truth
    """Never handed to a method."""


def make_episode(
    split: Split, history: tuple[Environment, ...] | None = None
) -> Episode:
    """Return what a split stands for.

    Args:
        split: Numbers of environments, points and samples.
        history: What `make_history` returned for a split with the same history and
            known points, to be used again; otherwise it is made.
    """
    target = split.target
    place = target.place.select(split.known)
    return Episode(
        place,
        make_history(split) if history is None else history,
        _within(target, split.shots, split.known, place),
        target.signals.select(split.queries),
        Truth(
            target.place, target.point_of[split.queries], split.known, split.reference
        ),
    )


def make_history(split: Split) -> tuple[Environment, ...]:
    """Return the past, less samples and points that are for testing."""
    here = split.target.place
    known_here = here.select(split.known)
    history = []
    for environment in split.history:
        rows = np.flatnonzero(~environment.is_test)
        if environment.place.name == here.name:
            known, place = split.known, known_here
            rows = rows[np.isin(environment.point_of[rows], known)]
        else:
            known = np.unique(environment.point_of[rows])
            place = environment.place.select(known)
        history.append(_within(environment, rows, known, place))
    return tuple(history)


def labelled_target(split: Split) -> Environment:
    """Return all of the target at known points, labels and all: never for a method."""
    target, known = split.target, split.known
    rows = np.flatnonzero(np.isin(target.point_of, known))
    return _within(target, rows, known, target.place.select(known))


def permute_labels(episode: Episode, rng: np.random.Generator) -> Episode:
    """Return the episode with the labels of all that is labelled shuffled.

    In each environment the points that occur change names, so that samples of one point
    still agree: harder than random labels. Yet nothing can be learnt from it of where
    a sample was taken: what still beats guessing has seen the truth.
    """
    return replace(
        episode,
        history=tuple(_permuted(e, rng) for e in episode.history),
        shots=_permuted(episode.shots, rng),
    )


def _permuted(environment: Environment, rng: np.random.Generator) -> Environment:
    points, number_of = np.unique(environment.point_of, return_inverse=True)
    return replace(environment, point_of=rng.permutation(points)[number_of])


def _within(
    environment: Environment, rows: Integers, known: Integers, place: Place
) -> Environment:
    """Return some samples with the points that are known, renumbered."""
    some = environment if _is_all(rows, environment) else environment.select(rows)
    return replace(some, place=place, point_of=np.searchsorted(known, some.point_of))


def _is_all(rows: Sequence[int] | Integers, environment: Environment) -> bool:
    """Spare a copy of everything where nothing is left out."""
    return len(rows) == len(environment)
