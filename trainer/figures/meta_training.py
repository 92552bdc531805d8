"""Meta-parameters of the synthetic experiments, section V-A: MAML on simulated RSS.

    α = 0.01, β = 0.001, one inner step, M = 4, 100 + 30 samples a task

Departure from the paper: its α is 0.0001, on inputs in metres and decibels; here they
are in units of 10 m and 10 dB, and so small a step changes nothing within a thousand.
Training places are drawn and surveyed once for a seed; reference points and samples of
tasks are chosen from that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from trainer.figures.radio import RadioPlace, RadioTasks, SurveyedPlace
from trainer.figures.units import Arrays, Needed, Tell, Unit, chance
from trainer.meta.config import MetaConfig
from trainer.meta.inner_loop import Parameters
from trainer.meta.maml import Maml
from trainer.meta.train import meta_train
from trainer.models.rss_regression import RssRegressionModel
from trainer.simulate.pathloss.tasks import RssTask

MODEL = RssRegressionModel()
"""15-64-64-64-64-2; the paper gives four hidden layers and no widths."""

_PLACES, _THETA, _TASKS = 1, 2, 3
"""What a stream of chance is for."""


@dataclass(frozen=True, slots=True)
class Learning:
    """How the MLP is meta-trained."""

    n_iterations: int = 2000
    alpha: float = 0.01
    beta: float = 0.001
    n_steps: int = 1
    """Inner steps, Algorithm 1."""

    tasks_per_iteration: int = 4
    n_support: int = 100
    n_query: int = 30

    @property
    def seconds(self) -> float:
        """About how long it takes."""
        return 0.01 * self.n_iterations + 2


@dataclass(frozen=True, slots=True)
class MetaTraining:
    """θ* of some kinds of places."""

    name: str
    tasks: tuple[RssTask, ...]
    """One place is drawn of each."""

    learning: Learning

    @property
    def needs(self) -> tuple[Unit, ...]:
        """None."""
        return ()

    @property
    def weight(self) -> float:
        """See `Unit`."""
        return self.learning.seconds

    def run(self, seed: int, needed: Needed, tell: Tell) -> Arrays:
        """Return θ* by name."""
        tell("surveying")
        places = [
            SurveyedPlace.of(task.draw_site(rng), rng)
            for number, task in enumerate(self.tasks)
            for rng in [chance(seed, _PLACES, number)]
        ]
        return to_arrays(
            meta_trained(
                places, initial(seed), self.learning, chance(seed, _TASKS), tell
            )
        )


def meta_trained(
    places: Sequence[RadioPlace],
    theta: Parameters,
    learning: Learning,
    rng: np.random.Generator,
    tell: Tell,
) -> Parameters:
    """Return θ* after Algorithm 1 on tasks of some places.

    Args:
        places: Tasks are of a random one.
        theta: Where it starts; not modified.
        learning: How.
        rng: Source of tasks.
        tell: Told of every iteration.
    """
    config = MetaConfig(
        n_iterations=learning.n_iterations,
        tasks_per_iteration=learning.tasks_per_iteration,
        alpha=learning.alpha,
        beta=learning.beta,
        n_steps=learning.n_steps,
    )
    tasks = RadioTasks(places, learning.n_support, learning.n_query)
    return meta_train(
        Maml(MODEL, tasks, config),
        theta,
        config,
        rng,
        on_progress=lambda progress: tell(str(progress)),
    )


def initial(seed: int) -> Parameters:
    """Return random parameters: where MAML starts, and RI."""
    generator = torch.Generator().manual_seed(int(chance(seed, _THETA).integers(2**63)))
    return MODEL.initial(generator)


def to_arrays(theta: Parameters) -> Arrays:
    """Return parameters as a unit can leave them."""
    return {name: value.detach().numpy() for name, value in theta.items()}


def from_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> Parameters:
    """Return the parameters that a unit has left."""
    return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
