"""Places that furniture leaves free: grids for receivers, draws for access points."""

from collections.abc import Sequence

import numpy as np

from trainer.errors import RoomError
from trainer.simulate.materials import Floats
from trainer.simulate.raytrace.layouts import MOST_RADIOS, Box


def free_grid(
    size_m: Floats,
    boxes: Sequence[Box],
    *,
    spacing_m: float,
    height_m: float,
    margin_m: float = 0.5,
    clearance_m: float = 0.1,
) -> Floats:
    """Return the points of a grid that furniture leaves free, row by row.

    The grid is centred; what it leaves over is shared by opposite walls.

    Args:
        size_m: Length, width and height of the room, shape (3,).
        boxes: The furniture.
        spacing_m: Between neighbours.
        height_m: Above the floor.
        margin_m: Least distance from the walls.
        clearance_m: Least distance from furniture.

    Returns:
        Shape (n, 3) [m].

    Raises:
        RoomError: The spacing is not positive, or there is no room for a point.
    """
    if not spacing_m > 0:
        raise RoomError(f"a grid with {spacing_m} m between points; above 0 is needed")
    usable = size_m[:2] - 2 * margin_m
    if usable.min() < 0 or not 0 < height_m < size_m[2]:
        raise RoomError(
            f"a room of {size_m} m has no place {margin_m} m from its walls and "
            f"{height_m} m above its floor"
        )
    # A grid that just fits must not lose its last row to rounding.
    counts = np.floor(usable / spacing_m + 1e-9).astype(int) + 1
    if counts.prod() > MOST_RADIOS:
        raise RoomError(
            f"a grid of {counts[0]} x {counts[1]} points is more than {MOST_RADIOS}; "
            f"more than {spacing_m} m between them are needed"
        )
    x, y = (
        (side - (count - 1) * spacing_m) / 2 + spacing_m * np.arange(count)
        for side, count in zip(size_m[:2], counts, strict=True)
    )
    ys, xs = np.meshgrid(y, x, indexing="ij")
    points = np.column_stack([xs.ravel(), ys.ravel(), np.full(xs.size, height_m)])
    for box in boxes:
        points = points[~box.holds(points, clearance_m=clearance_m)]
    if not len(points):
        raise RoomError("furniture leaves no point of the grid free")
    return points


def draw_places(
    rng: np.random.Generator,
    size_m: Floats,
    boxes: Sequence[Box],
    *,
    count: int,
    heights_m: tuple[float, float],
    margin_m: float = 0.3,
    clearance_m: float = 0.1,
) -> Floats:
    """Draw places that furniture leaves free, uniformly, shape (count, 3) [m].

    Args:
        rng: Source of the places.
        size_m: Length, width and height of the room, shape (3,).
        boxes: The furniture.
        count: How many.
        heights_m: From where to where above the floor.
        margin_m: Least distance from the walls.
        clearance_m: Least distance from furniture.

    Raises:
        RoomError: Furniture leaves hardly anything free.
    """
    low = np.array([margin_m, margin_m, heights_m[0]])
    high = np.array([size_m[0] - margin_m, size_m[1] - margin_m, heights_m[1]])
    places: list[Floats] = []
    for _ in range(1000 * count):
        place = rng.uniform(low, high)
        if not any(b.holds(place[None], clearance_m=clearance_m)[0] for b in boxes):
            places.append(place)
        if len(places) == count:
            return np.array(places)
    raise RoomError(
        f"furniture leaves no room for {count} places from {low} to {high} m"
    )
