"""Whether every back end of this machine computes the same with a bundle.

One gradient step in single precision, against NumPy in double; and predictions with
what came of it, against NumPy's. Where the last bit of a sum decides whether a ReLU
passes or which pixel is a maximum, honest gradients differ by more than rounding: with
one set of random shots in ten or so. What computes something else does so with all.
So NumPy has several sets on which to agree with double precision, and every other back
end three of these on which to agree as well.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edge_agent.bundles.bundle import Bundle, as_float32
from edge_agent.bundles.golden import nameless_site
from edge_agent.errors import AgentError
from edge_agent.learning.adaptation import Stepped, with_head
from edge_agent.learning.backends import Backend
from edge_agent.learning.layer_kernel import AVAILABLE
from edge_agent.learning.layer_step import LayerStep
from edge_agent.learning.network import Array, Parameters, Statistics
from edge_agent.learning.predictor import make_predictor
from edge_agent.learning.steps import make_step
from edge_agent.learning.support import Support
from export.bundle_writer import ExportError

TOLERANCE = 1e-5
"""Largest difference of a loss, statistic, parameter or probability; relative where the
value is larger than 1. Summation in another order gives about 1e-6."""

_N_POINTS = 4
_N_SHOTS = 12
_N_TRIES = 32
_N_TASKS = 3
_LARGEST_CHANGE = 0.1
"""Of a parameter in the step: a step too small to see would show nothing."""


class _Parity(NamedTuple):
    step: float
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    support: Support
    parameters: Parameters
    """With a random head."""

    alpha: float
    exact: Stepped
    """What NumPy makes of it in double precision."""


def check_parity(bundle: Bundle) -> float:
    """Take a step on random shots, predict with every back end, and compare.

    Returns:
        The largest difference.

    Raises:
        ExportError: It exceeds `TOLERANCE`, a value is not finite, one that must not be
            is, or a back end cannot be run.
    """
    tasks = _tasks(bundle)
    worst = 0.0
    for backend in _back_ends():
        closest = _Parity(float("inf"), float("inf"))
        for task in tasks:
            closest = min(closest, _parity(bundle, task, backend), key=max)
            if max(closest) <= TOLERANCE:
                break
        else:
            raise ExportError(
                f"{backend} does not compute what numpy does: by {closest.step:.2g} in "
                f"a step and {closest.probability:.2g} in a probability, more than "
                f"{TOLERANCE:g}"
            )
        _check_nan(bundle, tasks[0], backend)
        worst = max(worst, *closest)
    return worst


@np.errstate(all="ignore")
def _check_nan(bundle: Bundle, task: _Task, backend: Backend) -> None:
    """Check that what is no number leads to none: an adaptation relies on it."""
    parameters = task.parameters | {
        "conv0.weight": np.full_like(task.parameters["conv0.weight"], np.nan)
    }
    try:
        loss = make_step(bundle, task.support, backend)(parameters, 0.0).loss
    except AgentError as error:
        raise ExportError(str(error)) from error
    if not np.isnan(loss):
        raise ExportError(f"{backend} gives a loss of {loss:.3g} where there is none")


def difference(stepped: Stepped, exact: Stepped) -> float:
    """Return how far two outcomes of a step are apart, relative to what is above 1."""
    pairs = [(np.array(stepped.loss), np.array(exact.loss))]
    for ours, theirs in zip(stepped.statistics, exact.statistics, strict=True):
        pairs += zip(ours, theirs, strict=True)
    pairs += [(stepped.after[name], exact.after[name]) for name in exact.after]
    return float(
        np.max([np.max(np.abs(a - b) / np.maximum(np.abs(b), 1)) for a, b in pairs])
    )


def _back_ends() -> list[Backend]:
    """Return what is compared, NumPy first."""
    kernel = [Backend.KERNEL] if AVAILABLE else []
    return [Backend.NUMPY, *kernel, Backend.ONNXRUNTIME]


def _parity(bundle: Bundle, task: _Task, backend: Backend) -> _Parity:
    """Return how far a back end is from what is expected; infinity is no number."""
    try:
        step = make_step(bundle, task.support, backend)
        stepped = step(task.parameters, task.alpha)
        probabilities = _predict(bundle, task, backend)
    except AgentError as error:
        raise ExportError(str(error)) from error
    found = (
        difference(stepped, task.exact),
        float(np.abs(probabilities - _predict(bundle, task, Backend.NUMPY)).max()),
    )
    return _Parity(*(x if np.isfinite(x) else float("inf") for x in found))


@np.errstate(all="ignore")  # what is not finite is said to be so
def _tasks(bundle: Bundle) -> list[_Task]:
    """Return tasks on which NumPy in single precision decides as in double.

    Raises:
        ExportError: There are none, or the step is no number.
    """
    closest = float("inf")
    tasks: list[_Task] = []
    for seed in range(_N_TRIES):
        task = _drawn(bundle, np.random.default_rng(seed))
        single = LayerStep(bundle.manifest.architecture, task.support)
        found = difference(single(task.parameters, task.alpha), task.exact)
        closest = min(closest, found)
        if found <= TOLERANCE / 2:
            tasks.append(task)
        if len(tasks) == _N_TASKS:
            return tasks
    raise ExportError(
        f"single precision differs from double by {closest:.2g} or more in a step on "
        f"{_N_TRIES - len(tasks)} of {_N_TRIES} sets of random shots: the network is "
        "too steep, or not finite"
    )


def _drawn(bundle: Bundle, rng: np.random.Generator) -> _Task:
    architecture = bundle.manifest.architecture
    support = _shots(bundle, rng)
    parameters = with_head(architecture, bundle.parameters, _N_POINTS)
    shape = parameters["head.weight"].shape
    head = rng.normal(0, shape[1] ** -0.5, shape)  # logits of about 1
    parameters["head.weight"] = head.astype(np.float32)
    double: Parameters = {
        name: array.astype(np.float64) for name, array in parameters.items()
    }
    step = LayerStep(architecture, support)
    descent = step(double, 1.0).after
    steepest = max(float(np.abs(descent[k] - double[k]).max()) for k in double)
    alpha = float(np.float32(_LARGEST_CHANGE / steepest))
    return _Task(support, parameters, alpha, step(double, alpha))


def _shots(bundle: Bundle, rng: np.random.Generator) -> Support:
    """Return random shots, of which some channels were not heard, and one padding."""
    spec = bundle.manifest.spec
    n = _N_SHOTS + 1
    images = rng.integers(0, 256, (n, *spec.shape), dtype=np.uint8)
    heard = rng.random((n, spec.n_channels)) < 0.8
    weights = rng.uniform(0.1, 0.5, n)
    weights[rng.integers(n)] = 0
    return Support(images, heard, np.arange(n) % _N_POINTS, _N_POINTS, weights)


def _predict(bundle: Bundle, task: _Task, backend: Backend) -> Array:
    """Return what a back end makes of the shots, with NumPy's parameters."""
    site = nameless_site(
        bundle,
        as_float32(task.exact.after),
        [
            Statistics(used.mean.astype(np.float32), used.variance.astype(np.float32))
            for used in task.exact.statistics
        ],
    )
    predictor = make_predictor(bundle, site, backend)
    return predictor.predict(task.support.images, task.support.heard)
