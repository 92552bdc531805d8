"""Tasks of simulated places for the regression of Fig. 3: section IV-A of the paper.

    R reference points with their RSS              the fingerprint database
    samples anywhere, R of them the nearest 5      inputs of the network
    support, query                                 samples, labelled; to be located

A place is drawn once; reference points and samples are chosen anew for every task.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, Self

import numpy as np
import torch
from scipy.spatial.distance import cdist

from edge_agent.rss.fingerprints import Fingerprints, RadioMap
from trainer.figures.errors import FigureError
from trainer.figures.statistics import Floats
from trainer.models.rss_regression import RssBatch, RssTask
from trainer.simulate.pathloss.site import RssSite
from trainer.simulate.pathloss.survey import SPACING_M, grid_points, survey_site

K: Final = 5
"""Nearest reference points of a fingerprint, section IV-A."""

N_REFERENCES: Final = (10, 54)
"""Fewest and most reference points of a training task, section IV-A."""

N_HISTORY: Final = 2000
"""Samples of a place that tasks are drawn from."""

_EPSILON: Final = 1e-9
"""A database entry that equals the sample has all the weight."""

_CPU: Final = torch.device("cpu")


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What was measured at a place."""

    reference_points: Floats
    """[m], shape (R, 2)."""

    reference_rss: Floats
    """[dBm], shape (R, n_aps)."""

    points: Floats
    """Where samples were taken [m], shape (n, 2)."""

    rss: Floats
    """[dBm], shape (n, n_aps)."""


class RadioPlace(Protocol):
    """Somewhere RSS can be measured."""

    @property
    def centre(self) -> Floats:
        """The middle [m], shape (2,): what answers without any radio."""

    def survey(
        self, rng: np.random.Generator, n_references: int, n_samples: int
    ) -> Survey:
        """Measure at reference points and at samples, all at random places.

        Of samples fewer, where there are not so many places.
        """


@dataclass(frozen=True, slots=True)
class PathLossPlace:
    """A square with a path-loss model."""

    site: RssSite

    @property
    def centre(self) -> Floats:
        """See `RadioPlace`."""
        return np.array(self.site.size_m) / 2

    def survey(
        self, rng: np.random.Generator, n_references: int, n_samples: int
    ) -> Survey:
        """See `RadioPlace`."""
        found = survey_site(
            self.site, rng, n_reference_points=n_references, n_places=n_samples
        )
        return Survey(
            found.reference_points,
            found.reference_rss[:, 0],
            found.places,
            found.rss[:, 0],
        )


@dataclass(frozen=True, slots=True, eq=False)
class SurveyedPlace:
    """A place that was surveyed once, and of which tasks are parts: a history.

    Surveying every task anew would cost more than learning from it.
    """

    everything: Survey
    """All that reference points and samples are chosen from."""

    centre: Floats
    """See `RadioPlace`."""

    @classmethod
    def of(
        cls, site: RssSite, rng: np.random.Generator, n_samples: int = N_HISTORY
    ) -> Self:
        """Survey the whole grid of a site, and samples anywhere.

        Args:
            site: Where.
            rng: Source of places and noise.
            n_samples: How many.
        """
        place = PathLossPlace(site)
        n_grid = len(grid_points(site.size_m, SPACING_M))
        return cls(place.survey(rng, n_grid, n_samples), place.centre)

    def survey(
        self, rng: np.random.Generator, n_references: int, n_samples: int
    ) -> Survey:
        """See `RadioPlace`."""
        every = self.everything
        references = rng.permutation(len(every.reference_points))[:n_references]
        samples = rng.permutation(len(every.points))[:n_samples]
        return Survey(
            every.reference_points[references],
            every.reference_rss[references],
            every.points[samples],
            every.rss[samples],
        )


