"""The walk as a person sees it: asked, shot, judged, stored, and nothing lost."""

import errno
from itertools import pairwise

import pytest

from edge_agent.survey import OUTSIDE, Point
from edge_agent.walking import stored_walk
from edge_agent.walking.engine import PROGRESS_S, State
from edge_agent.walking.plan import MAX_LAPS, WalkPlan
from edge_agent.walking.verdict import Grade, Reason
from tests.edge_agent.sites import REAL, STRANGER, packets_at, raw_frames_of
from tests.edge_agent.walking.walkers import (
    HALL,
    KITCHEN,
    MACS,
    OFFICE,
    PLAN,
    POINTS,
    Person,
    kinds,
    only,
)


@pytest.fixture
def person(tmp_path):
    return Person(tmp_path)


def stop_of(person):
    return person.walk.stop.key


def test_a_walk_says_what_it_will_be_and_asks_for_the_first_stop(person):
    begun, asking = person.first

    assert (begun.n_points, begun.laps, begun.n_shots, begun.n_done) == (3, 2, 6, 0)
    assert begun.why is not None
    assert "device put down anew" in begun.why
    assert asking.stop.key == ("kitchen", 1, 1)
    assert "kitchen" in asking.text


def test_good_shots_lead_through_all_laps_and_the_second_goes_back(person):
    order = []
    while person.walk.stop is not None:
        order.append((person.walk.stop.point.name, person.walk.stop.lap))
        events = person.shoot()
        assert kinds(events) == ["shooting", "judged", "stored", "asking"]
        assert only(events, "judged").verdict.grade is Grade.GOOD

    assert order == [
        ("kitchen", 1),
        ("office", 1),
        ("hall", 1),
        ("hall", 2),
        ("office", 2),
        ("kitchen", 2),
    ]
    assert "done" in only(events, "asking").text


def test_a_shot_waits_for_the_frames_of_an_image_of_every_access_point(person):
    person.do("shoot")
    person.hear(1, n=4)
    assert person.walk.state is State.SHOOTING

    events = person.hear(1, n=16)

    assert {r.mac for r in only(events, "judged").readings} == set(MACS)
    assert all(r.n_frames >= 8 for r in only(events, "judged").readings)


def test_progress_comes_at_most_five_times_a_second(person):
    person.do("shoot")
    times = []
    for _ in range(6):
        for event in person.hear(1, n=1, macs=REAL[:1]):
            assert event.kind == "progress"
            times.append(event.elapsed_s)
        for _ in range(20):
            person.now += 0.01
            times += [event.elapsed_s for event in person.walk.tick(person.now)]

    assert len(times) >= 4
    assert min(b - a for a, b in pairwise(times)) >= (PROGRESS_S - 1e-9)


def test_a_shot_taken_while_walking_is_rejected_and_not_stored(person):
    events = person.shoot_badly()

    judged = only(events, "judged")
    assert (judged.verdict.grade, judged.verdict.reason) == (
        Grade.REJECT,
        Reason.MOVED,
    )
    assert "put it down" in judged.verdict.action
    assert "stored" not in kinds(events)
    assert person.stored.shots == ()
    assert {"retry", "skip", "quit"} <= set(judged.can)
    assert "keep" not in judged.can


def test_a_rejected_shot_can_be_taken_again_alone(person):
    person.shoot_badly()

    events = [*person.do("retry"), *person.hear(1)]

    assert kinds(events) == ["shooting", "judged", "stored", "asking"]
    assert [shot.stop.point for shot in person.stored.shots] == [KITCHEN]


def test_a_weak_shot_is_stored_at_once_and_asks_what_to_do(person):
    events = person.shoot_weakly()

    assert kinds(events) == ["shooting", "judged", "stored"]
    judged = only(events, "judged")
    assert judged.verdict.reason is Reason.VANISHED
    assert MACS[1] in judged.verdict.text
    assert person.walk.state is State.JUDGING
    assert kinds(person.do("keep")) == ["asking"]
    assert stop_of(person) == ("office", 1, 1)
    assert len(person.stored.shots) == 1


def test_skipping_a_weak_shot_removes_it_and_nothing_else(person):
    person.shoot()
    person.shoot_weakly()

    events = person.do("skip")

    assert only(events, "discarded").why == "skipped"
    assert [shot.stop.point for shot in person.stored.shots] == [KITCHEN]
    assert stop_of(person) == ("hall", 1, 1)


def test_a_weak_shot_is_replaced_when_it_is_taken_again(person):
    person.shoot_weakly()

    person.do("retry")
    person.hear(1)

    (shot,) = person.stored.shots
    assert (shot.number, shot.verdict.grade) == (2, Grade.GOOD)


