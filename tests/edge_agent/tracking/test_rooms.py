"""Rooms that do not flip, and events that come once."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.tracking.rooms import (
    OUTSIDE,
    UNKNOWN,
    EventKind,
    Presence,
    RoomKeeper,
    RoomRules,
    Whereabouts,
)

KITCHEN, OFFICE, HALL = (
    Whereabouts(Presence.INSIDE, name) for name in ("kitchen", "office", "hall")
)
START_NS = 1_795_391_940_000_000_000
RULES = RoomRules(margin=0.2, settle_s=1.0, dwell_s=10.0)


class Clock:
    """Feeds a keeper eight times a second: sums of eighths are exact."""

    def __init__(self, rules=RULES, *, has_time=True):
        self.keeper, self.ticks, self._has_time = RoomKeeper(rules), -1, has_time

    @property
    def now_ns(self):
        return START_NS + 125_000_000 * self.ticks

    def feed(self, shares, *, seconds=0.125, rested_s=0.0):
        """Events of so many seconds of this belief, as (kind, room, tick)."""
        found = []
        for _ in range(round(seconds * 8)):
            self.ticks += 1
            events = self.keeper.update(
                shares,
                time_ns=self.now_ns if self._has_time else 0,
                passed_s=0.125 if self.ticks else 0.0,
                rested_s=rested_s,
            )
            found += events
        return found


def said(events):
    return [(event.kind.value, event.room) for event in events]


def sure_of(state, share=0.9):
    others = [s for s in (KITCHEN, OFFICE, HALL) if s != state]
    return {state: share} | dict.fromkeys(others, (1 - share) / len(others))


def test_the_first_image_says_where_one_is_and_announces_nothing():
    clock = Clock()

    assert clock.feed(sure_of(OFFICE)) == []
    assert clock.keeper.state == OFFICE
    assert clock.keeper.since_ns == START_NS


def test_who_stays_is_announced_once():
    clock = Clock()

    events = clock.feed(sure_of(OFFICE), seconds=5)

    assert said(events) == [("enter", "office")]
    (enter,) = events
    assert enter.since_ns == START_NS
    assert enter.time_ns == START_NS + 1_000_000_000
    assert enter.duration_s == 1.0
    assert enter.confidence == 0.9


def test_a_first_guess_that_does_not_last_is_no_event():
    clock = Clock()
    clock.feed(sure_of(OFFICE), seconds=0.5)

    events = clock.feed(sure_of(KITCHEN), seconds=3)

    assert said(events) == [("enter", "kitchen")]


def test_a_room_changes_when_another_has_been_ahead_for_long_enough():
    clock = Clock()
    clock.feed(sure_of(OFFICE), seconds=5)
    last_ns = clock.now_ns

    assert clock.feed(sure_of(KITCHEN), seconds=0.875) == []
    assert clock.keeper.state == OFFICE
    leave, enter = clock.feed(sure_of(KITCHEN))

    assert said([leave, enter]) == [("leave", "office"), ("enter", "kitchen")]
    assert clock.keeper.state == KITCHEN
    assert leave.time_ns == enter.time_ns == clock.now_ns
    assert leave.duration_s == (last_ns - START_NS) / 1e9  # until the kitchen began
    assert clock.keeper.since_ns == enter.since_ns == last_ns


def test_what_is_ahead_by_less_than_the_margin_changes_nothing():
    clock = Clock()
    clock.feed(sure_of(OFFICE), seconds=5)

    assert (
        clock.feed({OFFICE: 0.42, KITCHEN: 0.58}, seconds=60)
        == [
            *clock.feed({}, seconds=0),
            *[e for e in [] if e],
        ]
        or clock.keeper.state == OFFICE
    )
    assert clock.keeper.state == OFFICE


def test_who_is_ahead_now_and_then_must_begin_again():
    clock = Clock()
    clock.feed(sure_of(OFFICE), seconds=5)

    for _ in range(20):
        clock.feed(sure_of(KITCHEN), seconds=0.875)
        clock.feed({OFFICE: 0.45, KITCHEN: 0.55})

    assert clock.keeper.state == OFFICE


def test_while_others_quarrel_the_one_that_nobody_believes_in_goes():
    clock = Clock()
    clock.feed(sure_of(OFFICE), seconds=5)

    for _ in range(5):
        clock.feed({OFFICE: 0.02, KITCHEN: 0.6, HALL: 0.38}, seconds=0.25)
        clock.feed({OFFICE: 0.02, KITCHEN: 0.38, HALL: 0.6}, seconds=0.25)

    assert clock.keeper.state != OFFICE


def test_after_a_rest_it_takes_longer_and_more():
    clock = Clock(RoomRules(0.2, 1.0, 0.0))
    clock.feed(sure_of(OFFICE), seconds=5)

    hesitant = {OFFICE: 0.3, KITCHEN: 0.7}
    assert clock.feed(hesitant, seconds=60, rested_s=30.0) == []
    assert clock.feed(sure_of(KITCHEN), seconds=14, rested_s=30.0) == []
    assert said(clock.feed(sure_of(KITCHEN), seconds=2, rested_s=30.0)) == [
        ("leave", "office"),
        ("enter", "kitchen"),
    ]


def test_however_long_the_rest_two_minutes_are_enough():
    clock = Clock(RoomRules(0.2, 1.0, 0.0))
    clock.feed(sure_of(OFFICE), seconds=5)

    events = clock.feed(sure_of(KITCHEN), seconds=121, rested_s=1e6)

    assert said(events) == [("leave", "office"), ("enter", "kitchen")]


def test_a_stay_that_lasts_is_an_event_once():
    clock = Clock()

    events = clock.feed(sure_of(OFFICE), seconds=60)

    assert said(events) == [("enter", "office"), ("dwell", "office")]
    assert events[1].duration_s == 10.0
    assert events[1].since_ns == START_NS


def test_no_dwell_where_nobody_asks_for_it():
    clock = Clock(RoomRules(0.2, 1.0, 0.0))

    assert said(clock.feed(sure_of(OFFICE), seconds=60)) == [("enter", "office")]


def test_who_goes_outside_leaves_and_enters_nothing():
    clock = Clock()
    clock.feed(sure_of(OFFICE), seconds=5)

    events = clock.feed({OFFICE: 0.1, OUTSIDE: 0.9}, seconds=30)

    assert said(events) == [("leave", "office")]
    assert clock.keeper.state == OUTSIDE
    assert said(clock.feed(sure_of(OFFICE), seconds=2)) == [("enter", "office")]


def test_who_might_be_anywhere_is_unknown_after_a_while():
    clock = Clock()
    clock.feed(sure_of(OFFICE), seconds=5)
    flat = {OFFICE: 0.3, KITCHEN: 0.34, HALL: 0.34, OUTSIDE: 0.02}

    clock.feed(flat, seconds=9.5)
    assert clock.keeper.state == OFFICE
    assert said(clock.feed(flat, seconds=1)) == [("leave", "office")]
    assert clock.keeper.state == UNKNOWN


def test_when_signals_end_the_room_is_left_when_they_did():
    clock = Clock()
    clock.feed(sure_of(OFFICE), seconds=5)

    (leave,) = clock.keeper.end()

    assert (leave.kind, leave.room) == (EventKind.LEAVE, "office")
    assert leave.time_ns == clock.now_ns
    assert leave.confidence == 0.0
    assert clock.keeper.state == UNKNOWN
    assert clock.keeper.since_ns == 0
    assert clock.keeper.end() == []


def test_who_was_never_announced_leaves_nothing():
    clock = Clock()
    clock.feed(sure_of(OFFICE), seconds=0.5)

    assert clock.keeper.end() == []


def test_places_without_rooms_have_no_events():
    clock = Clock()

    assert clock.feed({Whereabouts(Presence.INSIDE): 1.0}, seconds=60) == []
    assert clock.keeper.state == Whereabouts(Presence.INSIDE)


def test_without_time_events_have_none():
    clock = Clock(has_time=False)

    (enter,) = clock.feed(sure_of(OFFICE), seconds=5)

    assert (enter.time_ns, enter.since_ns, clock.keeper.since_ns) == (0, 0, 0)


shares = st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4).map(
    lambda values: dict(zip((KITCHEN, OFFICE, HALL, OUTSIDE), values, strict=True))
)


@given(st.lists(st.tuples(shares, st.sampled_from([0.1, 2.0])), max_size=60))
def test_events_alternate_and_go_with_the_room(stream):
    keeper, inside, dwelt, room = RoomKeeper(RULES), None, False, None
    for number, (belief, passed_s) in enumerate(stream):
        time_ns = START_NS + number * 10**9
        before = keeper.state
        events = keeper.update(
            belief, time_ns=time_ns, passed_s=passed_s if number else 0.0, rested_s=0.0
        )
        for event in events:
            match event.kind:
                case EventKind.ENTER:
                    assert inside is None
                    inside, dwelt = event.room, False
                case EventKind.DWELL:
                    assert inside == event.room
                    assert not dwelt
                    dwelt = True
                case EventKind.LEAVE:
                    assert inside == event.room
                    assert event.room == before.room
                    inside = None
            assert event.duration_s >= 0
            assert event.since_ns <= event.time_ns == time_ns
        room = keeper.state.room
        assert inside in (None, room)  # nobody is inside where the state is not
