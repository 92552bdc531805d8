"""Reference points of a grid, places anywhere, and what is measured there."""

import numpy as np
import pytest

from trainer.simulate.pathloss.errors import PathLossError
from trainer.simulate.pathloss.survey import (
    choose_points,
    grid_points,
    survey_site,
    survey_task,
)
from trainer.simulate.pathloss.tasks import TABLE_1, TABLE_2

TASK = TABLE_2.task("T1")


def rng_of(seed=3):
    return np.random.default_rng(seed)


def knn_errors(task, n_reference_points, seed):
    """KNN as in the paper, K = 5: written out."""
    survey = survey_task(
        task, rng_of(seed), n_reference_points=n_reference_points, n_places=100
    )
    apart = survey.rss[:, :1] - survey.reference_rss[:, 0]
    nearest = np.square(apart).sum(axis=2).argsort(axis=1)[:, :5]
    found = survey.reference_points[nearest].mean(axis=1)
    return np.linalg.norm(found - survey.places, axis=1)


# -- grids -----------------------------------------------------------------------------


def test_a_grid_is_centred():
    points = grid_points((2.0, 1.5), 1.0)

    assert points.tolist() == [
        [0, 0.25],
        [0, 1.25],
        [1, 0.25],
        [1, 1.25],
        [2, 0.25],
        [2, 1.25],
    ]


@pytest.mark.parametrize(
    ("size_m", "spacing_m", "n"),
    [((8.4, 3.0), 0.6, 15 * 6), ((0.3, 0.3), 0.1, 16), ((0.5, 0.5), 0.6, 1)],
)
def test_rounding_costs_no_point(size_m, spacing_m, n):
    points = grid_points(size_m, spacing_m)

    assert len(points) == n
    assert (points >= 0).all()
    assert (points <= size_m).all()


@pytest.mark.parametrize("spacing_m", [-1.0, 0.0, float("nan"), float("inf")])
def test_a_spacing_that_is_none_is_refused(spacing_m):
    with pytest.raises(
        PathLossError, match=r"spacing_m is .*; expected a finite number"
    ):
        grid_points((5.0, 5.0), spacing_m)


def test_a_grid_of_millions_is_refused():
    with pytest.raises(PathLossError, match="over a million points; expected a wider"):
        grid_points((100.0, 100.0), 0.01)


def test_points_are_chosen_once_each():
    grid = {tuple(point) for point in grid_points((6.0, 6.0), 0.6)}

    chosen = choose_points(rng_of(), (6.0, 6.0), 54)

    assert len({tuple(point) for point in chosen} & grid) == 54
    assert (choose_points(rng_of(4), (6.0, 6.0), 54) != chosen).any()


def test_all_points_of_the_grid_can_be_chosen():
    chosen = choose_points(rng_of(), (6.0, 6.0), 121)

    np.testing.assert_array_equal(chosen, grid_points((6.0, 6.0), 0.6))


def test_more_points_than_the_grid_has_are_refused():
    with pytest.raises(
        PathLossError, match=r"122 points, but a grid of 0.6 m in 6 m by 6 m has 121: f"
    ):
        choose_points(rng_of(), (6.0, 6.0), 122)


# -- surveys ---------------------------------------------------------------------------


def test_a_task_is_surveyed_as_in_the_paper():
    survey = survey_task(TASK, rng_of())

    assert survey.reference_points.shape == (54, 2)
    assert survey.reference_rss.shape == (54, 1, 24)
    assert survey.places.shape == (100 + 30, 2)
    assert survey.rss.shape == (100 + 30, 1, 24)
    assert survey.site.model == TASK.model


def test_sizes_are_as_asked_for():
    survey = survey_site(
        TASK.draw_site(rng_of()),
        rng_of(),
        n_reference_points=10,
        n_places=7,
        samples_per_reference=4,
        samples_per_place=3,
        spacing_m=2.0,
    )

    assert survey.reference_rss.shape == (10, 4, 24)
    assert survey.rss.shape == (7, 3, 24)
    assert (survey.reference_points % 2 == 0).all()


def test_signals_are_those_of_the_points():
    """Twice the same place, as reference point and to be located."""
    survey = survey_task(TASK, rng_of(), samples_per_reference=400, n_places=1)

    mean = survey.reference_rss.mean(axis=1)

    np.testing.assert_allclose(
        mean, survey.site.mean_rss(survey.reference_points), atol=6.26 / 20 * 4.5
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_reference_points": 0},
        {"n_reference_points": -1},
        {"n_reference_points": 290},
        {"n_places": 0},
        {"samples_per_reference": 0},
        {"samples_per_place": -1},
        {"spacing_m": -0.6},
    ],
)
def test_a_survey_of_nonsense_is_refused(wrong):
    with pytest.raises(PathLossError, match=r"expected|has 289: fewer"):
        survey_task(TASK, rng_of(), **wrong)


def test_the_same_seed_gives_the_same_survey():
    first, again, other = (survey_task(TASK, rng_of(seed)) for seed in (1, 1, 2))

    for name in ("reference_points", "reference_rss", "places", "rss"):
        here = getattr(first, name)
        assert here.tobytes() == getattr(again, name).tobytes()
        assert here.tobytes() != getattr(other, name).tobytes()


def test_with_ten_reference_points_knn_is_as_good_as_the_paper_says():
    """P(error < 5 m) = 0.51 for R = 10; hardly better than 1 for R = 54."""
    (task,) = TABLE_1.test

    few = np.concatenate([knn_errors(task, 10, seed) for seed in range(30)])
    many = np.concatenate([knn_errors(task, 54, seed) for seed in range(5)])

    assert (few < 5).mean() == pytest.approx(0.51, abs=0.08)
    assert (many < 5).mean() > 0.95
