"""Test tasks against environments: their MMD, and RMSE from their θ*: for Fig. 10."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge_agent.task_similarity.choice import choose_environment
from edge_agent.task_similarity.mmd import (
    Sample,
    median_bandwidth,
    permutation_test,
    standardize,
)
from trainer.figures.descent import descend, rmse_at, shown_steps
from trainer.figures.meta_training import MetaTraining, from_arrays
from trainer.figures.radio import (
    PathLossPlace,
    centre_errors,
    draw_problem,
    neighbour_errors,
)
from trainer.figures.statistics import rmse
from trainer.figures.units import Arrays, Needed, Tell, Unit, chance
from trainer.simulate.pathloss.tasks import TaskTable

_HISTORY, _PLACE, _DRAW, _TEST = 31, 32, 33, 34
"""What a stream of chance is for."""


@dataclass(frozen=True, slots=True)
class Environments:
    """All test tasks of a table, at one place each."""

    table: TaskTable
    thetas: tuple[MetaTraining, ...]
    """Those to start from."""

    n_steps: int = 100
    n_references: int = 30
    n_support: int = 124
    n_query: int = 1000
    n_permutations: int = 200

    @property
    def name(self) -> str:
        """See `Unit`."""
        return "environments"

    @property
    def needs(self) -> tuple[Unit, ...]:
        """Every θ*."""
        return self.thetas

    @property
    def weight(self) -> float:
        """See `Unit`."""
        return 0.003 * self.n_steps * len(self.thetas) * len(self.table.test) + 8

    def run(self, seed: int, needed: Needed, tell: Tell) -> Arrays:
        """Return what is known of each test task, under ``<task>-<what>``.

        ``mmd2`` and ``p`` have an entry per environment; ``choice`` is the number of
        the environment that Algorithm 2 chooses, -1 for none, ``within`` the MMD² that
        tasks of one environment have; ``<θ>`` is RMSE [m] at ``steps``, ``centre`` and
        ``wknn_same`` are RMSE [m].
        """
        steps = shown_steps(self.n_steps)
        found: Arrays = {"steps": steps}
        history = self._history(seed)
        names = list(history)
        for number, task in enumerate(self.table.test):
            tell(f"test task {task.name}")
            place = PathLossPlace(task.draw_site(chance(seed, _PLACE, number)))
            problem = draw_problem(
                place,
                chance(seed, _DRAW, number),
                n_references=self.n_references,
                n_support=self.n_support,
                n_query=self.n_query,
            )
            inputs, rng = problem.support_inputs, chance(seed, _TEST, number)
            mmd2, p = _distances(inputs, history, rng, self.n_permutations)
            choice = choose_environment(inputs, history, rng)
            found[f"{task.name}-mmd2"], found[f"{task.name}-p"] = mmd2, p
            chosen = -1
            if choice.environment is not None:
                chosen = names.index(choice.environment)
            found[f"{task.name}-choice"] = np.array(chosen)
            found[f"{task.name}-within"] = np.array(choice.within)
            for theta in self.thetas:
                path = descend(
                    from_arrays(needed[theta.name]),
                    problem.task,
                    alpha=theta.learning.alpha,
                    n_steps=self.n_steps,
                )
                rmses = rmse_at(path, problem.task, steps)
                found[f"{task.name}-{theta.name}"] = rmses
            found[f"{task.name}-centre"] = np.array(rmse(centre_errors(problem)))
            same = neighbour_errors(problem, is_weighted=True, with_support=True)
            found[f"{task.name}-wknn_same"] = np.array(rmse(same))
        return found

    def _history(self, seed: int) -> dict[str, list[Sample]]:
        """Return the fingerprints of every training task, by environment."""
        history: dict[str, list[Sample]] = {
            name: [] for name in self.table.environments
        }
        for number, task in enumerate(self.table.training):
            rng = chance(seed, _HISTORY, number)
            problem = draw_problem(
                PathLossPlace(task.draw_site(rng)),
                rng,
                n_references=self.n_references,
                n_support=self.n_support,
                n_query=1,
            )
            history[task.environment].append(problem.support_inputs)
        return history


def _distances(
    task: Sample,
    history: Mapping[str, list[Sample]],
    rng: np.random.Generator,
    n_permutations: int,
) -> tuple[Sample, Sample]:
    """Return MMD² to the pooled tasks of each environment, and its p-value.

    One scale and one bandwidth for all, as values under others cannot be compared.
    """
    pooled = [np.concatenate(parts) for parts in history.values()]
    new, *scaled = standardize([task, *pooled])
    bandwidth = median_bandwidth([new, *scaled])
    tests = [
        permutation_test(new, part, bandwidth, rng, n_permutations=n_permutations)
        for part in scaled
    ]
    return (
        np.array([test.squared_mmd for test in tests]),
        np.array([test.p_value for test in tests]),
    )
