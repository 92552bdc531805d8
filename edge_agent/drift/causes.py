"""What has changed, in words, and the few shots that would mend it."""

import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What can be noticed."""

    SILENT = "silent"
    """An access point is not heard where it used to be."""

    WEAKER = "weaker"
    LOUDER = "louder"
    """The level of an access point is another than where the others say we are."""

    MOVED = "moved"
    """An access point does not fit to what the others say."""

    ROOM = "room"
    """Nothing in a room looks as its shots do."""

    SITE = "site"
    """Nothing anywhere does."""

    @property
    def is_of_access_point(self) -> bool:
        """Whether it names one."""
        return self not in (Kind.ROOM, Kind.SITE)


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that has changed."""

    kind: Kind

    name: str
    """Address of the access point, name of the room; empty for the site."""

    n_stops: int
    """Since it began to look so."""

    offset_db: float | None
    """Mean difference of the level to that of the shots [dB]; None where it is not
    about one."""

    points: tuple[str, ...]
    """A few where fresh shots would tell, the strangest first."""

    @property
    def sentence(self) -> str:
        """What a person reads."""
        seen = f"in {self.n_stops} stops" if self.n_stops != 1 else "in one stop"
        match self.kind:
            case Kind.SILENT:
                return f"access point {self.name} is no longer heard, {seen}"
            case Kind.WEAKER | Kind.LOUDER:
                offset = f"{abs(self.offset_db or 0):.0f} dB {self.kind}"
                return f"access point {self.name} is {offset} than calibrated, {seen}"
            case Kind.MOVED:
                return (
                    f"access point {self.name} contradicts the others: it was moved, "
                    f"or what is around it, {seen}"
                )
            case Kind.ROOM:
                return f"{self.name} no longer looks as calibrated, {seen}"
            case Kind.SITE:
                return f"the site no longer looks as calibrated, {seen}"

    @property
    def request(self) -> str:
        """The command that would mend it."""
        if self.kind is Kind.ROOM:
            return f"edge_agent label {shlex.quote(self.name)}"
        if not self.points:
            return "edge_agent calibrate"
        return f"edge_agent calibrate --points {len(self.points)}"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "kind": self.kind.value,
            "name": self.name or None,
            "stops": self.n_stops,
            "offset_db": None if self.offset_db is None else round(self.offset_db, 1),
            "points": list(self.points),
            "says": self.sentence,
            "asks": self.request,
        }


def told(causes: list[Cause], n_channels: int, n_rooms: int) -> tuple[Cause, ...]:
    """Return of all that alarms what a person is to be told, the most telling first.

    An access point that is silent, or of another level, explains why it fits the others
    no longer; what alarms for most access points is the place's fault, not theirs; and
    rooms are not listed where all of them changed, nor is the place where one access
    point or one room explains it.

    Args:
        causes: Each that alarms.
        n_channels: Of the site.
        n_rooms: That were visited.
    """
    of_kind = {kind: [cause for cause in causes if cause.kind is kind] for kind in Kind}
    found = [
        *of_kind[Kind.SILENT],
        *of_kind[Kind.WEAKER],
        *of_kind[Kind.LOUDER],
    ]
    named = {cause.name for cause in found}
    moved = [cause for cause in of_kind[Kind.MOVED] if cause.name not in named]
    if 2 * len(named | {cause.name for cause in moved}) <= n_channels:
        found += moved
    if 2 * len({cause.name for cause in found}) > n_channels:
        return (*of_kind[Kind.SITE], *found)
    rooms = of_kind[Kind.ROOM]
    if not found and (len(rooms) < n_rooms or not of_kind[Kind.SITE]):
        found += rooms
    return tuple(found or of_kind[Kind.SITE] or moved or rooms)
