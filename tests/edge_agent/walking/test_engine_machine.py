"""Whatever is asked for, in whatever order: no stored shot is lost, none is without
label, and the end can be reached."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from edge_agent.survey import Point
from edge_agent.walking.commands import Verb
from edge_agent.walking.engine import State
from edge_agent.walking.plan import WalkPlan
from edge_agent.walking.verdict import Grade
from tests.edge_agent.sites import REAL, STRANGER
from tests.edge_agent.walking.walkers import KITCHEN, OFFICE, Person

ENDS = (Verb.FINISH, Verb.QUIT)
NAMING = (Verb.GO, Verb.FORGET)
ALWAYS = [v for v in Verb if v is not Verb.ADD_POINT and v not in ENDS]


class Walks(RuleBasedStateMachine):
    """A person who does anything at any time, and a power cut now and then."""

    @initialize(with_outside=st.booleans(), laps=st.integers(1, 2))
    def begin(self, with_outside, laps):
        self.folder = Path(tempfile.mkdtemp())
        plan = WalkPlan((KITCHEN, OFFICE), laps=laps, with_outside=with_outside)
        self.person = Person(self.folder, plan)
        self.kept = {}
        """What the walk said is stored, by stop, and did not say is gone."""
        self.weak = None
        """Stop and number of a shot that was stored though it is weak."""

    def teardown(self):
        if hasattr(self, "person"):
            self.person.stored.close()
            shutil.rmtree(self.folder)

    @rule(verb=st.sampled_from(ALWAYS), name=st.sampled_from([None, "office", "moon"]))
    def ask(self, verb, name):
        before = self.person.walk.state
        can = self.person.walk.can
        events = self.person.do(verb, **({"name": name} if verb in NAMING else {}))
        self.follow(events)
        refused = any(event.kind == "refused" for event in events)
        assert events
        if verb not in can:
            assert refused
        if refused:
            assert self.person.walk.state is before

    @rule(verb=st.sampled_from(ENDS))
    def end(self, verb):
        self.ask(verb, None)
        self.lose_power()

    @rule(x=st.floats(0, 9), name=st.sampled_from(["attic", "cellar", "kitchen"]))
    def add(self, x, name):
        self.follow(self.person.do("add_point", point=Point(name, x, 0.0)))

    @precondition(lambda self: Verb.SHOOT in self.person.walk.can)
    @rule(place=st.integers(1, 3), weak=st.booleans(), seed=st.integers(0, 99))
    def shoot(self, place, weak, seed):
        self.follow(self.person.do("shoot"))
        self.follow(self.person.hear(place, n=6 if weak else 25, seed=seed))
        if weak:
            self.follow(self.person.wait(2.1))
            self.follow(self.person.hear(place, n=25, macs=REAL[:1], seed=seed))

    @precondition(lambda self: Verb.RETRY in self.person.walk.can)
    @rule(place=st.integers(1, 3), seed=st.integers(0, 99))
    def retry(self, place, seed):
        self.follow(self.person.do("retry"))
        self.follow(self.person.hear(place, n=25, seed=seed))

    @rule(
        place=st.integers(1, 3),
        n=st.sampled_from([1, 5, 12, 25]),
        macs=st.sampled_from([REAL, REAL[:1], (STRANGER,)]),
        seed=st.integers(0, 3),
    )
    def hear(self, place, n, macs, seed):
        self.follow(self.person.hear(place, n=n, macs=macs, seed=seed))

    @rule(seconds=st.sampled_from([0.05, 1.0, 2.5, 25.0]))
    def wait(self, seconds):
        self.person.pass_time(seconds)
        self.follow(self.person.walk.tick(self.person.now))

    @rule(jump_s=st.sampled_from([-3600, 3600]))
    def set_clock(self, jump_s):
        self.person.time_us += jump_s * 1_000_000

    @rule()
    def lose_power(self):
        """Nothing of the process is left but what is on the disk."""
        person = self.person
        person.stored.close()
        again = Person(self.folder, name=person.stored.name, resume=True)
        again.now, again.time_us = person.now, person.time_us
        self.person = again

    @precondition(lambda self: self.person.walk.state is State.SHOOTING)
    @rule()
    def finish_shooting(self):
        """Every shot ends by itself."""
        for _ in range(300):
            if self.person.walk.state is not State.SHOOTING:
                return
            self.follow(self.person.wait(0.1))
        raise AssertionError("a shot of half a minute")

    def follow(self, events):
        grades = {event.verdict.grade for event in events if event.kind == "judged"}
        for event in events:
            if event.kind == "stored":
                self.kept[event.stop.key] = event.number
                is_weak = Grade.WEAK in grades
                self.weak = (event.stop.key, event.number) if is_weak else None
            elif event.kind == "discarded" and event.why == "skipped":
                # Only a shot that was just judged weak goes with its stop.
                if self.weak == (event.stop.key, self.kept.get(event.stop.key)):
                    del self.kept[event.stop.key]
            elif event.kind == "discarded" and event.why == "forgotten":
                del self.kept[event.stop.key]
            elif event.kind in ("shooting", "asking"):
                self.weak = None
            assert event.to_json()["event"] == event.kind

    @invariant()
    def what_was_stored_is_on_disk(self):
        if not hasattr(self, "person"):
            return
        folder = self.person.stored.folder
        on_disk = {s.stop.key: s.number for s in self.person.store.read(folder.name)}
        assert on_disk == self.kept
        names = {path.name for path in folder.iterdir()}
        for number in on_disk.values():
            assert {f"{number:04d}.pcap", f"{number:04d}.json"} <= names
        shots = {name for name in names if name[0].isdigit()}
        assert len(shots) == 2 * len(on_disk)
        assert not any(name.startswith(".") for name in names)

    @invariant()
    def the_end_can_be_reached(self):
        if not hasattr(self, "person"):
            return
        walk = self.person.walk
        assert (walk.state is State.FINISHED) != (Verb.QUIT in walk.can)
        assert Verb.STATUS in walk.can


TestWalks = Walks.TestCase
TestWalks.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
