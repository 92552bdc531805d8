"""Few-shot tasks drawn from surveyed environments.

A task is N points of one environment: k_support images of each to adapt on (D^s), and
k_query others to score the adaptation (D^q). Where the survey has several visits,
support and query come from different ones: images of one visit are alike in everything
that happened to stand still, and would reward remembering it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.environment import Environment
from edge_agent.network import Architecture
from trainer.errors import TaskError
from trainer.network import Batch, make_batch


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One few-shot localization problem."""

    support: Batch
    """D^s."""

    query: Batch
    """D^q: the same points, other images."""

    locations: npt.NDArray[np.float64]
    """Coordinates of the task's points [m], shape (n_points, 2)."""


@dataclass(frozen=True, slots=True)
class TaskConfig:
    """Sizes of a task; the defaults are the paper's (section V-B)."""

    n_way: int = 10
    """N, points per task; fewer where an environment has fewer."""

    k_support: int = 3
    k_query: int = 5
    """Images per point; fewer where a visit has fewer."""

    channel_dropout: float = 0.2
    """Probability with which a channel is masked throughout a task, so that the network
    learns to do without: sites have access points that are not heard everywhere."""

    def __post_init__(self) -> None:
        if self.n_way < 2 or self.k_support < 1 or self.k_query < 1:
            raise ValueError(
                f"{self.n_way}-way tasks of {self.k_support} + {self.k_query} images; "
                "at least 2 points, 1 + 1 images"
            )
        if not 0 <= self.channel_dropout <= 1:
            raise ValueError(f"channel_dropout is {self.channel_dropout}, not 0 to 1")


class TaskSampler:
    """Draws tasks; checks first that the environments can serve them."""

    def __init__(
        self,
        environments: Sequence[Environment],
        architecture: Architecture,
        config: TaskConfig,
        rng: np.random.Generator,
    ) -> None:
        """Check the environments.

        Raises:
            TaskError: No environment, images of another shape, or fewer than two points
                that have both support and query images.
        """
        if not environments:
            raise TaskError("no environment to draw tasks from")
        for environment in environments:
            if environment.spec.shape != architecture.image_shape:
                raise TaskError(
                    f"{environment.name} has images of {environment.spec.shape}, the "
                    f"network takes {architecture.image_shape}"
                )
            if len(_usable_points(environment)) < 2:
                raise TaskError(
                    f"{environment.name} has fewer than two points with two images, "
                    "one to adapt on and one to test"
                )
        self._environments = list(environments)
        self._architecture, self._config, self._rng = architecture, config, rng

    def draw(self) -> Task:
        """Return a task of a random environment."""
        environment = self._environments[self._rng.integers(len(self._environments))]
        points = self._rng.permutation(_usable_points(environment))
        points = points[: self._config.n_way]
        support: list[npt.NDArray[np.intp]] = []
        query: list[npt.NDArray[np.intp]] = []
        for point in points:
            of_support, of_query = self._split(environment, int(point))
            support.append(of_support)
            query.append(of_query)
        heard = environment.heard & self._kept_channels(environment)
        # An image that would lose all it heard keeps it.
        heard = np.where(heard.any(axis=1, keepdims=True), heard, environment.heard)
        return Task(
            self._batch(environment, heard, support),
            self._batch(environment, heard, query),
            environment.locations[points],
        )

    def _split(
        self, environment: Environment, point: int
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return the rows of a point's support and query images, never the same."""
        rows = self._rng.permutation(np.flatnonzero(environment.point_of == point))
        visits = environment.visit_of[rows]
        if len(np.unique(visits)) > 1:
            held_out = self._rng.choice(np.unique(visits))
            query, support = rows[visits == held_out], rows[visits != held_out]
            support = _across_visits(support, environment.visit_of[support])
        else:
            half = max(1, len(rows) // 2)
            query, support = rows[:half], rows[half:]
        return support[: self._config.k_support], query[: self._config.k_query]

    def _kept_channels(self, environment: Environment) -> npt.NDArray[np.bool_]:
        """Return which channels the task may use; at least one of the site's."""
        kept = self._rng.random(environment.spec.n_channels) >= (
            self._config.channel_dropout
        )
        if not kept[: len(environment.channels)].any():
            kept[self._rng.integers(len(environment.channels))] = True
        return kept

    def _batch(
        self,
        environment: Environment,
        heard: npt.NDArray[np.bool_],
        rows_per_point: list[npt.NDArray[np.intp]],
    ) -> Batch:
        rows = np.concatenate(rows_per_point)
        labels = np.repeat(
            np.arange(len(rows_per_point)), list(map(len, rows_per_point))
        )
        return make_batch(
            self._architecture,
            environment.images[rows],
            heard[rows],
            labels,
            len(rows_per_point),
        )


def _usable_points(environment: Environment) -> npt.NDArray[np.intp]:
    """Return the points with at least two images."""
    counts = np.bincount(environment.point_of, minlength=len(environment.points))
    return np.flatnonzero(counts >= 2)


def _across_visits(
    rows: npt.NDArray[np.intp], visits: npt.NDArray[np.str_]
) -> npt.NDArray[np.intp]:
    """Reorder so that neighbours come from different visits, as three laps would."""
    seen: dict[str, int] = {}
    turn = np.empty(len(rows), np.intp)
    for position, visit in enumerate(visits.tolist()):
        turn[position] = seen[visit] = seen.get(visit, -1) + 1
    return rows[np.argsort(turn, kind="stable")]
