"""Fields: normal at every place, alike whenever they are asked, correlated as said."""

import numpy as np
import pytest
from scipy import stats

from trainer.simulate.pathloss.fields import (
    ChangedField,
    draw_correlated,
    draw_independent,
)

N_APS = 4000
"""Access points are independent of each other: one field is so many draws."""

LENGTH_M = 6.0


def correlated(rng):
    return draw_correlated(rng, N_APS, LENGTH_M)


def independent(rng):
    return draw_independent(rng, N_APS)


def changed(rng):
    return ChangedField(correlated(rng), correlated(rng), 0.3)


KINDS = pytest.mark.parametrize("draw", [correlated, independent, changed])


@KINDS
def test_values_are_standard_normal(draw, rng):
    (values,) = draw(rng).at(np.array([[3.21, 7.0]]))

    assert stats.kstest(values, "norm").pvalue > 1e-3


@KINDS
def test_a_place_answers_alike_whoever_else_is_asked(draw, rng):
    field = draw(rng)
    points = rng.uniform(0, 20, (9, 2))

    together = field.at(points)

    np.testing.assert_array_equal(field.at(points[::-1]), together[::-1])
    np.testing.assert_array_equal(field.at(points[5:6])[0], together[5])


@KINDS
def test_access_points_know_nothing_of_each_other(draw, rng):
    values = draw(rng).at(rng.uniform(0, 20, (1, 2)))[0]

    assert abs(np.corrcoef(values[0::2], values[1::2])[0, 1]) < 4 / np.sqrt(N_APS / 2)


@pytest.mark.parametrize("apart_m", [0.5, 2.0, 6.0, 15.0])
@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.6, -0.8)])
def test_correlation_falls_exponentially_in_every_direction(apart_m, direction, rng):
    field = correlated(rng)
    origin = np.array([2.0, 31.0])
    points = np.stack([origin, origin + apart_m * np.array(direction)])

    here, there = field.at(points)

    expected = np.exp(-apart_m / LENGTH_M)
    assert np.corrcoef(here, there)[0, 1] == pytest.approx(
        expected, abs=4 / np.sqrt(N_APS)
    )


def test_one_access_point_varies_over_a_large_area_as_much_as_many_at_one_place(rng):
    (over_area,) = (
        draw_correlated(rng, 1, LENGTH_M).at(rng.uniform(0, 900, (3000, 2))).T
    )

    assert over_area.std() == pytest.approx(1, abs=0.15)


def test_independent_places_have_nothing_to_do_with_each_other(rng):
    field = draw_independent(rng, 3)
    steps = np.arange(2000) / 1000  # a millimetre apart

    values = field.at(np.column_stack([steps, np.zeros(len(steps))]))

    lagged = [np.corrcoef(v[:-1], v[1:])[0, 1] for v in values.T]
    assert np.abs(lagged).max() < 4 / np.sqrt(len(steps))
    assert len(np.unique(values)) == values.size


def test_both_coordinates_count_and_are_not_interchangeable(rng):
    field = draw_independent(rng, 5)

    here, *others = field.at(np.array([[1.0, 2], [2, 1], [1, 3], [3, 2]]))

    for other in others:
        assert (here != other).all()


def test_a_place_is_a_place_to_a_millimetre(rng):
    field = draw_independent(rng, 5)

    here, same, other = field.at(np.array([[1.0, 2], [1.0004, 2], [1.0006, 2]]))

    np.testing.assert_array_equal(here, same)
    assert (here != other).all()


@pytest.mark.parametrize("share", [0.0, 0.15, 1.0])
def test_of_a_changed_field_the_rest_is_kept(share, rng):
    usual = correlated(rng)
    points = np.array([[1.0, 1.0]])

    now = ChangedField(usual, correlated(rng), share).at(points)[0]

    kept = np.corrcoef(usual.at(points)[0], now)[0, 1]
    assert kept == pytest.approx(np.sqrt(1 - share), abs=4 / np.sqrt(N_APS))


def test_another_seed_is_another_field():
    points = np.array([[1.0, 1.0]])
    for draw in (correlated, independent):
        first, again, other = (
            draw(np.random.default_rng(seed)).at(points) for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(first, again)
        assert (first != other).all()
