"""The hall and the laboratory: where their points are, and how their days differ."""

from dataclasses import replace

import numpy as np
import pytest

from trainer.errors import RoomError
from trainer.simulate import scenes
from trainer.simulate.grids import grid
from trainer.simulate.listening import listen
from trainer.simulate.room import next_day
from trainer.simulate.scenes import SCENES

HALL, LAB = SCENES["hall"], SCENES["lab"]
BOTH = pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)


@BOTH
def test_scenes_are_of_the_papers_sizes_and_points(scene):
    sides = {"hall": {12.0, 5.0}, "lab": {10.0, 8.0}}[scene.name]

    assert {*scene.size[:2]} == sides
    np.testing.assert_array_equal(scene.points, grid(scene.name))
    assert len(scene.access_points) == 3


@BOTH
def test_a_device_stands_free_at_every_point_on_every_day(scene, rng):
    for room in scene.days(5):
        places = [scene.place(rng, point) for point in range(90)]
        room.check_places(np.concatenate(places))


@BOTH
def test_devices_are_put_down_at_the_points(scene, rng):
    placed = np.concatenate([scene.place(rng, 40) for _ in range(400)])

    x, y = scene.points[40] + scene.corner
    np.testing.assert_allclose(placed[:, :2].mean(axis=0), (x, y), atol=1e-3)
    np.testing.assert_allclose(placed[:, :2].std(axis=0), scene.placement_m, rtol=0.15)


def test_the_lab_is_full_and_the_hall_is_not():
    assert len(HALL.usual_room().furniture) <= 5
    assert len(LAB.usual_room().furniture) >= 15


@BOTH
def test_days_are_the_same_however_many_there_are(scene):
    few, many = scene.days(2), scene.days(4)

    for day, same in zip(few, many, strict=False):
        np.testing.assert_array_equal(day.waves.gains, same.waves.gains)
        np.testing.assert_array_equal(day.power_dbm, same.power_dbm)


@BOTH
def test_one_day_is_made_without_those_before_it(scene, monkeypatch):
    third = scene.days(3)[-1]
    made = []

    def count(*arguments, **settings):
        made.append(arguments)
        return next_day(*arguments, **settings)

    monkeypatch.setattr(scenes, "next_day", count)
    alone = scene.on_day(3)

    assert len(made) == 1
    np.testing.assert_array_equal(alone.waves.gains, third.waves.gains)
    np.testing.assert_array_equal(alone.furniture.corners, third.furniture.corners)
    np.testing.assert_array_equal(alone.power_dbm, third.power_dbm)


@BOTH
def test_days_differ_from_what_is_usual_by_their_own_share(scene):
    """And so from each other by twice that: no day follows another."""
    usual, days = scene.usual_room(), scene.days(5)

    own = [np.mean(day.waves.gains != usual.waves.gains) for day in days]
    later = [
        np.mean(days[i].waves.gains != days[i + gap].waves.gains)
        for gap in (1, 4)
        for i in range(5 - gap)
    ]
    # 240 waves: three standard deviations are a tenth.
    np.testing.assert_allclose(own, scene.moved, atol=0.1)
    expected = 1 - (1 - scene.moved) ** 2
    np.testing.assert_allclose(later, expected, atol=0.11)


@BOTH
def test_another_seed_is_another_place(scene):
    other = replace(scene, seed=scene.seed + 1).usual_room()

    assert (other.waves.gains != scene.usual_room().waves.gains).all()


@BOTH
def test_the_received_power_falls_with_distance(scene):
    (room,) = scene.days(1)
    rng = np.random.default_rng(1)
    rssi = np.array(
        [
            [
                reception.rssi_dbm.mean()
                for reception in listen(
                    rng, room, scene.place(rng, point), n_packets=5, interval_s=0.1
                )
            ]
            for point in range(90)
        ]
    )

    for access_point in range(3):
        away = room.access_points[access_point, :2] - scene.points - scene.corner
        distance = np.linalg.norm(away, axis=1)
        assert np.corrcoef(np.log(distance), rssi[:, access_point])[0, 1] < -0.3
    # In sight, and never so weak that packets would be lost.
    assert -70 < rssi.min() < rssi.max() < -20


@pytest.mark.parametrize("n", [0, -1])
def test_no_days_are_refused(n):
    with pytest.raises(RoomError, match=f"{n} days, not 1 or more"):
        HALL.days(n)
    with pytest.raises(RoomError, match=f"day {n}, not 1 or later"):
        HALL.on_day(n)


@pytest.mark.parametrize("point", [-1, 90])
def test_a_point_that_is_none_is_refused(rng, point):
    with pytest.raises(RoomError, match=f"point {point} of the 90 of lab"):
        LAB.place(rng, point)


def test_points_outside_the_room_are_refused():
    with pytest.raises(RoomError, match=r"a free place at .* is outside"):
        replace(HALL, corner=(5.0, 1.0)).usual_room()
