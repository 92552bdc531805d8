"""One stop is one observation, however long it lasts."""

import numpy as np
import pytest

from edge_agent.drift.stops import StopWatch
from tests.edge_agent.drift.images_seen import N_CHANNELS, SECOND, START, seen


@pytest.fixture
def watch():
    return StopWatch(N_CHANNELS)


def rest(watch, *, at_s=0, n=5, every_s=1, **image):
    """Rest for some images; returns the stops that ended meanwhile."""
    ended = [
        watch.see(seen(**image), image.get("point", 0), START + (at_s + k) * SECOND)
        for k in range(0, n * every_s, every_s)
    ]
    return [stop for stop in ended if stop is not None]


def test_a_stop_has_the_means_of_its_images(watch):
    for nearest, time_s in ((1.0, 0), (3.0, 2), (5.0, 4)):
        watch.see(seen(nearest, offset=nearest), 0, START + time_s * SECOND)

    stop = watch.stop
    assert stop.row.nearest.tolist() == [3.0]
    assert stop.row.gap.tolist() == [[1.5, 1.5]]
    assert stop.row.offset_db.tolist() == [[3.0, 3.0]]
    assert stop.row.silent.tolist() == [[0.0, 0.0]]
    assert (stop.n_images, stop.point) == (3, 0)
    assert (stop.started_ns, stop.ended_ns) == (START, START + 4 * SECOND)


def test_images_without_a_channel_do_not_count_for_it(watch):
    watch.see(seen(offset=2.0), 0, START)
    watch.see(seen(heard=(True, False)), 0, START + SECOND)

    row = watch.stop.row
    assert row.offset_db.tolist() == [[1.0, 2.0]]
    assert row.silent.tolist() == [[0.0, 0.5]]


def test_what_no_image_hears_is_unknown(watch):
    watch.see(seen(heard=(True, False)), 0, START)

    assert np.isnan(watch.stop.row.gap).tolist() == [[False, True]]


def test_it_is_of_the_point_that_most_images_are_nearest_to(watch):
    for k, point in enumerate((2, 1, 1, 2, 1)):
        watch.see(seen(point=point), point, START + k * SECOND)

    assert watch.stop.point == 1


def test_it_ends_when_the_device_is_carried_on(watch):
    assert rest(watch, n=5) == []

    ended = watch.see(seen(moving=True), 0, START + 5 * SECOND)

    assert ended.n_images == 5
    assert watch.stop is None


def test_under_way_there_is_no_stop(watch):
    assert rest(watch, moving=True) == []
    assert watch.stop is None


@pytest.mark.parametrize("at_s", [40, -10])
def test_it_ends_with_a_silence_and_when_the_clock_goes_back(watch, at_s):
    rest(watch, n=5)

    ended = rest(watch, at_s=at_s, n=1)

    assert [stop.n_images for stop in ended] == [5]
    assert watch.stop.n_images == 1


@pytest.mark.parametrize(
    ("n", "every_s", "counts"),
    [(2, 3, False), (3, 1, False), (4, 1, True), (3, 2, True)],
)
def test_a_short_rest_is_none(watch, n, every_s, counts):
    rest(watch, n=n, every_s=every_s)

    assert watch.stop.is_long_enough is counts


def test_where_nobody_has_the_time_images_are_counted(watch):
    for _ in range(3):
        watch.see(seen(), 0, 0)

    assert watch.stop.is_long_enough


def test_a_device_that_lies_for_long_counts_again_ever_more_seldom(watch):
    day = rest(watch, n=24 * 360, every_s=10)

    lasted_h = [(stop.ended_ns - stop.started_ns) / SECOND / 3600 for stop in day]
    assert lasted_h == pytest.approx([1, 2, 4, 8], abs=0.01)


def test_the_next_place_begins_with_an_hour_again(watch):
    rest(watch, n=4 * 360, every_s=10)
    watch.see(seen(moving=True), 0, START + 4 * 3600 * SECOND)

    again = rest(watch, at_s=5 * 3600, n=2 * 360, every_s=10)

    assert len(again) == 1
