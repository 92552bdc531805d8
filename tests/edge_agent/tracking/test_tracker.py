"""Following a device: streams made by hand, by chance, and of simulated frames."""

from dataclasses import astuple, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.bundles.bundle import Bundle
from edge_agent.config import SHIPPED_BUNDLE, TrackingConfig
from edge_agent.csi.decode import Decoder
from edge_agent.csi.image import ImageBuilder
from edge_agent.csi.iq_order import IqOrder
from edge_agent.environment import Environment
from edge_agent.estimate import estimate_from_posterior
from edge_agent.neighbours.estimator import NeighboursPredictor
from edge_agent.survey import Point
from edge_agent.tracking.rooms import EventKind, Presence, Whereabouts
from edge_agent.tracking.tracker import Tracker
from edge_agent.tracking.unrest import unrest
from trainer.simulate.listening import HEIGHT_M
from trainer.simulate.scenes import SCENES
from trainer.simulate.survey import START_US, capture_at

CONFIG = TrackingConfig()
HALLWAY = tuple(
    Point(str(x), float(x), 0.0, "kitchen" if x < 5 else "office") for x in range(10)
)
START_NS = 1_795_391_940_000_000_000
TENTH_NS = 100_000_000
RESTING, WALKING = 0.1, 0.9


def near(cell, n=10, *, width=1.0):
    weights = np.exp(-np.square((np.arange(n) - cell) / width) / 2)
    return weights / weights.sum()


def estimate(posterior, tick, *, points=HALLWAY, time_ns=None):
    return estimate_from_posterior(
        np.asarray(posterior),
        points,
        time_ns=START_NS + tick * TENTH_NS if time_ns is None else time_ns,
        n_frames=150,
        window_s=1.0,
        n_heard=3,
        n_channels=3,
    )


def follow(tracker, cells, *, start=0, unrest=RESTING, width=1.0):
    """What is tracked while images say these cells, ten a second."""
    return [
        tracker.update(estimate(near(cell, width=width), start + tick), unrest)
        for tick, cell in enumerate(cells)
    ]


def events_of(tracked):
    return [(e.kind.value, e.room) for t in tracked for e in t.events]


@pytest.fixture
def tracker():
    return Tracker(HALLWAY, CONFIG)


# -- locations -------------------------------------------------------------------------


def test_the_first_location_is_that_of_the_image_and_the_raw_one_stays(tracker):
    raw = estimate(near(2), 0)

    tracked = tracker.update(raw, RESTING)

    assert tracked.raw is raw
    assert astuple(tracked.estimate.position)[:2] == (raw.position.x, raw.position.y)
    assert tracked.estimate.position.r95 == pytest.approx(raw.position.r95)
    assert tracked.estimate.rooms[0][0] == "kitchen"
    assert tracked.whereabouts == Whereabouts(Presence.INSIDE, "kitchen")
    assert tracked.estimate.n_frames == 150


def test_a_replay_gives_the_same(rng):
    cells = rng.uniform(0, 9, 100)

    one = follow(Tracker(HALLWAY, CONFIG), cells, unrest=WALKING)
    other = follow(Tracker(HALLWAY, CONFIG), cells, unrest=WALKING)

    assert one == other


def test_noise_at_rest_averages_out(tracker, rng):
    followed = follow(tracker, 3 + rng.normal(0, 1.5, 600))

    raw = [abs(t.raw.position.x - 3) for t in followed[300:]]
    assert max(abs(t.estimate.position.x - 3) for t in followed[300:]) < 0.5
    assert np.mean(raw) > 0.8


def test_at_rest_the_location_is_no_further_off_than_images_are_on_average(
    tracker, rng
):
    followed = follow(tracker, rng.choice([2.0, 7.0], 600))  # two places look alike

    alone = [abs(t.raw.position.x - 2) for t in followed]
    so_far = np.cumsum(alone) / np.arange(1, 601)
    together = [abs(t.estimate.position.x - 2) for t in followed]
    assert (np.array(together) <= so_far + 1e-9).all()
    assert min(t.estimate.position.r95 for t in followed) >= min(
        t.raw.position.r95 for t in followed
    )
    # Both places are in the radius of the location between them.
    last = followed[-1].estimate.position
    assert last.x - last.r95 < 2 < 7 < last.x + last.r95


