"""The monitor of a site, with evidence made by hand."""

import json

import numpy as np
import pytest

from edge_agent.drift.baseline import Revisits
from edge_agent.drift.causes import Kind
from edge_agent.drift.monitor import LEARNING_NS, MOST_LEARNT, Monitor
from edge_agent.survey import Point
from tests.edge_agent.drift.images_seen import N_CHANNELS, SECOND, START, past, seen

POINTS = (
    Point("stove", 0.0, 0.0, "kitchen"),
    Point("table", 2.0, 0.0, "kitchen"),
    Point("desk", 0.0, 4.0, "office"),
)
A, B = "dc:a6:32:01:02:03", "dc:a6:32:01:02:04"


@pytest.fixture
def make_monitor(rng):
    def make(revisits=None, *, channels=(A, B), points=POINTS, **overrides):
        known = past(rng) if revisits is None else revisits
        return Monitor(known, points, channels, **overrides)

    return make


class Device:
    """Is put down somewhere, for five seconds, every minute."""

    def __init__(self, monitor, *, start_ns=START):
        self.monitor, self.now_ns = monitor, start_ns

    def stop(self, n=1, *, point=0, **image):
        """Make some stops, and return what the monitor said last."""
        for _ in range(n):
            for _ in range(6):
                evidence = seen(point=point, **image)
                state = self.monitor.update(evidence, point, self.now_ns)
                self.now_ns += SECOND
            self.now_ns += 60 * SECOND
        return state

    def stops_until_alarm(self, most=60, **image):
        for n in range(1, most + 1):
            if self.stop(**image).is_alarm:
                return n
        return None


def causes(state):
    return [(cause.kind, cause.name) for cause in state.causes]


def test_stops_that_look_as_calibrated_do_not_alarm(make_monitor, rng):
    device = Device(make_monitor())
    for _ in range(300):
        state = device.stop(
            point=int(rng.integers(3)),
            nearest=rng.uniform(0.6, 1.4),
            offset=rng.uniform(-0.9, 0.9),
        )

    assert not state.is_alarm
    assert state.causes == ()
    assert state.n_stops == 299  # the last one goes on


def test_a_site_that_looks_like_nothing_calibrated_alarms(make_monitor):
    device = Device(make_monitor())
    n_stops = device.stops_until_alarm(nearest=9.0)
    for point in (2, 0) * 10:
        state = device.stop(nearest=9.0, point=point)

    assert n_stops <= 10
    assert causes(state)[0][0] is Kind.SITE
    assert state.score == 1.0
    assert set(state.causes[0].points[:2]) == {"stove", "desk"}
    assert state.causes[0].points[2] == "table"  # where nobody was


def test_a_room_that_changed_is_named_though_the_others_have_not(make_monitor):
    device = Device(make_monitor())
    for _ in range(20):
        device.stop(nearest=9.0, point=0)
        state = device.stop(3, nearest=0.9, point=2)

    found = causes(state)
    assert (Kind.ROOM, "kitchen") in found
    assert (Kind.SITE, "") not in found


@pytest.mark.parametrize(("offset", "kind"), [(6.0, Kind.LOUDER), (-6.0, Kind.WEAKER)])
def test_an_access_point_of_another_level_is_named_with_the_difference(
    make_monitor, rng, offset, kind
):
    monitor = make_monitor(channels=(A,), revisits=past(rng))
    device = Device(monitor)

    assert device.stops_until_alarm(offset=offset) <= 9
    state = device.stop(offset=offset)

    (cause,) = state.causes
    assert (cause.kind, cause.name) == (kind, A)
    assert cause.offset_db == pytest.approx(offset)


def test_an_access_point_that_fell_silent_is_named(make_monitor):
    device = Device(make_monitor())

    assert device.stops_until_alarm(heard=(True, False)) <= 5
    assert (Kind.SILENT, B) in causes(device.stop(heard=(True, False)))


def test_one_that_is_often_not_heard_is_no_news(make_monitor, rng):
    known = past(rng)
    deaf = Revisits(
        known.nearest, known.gap, known.offset_db, np.array([[0.0, 1.0]] * len(known))
    )

    for heard in ((True, False), (True, True)):
        device = Device(make_monitor(deaf))
        assert device.stops_until_alarm(heard=heard) is None


