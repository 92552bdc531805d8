"""A walk whose points are named on the way, and a shot that was wrong."""

import errno

import pytest

from edge_agent.errors import WalkError
from edge_agent.survey import Point
from edge_agent.walking import stored_walk
from edge_agent.walking.commands import Verb
from edge_agent.walking.engine import State
from edge_agent.walking.plan import WalkPlan
from tests.edge_agent.walking.walkers import (
    KITCHEN,
    NAME,
    OFFICE,
    PLAN,
    Person,
    kinds,
    only,
)

OPEN = WalkPlan((), laps=2, is_typed=True)


@pytest.fixture
def typing(tmp_path):
    """Somebody at a site of which nothing is known."""
    return Person(tmp_path, OPEN, least_places=2)


@pytest.fixture
def person(tmp_path):
    return Person(tmp_path)


def add(person, point):
    person.do("add_point", point=point)
    return person.shoot()


def test_the_first_lap_asks_for_rooms_until_they_are_all_named(typing):
    asked = only(add(typing, KITCHEN), "asking")
    assert asked.stop is None
    assert asked.text == "Go to the next room and add it; done, if that was the last."
    assert Verb.DONE in asked.can
    add(typing, OFFICE)

    stop = only(typing.do("done"), "asking").stop

    assert stop.key == ("office", 2, 1)
    assert Verb.DONE not in typing.walk.can
    assert not typing.stored.plan.is_typed


@pytest.mark.parametrize("verb", ["done", "finish"])
def test_one_place_alone_ends_no_walk(typing, verb):
    add(typing, KITCHEN)

    refused = only(typing.do(verb), "refused")

    assert "shots only at kitchen, and one place alone cannot be told" in refused.text
    assert typing.walk.state is State.ASKING
    assert not typing.stored.is_finished


def test_a_walk_without_any_shot_says_so(typing):
    assert "shots nowhere yet" in only(typing.do("finish"), "refused").text


def test_where_something_is_known_one_place_is_enough(tmp_path):
    person = Person(tmp_path, WalkPlan((KITCHEN,), 1), least_places=0)
    person.shoot()

    assert only(person.do("finish"), "ended").is_finished


def test_of_a_single_lap_the_last_room_is_the_end(tmp_path):
    person = Person(tmp_path, WalkPlan((), 1, is_typed=True), least_places=2)
    add(person, KITCHEN)
    add(person, OFFICE)

    assert only(person.do("done"), "ended").is_finished


def test_what_was_named_and_never_shot_is_no_point(typing):
    add(typing, KITCHEN)
    typing.do("add_point", point=Point("ofice", 4.0, 0.0, "ofice"))
    add(typing, OFFICE)

    typing.do("done")

    assert typing.stored.plan.points == (KITCHEN, OFFICE)


def test_naming_it_again_corrects_a_point_without_shots(typing):
    typing.do("add_point", point=Point("office", None, None, "office"))
    typing.do("add_point", point=OFFICE)

    assert typing.stored.plan.points == (OFFICE,)
    typing.shoot()
    again = typing.do("add_point", point=Point("office", 9.0, 9.0, "office"))
    assert "two points are called 'office'" in only(again, "refused").text


def test_going_on_is_in_the_same_mode(typing, tmp_path):
    add(typing, KITCHEN)
    typing.do("quit")
    typing.stored.close()

    again = Person(tmp_path, resume=True, least_places=2)

    begun, asking = again.first
    assert begun.is_typed
    assert (asking.stop, Verb.DONE in asking.can) == (None, True)


def test_a_plan_that_cannot_be_closed_stays_open(typing, monkeypatch):
    add(typing, KITCHEN)
    add(typing, OFFICE)

    def refuse(*_arguments):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(stored_walk, "write_plan", refuse)

    assert "read-only" in only(typing.do("done"), "fault").text
    assert typing.stored.plan.is_typed


# -- forgetting ------------------------------------------------------------------------


def test_a_forgotten_shot_is_kept_aside_and_its_stop_asked_for_again(person):
    person.shoot()
    person.shoot()
    folder = person.stored.folder
    packets = (folder / "0001.pcap").read_bytes()

    events = person.do("forget", name="kitchen")

    assert only(events, "discarded").why == "forgotten"
    assert only(events, "asking").stop.key == ("kitchen", 1, 1)
    assert [shot.number for shot in person.stored.shots] == [2]
    assert (folder / "discarded" / "0001.pcap").read_bytes() == packets
    assert (folder / "discarded" / "0001.json").is_file()


def test_the_newest_is_forgotten_where_none_is_named(person):
    person.shoot()
    person.shoot()

    person.do("forget")

    assert [shot.stop.point for shot in person.stored.shots] == [KITCHEN]
    assert only(person.do("retry"), "shooting").stop.point == KITCHEN


def test_no_number_is_given_twice(person, tmp_path):
    person.shoot()
    person.do("forget")
    person.stored.close()

    again = Person(tmp_path, resume=True)
    again.shoot()

    assert [shot.number for shot in again.stored.shots] == [2]


def test_what_was_never_shot_cannot_be_forgotten(person):
    assert Verb.FORGET not in person.walk.can
    person.shoot()

    refused = only(person.do("forget", name="attic"), "refused")

    assert refused.text == "no shot at 'attic' is stored; there are shots at kitchen"
    assert len(person.stored.shots) == 1


def test_the_other_shot_of_two_that_look_alike_can_be_the_wrong_one(person):
    person.shoot(1, seed=1)
    judged = only(person.shoot(1, seed=1), "judged")
    assert "either this or that one was taken elsewhere" in judged.verdict.text
    assert "if that one is: forget kitchen" in judged.verdict.action

    events = person.do("forget", name="kitchen")

    assert kinds(events) == ["discarded", "asking"]
    assert [shot.stop.point for shot in person.stored.shots] == [OFFICE]


def test_a_disk_that_refuses_keeps_the_shot(person, monkeypatch):
    person.shoot()

    def refuse(*_arguments):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(stored_walk, "put_aside", refuse)

    assert "read-only" in only(person.do("forget"), "fault").text
    assert len(person.stored.shots) == 1


def test_a_walk_that_was_over_can_be_gone_on_with(person):
    person.shoot()
    person.do("finish")
    assert person.store.unfinished() is None

    person.stored.reopen()
    person.stored.reopen()

    assert person.store.unfinished() == NAME
    assert person.stored.plan == PLAN


def test_a_shot_that_is_not_there_is_named(person):
    person.shoot()

    with pytest.raises(WalkError, match=f"walk {NAME} has no shot 7; there is 1"):
        person.stored.forget(7)
