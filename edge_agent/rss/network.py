"""The MLP of Fig. 3, its loss, and one gradient step, in NumPy.

    h_0 = x,  h_i = max(0, h_{i-1} W_i^T + b_i),  f_θ(x) = h_{n-1} W_n^T + b_n

    L(θ) = sqrt( Σ w_i |f_θ(x_i) - y_i|² / Σ w_i + ε )             RMSE, section V-A
    θ' = θ - α ∇L(θ)                                                Eq. (6), Eq. (14)

Samples of weight 0 are padding. Backwards, with D_n = w (f - y) / (L Σ w):

    ∂L/∂W_i = D_i^T h_{i-1},  ∂L/∂b_i = Σ D_i,  D_{i-1} = (D_i W_i) [h_{i-1} > 0]

The one definition for the device; `trainer.models.rss_regression` and the graph of
`export.rss_graphs` are held to it by tests. It computes in the precision of θ.

Departures from the paper: it does not give the widths of the layers, which are 64.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

LOSS_EPSILON = 1e-12
"""ε: the root of zero has no gradient."""

_MAX_K, _MAX_LAYERS, _MAX_WIDTH = 64, 16, 1024

Array: TypeAlias = npt.NDArray[np.floating[Any]]
Parameters: TypeAlias = dict[str, Array]
"""Parameters by name: ``layer<i>.weight`` (n_out, n_in), ``layer<i>.bias`` (n_out,)."""


@dataclass(frozen=True, slots=True)
class RssArchitecture:
    """Sizes of the network; the defaults are the paper's, as far as it gives them."""

    k: int = 5
    """K, nearest reference points of a fingerprint."""

    hidden: tuple[int, ...] = (64, 64, 64, 64)
    """Widths of the hidden layers."""

    def __post_init__(self) -> None:
        if type(self.k) is not int or not 1 <= self.k <= _MAX_K:
            raise ValueError(f"K is {self.k}, not 1 to {_MAX_K}")
        if len(self.hidden) > _MAX_LAYERS or not all(
            type(width) is int and 1 <= width <= _MAX_WIDTH for width in self.hidden
        ):
            raise ValueError(
                f"hidden layers of widths {self.hidden}: expected at most "
                f"{_MAX_LAYERS}, each of 1 to {_MAX_WIDTH}"
            )

    @property
    def n_inputs(self) -> int:
        """3 K: a distance and two coordinates of each nearest point."""
        return 3 * self.k

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter, by name, input layer first."""
        shapes: dict[str, tuple[int, ...]] = {}
        widths = (self.n_inputs, *self.hidden, 2)
        for layer, (n_in, n_out) in enumerate(pairwise(widths)):
            shapes[f"layer{layer}.weight"] = (n_out, n_in)
            shapes[f"layer{layer}.bias"] = (n_out,)
        return shapes


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Samples whose locations are known."""

    inputs: Array
    """x, shape (n, 3 K)."""

    targets: Array
    """y, relative to the origins, in units of `LENGTH_M`, shape (n, 2)."""

    weights: Array
    """w, shape (n,); 0 is padding."""

    @classmethod
    def of(cls, inputs: Array, targets: Array) -> "Examples":
        """Return float32 examples that all count the same."""
        return cls(
            inputs.astype(np.float32),
            targets.astype(np.float32),
            np.ones(len(inputs), np.float32),
        )

    def select(self, rows: npt.NDArray[np.intp]) -> "Examples":
        """Return some of them."""
        return Examples(self.inputs[rows], self.targets[rows], self.weights[rows])


