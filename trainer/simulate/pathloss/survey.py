"""Reference points and samples of one site or task."""

from dataclasses import dataclass

import numpy as np

from trainer.simulate.pathloss.errors import PathLossError, above_zero, at_least
from trainer.simulate.pathloss.laws import Floats
from trainer.simulate.pathloss.site import RssSite
from trainer.simulate.pathloss.tasks import RssTask

SPACING_M = 0.6
"""Of the grid that reference points are chosen from: that of the paper's hall."""


@dataclass(frozen=True, slots=True, eq=False)
class TaskSurvey:
    """What was measured at a site."""

    site: RssSite

    reference_points: Floats
    """x, y [m], shape (R, 2)."""

    reference_rss: Floats
    """[dBm], shape (R, samples_per_reference, n_aps); NaN where not heard."""

    places: Floats
    """Where samples to learn from and to locate were taken [m], shape (S, 2)."""

    rss: Floats
    """[dBm], shape (S, samples_per_place, n_aps); NaN where not heard."""


def grid_points(size_m: tuple[float, float], spacing_m: float) -> Floats:
    """Return the points of a square grid in a rectangle, centred, shape (n, 2) [m].

    Raises:
        PathLossError: A spacing that is not above 0, or a grid of over a million.
    """
    above_zero("spacing_m", spacing_m)
    numbers = [side / spacing_m for side in size_m]
    if numbers[0] * numbers[1] > 1e6:
        raise PathLossError(
            f"a grid of {spacing_m} m in {size_m[0]:g} m by {size_m[1]:g} m has over a "
            "million points; expected a wider spacing"
        )
    # A side that is a whole number of spacings must not lose a point to rounding.
    counts = [int(number + 1e-9) for number in numbers]
    axes = [
        (side - count * spacing_m) / 2 + spacing_m * np.arange(count + 1)
        for side, count in zip(size_m, counts, strict=True)
    ]
    x, y = np.meshgrid(*axes, indexing="ij")
    points = np.column_stack([x.ravel(), y.ravel()])
    return np.asarray(np.clip(points, 0, size_m))


def choose_points(
    rng: np.random.Generator,
    size_m: tuple[float, float],
    n_points: int,
    *,
    spacing_m: float = SPACING_M,
) -> Floats:
    """Return random different points of a grid, in the grid's order, shape (n, 2) [m].

    Raises:
        PathLossError: No points, more than the grid has, or no grid.
    """
    at_least("the number of points", n_points, 1)
    grid = grid_points(size_m, spacing_m)
    if n_points > len(grid):
        raise PathLossError(
            f"{n_points} points, but a grid of {spacing_m:g} m in {size_m[0]:g} m by "
            f"{size_m[1]:g} m has {len(grid)}: fewer points, a closer grid, or a "
            "larger site"
        )
    return np.asarray(grid[np.sort(rng.permutation(len(grid))[:n_points])])


def survey_site(
    site: RssSite,
    rng: np.random.Generator,
    *,
    n_reference_points: int,
    n_places: int,
    samples_per_reference: int = 1,
    samples_per_place: int = 1,
    spacing_m: float = SPACING_M,
) -> TaskSurvey:
    """Measure at reference points of a grid, and at places anywhere.

    Args:
        site: Where.
        rng: Source of points, places and noise.
        n_reference_points: R.
        n_places: Uniformly random ones.
        samples_per_reference: At each reference point.
        samples_per_place: At each place.
        spacing_m: Of the grid.

    Raises:
        PathLossError: One of the numbers is below 1, more reference points than the
            grid has, or no grid.
    """
    at_least("n_places", n_places, 1)
    points = choose_points(rng, site.size_m, n_reference_points, spacing_m=spacing_m)
    places = rng.uniform(0, 1, (n_places, 2)) * site.size_m
    return TaskSurvey(
        site,
        points,
        site.rss(points, samples_per_reference, rng),
        places,
        site.rss(places, samples_per_place, rng),
    )


def survey_task(
    task: RssTask,
    rng: np.random.Generator,
    *,
    n_reference_points: int = 54,
    n_places: int = 130,
    samples_per_reference: int = 1,
    samples_per_place: int = 1,
    spacing_m: float = SPACING_M,
) -> TaskSurvey:
    """Draw a site of a task as the paper has it, and survey it.

    The defaults are the paper's: 10 to 54 reference points, and one sample at each of
    100 + 30 places to learn from and to locate. For another channel than the paper's,
    `RssTask.draw_site` and `survey_site`.

    Arguments and errors are those of `survey_site`.
    """
    return survey_site(
        task.draw_site(rng),
        rng,
        n_reference_points=n_reference_points,
        n_places=n_places,
        samples_per_reference=samples_per_reference,
        samples_per_place=samples_per_place,
        spacing_m=spacing_m,
    )