def test_a_location_outside_of_which_nothing_is_known_is_none():
    points = (*HALLWAY, Point("outside", None, None))
    tracker = Tracker(points, CONFIG)
    surely = np.append(np.zeros(10), 1.0)

    tracker.update(estimate(np.append(near(2), 0.0), 0, points=points), WALKING)
    tracked = tracker.update(estimate(surely, 1, points=points), WALKING)

    assert tracked.estimate.position is None


def test_an_estimate_of_another_site_is_refused(tracker):
    points = HALLWAY[:3]

    with pytest.raises(ValueError, match="probabilities for 10 cells"):
        tracker.update(estimate(near(1, 3), 0, points=points), RESTING)


# -- rooms -----------------------------------------------------------------------------


def test_who_walks_into_another_room_is_there_within_three_seconds(tracker):
    walk = np.concatenate([np.full(50, 1.0), np.arange(1.0, 9.0, 0.12)])

    followed = follow(tracker, walk, unrest=WALKING, width=2.0)

    entered = np.flatnonzero(walk > 4.5)[0]
    rooms = [t.whereabouts.room for t in followed]
    assert rooms[entered - 10] == "kitchen"
    assert rooms[entered + 30] == "office"
    assert events_of(followed) == [
        ("enter", "kitchen"),
        ("leave", "kitchen"),
        ("enter", "office"),
    ]
    (event,) = [e for t in followed for e in t.events if e.room == "office"]
    assert event.since_ns < event.time_ns
    assert followed[-1].since_ns == event.since_ns


def test_doubt_at_rest_flips_no_room(tracker, rng):
    cells = 4.5 + 3 * np.sin(np.arange(2000) / 30) + rng.normal(0, 1, 2000)

    followed = follow(tracker, cells)

    raw = [t.raw.rooms[0][0] for t in followed]
    rooms = [t.whereabouts.room for t in followed]
    assert sum(a != b for a, b in pairwise(raw)) > 20
    assert sum(a != b for a, b in pairwise(rooms)) <= 1


def test_who_goes_outside_is_outside_and_the_location_is_where_inside_would_be():
    points = (*HALLWAY, Point("outside", None, None))
    tracker = Tracker(points, CONFIG)
    inside, outside = np.append(near(2), 0.0), np.append(near(2) * 0.02, 0.98)

    for tick in range(50):
        tracker.update(estimate(inside, tick, points=points), WALKING)
    for tick in range(50, 150):
        tracked = tracker.update(estimate(outside, tick, points=points), WALKING)

    assert tracked.whereabouts == Whereabouts(Presence.OUTSIDE)
    assert tracked.estimate.outside > 0.9
    assert tracked.estimate.position.x < 5


def test_rooms_are_followed_where_nothing_has_coordinates():
    points = tuple(Point(name, None, None, name) for name in ("a", "b", "c"))
    tracker = Tracker(points, CONFIG)

    followed = [
        tracker.update(estimate(near(cell, 3, width=0.7), tick, points=points), WALKING)
        for tick, cell in enumerate([0] * 50 + [2] * 50)
    ]

    assert events_of(followed) == [("enter", "a"), ("leave", "a"), ("enter", "c")]
    assert followed[-1].estimate.position is None
    assert followed[-1].moving is True
    assert followed[-1].speed_m_s is None


# -- motion ----------------------------------------------------------------------------


def test_who_walks_moves_about_as_fast_as_that(tracker):
    cells = np.arange(0.5, 9.0, 0.12)

    followed = follow(tracker, cells, unrest=WALKING)

    assert followed[-1].moving is True
    speeds = [t.speed_m_s for t in followed[30:]]
    assert np.mean(speeds) == pytest.approx(1.2, abs=0.3)
    assert max(speeds) <= 2.4


def test_who_rests_does_not_move(tracker, rng):
    followed = follow(tracker, 4 + rng.normal(0, 1, 50))

    assert {(t.moving, t.speed_m_s) for t in followed} == {(False, 0.0)}


def test_who_passes_by_does_not_move_the_device(tracker):
    follow(tracker, [4.0] * 50)

    passing = follow(tracker, [4.0] * 9, start=50, unrest=WALKING)
    walking = follow(tracker, [4.0] * 4, start=59, unrest=WALKING)

    assert [t.moving for t in passing] == [False] * 9
    assert walking[-1].moving is True


def test_who_passes_by_changes_nothing_of_a_long_rest(tracker):
    rested = follow(tracker, [2.0] * 300)[-1]

    passing = follow(tracker, [8.0] * 9, start=300, unrest=WALKING)[-1]

    assert passing.estimate.position.x < rested.estimate.position.x + 0.3
    assert dict(passing.estimate.rooms)["kitchen"] > 0.9


