"""The list of surveyed captures: which file was recorded where.

A CSV file with a header line, one line per capture; paths are relative to the list:

    capture,x_m,y_m,point,room,visit,floor,environment
    kitchen-1.pcap,1.2,0.5,table,kitchen,1,0,home

``capture``, ``x_m`` and ``y_m`` are required. Lines with the same ``point`` (or,
without one, the same coordinates) belong together; ``visit`` tells recordings apart
between which the device was picked up and put down again.

Where rooms are all that is asked for, ``x_m`` and ``y_m`` of all lines are empty.
Everywhere else is called ``outside``, as a point, a room or both, without coordinates:

    street-1.pcap,,,outside,,1,0,home
"""

import csv
import math
import operator
import os
from dataclasses import dataclass
from pathlib import Path

from edge_agent.errors import SurveyError

SURVEY_FILE = "survey.csv"
"""What the list of a folder of captures is called."""

_REQUIRED = ("capture", "x_m", "y_m")
_OPTIONAL = ("point", "room", "visit", "floor", "environment")
_MAX_LINES = 100_000
_MAX_TEXT = 200
_FARTHEST = 1e6

OUTSIDE = "outside"
"""Name of the point that stands for everywhere else."""


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A place of a site: where it is, which room, or both."""

    name: str

    x: float | None
    """[m], in the site's own frame; None where only the room is known, and outside."""

    y: float | None
    """[m]; None with x."""

    room: str | None = None

    floor: int = 0
    """Logical number; 0 is the ground floor."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not isinstance(self.room, str | None):
            raise TypeError(f"point {self.name!r}, room {self.room!r}: expected text")
        where = (self.x, self.y)
        if where == (None, None):
            if self.room is None and self.name != OUTSIDE:
                raise ValueError(
                    f"point {self.name!r} has neither coordinates nor a room"
                )
        elif not all(value is not None and math.isfinite(value) for value in where):
            raise ValueError(
                f"point {self.name!r} is at ({self.x}, {self.y}), not finite numbers"
            )
        operator.index(self.floor)

    @property
    def is_placed(self) -> bool:
        """Whether it has coordinates."""
        return self.x is not None

    @property
    def is_outside(self) -> bool:
        """Whether it stands for everywhere else."""
        return self.x is None and self.room is None

    @property
    def location(self) -> tuple[float, float]:
        """Coordinates [m]; NaN where there are none."""
        if self.x is None or self.y is None:
            return math.nan, math.nan
        return self.x, self.y


@dataclass(frozen=True, slots=True)
class SurveyedCapture:
    """One recording at one point."""

    capture: Path
    point: Point
    visit: str
    environment: str


def read_survey(path: Path) -> list[SurveyedCapture]:
    """Read and check a list of surveyed captures.

    Args:
        path: The list, or a folder whose list is called `SURVEY_FILE`.

    Raises:
        SurveyError: It cannot be read, a column is missing or unknown, a value makes no
            sense, a capture is not there or listed twice, or a point has two places.
    """
    if path.is_dir():
        path = path / SURVEY_FILE
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(_rows(path, csv.DictReader(file, strict=True)))
    except OSError as error:
        raise SurveyError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SurveyError(
            f"{path} is no text in UTF-8; a CSV file that lists the captures is needed"
        ) from error
    except csv.Error as error:
        raise SurveyError(f"{path} is not a CSV file: {error}") from error
    if not rows:
        raise SurveyError(f"{path} lists no captures")
    _check_points(path, rows)
    _check_captures(path, rows)
    return rows


def write_survey(path: Path, rows: list[SurveyedCapture]) -> None:
    """Write a list; captures below its folder become relative paths."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*_REQUIRED, *_OPTIONAL])
        for row in rows:
            capture = row.capture
            if capture.is_relative_to(path.parent):
                capture = capture.relative_to(path.parent)
            point = row.point
            writer.writerow(
                [
                    capture,
                    *("" if v is None else f"{v:g}" for v in (point.x, point.y)),
                    point.name,
                    point.room or "",
                    row.visit,
                    point.floor,
                    row.environment,
                ]
            )