@dataclass(frozen=True, slots=True, eq=False)
class GridPlace:
    """A place whose RSS is known at the points of a grid, as ray tracing leaves it."""

    points: Floats
    """[m], shape (n, 2)."""

    rss: Floats
    """Without noise [dBm], shape (n, n_aps)."""

    noise_db: float
    """Standard deviation of what every measurement adds."""

    @property
    def centre(self) -> Floats:
        """See `RadioPlace`."""
        return np.asarray((self.points.min(axis=0) + self.points.max(axis=0)) / 2)

    def survey(
        self, rng: np.random.Generator, n_references: int, n_samples: int
    ) -> Survey:
        """See `RadioPlace`; no point is used twice.

        Raises:
            FigureError: The grid has no point left for samples.
        """
        if n_references >= len(self.points):
            raise FigureError(
                f"{n_references} reference points of a grid of {len(self.points)}: "
                "none is left to be located"
            )
        chosen = rng.permutation(len(self.points))[: n_references + n_samples]
        points = self.points[chosen]
        noise = rng.normal(0, self.noise_db, (len(chosen), self.rss.shape[1]))
        rss = self.rss[chosen] + noise
        n = n_references
        return Survey(points[:n], rss[:n], points[n:], rss[n:])


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A place with its database, its support and its query."""

    survey: Survey
    """Samples: those of the support, then those of the query."""

    n_support: int
    task: RssTask
    """The same as the network sees it."""

    centre: Floats

    @property
    def support_inputs(self) -> Floats:
        """Fingerprints of the support: what MMD compares, shape (n_support, 3 K)."""
        return np.asarray(self.task.support.inputs.double().numpy())

    def first(self, n: int) -> "Problem":
        """Return the problem with only the first ``n`` samples of its support."""
        kept = np.r_[:n, self.n_support : len(self.survey.points)]
        survey, support = self.survey, self.task.support
        return Problem(
            replace(survey, points=survey.points[kept], rss=survey.rss[kept]),
            n,
            RssTask(RssBatch(support.inputs[:n], support.targets[:n]), self.task.query),
            self.centre,
        )


def draw_problem(
    place: RadioPlace,
    rng: np.random.Generator,
    *,
    n_references: int,
    n_support: int,
    n_query: int,
) -> Problem:
    """Draw reference points, support and query at a place.

    Args:
        place: Where.
        rng: Source of points, samples and noise.
        n_references: R.
        n_support: Labelled samples, beside the reference points.
        n_query: Samples to be located.
    """
    survey = place.survey(rng, n_references, n_support + n_query)
    radio_map = RadioMap(
        survey.reference_rss, survey.reference_points, np.arange(n_references)
    )
    fingerprints = Fingerprints.of(survey.rss, radio_map, K)
    both = RssBatch.of(fingerprints, survey.points, _CPU)
    task = RssTask(
        RssBatch(both.inputs[:n_support], both.targets[:n_support]),
        RssBatch(both.inputs[n_support:], both.targets[n_support:]),
    )
    return Problem(survey, n_support, task, place.centre)


@dataclass(frozen=True, slots=True)
class RadioTasks:
    """P(τ) over some places; satisfies `trainer.meta.learner.TaskSource`."""

    places: Sequence[RadioPlace]
    n_support: int
    n_query: int
    n_references: tuple[int, int] = N_REFERENCES

    def draw(self, rng: np.random.Generator) -> RssTask:
        """Return a task of a random place."""
        place = self.places[int(rng.integers(len(self.places)))]
        low, high = self.n_references
        return draw_problem(
            place,
            rng,
            n_references=int(rng.integers(low, high + 1)),
            n_support=self.n_support,
            n_query=self.n_query,
        ).task


def neighbour_errors(
    problem: Problem, *, is_weighted: bool, with_support: bool
) -> Floats:
    """Return the query errors of KNN or WKNN with K = 5 [m], shape (n_query,).

    Distances are Euclidean in decibels; weights are 1 / distance, section V.

    Args:
        problem: What to locate, and where.
        is_weighted: WKNN.
        with_support: Whether the support's samples are in the database beside the
            reference points: then it knows what the network has been shown.
    """
    survey, n = problem.survey, problem.n_support
    rss, locations = survey.reference_rss, survey.reference_points
    if with_support:
        rss = np.concatenate([rss, survey.rss[:n]])
        locations = np.concatenate([locations, survey.points[:n]])
    distances = cdist(survey.rss[n:], rss)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :K]
    apart = np.take_along_axis(distances, nearest, axis=1)
    weights = 1 / (apart + _EPSILON) if is_weighted else np.ones_like(apart)
    found = (weights[:, :, None] * locations[nearest]).sum(axis=1)
    missed = found / weights.sum(axis=1, keepdims=True) - survey.points[n:]
    return np.asarray(np.hypot(*missed.T))


def centre_errors(problem: Problem) -> Floats:
    """Return the query errors of always answering the middle [m], shape (n_query,)."""
    apart = problem.survey.points[problem.n_support :] - problem.centre
    return np.asarray(np.hypot(*apart.T))
