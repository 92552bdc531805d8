"""What goes wrong during a walk: each fault its own message, and nothing stored lost.

Here the walk's engine and store run on real disks; packets are made, or simulated, and
time is theirs.
"""

import numpy as np
import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.survey import Point
from edge_agent.walking.commands import Command, Verb
from edge_agent.walking.engine import State, Walk
from edge_agent.walking.events import Fault
from edge_agent.walking.plan import WalkPlan
from edge_agent.walking.shot_events import Judged, Stored
from edge_agent.walking.verdict import Grade, Reason
from edge_agent.walking.walk_store import WalkStore
from tests.edge_agent.mounts import fill, make_read_only, make_writable, small_disk
from tests.edge_agent.sites import (
    INTERVAL_US,
    REAL,
    SPEC,
    START_US,
    packets_at,
    raw_frames_of,
)
from trainer.simulate.listening import HEIGHT_M
from trainer.simulate.scenes import SCENES
from trainer.simulate.survey import capture_at
from trainer.simulate.ways import find_way, walk_along

POINTS = tuple(Point(name, None, None, name) for name in ("kitchen", "office"))
NAME = "20261123T101500Z"
_A_FEW = 8


class Person:
    """Walks, with packets in hand."""

    def __init__(self, folder, *, spec=SPEC, points=POINTS):
        self.store = WalkStore(folder)
        self.stored = (
            self.store.open(NAME)
            if NAME in self.store.walks()
            else self.store.begin(WalkPlan(points), NAME)
        )
        self.walk = Walk(self.stored, spec)
        self.now = 0.0
        self.walk.begin(self.now)

    def says(self, verb):
        return self.walk.handle(Command(verb), self.now)

    def shoots(self, packets, *, meanwhile=None):
        """A shot of these packets; after a few of them something happens."""
        events = self.says(Verb.SHOOT)
        for number, (time_us, packet) in enumerate(packets):
            if number == _A_FEW and meanwhile is not None:
                assert self.walk.state is State.SHOOTING
                meanwhile()
            self.now += INTERVAL_US / 1e6 / len(REAL)
            events += self.walk.feed(raw_frames_of([(time_us, packet)]), self.now)
        return events + self.waits()

    def waits(self):
        """Until the shot is over."""
        events = []
        while self.walk.state is State.SHOOTING:
            self.now += 0.1
            events += self.walk.tick(self.now)
        return events

    def leaves(self):
        self.stored.close()


def only(events, kind):
    [event] = [event for event in events if isinstance(event, kind)]
    return event


def good(place, *, seed=0, **options):
    """What a shot at rest brings: 1 second, 25 frames of two access points each."""
    return packets_at(place, n=25, seed=seed, **options)