def _rows(path: Path, reader: "csv.DictReader[str]") -> list[SurveyedCapture]:
    columns = reader.fieldnames or []
    if missing := [name for name in _REQUIRED if name not in columns]:
        raise SurveyError(
            f"{path} lacks the column(s) {', '.join(missing)}; its first line must be: "
            f"{','.join([*_REQUIRED, *_OPTIONAL])} (the last {len(_OPTIONAL)} "
            "optional), separated by commas"
        )
    if unknown := [name for name in columns if name not in _REQUIRED + _OPTIONAL]:
        raise SurveyError(f"{path} has the unknown column(s) {', '.join(unknown)}")
    rows: list[SurveyedCapture] = []
    for fields in reader:
        where = f"{path}, line {reader.line_num}"
        if len(rows) == _MAX_LINES:
            raise SurveyError(f"{where}: more than {_MAX_LINES} captures")
        if None in fields or None in fields.values():
            raise SurveyError(f"{where}: not {len(columns)} fields")
        rows.append(_row(where, path.parent, fields))
    return rows


def _row(where: str, folder: Path, fields: dict[str, str]) -> SurveyedCapture:
    values = {name: fields.get(name, "").strip() for name in _REQUIRED + _OPTIONAL}
    for name, value in values.items():
        if len(value) > _MAX_TEXT or not value.isprintable():
            raise SurveyError(
                f"{where}: {name} is longer than {_MAX_TEXT} characters "
                "or holds control characters"
            )
    if not values["capture"]:
        raise SurveyError(f"{where}: the capture has no name")
    capture = folder / values["capture"]
    if not capture.is_file():
        raise SurveyError(f"{where}: there is no capture {capture}")
    floor = _number(where, "floor", values["floor"] or "0")
    if not floor.is_integer():
        raise SurveyError(f"{where}: floor is {values['floor']!r}, not a whole number")
    return SurveyedCapture(
        capture,
        _point(where, values, int(floor)),
        values["visit"] or "1",
        values["environment"] or folder.resolve().name,
    )


def _point(where: str, values: dict[str, str], floor: int) -> Point:
    name, room = values["point"], values["room"] or None
    is_placed = bool(values["x_m"] or values["y_m"])
    if OUTSIDE in (name, room):
        if is_placed or not {name, room} <= {OUTSIDE, "", None}:
            raise SurveyError(
                f"{where}: {OUTSIDE} stands for everywhere else: point {OUTSIDE}, with "
                "room, x_m and y_m empty; call a place of the site otherwise"
            )
        return Point(OUTSIDE, None, None, None, floor)
    if not is_placed:
        if room is None:
            raise SurveyError(
                f"{where}: neither x_m and y_m nor a room; a point needs one of them, "
                f"unless it is called {OUTSIDE}"
            )
        return Point(name or str(room), None, None, room, floor)
    x, y = (_number(where, axis, values[axis]) for axis in ("x_m", "y_m"))
    return Point(name or f"{x:g},{y:g}", x, y, room, floor)


def _number(where: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SurveyError(f"{where}: {name} is {text!r}, not a number")
    if abs(value) > _FARTHEST:
        raise SurveyError(
            f"{where}: {name} is {text!r}, more than {_FARTHEST:g}; it is in metres "
            "from an origin of the site's own"
        )
    return value


def _check_points(path: Path, rows: list[SurveyedCapture]) -> None:
    known: dict[tuple[str, str], Point] = {}
    placed: dict[str, Point] = {}
    for row in rows:
        if not row.point.is_outside:
            other = placed.setdefault(row.environment, row.point)
            if other.is_placed != row.point.is_placed:
                raise SurveyError(
                    f"{path}: of the points {other.name!r} and {row.point.name!r} only "
                    "one has coordinates; give them to all points, or to none"
                )
        first = known.setdefault((row.environment, row.point.name), row.point)
        if first != row.point:
            raise SurveyError(
                f"{path}: point {row.point.name!r} has two places: {_place(first)} and "
                f"{_place(row.point)}"
            )


def _check_captures(path: Path, rows: list[SurveyedCapture]) -> None:
    listed: dict[tuple[str, str], SurveyedCapture] = {}
    for row in rows:
        key = (row.environment, os.path.normpath(row.capture))
        first = listed.setdefault(key, row)
        if first is not row:
            raise SurveyError(
                f"{path}: {row.capture} is listed twice, at {_place(first.point)} and "
                f"at {_place(row.point)}"
            )


def _place(point: Point) -> str:
    place = f"in {point.room}" if point.room else ""
    if point.is_placed:
        x, y = point.location
        place = f"({x:g}, {y:g}) {place}".rstrip()
    return f"{place or OUTSIDE} on floor {point.floor}"
