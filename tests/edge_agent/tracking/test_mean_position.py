"""The mean of locations, against means and moments by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.estimate import Position
from edge_agent.tracking.mean_position import MeanPosition

SPEED_M_S = 1.2


@pytest.fixture
def mean():
    return MeanPosition(speed_m_s=SPEED_M_S)


def at(x, y=0.0, *, covariance=(0.5, 0.1, 0.3), r68=1.0, r95=2.0):
    return Position(float(x), float(y), covariance, r68, r95)


def see(mean, raw, *, passed_s=0.1, window_s=1.0, motion=0.0, rested_s=0.0):
    return mean.update(
        raw,
        passed_s=passed_s,
        window_s=window_s,
        motion=motion,
        rested_s=rested_s,
    )


def rest(mean, raws, *, passed_s=0.1):
    """After images that hold nothing but the rest."""
    return [
        see(mean, raw, passed_s=passed_s, rested_s=1.0 + number * passed_s)
        for number, raw in enumerate(raws)
    ]


def test_the_first_location_is_taken_as_it_is(mean):
    assert see(mean, at(3, 4)) == at(3, 4)


def test_at_rest_it_is_the_mean_with_the_moments_of_the_mixture(mean, rng):
    places = rng.normal(0, 2, (80, 2))
    radii = rng.uniform(1, 3, 80)

    last = rest(
        mean, [at(*p, r68=r, r95=2 * r) for p, r in zip(places, radii, strict=True)]
    )[-1]

    assert (last.x, last.y) == pytest.approx(tuple(places.mean(axis=0)))
    (xx, xy), (_, yy) = np.cov(places.T, ddof=0)
    assert last.covariance == pytest.approx((0.5 + xx, 0.1 + xy, 0.3 + yy))
    spread = xx + yy
    assert last.r68 == pytest.approx(np.sqrt(np.mean(radii**2) + spread))
    assert last.r95 == pytest.approx(np.sqrt(np.mean(4 * radii**2) + spread))


@given(
    st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=30),
    st.floats(-9, 9),
    st.floats(-9, 9),
)
def test_after_a_rest_it_is_no_further_off_than_its_images_on_average(places, x, y):
    last = rest(MeanPosition(speed_m_s=SPEED_M_S), [at(*p) for p in places])[-1]

    alone = np.mean([np.hypot(px - x, py - y) for px, py in places])
    assert np.hypot(last.x - x, last.y - y) <= alone + 1e-9


def test_images_that_agree_give_no_smaller_radius_and_no_larger_one(mean):
    last = rest(mean, [at(2, 1)] * 500)[-1]

    assert (last.r68, last.r95) == pytest.approx((1.0, 2.0))
    assert last.covariance == pytest.approx((0.5, 0.1, 0.3))


def test_whoever_is_put_down_is_where_the_newest_image_says(mean):
    for x in range(10):
        see(mean, at(x), motion=1.0)

    put_down = see(mean, at(20), motion=0.0, rested_s=0.1)

    assert put_down == at(20)


def test_whoever_is_carried_is_where_images_of_late_say_on_average(mean):
    see(mean, at(0), motion=1.0)
    for _ in range(4):
        carried = see(mean, at(1), motion=1.0)

    assert carried.x == pytest.approx(1 - 0.8**4)  # dt / (dt + 0.4 s) is a fifth


@pytest.mark.parametrize("motion", [1.0, None])
def test_images_that_reach_back_for_long_are_not_averaged_on_the_way(mean, motion):
    see(mean, at(0), motion=motion, window_s=2.5)

    assert see(mean, at(1), motion=motion, window_s=2.5).x == 1.0


def test_whoever_is_carried_has_walked_since_the_packets_were_heard(mean):
    for _ in range(200):
        carried = see(mean, at(1), motion=1.0)

    # Half a window, and 0.4 s: four images are left for each that enters the mean.
    way = SPEED_M_S * (0.5 + 0.4)
    assert carried.r68 == pytest.approx(np.hypot(1.0, way))
    assert carried.r95 == pytest.approx(np.hypot(2.0, way))
    assert carried.covariance == pytest.approx(
        (0.5 + way**2 / 2, 0.1, 0.3 + way**2 / 2)
    )


def test_where_nobody_can_tell_it_is_the_mean_of_a_moment_and_nobody_walks(mean):
    see(mean, at(0), motion=None)
    seen = see(mean, at(1), motion=None, passed_s=1.0)

    assert seen.x == pytest.approx(1 / 1.4)
    spread = (1 / 1.4) * (0.4 / 1.4)
    assert seen.r95 == pytest.approx(np.sqrt(4 + spread))
