"""Broad learning: random features, a linear read-out, and nodes that are added.

Chen & Liu, "Broad learning system", IEEE TNNLS 29(1), 2018, as ILCL uses it (Zhu et
al., IEEE TNSE 9(4), 2022). Rows are samples, β a constant column, Y the targets:

    Z_i = scale([X β] W_i)       feature nodes of window i; W_i a sparse autoencoder:
                                 min_W ½ ‖T W - [X β]‖² + λ ‖W‖₁ by ADMM,
                                 T a random projection of [X β]; then W_i = Wᵀ
    H   = tanh([Z β] V s')       enhancement nodes; V orthonormal, s' = s / max
    A   = [Z | H],   W = A⁺ Y,   A⁺ = (AᵀA + C I)⁻¹ Aᵀ

Nodes a are added without solving anew, a block at a time:

    D = A⁺ a,   R = a - A D,   B = (aᵀR + C I)⁻¹ Rᵀ,   [A | a]⁺ = [A⁺ - D B; B]

Departures from the paper: B is R⁺ there (Greville's formula), which is right for the
true pseudo-inverse only, and breaks down once there are more nodes than samples. The
block above is right for the ridge C > 0 that both use, and tends to Greville's as
C → 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import scipy.linalg

from trainer.methods.features import Matrix

_BIAS: Final = 0.1
"""Value of the constant column β."""


@dataclass(frozen=True, slots=True)
class BroadLearningConfig:
    """Sizes; the defaults are ILCL's for its meeting room, which MetaLoc took over."""

    n_windows: int = 5
    """Feature windows at the start (N2)."""

    n_feature_nodes: int = 30
    """Nodes of a feature window (N1, M1)."""

    n_enhancement_nodes: int = 50
    """Enhancement nodes at the start (N3), and of each kind per step (M2, M3)."""

    n_steps: int = 10
    """L: windows that are added after the start."""

    shrinkage: float = 0.9
    """s: the largest input of tanh."""

    ridge: float = 2.0**-10
    """C."""

    def __post_init__(self) -> None:
        sizes = (self.n_windows, self.n_feature_nodes, self.n_enhancement_nodes)
        if min(sizes) < 1 or self.n_steps < 0:
            raise ValueError(
                f"{sizes} nodes and {self.n_steps} steps; at least 1 and 0"
            )
        if not (self.ridge > 0 and self.shrinkage > 0):
            raise ValueError(
                f"ridge {self.ridge}, shrinkage {self.shrinkage}; both are above zero"
            )


class BroadLearning:
    """A trained system."""

    def __init__(
        self,
        inputs: Matrix,
        targets: Matrix,
        config: BroadLearningConfig,
        rng: np.random.Generator,
    ) -> None:
        """Train on all samples, then add nodes step by step.

        Args:
            inputs: X, shape (n, d).
            targets: Y, shape (n, n_outputs), e.g. one-hot.
            config: Sizes.
            rng: Draws the random projections.
        """
        self._config = config
        biased = _with_bias(inputs)
        self._windows: list[_Window] = []
        self._enhancements: list[_Enhancement] = []
        for _ in range(config.n_windows):
            self._windows.append(_Window.of(biased, config.n_feature_nodes, rng))
        windows = [w(biased) for w in self._windows]
        nodes = np.hstack([*windows, self._enhance(windows, slice(None), rng)])
        inverse = ridge_inverse(nodes, config.ridge)
        for _ in range(config.n_steps):
            window = _Window.of(biased, config.n_feature_nodes, rng)
            self._windows.append(window)
            windows.append(window(biased))
            newest = slice(len(windows) - 1, None)
            new = np.hstack(
                [
                    windows[-1],
                    self._enhance(windows, newest, rng),
                    self._enhance(windows, slice(len(windows)), rng),
                ]
            )
            inverse = append_nodes(nodes, inverse, new, config.ridge)
            nodes = np.hstack([nodes, new])
        self._weights: Matrix = inverse @ targets

    def predict(self, inputs: Matrix) -> Matrix:
        """Return the outputs of samples, shape (n, n_outputs).

        Args:
            inputs: Shape (n, d).
        """
        return self._nodes(_with_bias(inputs)) @ self._weights

    def _enhance(
        self, windows: Sequence[Matrix], of: slice, rng: np.random.Generator
    ) -> Matrix:
        """Add enhancement nodes of some windows, and return their values."""
        enhancement = _Enhancement.of(
            np.hstack(windows[of]), slice(*of.indices(len(windows))), self._config, rng
        )
        self._enhancements.append(enhancement)
        return enhancement(windows)

    def _nodes(self, biased: Matrix) -> Matrix:
        """Return A of new samples, with its columns in the order of training."""
        windows = [w(biased) for w in self._windows]
        start = self._config.n_windows
        first, *added = self._enhancements
        columns = [*windows[:start], first(windows)]
        for step, window in enumerate(windows[start:]):
            pair = added[2 * step : 2 * step + 2]
            columns += [window, *(enhancement(windows) for enhancement in pair)]
        return np.hstack(columns)


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """Feature nodes."""

    weights: Matrix
    least: Matrix
    span: Matrix

    @classmethod
    def of(cls, biased: Matrix, n_nodes: int, rng: np.random.Generator) -> Self:
        projection = 2 * rng.standard_normal((biased.shape[1], n_nodes)) - 1
        random_nodes = _unit_columns(biased @ projection)
        weights = sparse_autoencoder(random_nodes, biased).T
        nodes = biased @ weights
        least, span = nodes.min(axis=0), np.ptp(nodes, axis=0)
        return cls(weights, least, np.where(span > 0, span, 1))

    def __call__(self, biased: Matrix) -> Matrix:
        return (biased @ self.weights - self.least) / self.span


