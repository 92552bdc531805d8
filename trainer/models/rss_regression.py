"""Localization as regression on RSS fingerprints, Fig. 3 and section V-A of the paper.

    x = fingerprint                  `edge_agent.rss.fingerprints`: 15 inputs
    y = location                     an MLP with four hidden layers, RMSE loss

Fingerprints are computed by the device's own code, which says where they depart from
the paper; the network and its loss are the device's (`edge_agent.rss.network`) once
more, in torch, which a test holds to each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from edge_agent.rss.fingerprints import LENGTH_M, Fingerprints, RadioMap
from edge_agent.rss.network import LOSS_EPSILON, RssArchitecture
from trainer.episodes import Rows, split_visits, usable_points
from trainer.errors import TaskError
from trainer.meta.inner_loop import Parameters
from trainer.surveys.environment import Environment

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RssBatch:
    """Samples whose locations are known."""

    inputs: Tensor
    """x, shape (n, 3 K)."""

    targets: Tensor
    """Location relative to the origin, in units of `LENGTH_M`, shape (n, 2)."""

    @classmethod
    def of(
        cls, fingerprints: Fingerprints, locations: Floats, device: torch.device
    ) -> Self:
        """Return the batch.

        Args:
            fingerprints: Of the samples.
            locations: Where they were taken [m], shape (n, 2).
            device: Where the network computes.
        """
        targets = fingerprints.targets(locations)
        return cls(
            torch.from_numpy(fingerprints.inputs).float().to(device),
            torch.from_numpy(targets).float().to(device),
        )


@dataclass(frozen=True, slots=True, eq=False)
class RssTask:
    """One few-shot regression problem."""

    support: RssBatch
    """D^s."""

    query: RssBatch
    """D^q: other samples, of other visits where there are any."""


@dataclass(frozen=True, slots=True)
class RssRegressionModel:
    """The MLP; satisfies `trainer.meta.model.Model` over `RssTask`."""

    k: int = 5
    """K."""

    hidden: tuple[int, ...] = (64, 64, 64, 64)

    def initial(self, generator: torch.Generator) -> Parameters:
        """Return random parameters: He initialisation, biases of zero."""
        theta: Parameters = {}
        shapes = RssArchitecture(self.k, self.hidden).parameter_shapes()
        for name, shape in shapes.items():
            if name.endswith(".bias"):
                theta[name] = torch.zeros(shape)
                continue
            n_in = shape[1]
            theta[name] = torch.randn(shape, generator=generator) * (2 / n_in) ** 0.5
        return theta

    def start(self, theta: Parameters, task: RssTask) -> Parameters:
        """Return θ: every task has the same two outputs."""
        return theta

    def support_loss(self, theta: Parameters, task: RssTask) -> Tensor:
        """Return the RMSE of the support set, in units of `LENGTH_M`."""
        return _rmse(theta, task.support)

    def query_loss(self, theta: Parameters, task: RssTask) -> Tensor:
        """Return the RMSE of the query set, in units of `LENGTH_M`."""
        return _rmse(theta, task.query)

    def query_errors(self, theta: Parameters, task: RssTask) -> Floats:
        """Return how far off the query samples are located [m], shape (n,)."""
        with torch.no_grad():
            missed = regress(theta, task.query.inputs) - task.query.targets
        return np.asarray(missed.double().norm(dim=1).cpu().numpy() * LENGTH_M)

    def locate(self, theta: Parameters, fingerprints: Fingerprints) -> Floats:
        """Return the locations of samples [m], shape (n, 2)."""
        first = theta["layer0.weight"]
        inputs = torch.from_numpy(fingerprints.inputs).to(first)
        with torch.no_grad():
            answers = regress(theta, inputs).double().cpu().numpy()
        return fingerprints.place(answers)


def silenced(theta: Parameters) -> Parameters:
    """Return parameters whose last layer is zero.

    Before it has learnt anything the network is then K nearest neighbours, not noise.
    """
    last = list(theta)[-2:]
    return theta | {name: torch.zeros_like(theta[name]) for name in last}


def radio_map_of(environment: Environment) -> RadioMap:
    """Return the mean RSS at each point of an environment that has samples [dBm]."""
    return RadioMap.of(
        environment.signals.rss, environment.point_of, environment.place.locations
    )


def regress(theta: Parameters, inputs: Tensor) -> Tensor:
    """Return f_θ(x), shape (n, 2)."""
    n_layers = len(theta) // 2
    x = inputs
    for layer in range(n_layers):
        x = x @ theta[f"layer{layer}.weight"].T + theta[f"layer{layer}.bias"]
        if layer < n_layers - 1:
            x = x.relu()
    return x


def _rmse(theta: Parameters, batch: RssBatch) -> Tensor:
    missed = regress(theta, batch.inputs) - batch.targets
    return (missed.square().sum(dim=1).mean() + LOSS_EPSILON).sqrt()


@dataclass(frozen=True, slots=True)
class RssTaskConfig:
    """Sizes of a task; the defaults are the paper's (sections IV-A and V-A)."""

    k: int = 5
    """K."""

    n_references: tuple[int, int] = (10, 54)
    """Fewest and most reference points of a task; fewer in a smaller place."""

    n_support: int = 100
    n_query: int = 30
    """Samples; fewer where there are fewer."""

    def __post_init__(self) -> None:
        low, high = self.n_references
        if not 1 <= self.k <= low <= high or self.n_support < 1 or self.n_query < 1:
            raise ValueError(
                f"K {self.k} of {low} to {high} reference points, {self.n_support} + "
                f"{self.n_query} samples: K may not exceed the points, and none be zero"
            )