@pytest.mark.parametrize("answer", ["skip", "keep"])
def test_a_good_shot_outlives_a_rejected_try_to_replace_it(person, answer):
    person.shoot()
    person.do("retry")
    person.do("cancel")
    person.do("retry")
    events = []
    for place in range(100, 120):
        person.pass_time(0.01)
        events += person.hear(place, n=1)
    assert only(events, "judged").verdict.grade is Grade.REJECT

    person.do(answer)

    (shot,) = person.stored.shots
    assert (shot.number, shot.verdict.grade) == (1, Grade.GOOD)


def test_a_good_shot_outlives_a_weak_one_that_is_skipped(person):
    person.shoot()
    person.do("retry")
    person.hear(1, n=6)
    person.wait(2.0)
    events = person.hear(1, macs=REAL[:1])
    assert kinds(events) == ["judged"]

    person.do("skip")

    assert [shot.number for shot in person.stored.shots] == [1]


def test_a_weak_shot_that_is_kept_takes_the_place_of_a_good_one(person):
    person.shoot()
    person.do("retry")
    person.hear(1, n=6)
    person.wait(2.0)
    person.hear(1, macs=REAL[:1])

    assert kinds(person.do("keep")) == ["stored", "asking"]

    assert [shot.number for shot in person.stored.shots] == [2]


def test_cancel_loses_one_shot_and_asks_for_it_again(person):
    person.shoot()
    person.do("shoot")
    person.hear(2, n=4)

    events = person.do("cancel")

    assert kinds(events) == ["discarded", "asking"]
    assert stop_of(person) == ("office", 1, 1)
    assert len(person.stored.shots) == 1


def test_a_cancelled_try_to_replace_a_shot_goes_on_with_the_next(person):
    person.shoot()
    person.do("retry")

    person.do("cancel")

    assert stop_of(person) == ("office", 1, 1)
    assert [shot.number for shot in person.stored.shots] == [1]


def test_go_chooses_the_stop_by_the_name_of_point_or_room(person):
    person.do("go", name="hall")
    assert stop_of(person) == ("hall", 1, 1)

    person.do("go")
    assert stop_of(person) == ("kitchen", 1, 1)


def test_a_point_that_has_all_its_shots_gets_one_more_of_another_visit(person):
    while person.walk.stop is not None:
        person.shoot()

    person.do("go", name="office")
    assert stop_of(person) == ("office", 3, 1)
    events = person.shoot()

    assert only(events, "stored").n_shots == 7
    assert len(person.stored.shots) == 7


def test_visits_end_at_nine_and_shots_of_the_last_go_on(tmp_path):
    person = Person(tmp_path, WalkPlan((KITCHEN,), laps=MAX_LAPS))
    while person.walk.stop is not None:
        person.shoot()

    for shot in (2, 3):
        person.do("go", name="kitchen")
        assert stop_of(person) == ("kitchen", MAX_LAPS, shot)
        person.shoot()


def test_a_point_that_is_nowhere_is_refused_with_those_there_are(person):
    refused = only(person.do("go", name="cellar"), "refused")

    assert "cellar" in refused.text
    assert "kitchen, office, hall" in refused.text
    assert stop_of(person) == ("kitchen", 1, 1)


def test_a_point_can_be_added_while_walking_and_is_in_every_lap(person):
    attic = Point("attic", 9.0, 9.0, "attic")

    events = person.do("add_point", point=attic)

    assert only(events, "asking").n_shots == 8
    assert stop_of(person) == ("attic", 1, 1)
    assert person.stored.plan.points == (*POINTS, attic)


def test_a_walk_may_begin_without_any_point(tmp_path):
    person = Person(tmp_path, WalkPlan((), laps=1))
    assert person.walk.stop is None
    assert "shoot" not in person.walk.can
    assert "add the one" in person.first[-1].text

    person.do("add_point", point=KITCHEN)

    assert kinds(person.shoot()) == ["shooting", "judged", "stored", "asking"]


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        (KITCHEN, "two points"),
        (Point("x", None, None, "x"), "no coordinates"),
        (Point(OUTSIDE, 1.0, 1.0), "with_outside"),
    ],
)
def test_a_point_that_the_plan_cannot_have_is_refused(person, point, reason):
    assert reason in only(person.do("add_point", point=point), "refused").text
    assert person.stored.plan == PLAN


