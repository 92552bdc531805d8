"""The site file: its points, by room or by coordinates or both, and its walls.

    [site]
    plan = "flat.svg"           # for people; relative to this file

    [[point]]
    name = "table"              # may be left out where the room says it all
    room = "kitchen"
    x = 1.2                     # metres from an origin of the site's own;
    y = 0.5                     # of all points, or of none
    floor = 0

    [[wall]]
    from = [0.0, 2.0]
    to = [4.0, 2.0]             # a door is where there is no wall
    floor = 0

People write it, and so does `edge_agent calibrate` when a point is typed while walking:
it adds to the end and leaves the rest, comments included, as it is.
"""

import json
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.arrays import write_atomically
from edge_agent.errors import ConfigError
from edge_agent.strict_toml import build_record, check_range, read_toml
from edge_agent.survey import OUTSIDE, Point

SITE_FILE = "site.toml"

MAX_POINTS = 1000
_MAX_WALLS = 10_000
_MAX_NAME = 100
_FARTHEST = 1e6
_HIGHEST = 1000


@dataclass(frozen=True, slots=True)
class Wall:
    """A straight piece of wall, which nobody walks through."""

    start: tuple[float, float]
    """x, y [m]."""

    end: tuple[float, float]
    """x, y [m]."""

    floor: int = 0
    """Logical number; 0 is the ground floor."""

    def __post_init__(self) -> None:
        for key, place in (("from", self.start), ("to", self.end)):
            for value in place:
                check_range(key, value, -_FARTHEST, _FARTHEST)
        check_range("floor", self.floor, -_HIGHEST, _HIGHEST)
        if self.start == self.end:
            raise ConfigError("from and to are the same place")


@dataclass(frozen=True, slots=True)
class SiteFile:
    """What people know of a site."""

    points: tuple[Point, ...] = ()
    """In the order in which they are walked; no two of the same name."""

    walls: tuple[Wall, ...] = ()

    plan: str = ""
    """Picture of the floor plan, for people; empty where there is none."""

    def __post_init__(self) -> None:
        if len(self.points) > MAX_POINTS or len(self.walls) > _MAX_WALLS:
            raise ConfigError(
                f"{len(self.points)} points and {len(self.walls)} walls; at most "
                f"{MAX_POINTS} and {_MAX_WALLS}: make it several sites"
            )
        names: set[str] = set()
        for point in self.points:
            if point.name in names:
                raise ConfigError(
                    f"two points are called {point.name!r}; give each a name of its own"
                )
            names.add(point.name)
        if is_mixed(self.points):
            placed = next(p.name for p in self.points if p.is_placed)
            other = next(
                p.name for p in self.points if not p.is_placed and not p.is_outside
            )
            raise ConfigError(
                f"point {placed!r} has coordinates and {other!r} has none; give them "
                "to all points, or to none"
            )


def named_point(
    name: str, x: float | None, y: float | None, room: str | None, floor: int = 0
) -> Point:
    """Return a point that somebody typed, with a name if it was given none.

    Args:
        name: Empty: the room's, or the coordinates.
        x: [m]; None where only the room is known.
        y: [m]; None with x.
        room: None where it has none.
        floor: Logical number.

    Raises:
        ConfigError: It is nowhere, half somewhere or too far away, or a name is none.
    """
    for key, text in (("name", name), ("room", room or "")):
        if len(text) > _MAX_NAME or not text.isprintable() or text != text.strip():
            raise ConfigError(
                f"{key} is {text!r}: up to {_MAX_NAME} printable characters, without "
                "spaces around"
            )
    check_range("floor", floor, -_HIGHEST, _HIGHEST)
    if OUTSIDE in (name, room) and (room is not None or x is not None):
        raise ConfigError(
            f"{OUTSIDE} stands for everywhere else, without room or coordinates; call "
            "this one otherwise"
        )
    if (x is None) != (y is None):
        raise ConfigError("has one coordinate; give x and y, or neither")
    if x is not None and y is not None:
        check_range("x", x, -_FARTHEST, _FARTHEST)
        check_range("y", y, -_FARTHEST, _FARTHEST)
        return Point(name or f"{x:g},{y:g}", x, y, room or None, floor)
    if not room and name != OUTSIDE:
        raise ConfigError("has neither a room nor x and y; give one of them")
    return Point(name or str(room), None, None, room or None, floor)


