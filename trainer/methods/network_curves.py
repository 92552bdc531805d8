"""Curves of the paper's Fig. 13 and Fig. 14, on a real day.

    Fig. 13: error after Q gradient steps, against the meta-iterations before them
    Fig. 14: error against gradient steps, at the end of training

Tasks are a day of which training has seen nothing: shots of first visits, queries of
later ones. Each network is trained several times, from parameters, tasks and shots
drawn anew; the interval is that of the mean over these trainings, Student's t, 95 %.
That over draws of shots after one training would not know how trainings differ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

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

N_SEEDS = 5
"""Trainings, unless somebody asks for another number of them."""

_PROBABILITY = 0.975


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
    n_seeds: int = N_SEEDS,
    n_steps: int = 20,
    n_snapshots: int = 10,
    n_draws: int = 10,
    on_seed: Callable[[int], None] = lambda _number: None,
) -> PaperCurves:
    """Train on history, several times, and return the curves of a later day.

    Args:
        method: RI, TL or one of the MAML; of MAML-TS that of all environments.
        history: Of the target's place, with images, oldest first.
        target: A later day.
        rng: The only source of chance; each training has a child of its own.
        n_seeds: Trainings; there is no interval with a single one.
        n_steps: Q.
        n_snapshots: Of θ along the way, beside the first.
        n_draws: Of shots, per training.
        on_seed: Called with the number of each training before it, from 0.

    Raises:
        ValueError: ``n_seeds`` is not positive.
        TaskError: History or target have no images, or the target no two points with
            two samples.
    """
    if n_seeds < 1:
        raise ValueError(f"n_seeds is {n_seeds}, not 1 or more")
    found: list[Curves] = []
    for number, child in enumerate(rng.spawn(n_seeds)):
        on_seed(number)
        found.append(
            _watched(method, history, target, child, n_steps, n_snapshots, n_draws)
        )
    return PaperCurves(
        _curve(
            method.title,
            found[0].iterations,
            np.array([curves.against_iterations for curves in found]),
        ),
        _curve(
            method.title,
            np.arange(n_steps + 1),
            np.array([curves.against_steps for curves in found]),
        ),
    )


def _watched(
    method: NetworkMethod,
    history: Sequence[Environment],
    target: Environment,
    rng: np.random.Generator,
    n_steps: int,
    n_snapshots: int,
    n_draws: int,
) -> Curves:
    """Return the curves of one training."""
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
    return learning_curves(model, kept, tasks, alpha=ALPHA, n_steps=n_steps)


def _curve(
    label: str, x: npt.NDArray[np.intp], errors: npt.NDArray[np.float64]
) -> Curve:
    """Return the mean with its interval; errors are of shape (n_seeds, len(x))."""
    mean, n = errors.mean(axis=0), len(errors)
    if n < 2:
        return Curve(label, x.astype(np.float64), mean)
    half = stdtrit(n - 1, _PROBABILITY) * errors.std(axis=0, ddof=1) / np.sqrt(n)
    return Curve(label, x.astype(np.float64), mean, mean - half, mean + half)