def in_pages(n_bytes):
    return -(-n_bytes // 4096) * 4096


def files(folder):
    return {
        path.name: path.read_bytes()
        for path in sorted((folder / NAME).iterdir())
        if path.is_file()
    }


@pytest.mark.parametrize("room_for", ["nothing", "packets, not the label"])
def test_a_disk_that_fills_in_the_middle_of_a_shot_loses_nothing(tmp_path, room_for):
    with small_disk(tmp_path / "disk", kib=256) as disk:
        person = Person(disk / "walks")
        person.shoots(good(0))
        before = files(disk / "walks")
        room = 0 if room_for == "nothing" else in_pages(len(before["0001.pcap"]))

        events = person.shoots(good(1), meanwhile=lambda: fill(disk, but=room))
        fault = only(events, Fault)
        during = files(disk / "walks")
        (disk / "filler").unlink()
        again = person.says(Verb.KEEP)

        assert "the disk is full: free some space" in fault.text
        assert "Every shot that was stored is safe" in fault.text
        assert {Verb.KEEP, Verb.RETRY} <= set(fault.can)
        assert during == before
        assert only(again, Stored).n_done == 2
        assert person.stored.shots[1].stop.point == POINTS[1]
        person.leaves()
        reopened = Person(disk / "walks")
        assert len(reopened.stored.shots) == 2
        reopened.leaves()


def test_a_disk_that_becomes_read_only_in_the_middle_of_a_shot_loses_nothing(tmp_path):
    with small_disk(tmp_path / "disk", kib=256) as disk:
        person = Person(disk / "walks")
        person.shoots(good(0))
        before = files(disk / "walks")

        events = person.shoots(good(1), meanwhile=lambda: make_read_only(disk))
        fault = only(events, Fault)
        still_there = [shot.number for shot in person.store.read(NAME)]
        make_writable(disk)
        again = person.says(Verb.KEEP)

        assert "the disk is read-only: mount -o remount,rw" in fault.text
        assert still_there == [1]
        assert {name: files(disk / "walks")[name] for name in before} == before
        assert only(again, Stored).n_done == 2
        person.leaves()


@pytest.mark.parametrize(
    ("change_s", "words"), [(-7200, "set back by 720"), (3600, "set ahead by 360")]
)
def test_a_clock_that_is_set_in_the_middle_of_a_shot_is_named(
    tmp_path, change_s, words
):
    person = Person(tmp_path / "walks")
    person.shoots(good(0))
    change_us = change_s * 1_000_000
    packets = [
        (time_us + (change_us if time_us > START_US + 90_000 else 0), packet)
        for time_us, packet in good(1)
    ]

    judged = only(person.shoots(packets), Judged)

    assert (judged.verdict.grade, judged.verdict.reason) == (
        Grade.REJECT,
        Reason.CLOCK,
    )
    assert words in judged.verdict.text
    assert "timedatectl" in judged.verdict.action
    again = [*person.says(Verb.RETRY), *person.shoots(good(1))]
    assert only(again, Stored).n_done == 2
    person.leaves()


def test_an_access_point_that_vanishes_in_the_middle_of_a_shot_is_named(tmp_path):
    person = Person(tmp_path / "walks")
    person.shoots(good(0))
    both, alone = (
        good(1)[:10],
        packets_at(1, n=80, macs=REAL[:1], start_us=START_US + 5 * INTERVAL_US),
    )

    judged = only(person.shoots([*both, *alone]), Judged)

    assert (judged.verdict.grade, judged.verdict.reason) == (
        Grade.WEAK,
        Reason.VANISHED,
    )
    assert f"access point {REAL[1].hex(':')} vanished" in judged.verdict.text
    assert "see whether it is still on" in judged.verdict.action
    assert {Verb.RETRY, Verb.KEEP} <= set(judged.can)
    assert len(person.store.read(NAME)) == 2  # weak, kept unless it is taken again
    again = person.says(Verb.RETRY)
    assert not [event for event in again if isinstance(event, Fault)]
    person.leaves()


def test_a_shot_that_is_taken_while_walking_is_rejected_and_one_at_rest_is_not(
    tmp_path, rng
):
    scene = SCENES["lab"]
    (room,) = scene.days(1)
    here, there = (scene.place(rng, number) for number in (0, 30))
    person = Person(tmp_path / "walks", spec=ImageSpec())

    def judged(places):
        heard = capture_at(
            rng,
            room,
            places,
            site=7,
            n_packets=60,
            interval_s=0.1,
            start_us=START_US,
        )
        events = person.says(Verb.SHOOT)
        for start in range(0, len(heard), 20):
            part = heard[start : start + 20]
            person.now += float(part.time_ns[-1] - part.time_ns[0]) / 1e9
            events += person.walk.feed(part, person.now)
        return only(events + person.waits(), Judged).verdict

    way = walk_along(
        find_way(room, here[0, :2], there[0, :2]), speed_m_s=1.0, interval_s=0.1
    )
    there_and_back = np.concatenate([way, way[::-1], way, way[::-1]])[:60]
    carried = judged(np.column_stack([there_and_back, np.full(60, HEIGHT_M)]))
    person.says(Verb.SKIP)
    at_rest = judged(here)

    assert (carried.grade, carried.reason) == (Grade.REJECT, Reason.MOVED)
    assert "put it down, step back" in carried.action
    assert at_rest.grade is Grade.GOOD
    person.leaves()
