"""Write golden.npz: a task, and what autograd in double precision makes of it.

The gradient jumps where an activation crosses zero or two pixels of a maximum are
equal, and single precision may see such a decision otherwise: after that, honest
implementations differ by more than rounding. So many tasks are drawn, those whose
closest decision is clearest come first, and a task is taken when single precision
(torch's own, too) comes to the same, and still does when every parameter is moved by
as much as it is rounded. On large images, where some decision is always close, that
alone decides; one pixel matters less there.

Images are of few brightnesses, so that the file is small, and of enough of them that
hardly two neighbourhoods are the same.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (torch's own name for it)
from torch import Tensor

from edge_agent.backends import Backend
from edge_agent.bundle import AdaptationDefaults, Bundle
from edge_agent.golden import check, compare
from edge_agent.golden_file import GoldenFile, Outcome, Task, digest
from edge_agent.layer_kernel import AVAILABLE
from edge_agent.network import Architecture, Statistics, check_parameters
from edge_agent.network import Parameters as Arrays
from edge_agent.support import Support
from export.bundle_writer import ExportError
from trainer import operations
from trainer.meta.inner_loop import Parameters, as_leaves
from trainer.network import Batch, cross_entropy, forward, make_batch, with_head
from trainer.network import Statistics as Moments
from trainer.operations import LayerOutput

_N_POINTS = 3
_N_SHOTS = 2
_N_QUERIES = 3
_MAX_STEPS = 20
"""An adaptation of more steps shows no more, and parts further in single precision."""

_PATTERN_LEVELS, _NOISE_LEVELS = 4, 4
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


def draw_task(
    architecture: Architecture,
    adaptation: AdaptationDefaults,
    rng: np.random.Generator,
) -> Task:
    """Return two shots of three points each, one row of padding, and a query of each.

    Points differ by a pattern over channels and tones. One channel of some shots is not
    heard, where there are several. ``alpha`` is left at 1.
    """
    n_channels, n_packets, n_tones = architecture.image_shape
    patterns = rng.integers(0, _PATTERN_LEVELS, (_N_POINTS, n_channels, 1, n_tones))

    def images(points: np.ndarray) -> np.ndarray:
        shape = (len(points), n_channels, n_packets, n_tones)
        levels = patterns[points] + rng.integers(0, _NOISE_LEVELS, shape)
        return _brightness(architecture, levels)

    points = np.tile(np.arange(_N_POINTS), _N_SHOTS)
    shots = images(points)
    heard = np.ones((len(points), n_channels), np.bool_)
    if n_channels > 1:
        heard[:_N_POINTS, -1] = False
    n_features = architecture.n_features
    spread = 2.0 ** round(np.log2(5 * np.sqrt(n_features)))  # logits of about 1
    return Task(
        # The padding is a shot with another's label: it shows where it is not left out.
        Support(
            np.concatenate([shots, shots[-1:]]),
            np.concatenate([heard, heard[-1:]]),
            np.append(points, 0),
            _N_POINTS,
            np.append(np.full(len(points), 1 / _N_SHOTS), 0.0),
        ),
        images(np.arange(_N_QUERIES) % _N_POINTS),
        np.ones((_N_QUERIES, n_channels), np.bool_),
        {
            "head.weight": rng.integers(-8, 9, (_N_POINTS, n_features)) / spread,
            "head.bias": rng.integers(-8, 9, _N_POINTS) / 16,
        },
        alpha=1.0,
        adapt_alpha=adaptation.alpha,
        n_steps=min(adaptation.n_steps, _MAX_STEPS),
    )


def _brightness(architecture: Architecture, levels: np.ndarray) -> np.ndarray:
    """Return pixels about the architecture's mean, a third of its deviation apart."""
    n_levels = _PATTERN_LEVELS + _NOISE_LEVELS - 1
    apart = min(max(round(255 * architecture.pixel_std / 3), 1), 255 // n_levels)
    lowest = round(255 * architecture.pixel_mean - apart * n_levels / 2)
    lowest = min(max(lowest, 0), 255 - apart * n_levels)
    return (lowest + apart * levels).astype(np.uint8)


# -- what autograd makes of it ---------------------------------------------------------


def _answered(architecture: Architecture, parameters: Arrays, task: Task) -> GoldenFile:
    """Return the task with its step size, and the outcome in double precision.

    Raises:
        _UnusableError: Single precision comes to another outcome, or none is to be had.
    """
    double = _Torch(architecture, parameters, task, torch.float64)
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
        single = _Torch(architecture, used, task, torch.float32).outcome(task.alpha)
        for difference in compare(single, expected):
            if not difference.found <= difference.allowed / _HEADROOM:
                raise _UnusableError(f"in single precision, {difference}")
    return GoldenFile(task, expected)


def _nudged(parameters: Arrays, rng: np.random.Generator) -> Arrays:
    return {
        name: array * (1 + _NUDGE * rng.uniform(-1, 1, array.shape))
        for name, array in parameters.items()
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Torch:
    """The trainer's network on a task, in some precision."""

    architecture: Architecture
    parameters: Arrays
    task: Task
    dtype: torch.dtype

    def start(self) -> Parameters:
        """Return θ* and the task's head."""
        arrays = self.parameters | self.task.head
        return as_leaves(
            {name: torch.tensor(a, dtype=self.dtype) for name, a in arrays.items()}
        )

    def shots(self) -> Batch:
        """Return the shots without padding: what padding must not change."""
        shots = self.task.shots
        kept = shots.weights > 0
        return make_batch(
            self.architecture,
            shots.images[kept],
            shots.heard[kept],
            shots.points[kept],
            shots.n_points,
            dtype=self.dtype,
        )

    def loss_and_gradient(self, theta: Parameters) -> tuple[float, Parameters, Moments]:
        moments: Moments = []
        shots = self.shots()
        loss = cross_entropy(forward(theta, shots.inputs, collect=moments), shots)
        gradient = torch.autograd.grad(loss, list(theta.values()))
        return (
            loss.item(),
            dict(zip(theta, gradient, strict=True)),
            [(mean.detach(), variance.detach()) for mean, variance in moments],
        )

    def probabilities(self, theta: Parameters, moments: Moments) -> np.ndarray:
        task = self.task
        nowhere = np.zeros(len(task.query_images), np.intp)
        queries = make_batch(
            self.architecture,
            task.query_images,
            task.query_heard,
            nowhere,
            task.shots.n_points,
            dtype=self.dtype,
        )
        with torch.no_grad():
            logits = forward(theta, queries.inputs, moments)
        return _doubles(torch.softmax(logits, dim=1))

    def outcome(self, alpha: float) -> Outcome:
        """Return all that is expected of others."""
        loss, gradient, moments = self.loss_and_gradient(theta := self.start())
        after = _stepped(theta, gradient, alpha)
        _, _, moments_after = self.loss_and_gradient(after)
        losses, adapted, moments_adapted = self.adapt()
        return Outcome(
            loss,
            [Statistics(_doubles(m), _doubles(v)) for m, v in moments],
            {name: digest(_doubles(value)) for name, value in after.items()},
            self.probabilities(after, moments_after),
            losses,
            self.probabilities(adapted, moments_adapted),
        )

    def adapt(self) -> tuple[np.ndarray, Parameters, Moments]:
        """Take the steps of an adaptation: those that raise the loss are halved."""
        task = self.task
        body = {
            name: torch.tensor(array, dtype=self.dtype)
            for name, array in self.parameters.items()
        }
        theta = as_leaves(with_head(self.architecture, body, task.shots.n_points))
        alpha = task.adapt_alpha
        loss, gradient, moments = self.loss_and_gradient(theta)
        losses = [loss]
        for _ in range(task.n_steps):
            tried = _stepped(theta, gradient, alpha)
            tried_loss, tried_gradient, tried_moments = self.loss_and_gradient(tried)
            if tried_loss <= loss:
                theta, loss = tried, tried_loss
                gradient, moments = tried_gradient, tried_moments
            else:
                alpha /= 2
            losses.append(loss)
        return np.array(losses) / task.shots.n_points, theta, moments


def _stepped(theta: Parameters, gradient: Parameters, alpha: float) -> Parameters:
    return as_leaves(
        {name: value - alpha * gradient[name] for name, value in theta.items()}
    )


def _doubles(values: Tensor) -> np.ndarray:
    return values.detach().double().numpy()


# -- how close its decisions are -------------------------------------------------------


def clearance_of(architecture: Architecture, parameters: Arrays, task: Task) -> float:
    """Return how far the closest decision is from one that rounding could turn.

    Returns:
        The least distance of an activation from zero, or of a 2x2 maximum from the
        second largest, as a multiple of the largest error of its filter in single
        precision.
    """
    double, single = (
        _layers(_Torch(architecture, parameters, task, dtype))
        for dtype in (torch.float64, torch.float32)
    )
    ratios = []
    for exact, rounded in zip(double, single, strict=True):
        error = (exact.before_relu - rounded.before_relu).abs().amax((0, 2, 3))
        ratios.append((exact.distance() / error.clamp_min(1e-30)).min())
    return float(torch.stack(ratios).min())


@dataclass(frozen=True, slots=True, eq=False)
class _LayerDecisions:
    before_relu: Tensor
    """In double precision, shape (n, n_filters, height, width)."""

    is_last: bool
    rises: bool
    """Whether the maximum is of the ReLU; otherwise its sign is each filter's own."""

    def distance(self) -> Tensor:
        """Return the closest decision of each filter, (n_filters,).

        What is zero exactly, or not positive in a maximum, decides nothing: such pixels
        have no gradient.
        """
        x = self.before_relu
        closest = _smallest(x.abs(), where=x != 0)
        if self.is_last:
            return closest
        height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
        cells = x[:, :, :height, :width].relu().unfold(2, 2, 2).unfold(3, 2, 2)
        ordered = cells.flatten(4).sort(-1).values
        largest, second = ordered[..., 3], ordered[..., 2]
        closest = closest.minimum(_smallest(largest - second, where=largest > 0))
        if not self.rises:
            smallest, next_one = ordered[..., 0], ordered[..., 1]
            gap = _smallest(next_one - smallest, where=smallest > 0)
            closest = closest.minimum(gap)
        return closest


def _smallest(x: Tensor, *, where: Tensor) -> Tensor:
    return torch.where(where, x, float("inf")).amin((0, 2, 3))


def _layers(network: _Torch) -> list[_LayerDecisions]:
    """Run the network on its shots and return what each layer decides on."""
    n_layers = len(network.architecture.filters)
    layers: list[_LayerDecisions] = []

    def watched(
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        *,
        halve: bool,
        frozen: tuple[Tensor, Tensor] | None,
    ) -> LayerOutput:
        before_relu = F.conv2d(x, weight, bias, padding=1).double()
        is_last = len(layers) == n_layers - 1
        layers.append(_LayerDecisions(before_relu, is_last, halve))
        return operations.layer(x, weight, bias, halve=halve, frozen=frozen)

    with torch.no_grad():
        forward(network.start(), network.shots().inputs, layer=watched)
    return layers
