"""People: their shadows against recorded values and optics, their ways."""

import numpy as np
import pytest

from trainer.errors import RoomError
from trainer.simulate.people import draw_people, scattered_by_people, shadows

WAVELENGTH = 299_792_458 / 5.18e9
SIZE = np.array((10.0, 8.0, 3.0))
START, END = np.array((1.0, 2.0, 1.1)), np.array([(7.0, 2.0, 1.1)])


def shadow_db(*people, start=START, end=END):
    where = np.array([people], np.float64)
    return -20 * np.log10(shadows(start, end, where, WAVELENGTH)[0])


# -- shadows ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beside_m", "expected_db"), [(0.0, 7.8), (0.3, 2.2), (1.0, 0.2)]
)
def test_a_person_on_a_link_of_6_m_costs_what_is_known(beside_m, expected_db):
    assert shadow_db((4.0, 2.0 + beside_m)) == pytest.approx(expected_db, abs=0.3)
    assert shadow_db((4.0, 2.0 - beside_m)) == pytest.approx(expected_db, abs=0.3)


def test_in_the_middle_the_formula_of_the_standard_gives_half_of_each_side():
    """TR 38.901, 7.6.4.2, by hand: edges 0.21 m off the middle of 6 m.

    D₁ = D₂ = sqrt(9 + 0.0441) = 3.007341, so D₁ + D₂ - d = 0.014682 m.
    F = atan(π/2 sqrt(π/λ · 0.014682)) / π;  amplitude 1 - 2F of both sides.
    """
    root = np.sqrt(np.pi / WAVELENGTH * 0.014682)
    edge = np.arctan(np.pi / 2 * root) / np.pi
    expected_db = -20 * np.log10(1 - 2 * edge)

    assert shadow_db((4.0, 2.0)) == pytest.approx(expected_db, abs=0.01)


def test_nobody_casts_no_shadow():
    assert shadows(START, END, np.empty((5, 0, 2)), WAVELENGTH).tolist() == [1.0] * 5


@pytest.mark.parametrize("place", [(0.5, 2.0), (7.5, 2.0), (4.0, 7.0)])
def test_who_is_not_in_between_casts_none(place):
    assert shadow_db(place) == pytest.approx(0, abs=0.05)


def test_shadows_of_two_add_up():
    one, other = shadow_db((3.0, 2.1)), shadow_db((5.0, 1.9))

    assert shadow_db((3.0, 2.1), (5.0, 1.9)) == pytest.approx(one + other)


def test_a_shadow_is_the_same_both_ways():
    forth = shadow_db((3.0, 2.2))
    back = shadow_db((3.0, 2.2), start=END[0], end=START[None])

    assert forth == pytest.approx(back)


def test_shadows_follow_a_moving_receiver():
    people = np.tile([(4.0, 2.0)], (2, 1, 1))
    places = np.array([(7.0, 2.0, 1.1), (7.0, 7.0, 1.1)])

    left = shadows(START, places, people, WAVELENGTH)

    assert left[0] == pytest.approx(10 ** (-shadow_db((4.0, 2.0)) / 20))
    assert left[1] > 0.95


def test_who_stands_on_the_antenna_breaks_nothing():
    assert np.isfinite(shadow_db((1.0, 2.0), (7.0, 2.0)))
    above = shadows(START, START[None], np.array([[(1.0, 2.0)]]), WAVELENGTH)
    assert np.isfinite(above).all()


# -- scattering ------------------------------------------------------------------------


def test_a_person_scatters_as_half_a_square_metre():
    """At (4, 6): 5 m from both ends."""
    lengths, gains = scattered_by_people(
        START, END, np.array([[(4.0, 6.0)]]), WAVELENGTH
    )

    expected = WAVELENGTH * 0.5**0.5 / ((4 * np.pi) ** 1.5 * 5.3 * 5.3)
    assert gains[0, 0] == pytest.approx(expected)
    assert lengths[0, 0] == pytest.approx(10.6)


# -- ways ------------------------------------------------------------------------------


def ways(rng, **changes):
    values = {"n_people": 3, "walking": 1.0, "n_packets": 4000, "interval_s": 0.1}
    return draw_people(rng, SIZE, **values | changes)


def test_everybody_stays_in_the_room(rng):
    where = ways(rng, walking=0.5, n_people=8)

    assert where.shape == (4000, 8, 2)
    assert (where > 0.3).all()
    assert (where < SIZE[:2] - 0.3).all()


def test_who_walks_walks_at_08_m_a_second(rng):
    steps = np.diff(ways(rng), axis=0)

    pace = np.linalg.norm(steps, axis=2) / 0.1
    # They sway as well, by some millimetres from step to step.
    assert np.median(pace) == pytest.approx(0.8, abs=0.05)
    assert np.ptp(ways(rng), axis=0).min() > 4


def test_who_stands_sways_by_centimetres(rng):
    where = ways(rng, walking=0.0, n_people=20)

    # Four hundred seconds are about 130 independent ones, of twenty people.
    assert where.std(axis=0).mean() == pytest.approx(0.02, rel=0.1)


def test_a_share_of_them_walks(rng):
    where = ways(rng, walking=0.3, n_people=400, n_packets=200)

    walks = np.ptp(where, axis=0).max(axis=1) > 0.5
    assert walks.mean() == pytest.approx(0.3, abs=0.1)


def test_nobody_may_be_there(rng):
    assert ways(rng, n_people=0, n_packets=5).shape == (5, 0, 2)


def test_fewer_than_nobody_is_refused(rng):
    with pytest.raises(RoomError, match="-1 people in the room, not 0 or more"):
        ways(rng, n_people=-1)
