"""A device put down, and what it hears of all access points."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.builders import empty_room
from trainer.errors import RoomError
from trainer.simulate.filters import filter_gains
from trainer.simulate.listening import listen, place_device
from trainer.simulate.receiver import MEASURED
from trainer.simulate.room import draw_room
from trainer.simulate.tones import TONES, used_tones

HUGE = (2000.0, 2000.0, 2000.0)
CENTRE = (1000.0, 1000.0, 1000.0)


def heard(rng, room, place, **changes):
    values = {"n_packets": 200, "interval_s": 0.05, "n_people": 0} | changes
    return listen(rng, room, np.array([place], np.float64), **values)


@pytest.mark.parametrize(
    ("given", "spread_m"), [({}, 0.004), ({"placement_m": 0.03}, 0.03)]
)
def test_a_device_is_put_down_within_millimetres(rng, given, spread_m):
    placed = np.concatenate([place_device(rng, 3.0, 2.0, **given) for _ in range(500)])

    assert placed.shape == (500, 3)
    middle, spread = placed[:, :2].mean(axis=0), placed[:, :2].std(axis=0)
    np.testing.assert_allclose(middle, (3.0, 2.0), atol=0.2 * spread_m)
    np.testing.assert_allclose(spread, spread_m, rtol=0.15)
    assert set(placed[:, 2].tolist()) == {1.1}


def test_a_device_may_stand_higher(rng):
    assert place_device(rng, 3.0, 2.0, height=1.8)[0, 2] == 1.8


def test_access_points_are_heard_from_their_place_with_their_power(rng):
    x, y, z = CENTRE
    room = empty_room(HUGE, [CENTRE, (x + 20.0, y, z)], power_dbm=(17.0, 12.0))

    near, far = heard(rng, room, (x + 2, y, z))

    # 2 m and 18 m.
    assert near.rssi_dbm.mean() - far.rssi_dbm.mean() == pytest.approx(
        20 * np.log10(9) + 5, abs=0.3
    )


def test_rssi_falls_by_20_db_per_decade_of_free_space(rng):
    x, y, z = CENTRE
    room = empty_room(HUGE, [CENTRE])

    means = [
        heard(rng, room, (x + distance, y, z))[0].rssi_dbm.mean()
        for distance in (1, 10, 100)
    ]

    assert np.diff(means) == pytest.approx([-20, -20], abs=0.4)


def test_every_access_point_has_its_filter(rng):
    x, y, z = CENTRE
    filters = np.array([[3.0, 0, 0], [0, 2j, 0]], np.complex128)
    room = empty_room(HUGE, [CENTRE, CENTRE], filters=filters)

    for of_it, reception in zip(filters, heard(rng, room, (x + 2, y, z)), strict=True):
        amplitude = np.abs(reception.csi)
        shape = amplitude / np.sqrt(np.square(amplitude).mean(axis=1, keepdims=True))
        expected = filter_gains(of_it, TONES, 28)
        np.testing.assert_allclose(shape.mean(axis=0), expected, atol=0.02)


def test_the_same_people_are_heard_by_all(rng):
    """Two access points at one place: what one person shades, shades both."""
    crowded = draw_room(
        rng,
        size=(6.0, 5.0, 2.6),
        access_points=[(0.3, 2.5, 1.1)] * 2,
        n_furniture=0,
        partitions=[],
        motion_share=0.0,
        k_db=20.0,
    )

    one, other = heard(
        rng,
        crowded,
        (5.5, 2.5, 1.1),
        n_packets=1500,
        n_people=6,
        interval_s=0.1,
        front_end=replace(MEASURED, rssi_spread_db=0.0),
    )

    both = np.corrcoef(one.rssi_dbm, other.rssi_dbm)[0, 1]
    assert one.rssi_dbm.std() > 0.5
    assert both > 0.9


def test_other_subcarriers_and_receivers_may_be_asked_for(rng):
    room = draw_room(rng, size=(6.0, 4.0, 2.6), free=[(2, 2)])

    receptions = heard(
        rng,
        room,
        (2, 2, 1.1),
        n_packets=5,
        tones=used_tones(80),
        n_people=2,
        front_end=replace(MEASURED, level_counts=2000.0),
    )

    assert len(receptions) == 3
    for reception in receptions:
        assert reception.csi.shape == (5, 242)
        assert np.abs(reception.csi).mean() > 1000


def test_a_place_that_cannot_be_is_refused(rng):
    with pytest.raises(RoomError, match="is outside the room"):
        heard(rng, empty_room(), (7, 1, 1))
    with pytest.raises(RoomError, match="-1 people"):
        heard(rng, empty_room(), (3, 1, 1), n_people=-1)


def test_the_same_generator_gives_the_same_packets():
    room = draw_room(np.random.default_rng(1), size=(6.0, 4.0, 2.6), free=[(2, 2)])

    first, again, other = (
        heard(np.random.default_rng(seed), room, (2, 2, 1.1), n_people=2)
        for seed in (0, 0, 1)
    )

    for here, there, elsewhere in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(here.csi, there.csi)
        assert (here.csi != elsewhere.csi).any()