def check_parameters(architecture: RssArchitecture, parameters: Parameters) -> None:
    """Check names, shapes and values.

    Raises:
        ValueError: They are not those of this network.
    """
    expected = architecture.parameter_shapes()
    found = {name: array.shape for name, array in parameters.items()}
    if found != expected:
        wrong = sorted(
            name
            for name in expected.keys() | found.keys()
            if expected.get(name) != found.get(name)
        )
        raise ValueError(
            "parameters do not fit the network: "
            + ", ".join(
                f"{name} has shape {found.get(name)}, expected {expected.get(name)}"
                for name in wrong[:3]
            )
        )
    for name, array in parameters.items():
        if not np.isfinite(array).all():
            raise ValueError(f"parameter {name} holds values that are not finite")


def regress(theta: Parameters, inputs: Array) -> Array:
    """Return f_θ(x), shape (n, 2).

    Args:
        theta: θ.
        inputs: x, shape (n, 3 K).
    """
    return _layers(theta, inputs)[-1]


def loss(theta: Parameters, examples: Examples) -> float:
    """Return L(θ), in units of `LENGTH_M`."""
    return float(_loss(regress(theta, examples.inputs) - examples.targets, examples))


def loss_and_gradient(
    theta: Parameters, examples: Examples
) -> tuple[float, Parameters]:
    """Return L(θ) and ∇L(θ).

    Args:
        theta: θ.
        examples: D^s; some weight is above 0.
    """
    values = _layers(theta, examples.inputs)
    missed = values[-1] - examples.targets
    value = _loss(missed, examples)
    back = examples.weights[:, None] * missed / (value * examples.weights.sum())
    gradient: Parameters = {}
    for layer in reversed(range(len(theta) // 2)):
        gradient[f"layer{layer}.weight"] = back.T @ values[layer]
        gradient[f"layer{layer}.bias"] = back.sum(axis=0)
        if layer:
            back = (back @ theta[f"layer{layer}.weight"]) * (values[layer] > 0)
    return float(value), {name: gradient[name] for name in theta}


def step(
    theta: Parameters, examples: Examples, alpha: float
) -> tuple[float, Parameters]:
    """Return L(θ) and θ', Eq. (6).

    Args:
        theta: θ; not modified.
        examples: D^s.
        alpha: Step size α.
    """
    value, gradient = loss_and_gradient(theta, examples)
    return value, {
        name: array - array.dtype.type(alpha) * gradient[name]
        for name, array in theta.items()
    }


def adapt(
    theta: Parameters,
    examples: Examples,
    *,
    alpha: float,
    n_steps: int,
    on_step: Callable[[int, float], None] = lambda _step, _loss: None,
) -> tuple[Parameters, tuple[float, ...]]:
    """Return θ after Q = ``n_steps`` steps, Eq. (14), and the loss before and after.

    Args:
        theta: θ*; not modified.
        examples: D^s.
        alpha: Step size α.
        n_steps: Q.
        on_step: Called with the number of steps done and the loss after them.

    Raises:
        ValueError: The loss is not a number any more.
    """
    losses: list[float] = []
    for number in range(n_steps + 1):
        before = theta
        with np.errstate(over="ignore", invalid="ignore"):  # said below
            value, theta = step(before, examples, alpha)
        if not np.isfinite(value):
            raise ValueError(
                f"the loss is {value} after {number} steps of size {alpha:g}"
            )
        losses.append(value)
        on_step(number, value)
    return before, tuple(losses)


def _layers(theta: Parameters, inputs: Array) -> list[Array]:
    """Return x, what each hidden layer gives, and f_θ(x)."""
    n_layers = len(theta) // 2
    values = [inputs]
    for layer in range(n_layers):
        linear = (
            values[-1] @ theta[f"layer{layer}.weight"].T + theta[f"layer{layer}.bias"]
        )
        values.append(linear if layer == n_layers - 1 else np.maximum(linear, 0))
    return values


def _loss(missed: Array, examples: Examples) -> np.floating[Any]:
    squares = np.square(missed).sum(axis=1)
    weights = examples.weights
    mean: np.floating[Any] = (weights * squares).sum() / weights.sum()
    root: np.floating[Any] = np.sqrt(mean + mean.dtype.type(LOSS_EPSILON))
    return root
