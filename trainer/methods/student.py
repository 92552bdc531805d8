"""How badly a point explains a sample, with tails for what nobody has foreseen."""

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


def student_misfit(
    sample: Matrix, means: Matrix, variances: Matrix, freedom: float
) -> Matrix:
    """Return -log p(sample | point) under independent Student's t, shape (n_points,).

    Up to a constant that is the same for all points. A channel that has changed
    altogether costs about the same everywhere, as the tails are heavy.

    Args:
        sample: Shape (n_channels,).
        means: What each point is expected to give, shape (n_points, n_channels).
        variances: Of the channels, all above zero, shape (n_channels,).
        freedom: Degrees of freedom ν.
    """
    squares = (sample - means) ** 2 / (freedom * variances)
    misfit: Matrix = (freedom + 1) / 2 * np.log1p(squares).sum(axis=-1)
    return misfit


def softmax(scores: Matrix) -> Matrix:
    """Return probabilities along the last axis, proportional to exp(scores)."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    probabilities: Matrix = raised / raised.sum(axis=-1, keepdims=True)
    return probabilities
