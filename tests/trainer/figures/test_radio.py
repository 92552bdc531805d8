"""Tasks of simulated places: that samples are kept apart, and who knows what."""

import numpy as np
import pytest

from trainer.figures.errors import FigureError
from trainer.figures.radio import (
    GridPlace,
    PathLossPlace,
    RadioTasks,
    SurveyedPlace,
    centre_errors,
    draw_problem,
    neighbour_errors,
)
from trainer.simulate.pathloss.tasks import TABLE_1

SITE = TABLE_1.test[0].draw_site(np.random.default_rng(0))
PLACE = PathLossPlace(SITE)
SIZES = {"n_references": 12, "n_support": 7, "n_query": 9}


def rows(points):
    return {tuple(point) for point in points.tolist()}


@pytest.mark.parametrize(
    "place",
    [
        PLACE,
        SurveyedPlace.of(SITE, np.random.default_rng(1), 40),
        GridPlace(
            np.argwhere(np.ones((6, 6))).astype(float),
            np.random.default_rng(2).normal(-50, 9, (36, 4)),
            noise_db=1.0,
        ),
    ],
    ids=["path loss", "surveyed", "grid"],
)
def test_references_support_and_query_are_of_different_places(place, rng):
    problem = draw_problem(place, rng, **SIZES)

    points = problem.survey.points
    sets = [rows(problem.survey.reference_points), rows(points[:7]), rows(points[7:])]
    assert [len(s) for s in sets] == [12, 7, 9]
    assert len(sets[0] | sets[1] | sets[2]) == 28
    assert problem.task.support.inputs.shape == (7, 15)
    assert problem.task.query.targets.shape == (9, 2)


def test_fewer_samples_of_the_support_leave_the_query_as_it_is(rng):
    problem = draw_problem(PLACE, rng, **SIZES)
    few = problem.first(3)

    assert few.support_inputs.shape == (3, 15)
    np.testing.assert_array_equal(few.survey.points[:3], problem.survey.points[:3])
    np.testing.assert_array_equal(few.survey.points[3:], problem.survey.points[7:])
    assert few.task.query is problem.task.query
    np.testing.assert_array_equal(centre_errors(few), centre_errors(problem))


def test_neighbours_are_those_that_a_loop_finds(rng):
    problem = draw_problem(PLACE, rng, **SIZES)
    survey = problem.survey
    expected = []
    for rss, truth in zip(survey.rss[7:], survey.points[7:], strict=True):
        database = [*zip(survey.reference_rss, survey.reference_points, strict=True)]
        database += zip(survey.rss[:7], survey.points[:7], strict=True)
        apart = sorted(
            (float(np.linalg.norm(rss - r)), tuple(p.tolist())) for r, p in database
        )[:5]
        weights = np.array([1 / d for d, _ in apart])
        found = weights @ np.array([p for _, p in apart]) / weights.sum()
        expected.append(np.linalg.norm(found - truth))

    found = neighbour_errors(problem, is_weighted=True, with_support=True)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    alone = neighbour_errors(problem, is_weighted=False, with_support=False)
    assert not np.allclose(alone, found)


def test_the_middle_of_a_square_of_20_m_is_7_65_m_off(rng):
    """Mean distance of a square's points from its middle: 0.382598 of its side."""
    problem = draw_problem(PLACE, rng, n_references=5, n_support=1, n_query=20000)

    assert centre_errors(problem).mean() == pytest.approx(20 * 0.382598, rel=0.01)


def test_a_traced_place_has_a_middle_and_noise_of_its_own(rng):
    points = np.array([(0.0, 0.0), (4.0, 0.0), (0.0, 2.0), (4.0, 2.0), (1.0, 1.0)])
    place = GridPlace(points, np.full((5, 200), -50.0), noise_db=3.0)

    survey = place.survey(rng, 2, 100)

    assert place.centre.tolist() == [2, 1]
    assert len(survey.points) == 3  # as many as there are
    assert survey.rss.std() == pytest.approx(3.0, rel=0.15)


def test_a_grid_without_a_point_to_locate_is_refused(rng):
    place = GridPlace(np.zeros((5, 2)), np.zeros((5, 3)), 0.0)

    with pytest.raises(FigureError, match="5 reference points of a grid of 5"):
        place.survey(rng, 5, 1)


def test_training_tasks_have_10_to_54_references_of_any_place():
    asked = []

    class Place:
        centre = np.zeros(2)

        def survey(self, rng, n_references, n_samples):
            asked.append(n_references)
            return PLACE.survey(rng, n_references, n_samples)

    tasks = RadioTasks([Place(), Place()], n_support=3, n_query=2)
    rng = np.random.default_rng(0)
    for _ in range(60):
        tasks.draw(rng)

    assert min(asked) >= 10
    assert max(asked) <= 54
    assert len(set(asked)) > 25
