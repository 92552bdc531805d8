"""Models whose meta-gradients can be written down, in torch and in NumPy.

Quadratic      L = ½ (θ - c)ᵀ A (θ - c)
SoftmaxRegression   mean cross-entropy of softmax(X Wᵀ + b)

The NumPy half knows nothing of torch: gradients and products with the Hessian are
derived by hand, of operations that also take complex numbers, so that a derivative can
be taken by a complex step, exact to the last digits.
"""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class QuadraticTask:
    """Matrices and centres of the support's loss, and of the query's."""

    A: np.ndarray
    s: np.ndarray
    B: np.ndarray
    q: np.ndarray

    def adapted(self, theta, alpha, n_steps):
        """θ_Q = s + (I - αA)^Q (θ - s)."""
        return self.s + self.factor(alpha, n_steps) @ (theta - self.s)

    def factor(self, alpha, n_steps):
        """(I - αA)^Q = ∂θ_Q/∂θ."""
        return np.linalg.matrix_power(np.eye(len(self.s)) - alpha * self.A, n_steps)

    def loss(self, theta):
        return (theta - self.q) @ self.B @ (theta - self.q) / 2

    @classmethod
    def random(cls, rng, n=3):
        A, B = (m @ m.T / n + np.eye(n) / 2 for m in rng.normal(size=(2, n, n)))
        return cls(A, rng.normal(size=n), B, rng.normal(size=n))


class Quadratic:
    def start(self, theta, task):
        return theta

    def support_loss(self, theta, task):
        return _form(theta["theta"], task.A, task.s)

    def query_loss(self, theta, task):
        return _form(theta["theta"], task.B, task.q)


def _form(theta, matrix, centre):
    away = theta - torch.from_numpy(centre)
    return away @ torch.from_numpy(matrix) @ away / 2


@dataclass(frozen=True)
class LabelledTask:
    """Samples and one-hot labels of support and query."""

    xs: np.ndarray
    ys: np.ndarray
    xq: np.ndarray
    yq: np.ndarray

    @classmethod
    def random(cls, rng, n_features=3, n_classes=4):
        def sample(n):
            return rng.normal(size=(n, n_features)), np.eye(n_classes)[
                rng.integers(n_classes, size=n)
            ]

        return cls(*sample(6), *sample(9))


class SoftmaxRegression:
    def start(self, theta, task):
        return theta

    def support_loss(self, theta, task):
        return self._loss(theta, task.xs, task.ys)

    def query_loss(self, theta, task):
        return self._loss(theta, task.xq, task.yq)

    def _loss(self, theta, x, y):
        logits = torch.from_numpy(x) @ theta["weight"].T + theta["bias"]
        return -(torch.from_numpy(y) * logits.log_softmax(dim=1)).sum(1).mean()


# -- the same by hand ------------------------------------------------------------------


def probabilities(theta, x):
    raised = np.exp(x @ theta["weight"].T + theta["bias"])
    return raised / raised.sum(axis=1, keepdims=True)


def loss(theta, x, y):
    return -(y * np.log(probabilities(theta, x))).sum(axis=1).mean()


def gradient(theta, x, y):
    """∂L/∂W = (P - Y)ᵀ X / n, ∂L/∂b its column sums without X."""
    residual = (probabilities(theta, x) - y) / len(x)
    return {"weight": residual.T @ x, "bias": residual.sum(axis=0)}


def hessian_product(theta, x, v):
    """H v: with dZ = X V_Wᵀ + v_b, dP = P (dZ - Σ P dZ)."""
    p = probabilities(theta, x)
    change = x @ v["weight"].T + v["bias"]
    change = p * (change - (p * change).sum(axis=1, keepdims=True)) / len(x)
    return {"weight": change.T @ x, "bias": change.sum(axis=0)}


def stepped(theta, slope, size):
    return {name: value - size * slope[name] for name, value in theta.items()}


def meta_loss(theta, tasks, alpha, n_steps):
    """Eq. (7)."""
    total = 0.0
    for task in tasks:
        adapted = theta
        for _ in range(n_steps):
            adapted = stepped(adapted, gradient(adapted, task.xs, task.ys), alpha)
        total = total + loss(adapted, task.xq, task.yq) / len(tasks)
    return total


def meta_gradient(theta, tasks, alpha, n_steps, *, second_order):
    """Backwards through the steps: u <- u - α H(θ_k) u; first order leaves that out."""
    total = {name: 0.0 for name in theta}
    for task in tasks:
        path = [theta]
        for _ in range(n_steps):
            slope = gradient(path[-1], task.xs, task.ys)
            path.append(stepped(path[-1], slope, alpha))
        u = gradient(path[-1], task.xq, task.yq)
        if second_order:
            for before in reversed(path[:-1]):
                u = stepped(u, hessian_product(before, task.xs, u), alpha)
        total = {name: value + u[name] / len(tasks) for name, value in total.items()}
    return total


def dg_objective(theta, first, second, *, alpha, beta, n_steps, weight):
    """F(θ) + w G(θ - β∇F(θ)), Eq. (19)."""
    slope = meta_gradient(theta, first, alpha, n_steps, second_order=True)
    ahead = stepped(theta, slope, beta)
    return meta_loss(theta, first, alpha, n_steps) + weight * meta_loss(
        ahead, second, alpha, n_steps
    )


def finite_differences(function, theta, step=1e-6):
    """Central differences of a function of parameters by name."""
    return _elementwise(
        theta, lambda at: (function(at(step)) - function(at(-step))) / (2 * step)
    )


def complex_step(function, theta, step=1e-30):
    """Im f(θ + ih) / h: a derivative without a difference, so without its rounding."""
    return _elementwise(theta, lambda at: function(at(1j * step)).imag / step)


def _elementwise(theta, derivative):
    result = {}
    for name, value in theta.items():
        result[name] = np.empty(value.shape)
        for place in np.ndindex(value.shape):

            def at(change, name=name, value=value, place=place):
                shifted = value.astype(np.result_type(value, type(change)))
                shifted[place] += change
                return theta | {name: shifted}

            result[name][place] = derivative(at)
    return result


def random_theta(rng, n_features=3, n_classes=4):
    return {
        "weight": rng.normal(size=(n_classes, n_features)),
        "bias": rng.normal(size=n_classes),
    }


def assert_close(found, expected, tolerance):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(
            np.asarray(found[name]), value, rtol=0, atol=tolerance, err_msg=name
        )
