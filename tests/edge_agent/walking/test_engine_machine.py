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
from tests.edge_agent.sites import REAL, STRANGER
from tests.edge_agent.walking.walkers import KITCHEN, OFFICE, Person

ALWAYS = [verb for verb in Verb if verb is not Verb.ADD_POINT]


class Walks(RuleBasedStateMachine):
    """A person who does anything at any time, and a power cut now and then."""

    @initialize(with_outside=st.booleans(), laps=st.integers(1, 2))
    def begin(self, with_outside, laps):
        self.folder = Path(tempfile.mkdtemp())
        plan = WalkPlan((KITCHEN, OFFICE), laps=laps, with_outside=with_outside)
        self.person = Person(self.folder, plan)
        self.kept = {}
        """What the walk said is stored, by stop, and did not say is gone."""

    def teardown(self):
        if hasattr(self, "person"):
            self.person.stored.close()
            shutil.rmtree(self.folder)

    @rule(verb=st.sampled_from(ALWAYS), name=st.sampled_from([None, "office", "moon"]))
    def ask(self, verb, name):
        before = self.person.walk.state
        can = self.person.walk.can
        events = self.person.do(verb, **({"name": name} if verb is Verb.GO else {}))
        self.follow(events)
        refused = any(event.kind == "refused" for event in events)
        assert events
        if verb not in can:
            assert refused
        if refused:
            assert self.person.walk.state is before

    @rule(x=st.floats(0, 9), name=st.sampled_from(["attic", "cellar", "kitchen"]))
    def add(self, x, name):
        self.follow(self.person.do("add_point", point=Point(name, x, 0.0)))

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
        for event in events:
            if event.kind == "stored":
                self.kept[event.stop.key] = event.number
            elif event.kind == "discarded" and event.why == "skipped":
                # Only a shot that was just judged weak goes with its stop.
                on_disk = {s.stop.key for s in self.person.stored.shots}
                if event.stop.key not in on_disk:
                    self.kept.pop(event.stop.key, None)
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
TestWalks.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
