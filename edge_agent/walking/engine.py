"""The state machine of a calibration walk, which a terminal or a page drives.

    asking     waits for a command: where to go, or shoot
    shooting   packets are measured and kept
    judging    a shot was weak or worse, or the disk failed: what now?
    finished   over, or left to be gone on with

Time is an argument, in seconds on any clock that does not jump: the machine's monotonic
one, or for a recording the capture time of the newest packet. Nothing here sleeps,
reads or prints.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from edge_agent.csi.image import ImageSpec
from edge_agent.csi.raw import RawFrames
from edge_agent.errors import WalkError
from edge_agent.walking.commands import Command, Verb
from edge_agent.walking.events import (
    Asking,
    Begun,
    Ended,
    Event,
    Fault,
    Refused,
    Status,
)
from edge_agent.walking.itinerary import Itinerary, Suggest
from edge_agent.walking.json_fields import FieldError
from edge_agent.walking.plan import Stop
from edge_agent.walking.shot import Shot
from edge_agent.walking.shot_events import Discarded, Judged, Progress, Shooting, Stored
from edge_agent.walking.shot_meter import SHOT_LIMIT_S
from edge_agent.walking.stored_walk import StoredWalk
from edge_agent.walking.verdict import Grade

PROGRESS_S: Final = 0.2
"""Least time between two progress events [s]."""

_MAX_EXPECTED: Final = 16
"""Access points that later shots wait for."""


_Action = Callable[[Command], list[Event]]


class State(StrEnum):
    """What a walk is doing."""

    ASKING = "asking"
    SHOOTING = "shooting"
    JUDGING = "judging"
    FINISHED = "finished"


class Walk:
    """One walk, from the first question to the last shot."""

    def __init__(
        self,
        stored: StoredWalk,
        spec: ImageSpec,
        *,
        expected: tuple[str, ...] = (),
        suggest: Suggest | None = None,
        limit_s: float = SHOT_LIMIT_S,
        least_places: int = 0,
    ) -> None:
        """Take a walk that was begun or opened.

        Args:
            stored: On disk; closing it is the caller's.
            spec: What an image needs.
            expected: Addresses of the site's transmitters, as far as they are known;
                those that this walk hears are added.
            suggest: Given the points of this lap that were done, returns which one to
                go to next, or None where no other is worth the way; by default all, in
                the order of the plan.
            limit_s: Longest shot [s].
            least_places: Places with shots that it takes to finish: where nothing is
                known of a site, one alone is nothing to tell from another.
        """
        self._least_places = least_places
        self._stored, self._spec, self._limit_s = stored, spec, limit_s
        self._site = expected
        self._way = Itinerary(stored, suggest)
        self._state = State.ASKING
        self._stop: Stop | None = None
        self._last = self._way.done[-1] if self._way.done else None
        self._shot: Shot | None = None
        self._unsaved: Shot | None = None
        self._is_weak_stored = False
        """Whether the shot that is being judged is on disk; an older one is not it."""
        self._now = float("-inf")
        self._next_progress = 0.0

    @property
    def state(self) -> State:
        """What it is doing."""
        return self._state

    @property
    def stop(self) -> Stop | None:
        """What is being shot or would be; None where nothing is left."""
        return self._stop

    @property
    def can(self) -> tuple[Verb, ...]:
        """What can be asked for now."""
        return tuple(self._actions())

    def begin(self, now: float) -> list[Event]:
        """Say what the walk is to be, and ask for the first shot."""
        self._advance(now)
        plan = self._stored.plan
        begun = Begun(
            self._stored.name,
            len(plan.points),
            plan.laps,
            plan.shots_per_stop,
            self._way.n_shots,
            self._way.n_done,
            self._way.expected_s(self._spec.n_packets),
            plan.why,
            self._stored.damaged,
            plan.with_outside,
            plan.is_typed,
        )
        return [begun, *self._ask()]

    def handle(self, command: Command, now: float) -> list[Event]:
        """Do what is asked for, or say what can be."""
        self._advance(now)
        action = self._actions().get(command.verb)
        if action is not None:
            return action(command)
        text = f"{command.verb} means nothing while {self._state}"
        return [self._refuse(f"{text}; try {', '.join(self.can) or 'another walk'}")]

    def feed(self, raw: RawFrames, now: float) -> list[Event]:
        """Take packets that arrived by now; only while shooting they matter."""
        before = self._now
        self._advance(now)
        if self._shot is None:
            return []
        self._shot.feed(raw, max(before, self._shot.started), self._now)
        return self._look()

    def tick(self, now: float) -> list[Event]:
        """Look at the clock; to be called a few times a second."""
        self._advance(now)
        return self._look() if self._shot is not None else []

    def _advance(self, now: float) -> None:
        self._now = max(self._now, now)

    # -- what can be asked for ---------------------------------------------------------

    def _actions(self) -> dict[Verb, _Action]:
        actions: dict[Verb, _Action] = {}
        if self._state is State.ASKING:
            if self._stop is not None:
                actions = {Verb.SHOOT: self._shoot, Verb.SKIP: self._skip}
            if self._last is not None:
                actions[Verb.RETRY] = self._retry
            actions[Verb.GO] = self._go
            actions[Verb.OUTSIDE] = self._outside
            actions[Verb.ADD_POINT] = self._add_point
            if self._stored.plan.is_typed:
                actions[Verb.DONE] = self._done
        elif self._state is State.SHOOTING:
            actions[Verb.CANCEL] = self._cancel
        elif self._state is State.JUDGING:
            actions = {Verb.RETRY: self._retry, Verb.SKIP: self._skip}
            if self._unsaved is not None or self._is_stored:
                actions[Verb.KEEP] = self._keep
        if self._stored.shots and (Verb.GO in actions or Verb.KEEP in actions):
            actions[Verb.FORGET] = self._forget
        actions[Verb.STATUS] = self._status
        if self._state in (State.ASKING, State.JUDGING):
            actions[Verb.FINISH] = self._finish
        if self._state is not State.FINISHED:
            actions[Verb.QUIT] = self._quit
        return actions

    @property
    def _is_stored(self) -> bool:
        """Whether the current stop has a shot on disk."""
        return self._stop is not None and self._way.shot_of(self._stop) is not None

    def _shoot(self, _command: Command) -> list[Event]:
        assert self._stop is not None
        self._state = State.SHOOTING
        self._unsaved, self._is_weak_stored = None, False
        self._shot = Shot(
            self._stop,
            self._spec,
            now=self._now,
            expected=self._expected(),
            limit_s=self._limit_s,
        )
        self._next_progress = self._now + PROGRESS_S
        return [Shooting(self._stop, self._limit_s)]

    def _cancel(self, _command: Command) -> list[Event]:
        assert self._stop is not None
        # What was to be taken again is still there: there is nothing to ask for.
        again = None if self._is_stored else self._stop
        return [Discarded(self._stop, "cancelled"), *self._ask(again)]

    def _retry(self, command: Command) -> list[Event]:
        if self._state is State.ASKING:
            self._stop = self._last
        return self._shoot(command)

    def _keep(self, _command: Command) -> list[Event]:
        saved = [] if self._unsaved is None else self._save(self._unsaved)
        return saved if self._unsaved is not None else [*saved, *self._ask()]

    def _skip(self, _command: Command) -> list[Event]:
        assert self._stop is not None
        stop = self._stop
        if self._is_weak_stored:
            try:
                self._stored.discard(stop)
            except WalkError as error:
                return [Fault(str(error), self.can)]
        self._way.skip(stop)
        return [Discarded(stop, "skipped"), *self._ask()]

    def _go(self, command: Command) -> list[Event]:
        if command.name is None:
            return self._ask()
        point = self._stored.plan.point(command.name)
        if point is None:
            known = ", ".join(p.name for p in self._stored.plan.points[:20]) or "none"
            return [
                self._refuse(
                    f"{command.name!r} is no point of the plan, and no room with one "
                    f"point; there is {known}. add_point adds one"
                )
            ]
        return self._ask(self._way.stop_at(point))

    def _outside(self, _command: Command) -> list[Event]:
        try:
            return self._ask(self._way.outside())
        except WalkError as error:
            return [Fault(str(error), self.can)]

    def _add_point(self, command: Command) -> list[Event]:
        assert command.point is not None
        try:
            return self._ask(self._way.add(command.point))
        except FieldError as error:
            return [self._refuse(str(error))]
        except WalkError as error:
            return [Fault(str(error), self.can)]

    def _status(self, _command: Command) -> list[Event]:
        return [
            Status(
                self._stored.name,
                self._state.value,
                self._way.done,
                self._way.left,
                self._way.expected_s(self._spec.n_packets),
                self.can,
            )
        ]

    def _done(self, command: Command) -> list[Event]:
        if (too_few := self._too_few()) is not None:
            return [self._refuse(too_few)]
        try:
            self._way.close()
        except WalkError as error:
            return [Fault(str(error), self.can)]
        return self._ask() if self._way.left else self._finish(command)

    def _forget(self, command: Command) -> list[Event]:
        shot = self._way.newest_shot(command.name)
        if shot is None:
            names = dict.fromkeys(stop.point.name for stop in self._way.done)
            return [
                self._refuse(
                    f"no shot at {command.name!r} is stored; there are shots at "
                    f"{', '.join(names)}"
                )
            ]
        try:
            self._stored.forget(shot.number)
        except WalkError as error:
            return [Fault(str(error), self.can)]
        if self._last == shot.stop:
            self._last = self._way.done[-1] if self._way.done else None
        forgotten = Discarded(shot.stop, "forgotten")
        if self._state is State.JUDGING:
            return [forgotten, *self._keep(command)]
        return [forgotten, *self._ask()]

    def _too_few(self) -> str | None:
        """Return why the walk cannot end yet; None where it can."""
        places = {stop.point.name for stop in self._way.done}
        if len(places) >= self._least_places:
            return None
        there = f"only at {', '.join(places)}" if places else "nowhere yet"
        return (
            f"there are shots {there}, and one place alone cannot be told from "
            "another: go to a second room, name it and take a shot there. Or quit: the "
            "same command goes on with this walk"
        )

    def _finish(self, _command: Command) -> list[Event]:
        if (too_few := self._too_few()) is not None:
            return [self._refuse(too_few)]
        try:
            self._stored.finish()
        except WalkError as error:
            return [Fault(str(error), self.can)]
        return self._end(is_finished=True)

    def _quit(self, _command: Command) -> list[Event]:
        lost: list[Event] = []
        if self._shot is not None:
            lost = [Discarded(self._shot.stop, "cancelled")]
        return [*lost, *self._end(is_finished=False)]

    # -- what follows ------------------------------------------------------------------

    def _ask(self, stop: Stop | None = None) -> list[Event]:
        """Wait for a command about a stop, by default the next."""
        self._shot = self._unsaved = None
        self._is_weak_stored = False
        self._state = State.ASKING
        self._stop = stop or self._way.next_stop(self._last)
        text = self._way.request(self._stop)
        return [Asking(self._stop, text, self._way.n_done, self._way.n_shots, self.can)]

    def _end(self, *, is_finished: bool) -> list[Event]:
        self._shot = self._unsaved = self._stop = None
        self._state = State.FINISHED
        done, of = self._way.n_done, self._way.n_shots
        return [Ended(self._stored.name, is_finished, done, of)]

    def _look(self) -> list[Event]:
        """Judge the shot if it is over, else say now and then how far it is."""
        assert self._shot is not None
        if self._shot.look(self._now):
            return self._judge(self._shot)
        if self._now < self._next_progress:
            return []
        self._next_progress = self._now + PROGRESS_S
        report = self._shot.report
        return [
            Progress(
                report.elapsed_s, self._shot.share, report.steadiness, report.readings
            )
        ]

    def _judge(self, shot: Shot) -> list[Event]:
        """Store what is good; what is weak too, unless there is an older shot."""
        self._shot, self._state = None, State.JUDGING
        verdict, report = shot.judge(self._stored.shots), shot.report
        self._unsaved = None if verdict.grade is Grade.REJECT else shot
        is_good = verdict.grade is Grade.GOOD
        saved: list[Event] = []
        if is_good or (self._unsaved is not None and not self._is_stored):
            saved = self._save(shot)
        judged = Judged(
            shot.stop,
            verdict,
            report.steadiness,
            report.elapsed_s,
            report.readings,
            () if is_good else self.can,
        )
        return [judged, *saved, *(self._ask() if self._is_done_with(shot) else [])]

    def _is_done_with(self, shot: Shot) -> bool:
        return shot.is_good and self._unsaved is None

    def _save(self, shot: Shot) -> list[Event]:
        try:
            label = self._stored.save(
                shot.stop, shot.verdict, shot.report, shot.packets
            )
        except WalkError as error:
            return [Fault(str(error), self.can)]
        self._unsaved, self._last = None, shot.stop
        self._is_weak_stored = not shot.is_good
        return [Stored(shot.stop, label.number, self._way.n_done, self._way.n_shots)]

    def _expected(self) -> tuple[str, ...]:
        """Return the access points to wait for: the site's, then those heard most."""
        counts: dict[str, int] = {}
        for shot in self._stored.shots:
            for reading in shot.readings:
                if reading.n_frames >= self._spec.n_packets:
                    counts[reading.mac] = counts.get(reading.mac, 0) + 1
        heard = sorted(counts, key=lambda mac: (-counts[mac], mac))
        return tuple(dict.fromkeys([*self._site, *heard]))[:_MAX_EXPECTED]

    def _refuse(self, text: str) -> Refused:
        return Refused(text, self.can)