@dataclass(frozen=True, slots=True, eq=False)
class _Enhancement:
    """Enhancement nodes of some windows."""

    windows: slice
    weights: Matrix

    @classmethod
    def of(
        cls,
        nodes: Matrix,
        windows: slice,
        config: BroadLearningConfig,
        rng: np.random.Generator,
    ) -> Self:
        biased = _with_bias(nodes)
        shape = (biased.shape[1], config.n_enhancement_nodes)
        weights = orthonormal(rng.uniform(-1, 1, shape))
        largest = np.abs(biased @ weights).max(initial=0)
        return cls(windows, weights * (config.shrinkage / max(largest, 1e-12)))

    def __call__(self, windows: Sequence[Matrix]) -> Matrix:
        inputs = _with_bias(np.hstack(windows[self.windows]))
        nodes: Matrix = np.tanh(inputs @ self.weights)
        return nodes


def ridge_inverse(nodes: Matrix, ridge: float) -> Matrix:
    """Return (AᵀA + C I)⁻¹ Aᵀ, shape (n_nodes, n).

    Args:
        nodes: A, shape (n, n_nodes).
        ridge: C > 0.
    """
    gram = nodes.T @ nodes
    gram[np.diag_indices_from(gram)] += ridge
    inverse: Matrix = scipy.linalg.solve(gram, nodes.T, assume_a="pos")
    return inverse


def append_nodes(nodes: Matrix, inverse: Matrix, new: Matrix, ridge: float) -> Matrix:
    """Return the ridge inverse of [A | a] from that of A.

    Args:
        nodes: A, shape (n, n_nodes).
        inverse: Its `ridge_inverse`.
        new: a, shape (n, n_new).
        ridge: C, as in ``inverse``.
    """
    d = inverse @ new
    residual = new - nodes @ d
    schur = new.T @ residual
    # Symmetric but for rounding, which a Cholesky factor would not forgive.
    schur = (schur + schur.T) / 2
    schur[np.diag_indices_from(schur)] += ridge
    b = scipy.linalg.solve(schur, residual.T, assume_a="pos")
    return np.vstack([inverse - d @ b, b])


def sparse_autoencoder(
    features: Matrix, targets: Matrix, *, penalty: float = 1e-3, n_iterations: int = 50
) -> Matrix:
    """Return argmin_W ½ ‖T W - X‖² + λ ‖W‖₁, by ADMM with ρ = 1.

    Args:
        features: T, shape (n, n_features).
        targets: X, shape (n, d).
        penalty: λ.
        n_iterations: Of ADMM.

    Returns:
        Shape (n_features, d).
    """
    gram = features.T @ features
    gram[np.diag_indices_from(gram)] += 1
    factor = scipy.linalg.cho_factor(gram)
    correlation = features.T @ targets
    sparse = np.zeros_like(correlation)
    dual = np.zeros_like(correlation)
    for _ in range(n_iterations):
        dense = scipy.linalg.cho_solve(factor, correlation + sparse - dual)
        moved = dense + dual
        sparse = np.sign(moved) * np.maximum(np.abs(moved) - penalty, 0)
        dual = moved - sparse
    return sparse


def orthonormal(matrix: Matrix) -> Matrix:
    """Return a basis of the columns, or of the rows where those are fewer."""
    if matrix.shape[0] >= matrix.shape[1]:
        return np.asarray(np.linalg.qr(matrix).Q)
    return np.asarray(np.linalg.qr(matrix.T).Q).T


def _with_bias(rows: Matrix) -> Matrix:
    return np.hstack([rows, np.full((len(rows), 1), _BIAS)])


def _unit_columns(matrix: Matrix) -> Matrix:
    """Return columns scaled to a span of one, so that one λ suits all inputs."""
    span: Matrix = np.ptp(matrix, axis=0)
    scaled: Matrix = (matrix - matrix.min(axis=0)) / np.where(span > 0, span, 1)
    return scaled