class RssTaskSampler:
    """P(τ): some points are references, samples between them are to be located.

    References and support are of other visits than the query, where more than K points
    have several.
    """

    def __init__(
        self,
        environments: Sequence[Environment],
        config: RssTaskConfig,
        *,
        device: torch.device | None = None,
    ) -> None:
        """Check the environments.

        Args:
            environments: Tasks are of a random one.
            config: Sizes of a task.
            device: Where the network computes; the processor by default.

        Raises:
            TaskError: No environment, or one with too few points of two samples.
        """
        if not environments:
            raise TaskError("no environment to draw tasks from")
        self._surveys: list[Environment] = []
        for environment in environments:
            shots = environment.select(np.flatnonzero(~environment.is_test))
            n_usable = count_usable(shots, config.k)
            if n_usable < config.k + 1:
                raise TaskError(
                    f"{environment.name} has {n_usable} points with two samples; "
                    f"K = {config.k} references and one to locate take {config.k + 1}"
                )
            self._surveys.append(shots)
        self._config = config
        self._device = device or torch.device("cpu")

    def draw(self, rng: np.random.Generator) -> RssTask:
        """Return a task of a random environment."""
        environment = self._surveys[rng.integers(len(self._surveys))]
        parts = list(
            split_visits(
                environment.point_of,
                environment.visit_of,
                rng,
                n_least=self._config.k + 1,
            )
        )
        parts.sort(key=lambda part: len(part[2]) > 0)  # what cannot ask is a reference
        low, high = self._config.n_references
        most = min(high, len(parts) - 1)
        n_references = int(rng.integers(min(low, most), most + 1))
        earlier = [before for _, before, _ in parts[:n_references]]
        support = [before for _, before, _ in parts[n_references:]]
        query = [after for _, _, after in parts[n_references:]]
        radio_map = radio_map_of(environment.select(np.concatenate(earlier)))
        return RssTask(
            self._batch(environment, support, self._config.n_support, radio_map, rng),
            self._batch(environment, query, self._config.n_query, radio_map, rng),
        )

    def _batch(
        self,
        environment: Environment,
        rows_per_point: list[Rows],
        n: int,
        radio_map: RadioMap,
        rng: np.random.Generator,
    ) -> RssBatch:
        chosen = environment.select(rng.permutation(np.concatenate(rows_per_point))[:n])
        fingerprints = Fingerprints.of(chosen.signals.rss, radio_map, self._config.k)
        return RssBatch.of(fingerprints, chosen.locations, self._device)


def count_usable(shots: Environment, k: int) -> int:
    """Return how many points tasks can be of; they take more than K.

    Args:
        shots: Samples that are not for testing alone.
        k: K.
    """
    return len(usable_points(shots.point_of, shots.visit_of, k + 1))


def support_of(shots: Environment, k: int, device: torch.device) -> RssBatch:
    """Return a new place's support set: each shot among the points of the others.

    Args:
        shots: Labelled samples of at least K + 1 points.
        k: K.
        device: Where the network computes.

    Raises:
        CalibrationError: Too few points.
    """
    fingerprints = Fingerprints.of(
        shots.signals.rss, radio_map_of(shots), k, own_points=shots.point_of
    )
    return RssBatch.of(fingerprints, shots.locations, device)
