"""Curves of the paper's Fig. 13 and Fig. 14, on a real day.

    Fig. 13: error after Q gradient steps, against the meta-iterations before them
    Fig. 14: error against gradient steps, at the end of training

Tasks are a day of which training has seen nothing: shots of first visits, queries of
later ones. The interval is that of the mean over draws of the shots.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.benchmark.plots import Curve
from trainer.errors import TaskError
from trainer.meta.curves import Curves, learning_curves
from trainer.meta.inner_loop import Parameters
from trainer.meta.train import Snapshots
from trainer.methods.csi_front import CsiFront
from trainer.methods.network_csi import make_model, replayed_tasks, tasks_of
from trainer.methods.network_training import (
    ALPHA,
    generator_of,
    n_iterations,
    train,
)
from trainer.methods.networks import NetworkMethod
from trainer.surveys.environment import Environment

_QUANTILE = 1.96


@dataclass(frozen=True, slots=True)
class PaperCurves:
    """A method's lines in both figures."""

    against_iterations: Curve
    """Fig. 13."""

    against_steps: Curve
    """Fig. 14."""


def paper_curves(
    method: NetworkMethod,
    history: Sequence[Environment],
    target: Environment,
    rng: np.random.Generator,
    *,
    n_steps: int = 20,
    n_snapshots: int = 10,
    n_draws: int = 10,
) -> PaperCurves:
    """Train on history and return the curves of a later day.

    Args:
        method: RI, TL or one of the MAML; of MAML-TS that of all environments.
        history: Of the target's place, with images, oldest first.
        target: A later day.
        rng: The only source of chance.
        n_steps: Q.
        n_snapshots: Of θ along the way, beside the first.
        n_draws: Of shots.

    Raises:
        TaskError: History or target have no images, or the target no two points with
            two samples.
    """
    front = CsiFront.learn(history, method.filters, n_rows=method.n_rows)
    days = [day for day in map(front.of, history) if len(day)]
    tasks = replayed_tasks(front, front.of(target), rng, n_draws)
    if not tasks:
        raise TaskError(f"{target.name} has no two points with two samples each")
    model = make_model(method.training, front, target.place)
    theta = model.initial(generator_of(rng))
    iterations = n_iterations(
        sum(map(len, days)), method.budget.n_epochs, method.budget.max_iterations
    )
    kept: dict[int, Parameters] = {}
    train(
        method.training,
        model,
        theta,
        tasks_of(method.training, front, days),
        iterations,
        rng,
        snapshots=Snapshots(max(1, iterations // n_snapshots), kept.__setitem__),
    )
    if not kept:  # RI: nothing changes
        kept = {0: theta, iterations: theta}
    found = learning_curves(model, kept, tasks, alpha=ALPHA, n_steps=n_steps)
    return _curves(method.title, found)


def _curves(label: str, found: Curves) -> PaperCurves:
    return PaperCurves(
        _curve(label, found.iterations, found.errors[:, :, -1]),
        _curve(label, np.arange(found.errors.shape[2]), found.errors[-1].T),
    )


def _curve(
    label: str, x: npt.NDArray[np.intp], errors: npt.NDArray[np.float64]
) -> Curve:
    """Return the mean with its interval; errors are of shape (len(x), n_draws)."""
    mean = errors.mean(axis=1)
    n = errors.shape[1]
    half = np.zeros(len(x))
    if n > 1:
        half = _QUANTILE * errors.std(axis=1, ddof=1) / np.sqrt(n)
    return Curve(label, x.astype(np.float64), mean, mean - half, mean + half)
