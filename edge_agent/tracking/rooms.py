"""Which room somebody is in, said so that one can act upon it.

The room changes when another one has been ahead by a margin for a while; what is in
doubt stays as it is. A device that rests does not change rooms: after a long rest it
takes longer. Each stay gives one `enter`, at most one `dwell`, and one `leave`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_UNKNOWN_BELOW = 0.35
"""Of nothing is more likely than this: nobody knows."""

_UNKNOWN_AFTER_S = 10.0
_LONGEST_SETTLE_S = 120.0
_REST_S, _REST_MARGIN = 5.0, 0.5
"""After such a rest, what is ahead by less is no reason to change rooms."""

_REST_SHARE = 0.5
"""Share of a rest for which all must speak against it."""


class Presence(StrEnum):
    """Whether somebody is at the site."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"
    """The belief is spread over all rooms."""


class Whereabouts(NamedTuple):
    """One of the things that are told apart."""

    presence: Presence
    room: str | None = None
    """None outside, where nobody knows, and where the site's points name no rooms."""


UNKNOWN = Whereabouts(Presence.UNKNOWN)
OUTSIDE = Whereabouts(Presence.OUTSIDE)


class EventKind(StrEnum):
    """What can happen to a room."""

    ENTER = "enter"
    LEAVE = "leave"
    DWELL = "dwell"


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """Something that happened, once."""

    kind: EventKind
    room: str

    time_ns: int
    """When it was noticed [ns since the UNIX epoch]; 0 where nobody has the time."""

    since_ns: int
    """When the room was entered [ns since the UNIX epoch]; 0 as above."""

    duration_s: float
    """For how long somebody has been there [s]."""

    confidence: float
    """Probability of the room when it was noticed; 0 where signals ended."""


@dataclass(frozen=True, slots=True)
class RoomRules:
    """When a room changes."""

    margin: float
    """By which another room's probability must be ahead."""

    settle_s: float
    """For how long [s]."""

    dwell_s: float
    """After which a stay is worth an event of its own [s]; 0: never."""


class RoomKeeper:
    """Keeps the room, and says when it changes."""

    def __init__(self, rules: RoomRules) -> None:
        """Begin nowhere.

        Args:
            rules: When a room changes.
        """
        self._rules = rules
        self._state = UNKNOWN
        self._start_ns = 0
        self._stay_s = self._lost_s = 0.0
        self._last_ns = 0
        self._has_begun = self._is_announced = self._has_dwelt = False

    @property
    def state(self) -> Whereabouts:
        """Where somebody is, as far as is certain enough."""
        return self._state

    @property
    def since_ns(self) -> int:
        """Since when [ns since the UNIX epoch]; 0 where nobody has the time."""
        return self._start_ns

    def update(
        self,
        probabilities: Mapping[Whereabouts, float],
        *,
        time_ns: int,
        passed_s: float,
        rested_s: float,
    ) -> list[RoomEvent]:
        """Take in what is believed now.

        Args:
            probabilities: Of everything that is told apart.
            time_ns: Now [ns since the UNIX epoch]; 0 where nobody has the time.
            passed_s: Since the last call [s].
            rested_s: For how long the device has been at rest [s].

        Returns:
            What happened, in order.
        """
        best = max(probabilities, key=lambda state: probabilities[state])
        if probabilities[best] < _UNKNOWN_BELOW:
            best = UNKNOWN
        self._last_ns = time_ns
        if not self._has_begun:
            self._has_begun = True
            self._begin(best, time_ns, 0.0)
            return []
        self._stay_s += passed_s
        events = self._changes(best, probabilities, passed_s, rested_s)
        confidence = probabilities.get(self._state, 0.0)
        if not self._is_announced and self._stay_s >= self._rules.settle_s:
            self._is_announced = True
            events += self._event(EventKind.ENTER, confidence)
        dwell_s = self._rules.dwell_s
        if self._is_announced and not self._has_dwelt and 0 < dwell_s <= self._stay_s:
            self._has_dwelt = True
            events += self._event(EventKind.DWELL, confidence)
        return events

    def end(self) -> list[RoomEvent]:
        """Begin nowhere again: nothing has been heard for long.

        Returns:
            The end of a stay, at the time of the last update.
        """
        events = self._event(EventKind.LEAVE, 0.0) if self._is_announced else []
        self._state, self._start_ns = UNKNOWN, 0
        self._has_begun = self._is_announced = False
        return events

    def _changes(
        self,
        best: Whereabouts,
        probabilities: Mapping[Whereabouts, float],
        passed_s: float,
        rested_s: float,
    ) -> list[RoomEvent]:
        here = probabilities.get(self._state, 0.0)
        ahead = probabilities.get(best, here) - here
        margin = self._rules.margin
        if rested_s >= _REST_S:
            margin = max(margin, _REST_MARGIN)
        is_lost = best is UNKNOWN or ahead >= margin
        if best == self._state or not is_lost:
            self._lost_s = 0.0
            return []
        self._lost_s += passed_s
        settle_s = max(
            self._rules.settle_s, min(_REST_SHARE * rested_s, _LONGEST_SETTLE_S)
        )
        if best is UNKNOWN:
            settle_s = max(settle_s, _UNKNOWN_AFTER_S)
        if self._is_announced and self._lost_s < settle_s:
            return []
        lost_s = self._lost_s if self._is_announced else 0.0
        self._stay_s -= lost_s
        events = self._event(EventKind.LEAVE, here) if self._is_announced else []
        start_ns = self._last_ns - round(lost_s * 1e9) if self._last_ns else 0
        self._begin(best, start_ns, lost_s)
        return events

    def _begin(self, state: Whereabouts, start_ns: int, stay_s: float) -> None:
        self._state, self._start_ns, self._stay_s = state, start_ns, stay_s
        self._lost_s = 0.0
        self._is_announced = self._has_dwelt = False

    def _event(self, kind: EventKind, confidence: float) -> list[RoomEvent]:
        """Return an event of this stay; where there is no room, none."""
        if self._state.room is None:
            return []
        return [
            RoomEvent(
                kind,
                self._state.room,
                self._last_ns,
                self._start_ns,
                self._stay_s,
                confidence,
            )
        ]