def test_lying_still_for_a_day_is_no_alarm(make_monitor):
    monitor = make_monitor()
    for second in range(0, 24 * 3600, 25):
        state = monitor.update(seen(nearest=9.0), 0, START + second * SECOND)

    assert not state.is_alarm


def test_being_carried_about_is_no_alarm(make_monitor):
    monitor = make_monitor()
    for second in range(3600):
        state = monitor.update(
            seen(nearest=9.0, moving=True), 0, START + second * SECOND
        )

    assert (state.score, state.p_value, state.n_stops) == (0.0, None, 0)


def test_where_the_device_lies_on_the_first_day_is_usual(make_monitor, rng):
    monitor = make_monitor(calibrated_ns=START)
    first_day = Device(monitor)
    for _ in range(30):
        state = first_day.stop(nearest=rng.uniform(3, 5))
    assert (state.score, state.n_stops) == (0.0, 0)

    later = Device(monitor, start_ns=START + LEARNING_NS)
    for _ in range(60):
        state = later.stop(nearest=rng.uniform(3.2, 4.8))
    assert not state.is_alarm
    assert later.stops_until_alarm(nearest=9.0) <= 12


def test_what_is_learnt_is_bounded(make_monitor):
    monitor = make_monitor(calibrated_ns=START)
    Device(monitor).stop(MOST_LEARNT + 20)

    assert len(monitor.learnt) == MOST_LEARNT


def test_silence_is_noticed_on_the_first_day(make_monitor):
    device = Device(make_monitor(calibrated_ns=START))

    assert device.stops_until_alarm(heard=(True, False)) <= 5


def test_recordings_of_before_the_calibration_are_judged(make_monitor):
    device = Device(make_monitor(calibrated_ns=START), start_ns=START - LEARNING_NS)

    assert device.stops_until_alarm(nearest=9.0) is not None


def test_an_alarm_ends_when_the_site_looks_as_before(make_monitor):
    device = Device(make_monitor())
    device.stop(40, nearest=9.0)

    state = device.stop(60, nearest=0.9)

    assert not state.is_alarm
    assert state.causes == ()


def test_without_revisits_nothing_is_judged(make_monitor):
    device = Device(make_monitor(Revisits.of([], N_CHANNELS)))

    state = device.stop(40, nearest=9.0)

    assert (state.score, state.p_value, state.n_known) == (None, None, 0)


def test_the_end_of_a_recording_ends_the_stop(make_monitor):
    device = Device(make_monitor())
    device.stop(nearest=9.0)

    state = device.monitor.finish()

    assert state.n_stops == 1
    assert state.score > 0
    assert device.monitor.finish().n_stops == 1


def test_receive_cores_of_one_access_point_are_one_detector(make_monitor):
    monitor = make_monitor(channels=(A, A))

    names = [d.name for d in monitor.cusums if d.kind is Kind.SILENT]
    assert names == [A]


def test_a_site_without_rooms_has_no_detectors_of_rooms(make_monitor):
    points = tuple(Point(p.name, p.x, p.y) for p in POINTS)
    monitor = make_monitor(points=points)

    assert not [d for d in monitor.cusums if d.kind is Kind.ROOM]
    assert Device(monitor).stops_until_alarm(nearest=9.0) is not None


def test_the_p_value_is_that_of_the_stop_that_goes_on(make_monitor):
    device = Device(make_monitor())

    assert device.stop(nearest=9.0).p_value == pytest.approx(1 / 41)
    assert device.stop(nearest=0.0).p_value == 1


def test_the_state_is_json(make_monitor):
    device = Device(make_monitor())
    state = device.stop(20, nearest=9.0)

    document = json.loads(json.dumps(state.to_json()))

    assert document["alarm"] is True
    assert document["causes"][0]["kind"] == "site"
    assert document["stops"] == 19
    assert document["known"] == 40


def test_more_channels_than_revisits_have_are_refused(make_monitor):
    with pytest.raises(ValueError, match="3 channels, re-visits of 2"):
        make_monitor(channels=(A, B, "dc:a6:32:01:02:05"))