def is_mixed(points: tuple[Point, ...]) -> bool:
    """Return whether some of the points inside have coordinates and others none."""
    return len({point.is_placed for point in points if not point.is_outside}) > 1


def read_site_file(path: Path) -> SiteFile:
    """Return what a site file says.

    Raises:
        ConfigError: It cannot be read, is no TOML, or something in it is unknown, of
            another type, out of range, or said twice.
    """
    return _checked(path, read_toml(path)[1])


def add_point(path: Path, point: Point) -> SiteFile:
    """Write a point behind all others; the file is replaced as a whole.

    Args:
        path: The site file; it and its folder are made where there are none.
        point: Of a name that the file does not know yet.

    Returns:
        What the file says now.

    Raises:
        ConfigError: The file cannot be read or written, or makes no sense with it.
    """
    text = read_toml(path)[0] if os.path.lexists(path) else ""
    if text and not text.endswith("\n"):
        text += "\n"
    text += "\n" * bool(text) + _point_toml(point)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{path}: cannot add point {point.name!r} ({error}); write points as "
            "[[point]] tables"
        ) from error
    site = _checked(path, document)
    _write(path, text)
    return site


def remove_point(path: Path, point: Point) -> bool:
    """Remove a point that stands in the file exactly as `add_point` wrote it.

    Args:
        path: The site file.
        point: That may be in it.

    Returns:
        Whether it was, and is no more.

    Raises:
        ConfigError: The file cannot be read or written.
    """
    if not os.path.lexists(path):
        return False
    text = read_toml(path)[0]
    before, found, after = text.partition(_point_toml(point))
    rest = after.strip()
    if not found or (rest and not rest.startswith("[")):  # people wrote more about it
        return False
    _write(path, (before.rstrip("\n") + "\n") * bool(before.strip()) + after)
    return True


def _write(path: Path, text: str) -> None:
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror}; name another with --site-file, or "
            "another state directory with --state"
        ) from error


@dataclass(frozen=True, slots=True)
class _SiteTable:
    plan: str = ""


@dataclass(frozen=True, slots=True)
class _PointTable:
    name: str = ""
    room: str | None = None
    x: float | None = None
    y: float | None = None
    floor: int = 0


@dataclass(frozen=True, slots=True)
class _WallTable:
    start: tuple[float, float] = field(metadata={"key": "from"})
    end: tuple[float, float] = field(metadata={"key": "to"})
    floor: int = 0


@dataclass(frozen=True, slots=True)
class _Document:
    site: _SiteTable = field(default_factory=_SiteTable)
    point: tuple[_PointTable, ...] = ()
    wall: tuple[_WallTable, ...] = ()


def _checked(path: Path, document: dict[str, object]) -> SiteFile:
    try:
        found: _Document = build_record(_Document, document)
        return SiteFile(
            tuple(_point(number, one) for number, one in enumerate(found.point, 1)),
            tuple(_wall(number, one) for number, one in enumerate(found.wall, 1)),
            found.site.plan,
        )
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _point(number: int, one: _PointTable) -> Point:
    try:
        return named_point(one.name, one.x, one.y, one.room, one.floor)
    except ConfigError as error:
        raise ConfigError(f"point {number} {one.name!r}: {error}") from error


def _wall(number: int, one: _WallTable) -> Wall:
    try:
        return Wall(one.start, one.end, one.floor)
    except ConfigError as error:
        raise ConfigError(f"wall {number}: {error}") from error


def _point_toml(point: Point) -> str:
    lines = ["[[point]]", f"name = {_quoted(point.name)}"]
    if point.room is not None:
        lines.append(f"room = {_quoted(point.room)}")
    if point.is_placed:
        lines += [f"{a} = {v!r}" for a, v in zip("xy", point.location, strict=True)]
    if point.floor:
        lines.append(f"floor = {point.floor}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
