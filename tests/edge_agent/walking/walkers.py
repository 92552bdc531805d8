"""A person with a device, quick: packets of places, fed to a walk at their own pace."""

from edge_agent.survey import Point
from edge_agent.walking.commands import Command, Verb
from edge_agent.walking.engine import State, Walk
from edge_agent.walking.plan import WalkPlan
from edge_agent.walking.walk_store import WalkStore, walk_name
from tests.edge_agent.sites import (
    INTERVAL_US,
    REAL,
    SPEC,
    START_US,
    packets_at,
    raw_frames_of,
)

KITCHEN = Point("kitchen", 0.0, 0.0, "kitchen")
OFFICE = Point("office", 4.0, 0.0, "office")
HALL = Point("hall", 2.0, 3.0, "hall")
POINTS = (KITCHEN, OFFICE, HALL)
PLAN = WalkPlan(POINTS, laps=2)
NAME = walk_name(START_US * 1000)
MACS = tuple(mac.hex(":") for mac in REAL)
PLACES = {"kitchen": 1, "office": 2, "hall": 3, "outside": 4, "attic": 5}
N_PACKETS = 20
"""Of each access point in a shot: 0.8 s."""


class Person:
    """Goes where the walk asks, with a clock of its own."""

    def __init__(self, folder, plan=PLAN, *, name=NAME, resume=False, **options):
        self.store = WalkStore(folder / "walks")
        self.stored = self.store.open(name) if resume else self.store.begin(plan, name)
        self.walk = Walk(self.stored, SPEC, **options)
        self.now = 100.0
        self.time_us = START_US
        self.n_shots = 0
        self.first = self.walk.begin(self.now)

    def do(self, verb, **fields):
        return self.walk.handle(Command(Verb(verb), **fields), self.now)

    def hear(self, place, *, n=N_PACKETS, macs=REAL, seed=None, **options):
        """Feed packets, one access point's interval after another; return events."""
        seed = self.n_shots if seed is None else seed
        packets = packets_at(
            place, n=n, macs=macs, start_us=self.time_us, seed=seed, **options
        )
        events = []
        for first in range(0, len(packets), len(macs)):
            self.pass_time(INTERVAL_US / 1e6)
            raw = raw_frames_of(packets[first : first + len(macs)])
            events += self.walk.feed(raw, self.now)
        return events

    def pass_time(self, seconds):
        self.now += seconds
        self.time_us += round(seconds * 1e6)

    def wait(self, seconds):
        """Let time pass without a packet; return events."""
        events = []
        for _ in range(round(seconds / 0.1)):
            self.pass_time(0.1)
            events += self.walk.tick(self.now)
        return events

    def shoot(self, place=None, **options):
        """Take the shot that is asked for; return all events."""
        if place is None:
            place = PLACES[self.walk.stop.point.name]
        self.n_shots += 1
        return [*self.do("shoot"), *self.hear(place, **options)]

    def shoot_badly(self):
        """Take a shot while carrying the device: it is rejected."""
        events = self.do("shoot" if self.walk.state is State.ASKING else "retry")
        for place in range(100, 100 + N_PACKETS):
            if self.walk.state is not State.SHOOTING:
                break
            self.pass_time(0.01)
            events += self.hear(place, n=1)
        return events

    def shoot_weakly(self):
        """Take a shot that one access point leaves in the middle."""
        events = self.do("shoot" if self.walk.state is State.ASKING else "retry")
        place = PLACES[self.walk.stop.point.name]
        self.n_shots += 1
        events += self.hear(place, n=6)
        return events + self.wait(2.0) + self.hear(place, macs=REAL[:1], n=20)


def kinds(events):
    """What the events are, without progress."""
    return [event.kind for event in events if event.kind != "progress"]


def only(events, kind):
    (event,) = [event for event in events if event.kind == kind]
    return event