def test_outside_comes_first_and_can_be_asked_for_at_any_time(tmp_path, person):
    planned = Person(tmp_path / "b", WalkPlan(POINTS, laps=1, with_outside=True))
    assert stop_of(planned) == (OUTSIDE, 1, 1)
    assert "Leave the measured area" in planned.first[-1].text

    person.shoot()
    person.do("outside")
    assert stop_of(person) == (OUTSIDE, 1, 1)
    person.shoot()

    assert person.stored.plan.with_outside
    assert stop_of(person) == ("office", 1, 1)


def test_outside_is_asked_for_in_every_lap(tmp_path):
    person = Person(tmp_path, WalkPlan((KITCHEN,), laps=2, with_outside=True))
    asked = []
    while (stop := person.walk.stop) is not None:
        text = only(person.do("go"), "asking").text
        asked.append((stop.point.name, stop.lap, "anew" in text))
        person.shoot()

    assert asked == [
        (OUTSIDE, 1, False),
        ("kitchen", 1, False),
        ("kitchen", 2, True),
        (OUTSIDE, 2, True),
    ]
    assert "(lap 2)" in text


def test_outside_is_worth_the_way_where_no_point_is(tmp_path):
    plan = WalkPlan(POINTS, laps=2, with_outside=True)
    person = Person(tmp_path, plan, suggest=lambda _done: None)

    assert stop_of(person) == (OUTSIDE, 1, 1)
    person.shoot()
    for point in POINTS:  # what the suggestion is asked about begins with lap 2
        person.do("go", name=point.name)
        person.do("skip")

    assert stop_of(person) == (OUTSIDE, 2, 1)


def test_skipped_stops_are_not_asked_for_again(person):
    person.do("skip")
    person.do("skip")

    assert stop_of(person) == ("hall", 1, 1)
    left = [stop.key for stop in only(person.do("status"), "status").left]
    assert ("kitchen", 1, 1) not in left
    assert ("kitchen", 2, 1) in left


def test_several_shots_of_a_stop_follow_each_other(tmp_path):
    person = Person(tmp_path, WalkPlan(POINTS, laps=1, shots_per_stop=2))
    assert person.first[0].why is None
    person.do("go", name="office")
    person.shoot()

    assert stop_of(person) == ("office", 1, 2)
    person.shoot()
    assert stop_of(person) == ("kitchen", 1, 1)


def test_the_next_stop_is_the_one_that_is_suggested(tmp_path):
    asked = []

    def suggest(done):
        asked.append(done)
        return {0: HALL, 1: OFFICE}.get(len(done))

    person = Person(tmp_path, suggest=suggest)
    assert stop_of(person) == ("hall", 1, 1)
    person.shoot()
    assert stop_of(person) == ("office", 1, 1)
    person.shoot()

    assert asked == [(), (HALL,), (HALL, OFFICE)]
    assert person.walk.stop is None
    assert "worth the way" in only(person.do("go"), "asking").text


def test_a_suggestion_that_is_done_or_unknown_gives_way_to_the_plan(tmp_path):
    person = Person(tmp_path, suggest=lambda _done: Point("moon", 1.0, 1.0))

    assert stop_of(person) == ("kitchen", 1, 1)


def test_later_shots_wait_for_the_access_points_of_earlier_ones(person):
    person.shoot()
    person.do("shoot")

    events = person.hear(2, macs=REAL[:1], n=20)
    assert person.walk.state is State.SHOOTING
    assert {r.mac for e in events for r in e.readings if r.is_expected} == set(MACS)

    assert kinds(person.hear(2, macs=REAL[:1], n=40)) == ["judged", "stored", "asking"]


def test_an_access_point_that_is_gone_where_it_was_heard_makes_a_shot_weak(tmp_path):
    person = Person(tmp_path, WalkPlan((KITCHEN,), laps=2))
    person.shoot()

    events = person.shoot(macs=REAL[:1], n=60)

    judged = only(events, "judged")
    assert judged.verdict.reason is Reason.VANISHED
    assert MACS[1] in judged.verdict.text


def test_transmitters_of_others_only_are_named(tmp_path):
    person = Person(tmp_path, expected=MACS)

    events = person.shoot(macs=(STRANGER,), n=100)

    verdict = only(events, "judged").verdict
    assert (verdict.grade, verdict.reason) == (Grade.REJECT, Reason.STRANGERS)
    assert STRANGER.hex(":") in verdict.text


def test_silence_ends_a_shot_before_its_limit(person):
    person.do("shoot")

    events = person.wait(6.0)

    judged = only(events, "judged")
    assert judged.verdict.reason is Reason.NO_FRAMES
    assert judged.elapsed_s == pytest.approx(5.0, abs=0.2)


