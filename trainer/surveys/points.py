"""The point table that all environments of a place share."""

import numpy as np
import numpy.typing as npt

from trainer.surveys.environment import Integers, Place
from trainer.surveys.report import Skips, SurveyDataError

_PER_METRE = 1000
FARTHEST_M = 1e6
"""What is farther away from the origin is no coordinate."""


def finite_rows(
    coordinates: npt.NDArray[np.float64], skips: Skips
) -> npt.NDArray[np.bool_]:
    """Return which samples have usable coordinates; the others are counted.

    Args:
        coordinates: [m], shape (n, 2) or, with the floor, (n, 3).
        skips: Counts the samples without.
    """
    usable = are_coordinates(coordinates)
    skips.count("samples without coordinates", int((~usable).sum()))
    return usable


def are_coordinates(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which rows are finite and not absurdly far away, shape (n,)."""
    with np.errstate(invalid="ignore"):
        usable: npt.NDArray[np.bool_] = np.all(np.abs(rows) <= FARTHEST_M, axis=1)
    return usable


def millimetres(coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return what makes two coordinates the same point, in the shape given.

    Args:
        coordinates: [m], all of them usable.
    """
    return np.rint(coordinates * _PER_METRE).astype(np.int64)


def make_place(
    name: str, coordinates: npt.NDArray[np.float64], channels: tuple[str, ...]
) -> tuple[Place, Integers]:
    """Return the place with these points, each once, and the point of each row.

    Points are coordinates rounded to a millimetre, in lexicographic order of x, y and
    floor: two loaders that see the same coordinates number them alike.

    Args:
        name: Of the place.
        coordinates: Finite x and y [m] and, in a third column, the floor; shape
            (n, 2) or (n, 3).
        channels: What the place is heard in.

    Raises:
        SurveyDataError: No point, no channel, or a floor that is no whole number.
    """
    if not len(coordinates):
        raise SurveyDataError(f"{name}: not one sample has coordinates")
    if not channels:
        raise SurveyDataError(f"{name}: it is heard in no channel")
    floors = coordinates[:, 2:]
    if (floors != np.rint(floors)).any():
        raise SurveyDataError(f"{name}: a floor is not a whole number")
    keys = np.column_stack([millimetres(coordinates[:, :2]), floors.astype(np.int64)])
    unique, point_of = np.unique(keys, axis=0, return_inverse=True)
    floor_of = unique[:, 2] if unique.shape[1] > 2 else np.zeros(len(unique))
    place = Place(
        name, unique[:, :2] / _PER_METRE, floor_of.astype(np.intp), tuple(channels)
    )
    return place, point_of.reshape(-1).astype(np.intp)
