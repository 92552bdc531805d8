"""Fields on maps of a few points, against Bessel functions and plain inverses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gamma, kv

from trainer.methods.spatial import between, interpolate, matern32, typical_spacing


def matern(r, length, smoothness):
    """Rasmussen & Williams, Eq. (4.14)."""
    x = np.sqrt(2 * smoothness) * r / length
    return 2 ** (1 - smoothness) / gamma(smoothness) * x**smoothness * kv(smoothness, x)


def scattered(rng, n, n_dimensions=2):
    return rng.uniform(0, 20, (n, n_dimensions))


# -- spacing ---------------------------------------------------------------------------


def test_the_spacing_is_the_median_distance_to_the_nearest_other_point():
    # Nearest others are 1, 1, 2, 2 and 5 m away.
    line = np.array([[0.0, 0], [1, 0], [3, 0], [5, 0], [10, 0]])

    assert typical_spacing(line) == 2


def test_a_point_that_is_there_twice_counts_once():
    # Were 0 a point with a neighbour at no distance, the median would be 3 or less.
    twice = np.array([[0.0, 0], [0, 0], [0, 0], [3, 0], [7, 0]])

    assert typical_spacing(twice) == 3


def test_heights_count():
    assert typical_spacing(np.array([[0.0, 0, 0], [3, 0, 4]])) == 5


@pytest.mark.parametrize("points", [[], [[4, 2]], [[4, 2], [4, 2]]])
def test_a_single_point_has_no_spacing(points):
    locations = np.array(points, np.float64).reshape(-1, 2)

    with pytest.raises(ValueError, match=r"^[01] different points have no spacing$"):
        typical_spacing(locations)


# -- covariance ------------------------------------------------------------------------


@pytest.mark.parametrize("r", [1e-3, 0.4, 2.0, 7.5, 40.0])
def test_the_covariance_is_the_bessel_function_of_the_textbook(r):
    found = matern32(np.zeros((1, 2)), np.array([[0.6 * r, 0.8 * r]]), 3.0)

    np.testing.assert_allclose(found, [[matern(r, 3.0, 1.5)]], rtol=1e-9)


def test_a_point_varies_with_itself_by_one():
    assert matern32(np.array([[5.0, 1]]), np.array([[5.0, 1]]), 0.1).tolist() == [[1]]


def test_rows_are_the_first_points_and_columns_the_second():
    a, b = np.array([[0.0, 0], [9, 0]]), np.array([[0.0, 0], [1, 0], [2, 0]])

    found = matern32(a, b, 2.0)

    assert found.shape == (2, 3)
    assert found[0].tolist() == sorted(found[0], reverse=True)
    assert found[1].tolist() == sorted(found[1])


@pytest.mark.parametrize("length", [0.1, 2.0, 50.0])
def test_the_covariance_of_points_is_positive_definite(rng, length):
    points = scattered(rng, 40, 3)

    covariance = matern32(points, points, length)

    np.testing.assert_array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0


# -- regression ------------------------------------------------------------------------


def regressed(locations, known, values, length, noise):
    """Rasmussen & Williams, Eq. (2.25), with inverses."""

    def k(a, b):
        r = np.linalg.norm(a[:, None] - b, axis=2) / length * np.sqrt(3)
        return (1 + r) * np.exp(-r)

    inside = k(locations[known], locations[known]) + noise * np.eye(len(known))
    return k(locations, locations[known]) @ np.linalg.inv(inside) @ values


KNOWN = np.array([7, 0, 3, 11, 4])


def test_values_between_points_are_the_mean_of_the_gaussian_process(rng):
    locations, values = scattered(rng, 12), rng.normal(0, 3, (5, 4))

    found = interpolate(locations, KNOWN, values, length=6.0, noise=0.2)

    expected = regressed(locations, KNOWN, values, 6.0, 0.2)
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-10)


def test_points_left_out_are_missed_by_what_the_others_foretell(rng):
    locations, values = scattered(rng, 12), rng.normal(0, 3, (5, 4))

    found = interpolate(locations, KNOWN, values, length=6.0, noise=0.2)

    squares = []
    for left_out in range(5):
        others = np.delete(np.arange(5), left_out)
        without = regressed(locations, KNOWN[others], values[others], 6.0, 0.2)
        squares.append((without[KNOWN[left_out]] - values[left_out]) ** 2)
    np.testing.assert_allclose(found.left_out, np.mean(squares, axis=0), rtol=1e-9)


def test_without_noise_the_field_goes_through_its_values(rng):
    locations, values = scattered(rng, 12), rng.normal(0, 3, (5, 2))

    found = interpolate(locations, KNOWN, values, length=6.0, noise=0.0)

    np.testing.assert_allclose(found.values[KNOWN], values, atol=1e-9)


def test_far_from_all_values_the_field_is_zero():
    locations = np.array([[0.0, 0], [1, 0], [500, 0]])

    found = interpolate(
        locations, np.array([0, 1]), np.array([[8.0], [9]]), length=3.0, noise=0.1
    )

    assert abs(found.values[2, 0]) < 1e-12


def test_a_field_of_infinite_length_moves_everywhere_alike():
    locations = np.array([[0.0, 0], [10, 0], [500, 0]])

    found = interpolate(
        locations, np.array([1]), np.array([[6.0]]), length=np.inf, noise=0.5
    )

    # One value of variance 1 in noise of variance 0.5.
    np.testing.assert_allclose(found.values, 6 / 1.5)


# -- places between --------------------------------------------------------------------


def lattice(points, floors=None):
    """Places between, as sorted triples (x, y, floor)."""
    points = np.array(points, np.float64)
    floors = np.zeros(len(points)) if floors is None else np.array(floors)
    places, floor_of = between(points, floors.astype(np.intp))
    assert places.shape == (len(floor_of), 2)
    assert floor_of.dtype == np.intp
    triples = zip(*places.T.tolist(), floor_of.tolist(), strict=True)
    return sorted(triples)


def test_a_square_has_its_middle_and_the_middles_of_its_sides():
    assert lattice([(0, 0), (2, 0), (0, 2), (2, 2)]) == [
        (0, 1, 0),
        (1, 0, 0),
        (1, 1, 0),
        (1, 2, 0),
        (2, 1, 0),
    ]


def test_a_line_has_the_middles_between_its_points():
    # Along the other axis there is nothing.
    assert lattice([(1, 5), (3, 5), (5, 5)]) == [(2, 5, 0), (4, 5, 0)]
    assert lattice([(5, 1), (5, 3), (5, 5)]) == [(5, 2, 0), (5, 4, 0)]


def test_a_place_that_is_farther_from_all_points_than_they_are_is_left_out():
    # An L. The corner (4, 4) is 2.8 m from the nearest points, (4, 2) just 2.
    found = lattice([(0, 0), (2, 0), (4, 0), (0, 2), (0, 4), (2, 2)])

    assert (4, 4, 0) not in found
    assert {(4, 2, 0), (2, 4, 0), (3, 3, 0)} <= set(found)
    assert (4, 3, 0) not in found


def test_a_place_where_a_point_almost_is_is_left_out():
    # Spacing 2 m: an eighth of it is 0.25 m.
    almost = lattice([(0, 0), (2, 0), (4, 0), (6.24, 0), (8, 0), (10, 0)])
    apart = lattice([(0, 0), (2, 0), (4, 0), (6.26, 0), (8, 0), (10, 0)])

    assert (6, 0, 0) not in almost
    assert (6, 0, 0) in apart


def test_every_floor_has_a_lattice_of_its_own():
    found = lattice(
        [(0, 0), (2, 0), (100, 0), (108, 0), (50, 50)], floors=[0, 0, 3, 3, 1]
    )

    assert found == [(1, 0, 0), (104, 0, 3)]


@pytest.mark.parametrize("points", [[(3, 4)], [(3, 4), (3, 4)]])
def test_between_one_point_there_is_nothing(points):
    assert lattice(points) == []


def test_between_no_points_there_is_nothing():
    assert lattice(np.zeros((0, 2))) == []


def test_scattered_points_have_no_lattice():
    pairs = [(0, 0), (1, 0), (100, 100), (101, 100)]

    assert lattice(pairs) == []


@pytest.mark.parametrize(("end", "n_places"), [(23.5, 48), (24.0, 49)])
def test_a_lattice_has_at_most_sixteen_places_for_every_point(end, n_places):
    found = lattice([(0, 0), (1, 0), (end, 0)])

    assert bool(found) == (n_places <= 16 * 3)


@settings(max_examples=40)
@given(
    spacing=st.sampled_from([0.5, 0.6, 0.8, 1.2, 1.5]),
    x=st.integers(-500, 500),
    y=st.integers(-500, 500),
)
def test_rounding_loses_no_row_of_the_lattice(spacing, x, y):
    columns, rows = np.meshgrid(np.arange(5), np.arange(4))
    grid = np.stack([columns.ravel(), rows.ravel()], axis=1) * spacing
    # Two points, a gap, and a third: what is at 2 and at 3 is exactly as far from the
    # next point as points are from one another.
    line = np.array([[0.0, 0], [1, 0], [4, 0]]) * spacing
    shift = np.array([x, y]) / 10

    of_grid, _ = between(grid + shift, np.zeros(20, np.intp))
    of_line, _ = between(line + shift, np.zeros(3, np.intp))

    assert len(of_grid) == 9 * 7 - 20
    expected = np.array([0.5, 1.5, 2, 3, 3.5]) * spacing + shift[0]
    np.testing.assert_allclose(of_line[:, 0], expected, atol=1e-9)