def test_who_may_be_outside_walks_as_fast():
    points = (*HALLWAY, Point("outside", None, None))
    tracker = Tracker(points, CONFIG)

    speeds = [
        tracker.update(
            estimate(np.append(0.5 * near(x), 0.5), tick, points=points), WALKING
        ).speed_m_s
        for tick, x in enumerate(np.arange(0.5, 9.0, 0.12))
    ]

    assert np.mean(speeds[30:]) == pytest.approx(1.2, abs=0.3)


def test_where_packets_do_not_tell_nothing_is_said_of_motion(tracker):
    followed = follow(tracker, [4.0] * 5, unrest=None)

    assert {(t.moving, t.speed_m_s) for t in followed} == {(None, None)}


# -- time ------------------------------------------------------------------------------


@pytest.mark.parametrize("restless", [RESTING, None])
def test_a_clock_that_is_set_back_begins_anew_and_leaves_the_room(tracker, restless):
    follow(tracker, [2.0] * 50)

    again = tracker.update(estimate(near(8), -36_000), restless)

    (leave,) = again.events
    assert (leave.kind, leave.room) == (EventKind.LEAVE, "kitchen")
    assert leave.time_ns == START_NS + 49 * TENTH_NS
    assert again.whereabouts.room == "office"
    fresh = Tracker(HALLWAY, CONFIG).update(again.raw, restless)
    assert again.estimate == fresh.estimate


def test_images_that_are_a_little_out_of_order_are_taken_as_they_come(tracker):
    follow(tracker, [2.0] * 50)

    assert tracker.update(estimate(near(2), 42), RESTING).events == ()


@pytest.mark.parametrize(("gap_s", "is_left"), [(119, False), (121, True)])
def test_who_is_not_heard_for_two_minutes_has_left(tracker, gap_s, is_left):
    follow(tracker, [2.0] * 50)

    tracked = tracker.update(estimate(near(2), 49 + 10 * gap_s), RESTING)

    assert ("leave", "kitchen") in events_of([tracked]) or not is_left
    assert (tracked.since_ns == tracked.raw.time_ns) == is_left


def test_a_capture_without_times_is_followed_an_image_a_second(tracker):
    followed = [
        tracker.update(estimate(near(cell), 0, time_ns=0), None)
        for cell in [2] * 5 + [8] * 20
    ]

    assert events_of(followed) == [
        ("enter", "kitchen"),
        ("leave", "kitchen"),
        ("enter", "office"),
    ]
    assert {t.since_ns for t in followed} == {0}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.sampled_from([0.2, 3.0]),
            st.sampled_from([0, 1, 5, 30, 1300, 40_000, -5, -30, -40_000]),
            st.sampled_from([None, 0.0, 0.5, 1.0]),
        ),
        max_size=40,
    )
)
def test_whatever_comes_events_alternate_and_probabilities_sum_to_one(stream):
    tracker, tick, inside = Tracker(HALLWAY, replace(CONFIG, dwell_s=5.0)), 0, None
    for cell, width, step, restless in stream:
        tick += step
        tracked = tracker.update(estimate(near(cell, width=width), tick), restless)
        for event in tracked.events:
            if event.kind is EventKind.ENTER:
                assert inside is None
                inside = event.room
            else:
                assert inside == event.room
                inside = None if event.kind is EventKind.LEAVE else inside
        assert sum(tracked.estimate.posterior) == pytest.approx(1)
        assert np.isfinite(tracked.estimate.position.r95)
        assert inside in (None, tracked.whereabouts.room)


# -- simulated frames ------------------------------------------------------------------


@pytest.fixture(scope="module")
def locate():
    """Locates images in the shipped laboratory, with its shots."""
    bundle = Bundle.load(SHIPPED_BUNDLE)
    shots = Environment.load(SHIPPED_BUNDLE.parent / "shots.npz")
    fingerprints = bundle.neighbours.fingerprints(
        shots.spec, shots.images, shots.heard, shots.point_of, len(shots.points)
    )
    predictor = NeighboursPredictor(bundle.neighbours, shots.spec, fingerprints)

    def locate(places, *, seed, n_packets, hop, interval_s):
        scene = SCENES["lab"]
        raw = capture_at(
            np.random.default_rng(seed),
            scene.days(1)[0],
            places,
            site=255,
            n_packets=n_packets,
            interval_s=interval_s,
            start_us=START_US + 3_600_000_000,
        )
        builder = ImageBuilder(shots.spec, shots.channels, hop=hop)
        tracker = Tracker(shots.points, CONFIG)
        for image in builder.feed(Decoder(IqOrder.AUTO).decode(raw)):
            posterior = predictor.predict(image.pixels[None], image.heard[None])[0]
            located = estimate_from_posterior(
                posterior,
                shots.points,
                time_ns=image.ended_ns,
                n_frames=image.n_frames,
                window_s=(image.ended_ns - image.started_ns) / 1e9,
                n_heard=int(image.heard.sum()),
                n_channels=3,
            )
            yield tracker.update(located, unrest(image))

    return locate