def test_a_clock_that_is_set_back_is_told_from_all_else(person):
    person.do("shoot")
    person.hear(1, n=6)
    person.time_us -= 3_600_000_000

    verdict = only(person.hear(1, n=20), "judged").verdict

    assert verdict.reason is Reason.CLOCK
    assert "back by 3600" in verdict.text


def test_packets_matter_only_while_shooting(person):
    assert person.hear(1) == []
    assert person.walk.tick(person.now + 100) == []
    assert person.stored.shots == ()


def test_one_large_piece_of_packets_is_as_good_as_many_small_ones(tmp_path):
    slow, fast = Person(tmp_path / "a"), Person(tmp_path / "b")
    packets = packets_at(1, n=60)
    slow.do("shoot")
    fast.do("shoot")
    first_us = packets[0][0]

    for packet in packets:
        now = 100.0 + (packet[0] - first_us) / 1e6
        slow.walk.feed(raw_frames_of([packet]), now)
    fast.walk.feed(raw_frames_of(packets), 100.0 + (packets[-1][0] - first_us) / 1e6)

    (a,), (b,) = slow.stored.shots, fast.stored.shots
    assert abs(a.n_packets - b.n_packets) <= 6  # a slice of 0.1 s
    assert a.steadiness == pytest.approx(b.steadiness, abs=0.02)


@pytest.mark.parametrize("state", list(State))
def test_commands_that_mean_nothing_now_are_refused_with_those_that_do(tmp_path, state):
    person = Person(tmp_path)
    if state is State.SHOOTING:
        person.do("shoot")
    elif state is State.JUDGING:
        person.shoot_badly()
    elif state is State.FINISHED:
        person.do("quit")
    verb = {"asking": "keep", "finished": "go"}.get(state, "shoot")

    (refused,) = person.do(verb)

    assert refused.kind == "refused"
    assert refused.can == person.walk.can
    assert all(can in refused.text for can in person.walk.can)
    assert person.walk.state is state


def test_status_tells_what_is_done_and_left(person):
    person.shoot()

    status = only(person.do("status"), "status")

    assert [stop.key for stop in status.done] == [("kitchen", 1, 1)]
    assert len(status.left) == 5
    assert status.expected_s == pytest.approx(5 / 6 * person.first[0].expected_s)


def test_a_walk_that_was_left_goes_on_where_it_was(tmp_path):
    person = Person(tmp_path)
    person.shoot()
    person.do("shoot")
    ended = person.do("quit")
    assert kinds(ended) == ["discarded", "ended"]
    assert not ended[-1].is_finished
    person.stored.close()
    assert person.store.unfinished() == person.stored.name

    again = Person(tmp_path, resume=True)

    assert again.first[0].n_done == 1
    assert stop_of(again) == ("office", 1, 1)
    assert again.first[0].expected_s < person.first[0].expected_s


def test_a_finished_walk_is_not_gone_on_with(person):
    person.shoot()

    (ended,) = person.do("finish")

    assert ended.is_finished
    assert (ended.n_done, ended.n_shots) == (1, 6)
    assert person.store.unfinished() is None
    assert person.walk.can == ("status",)


def fill_disk(monkeypatch, module, number=errno.ENOSPC):
    def full(*_arguments):
        raise OSError(number, "as the kernel says")

    monkeypatch.setattr(module, "write_atomically", full)


def test_a_full_disk_keeps_the_shot_in_memory_until_there_is_room(person, monkeypatch):
    with monkeypatch.context() as patch:
        fill_disk(patch, stored_walk)
        events = person.shoot()
        assert kinds(events) == ["shooting", "judged", "fault"]
        fault = only(events, "fault")
        assert "disk is full" in fault.text
        assert "keep" in fault.can
        assert kinds(person.do("keep")) == ["fault"]

    assert kinds(person.do("keep")) == ["stored", "asking"]
    assert len(person.stored.shots) == 1


def test_a_read_only_disk_is_named_wherever_something_is_written(person, monkeypatch):
    fill_disk(monkeypatch, stored_walk, errno.EROFS)
    monkeypatch.setattr(
        "edge_agent.walking.walk_files.write_atomically", stored_walk.write_atomically
    )

    for events in (
        person.do("outside"),
        person.do("add_point", point=Point("attic", 1.0, 9.0)),
        person.do("finish"),
        person.shoot(),
    ):
        assert "read-only" in only(events, "fault").text
    assert person.stored.plan == PLAN


def test_a_weak_shot_that_cannot_be_removed_is_still_there(person, monkeypatch):
    person.shoot_weakly()

    def refuse(*_arguments):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(stored_walk, "remove_shot", refuse)

    assert kinds(person.do("skip")) == ["fault"]
    assert len(person.stored.shots) == 1
