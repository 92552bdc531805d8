"""Write golden.npz: a task, and what autograd in double precision makes of it.

The gradient jumps where an activation crosses zero or two pixels of a maximum are
equal, and single precision may see such a decision otherwise: after that, honest
implementations differ by more than rounding. So many tasks are drawn, those whose
closest decision is clearest come first, and a task is taken when single precision
(torch's own, too) comes to the same, and still does when every parameter is moved by
as much as it is rounded. On large images, where some decision is always close, that
alone decides; one pixel matters less there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from edge_agent.bundles.bundle import AdaptationDefaults, Bundle
from edge_agent.bundles.golden import check, compare
from edge_agent.bundles.golden_file import GoldenFile, Task
from edge_agent.learning.backends import Backend
from edge_agent.learning.layer_kernel import AVAILABLE
from edge_agent.learning.network import Architecture, check_parameters
from edge_agent.learning.network import Parameters as Arrays
from export.bundle_writer import ExportError
from export.golden_autograd import TorchTask
from export.golden_clearance import clearance_of
from export.golden_task import draw_task

_LARGEST_CHANGE = 0.25
"""Of a parameter in the single step: far above what is tolerated."""

_TRIES = 32
_CLEAR = 4.0
"""Clearance at which no further task is drawn: others may err so many times as much as
torch does, and decide the same."""

_N_NUDGED = 2
_NUDGE = 2.0**-23
"""Relative distance of neighbouring numbers in single precision, at most."""

_HEADROOM = 2.0
"""Torch in single precision stays so many times below what others are allowed."""

_LEAST_LEAD = 0.05
"""Of a query's most probable point before the second, after the adaptation."""


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch compute on one thread: sums in the same order on every machine.

    It is faster, too: the tensors are small, and threads would wait for each other.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@_one_thread()
def make_golden(
    architecture: Architecture,
    parameters: Arrays,
    adaptation: AdaptationDefaults,
    *,
    on_try: Callable[[int, float], None] = lambda _number, _clearance: None,
) -> GoldenFile:
    """Return a task without close decisions, and what the network makes of it.

    Args:
        architecture: Of the network.
        parameters: θ*, without a head.
        adaptation: Of the bundle; of its steps the first 20 are repeated.
        on_try: Called with the number of each task drawn and its clearance.

    Raises:
        ExportError: The network computes no numbers, learns nothing, or comes to
            something else in single precision on every task.
    """
    try:
        check_parameters(architecture, parameters)
    except ValueError as error:
        raise ExportError(f"the checkpoint's {error}") from error
    reasons: list[str] = []
    later: list[tuple[float, int]] = []

    def answered(number: int) -> GoldenFile | None:
        task = _numbered(architecture, adaptation, number)
        try:
            return _answered(architecture, parameters, task)
        except _UnusableError as error:
            reasons.append(str(error))
            return None

    for number in range(_TRIES):
        task = _numbered(architecture, adaptation, number)
        clearance = clearance_of(architecture, parameters, task)
        on_try(number, clearance)
        if not clearance >= _CLEAR:  # not a number, too
            later.append((clearance, number))
        elif golden := answered(number):
            return golden
    for _, number in sorted(later, reverse=True):
        if golden := answered(number):
            return golden
    raise ExportError(f"no golden task in {_TRIES}: {reasons[0]}")


def check_golden(bundle: Bundle) -> None:
    """Repeat a bundle's golden task with every back end of this machine.

    Raises:
        BackendError, BundleError: One cannot be run.
        ExportError: One comes to something else.
    """
    kernel = (Backend.KERNEL,) if AVAILABLE else ()
    for backend in (Backend.NUMPY, *kernel, Backend.ONNXRUNTIME):
        if failures := check(bundle, backend).failures:
            found = "; ".join(map(str, failures))
            raise ExportError(f"{backend} is not what torch is: {found}")


class _UnusableError(Exception):
    """A task on which others could differ without being wrong."""


def _numbered(
    architecture: Architecture, adaptation: AdaptationDefaults, number: int
) -> Task:
    return draw_task(architecture, adaptation, np.random.default_rng(number))


def _answered(architecture: Architecture, parameters: Arrays, task: Task) -> GoldenFile:
    """Return the task with its step size, and the outcome in double precision.

    Raises:
        _UnusableError: Single precision comes to another outcome, or none is to be had.
    """
    double = TorchTask(architecture, parameters, task, torch.float64)
    _, gradient, _ = double.loss_and_gradient(double.start())
    steepest = max(float(g.abs().max()) for g in gradient.values())
    if not 0 < steepest < float("inf"):
        raise _UnusableError(f"the largest gradient is {steepest}")
    task = replace(task, alpha=2.0 ** np.floor(np.log2(_LARGEST_CHANGE / steepest)))
    expected = double.outcome(task.alpha)
    if task.n_steps > 0:
        first, last = expected.losses[0], expected.losses[-1]
        if not last < first:
            raise _UnusableError(
                f"the network does not adapt: none of {task.n_steps} steps lowered the "
                f"loss {first:.3g}"
            )
        lead = np.diff(np.sort(expected.adapted, axis=1)[:, -2:]).min()
        if not lead >= _LEAST_LEAD:
            raise _UnusableError(
                f"the adapted network tells points apart by {lead:.2g}"
            )
    rng = np.random.default_rng(0)
    for number in range(1 + _N_NUDGED):
        used = _nudged(parameters, rng) if number else parameters
        single = TorchTask(architecture, used, task, torch.float32).outcome(task.alpha)
        for difference in compare(single, expected):
            if not difference.found <= difference.allowed / _HEADROOM:
                raise _UnusableError(f"in single precision, {difference}")
    return GoldenFile(task, expected)


def _nudged(parameters: Arrays, rng: np.random.Generator) -> Arrays:
    return {
        name: array * (1 + _NUDGE * rng.uniform(-1, 1, array.shape))
        for name, array in parameters.items()
    }
