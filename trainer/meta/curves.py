"""Error on held-out tasks against gradient steps and meta-iterations, Fig. 14 and 13.

    error[s, t, q]: of snapshot s of θ, on task t, after q inner steps, Eq. (14)

Fig. 13 is a column of the mean over tasks (q = Q) against the iterations of the
snapshots, Fig. 14 its last row against q.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from trainer.meta.inner_loop import Parameters, as_leaves, inner_step
from trainer.meta.model import Model

TaskT = TypeVar("TaskT", contravariant=True)


class LocatingModel(Model[TaskT], Protocol[TaskT]):
    """A model whose error can be given in metres."""

    def query_errors(self, theta: Parameters, task: TaskT) -> npt.NDArray[np.float64]:
        """Return the distance of each query sample from its location [m], (n,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """What Fig. 13 and Fig. 14 plot."""

    iterations: npt.NDArray[np.intp]
    """Meta-iterations of each snapshot, ascending, shape (n_snapshots,)."""

    errors: npt.NDArray[np.float64]
    """Mean error of the query samples [m], shape (n_snapshots, n_tasks, Q + 1)."""

    @property
    def against_iterations(self) -> npt.NDArray[np.float64]:
        """Error after Q steps, mean over tasks [m], (n_snapshots,): Fig. 13."""
        return np.asarray(self.errors[:, :, -1].mean(axis=1))

    @property
    def against_steps(self) -> npt.NDArray[np.float64]:
        """Error of the last snapshot, mean over tasks [m], (Q + 1,): Fig. 14."""
        return np.asarray(self.errors[-1].mean(axis=0))


def learning_curves(
    model: LocatingModel[TaskT],
    snapshots: Mapping[int, Parameters],
    tasks: Sequence[TaskT],
    *,
    alpha: float,
    n_steps: int,
) -> Curves:
    """Return the errors of snapshots of θ on tasks that training has not seen.

    Args:
        model: f, its losses and its locations.
        snapshots: θ by meta-iteration, as `trainer.meta.train.Snapshots` keeps them; at
            least one.
        tasks: Held out; at least one, the same for all snapshots.
        alpha: Step size α.
        n_steps: Q.
    """
    iterations = sorted(snapshots)
    errors = [
        [
            step_errors(model, snapshots[i], task, alpha=alpha, n_steps=n_steps)
            for task in tasks
        ]
        for i in iterations
    ]
    return Curves(np.array(iterations, np.intp), np.array(errors, np.float64))


def step_errors(
    model: LocatingModel[TaskT],
    theta: Parameters,
    task: TaskT,
    *,
    alpha: float,
    n_steps: int,
) -> npt.NDArray[np.float64]:
    """Return the mean query error after 0 .. Q inner steps [m], shape (Q + 1,).

    Args:
        model: f, its losses and its locations.
        theta: θ*; not modified.
        task: T. Steps use its support set, errors its query set.
        alpha: Step size α.
        n_steps: Q.
    """
    adapted = as_leaves(model.start(theta, task))
    errors = [model.query_errors(adapted, task).mean()]
    for _ in range(n_steps):
        adapted = inner_step(model.support_loss, adapted, task, alpha)
        errors.append(model.query_errors(adapted, task).mean())
    return np.array(errors, np.float64)