def flips(rooms):
    return sum(one != other for one, other in pairwise(rooms))


@pytest.mark.parametrize(
    ("seconds", "least_raw"),
    [(240, 8), pytest.param(3600, 200, marks=pytest.mark.slow)],
)
def test_somebody_who_rests_changes_rooms_once_at_most(locate, seconds, least_raw):
    # Between surveyed points, where people walk between the device and access points.
    place = SCENES["lab"].points[66] + SCENES["lab"].corner

    followed = list(
        locate(
            np.array([[*place, HEIGHT_M]]),
            seed=66,
            n_packets=20 * seconds,
            hop=10,
            interval_s=0.05,
        )
    )

    assert flips([t.raw.room for t in followed]) > least_raw
    assert flips([t.whereabouts for t in followed]) <= 1
    assert np.mean([t.moving for t in followed]) < 0.01


def test_somebody_who_walks_is_in_the_right_room_three_seconds_after_arriving(locate):
    scene = SCENES["lab"]
    start, end = np.array([0.0, 0.6]), np.array([7.2, 7.8])  # door, window
    way = np.linspace(start, end, 510)  # 10.2 m at 1 m/s
    places = np.concatenate([np.tile(start, (400, 1)), way, np.tile(end, (300, 1))])
    places = np.column_stack([places + scene.corner, np.full(len(places), HEIGHT_M)])

    followed = list(
        locate(places, seed=5, n_packets=len(places), hop=5, interval_s=0.02)
    )

    at_s = np.array([t.raw.time_ns for t in followed]) / 1e9 - START_US / 1e6 - 3600
    arrived_s = (400 + 510) * 0.02
    rooms = [t.whereabouts.room for t in followed]
    before = np.flatnonzero(at_s < 8)[-1]
    after = np.flatnonzero(at_s >= arrived_s + 3)[0]
    assert rooms[before] == "entrance"
    assert set(rooms[after:]) == {"meeting corner"}
    moving = [t.moving for t, s in zip(followed, at_s, strict=True) if 9 < s < 18]
    assert np.mean(moving) > 0.9


# -- nobody knows ----------------------------------------------------------------------


def guesses(tracker, ticks, *, start=0, is_flat=True):
    return [
        tracker.update(
            replace(estimate(near(2), start + tick), is_flat=is_flat), RESTING
        )
        for tick in range(ticks)
    ]


def test_images_that_say_nothing_leave_the_room_unknown(tracker):
    tracked = guesses(tracker, 60)

    assert {t.whereabouts.presence for t in tracked} == {Presence.UNKNOWN}
    assert events_of(tracked) == []


def test_one_image_that_says_nothing_changes_nothing(tracker):
    follow(tracker, [2] * 60)

    tracked = guesses(tracker, 1, start=60) + follow(tracker, [2] * 50, start=61)

    assert {t.whereabouts.room for t in tracked} == {"kitchen"}
    assert events_of(tracked) == []


def test_who_can_no_longer_be_located_leaves(tracker):
    follow(tracker, [2] * 60)

    tracked = guesses(tracker, 900, start=60)

    assert events_of(tracked) == [("leave", "kitchen")]
    assert tracked[-1].whereabouts.presence is Presence.UNKNOWN


def test_who_is_located_again_enters(tracker):
    guesses(tracker, 60)

    tracked = follow(tracker, [2] * 900, start=60)

    assert events_of(tracked)[0] == ("enter", "kitchen")


def test_the_end_of_signals_ends_the_stay(tracker):
    follow(tracker, [2] * 60)

    (event,) = tracker.end()

    assert (event.kind, event.room, event.confidence) == (EventKind.LEAVE, "kitchen", 0)
    assert tracker.end() == ()
    assert events_of(follow(tracker, [2] * 60, start=60)) == [("enter", "kitchen")]
