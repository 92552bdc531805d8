"""How far locations are from the truth, and what guessing would have given.

Every table of errors carries two floors: always answering the middle of the map, and a
reference point drawn at random. A result that does not beat them says nothing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Locations = npt.NDArray[np.float64]
"""[m], shape (n, 2)."""


def localization_errors(
    estimates: Locations, truth: Locations
) -> npt.NDArray[np.float64]:
    """Return the Euclidean distance of each estimate from its truth [m], shape (n,).

    Raises:
        ValueError: The shapes differ, or are not (n, 2).
    """
    if estimates.shape != truth.shape or truth.ndim != 2 or truth.shape[1] != 2:
        raise ValueError(
            f"estimates {estimates.shape} and truth {truth.shape}, not (n, 2)"
        )
    return np.asarray(np.hypot(*(estimates - truth).T))


def centre_errors(reference: Locations, truth: Locations) -> npt.NDArray[np.float64]:
    """Return the errors of always answering the middle of the reference points [m]."""
    middle = np.broadcast_to(reference.mean(axis=0), truth.shape)
    return localization_errors(np.asarray(middle), truth)


def random_point_errors(
    reference: Locations, truth: Locations
) -> npt.NDArray[np.float64]:
    """Return the expected error of a random reference point, for each truth [m]."""
    apart = truth[:, None] - reference  # (n, n_reference, 2)
    return np.asarray(np.hypot(apart[..., 0], apart[..., 1]).mean(axis=1))


@dataclass(frozen=True, slots=True)
class ErrorSummary:
    """The figures that a table row holds [m]."""

    n: int
    mean: float
    median: float
    p90: float


def summarize(errors: npt.NDArray[np.float64]) -> ErrorSummary:
    """Return mean, median and 90th percentile of errors [m].

    Raises:
        ValueError: No errors.
    """
    if len(errors) == 0:
        raise ValueError("no errors to summarise")
    return ErrorSummary(
        len(errors),
        float(errors.mean()),
        float(np.median(errors)),
        float(np.quantile(errors, 0.9)),
    )
