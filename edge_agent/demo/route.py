"""Where the demonstration's walk rests, and how far its locations are from there.

The columns of ``walk.csv``:

    start_s, end_s   since the walk's first packet [s]
    x_m, y_m         on the map that the survey is of [m]
    point, room      as the survey calls them

A location is compared where all of its packets were captured at one rest: what was
heard on the way to a rest belongs to no one place.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_agent.capture_file import CaptureFile
from edge_agent.console import clock, table
from edge_agent.errors import CaptureError, SurveyError
from edge_agent.metrics import summarize
from edge_agent.pipeline import Fix


@dataclass(frozen=True, slots=True)
class Rest:
    """One stop of the walk."""

    start_ns: int
    """[ns since the UNIX epoch], as the capture's own times are."""

    end_ns: int
    """[ns since the UNIX epoch]."""

    x: float
    """[m]."""

    y: float
    """[m]."""

    point: str
    room: str


def first_packet_ns(capture: Path) -> int:
    """Return when a walk began, by its recording's clock [ns since the UNIX epoch].

    Raises:
        CaptureError: The recording cannot be read, or holds no packet.
    """
    with CaptureFile(capture) as file:
        for raw in file:
            return int(raw.time_ns[0])
    raise CaptureError(f"{capture} holds no packet, and should hold a walk")


def read_route(path: Path, *, began_ns: int) -> tuple[Rest, ...]:
    """Return where a walk rests, in order.

    Args:
        path: Its ``walk.csv``.
        began_ns: Time of the walk's first packet [ns since the UNIX epoch].

    Raises:
        SurveyError: The file cannot be read, or is no such list.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rests = tuple(_rest(row, began_ns) for row in csv.DictReader(file))
    except OSError as error:
        raise SurveyError(f"cannot read {path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise SurveyError(
            f"{path} is damaged ({error!r}): every line has start_s, end_s, x_m, y_m, "
            "point and room"
        ) from error
    if not rests:
        raise SurveyError(f"{path} names no rest: it is empty or damaged")
    return rests


def route_table(rests: Sequence[Rest]) -> list[str]:
    """Return the route as lines of text, in the times that locations are shown with."""
    rows = [
        [
            clock(rest.start_ns),
            clock(rest.end_ns),
            rest.room,
            rest.point,
            f"{rest.x:.2f}",
            f"{rest.y:.2f}",
        ]
        for rest in rests
    ]
    return table(["from", "to", "room", "point", "x", "y"], rows, right={4, 5})


class Comparison:
    """The locations of one lap beside the truth."""

    def __init__(self, rests: Sequence[Rest]) -> None:
        """Start a lap.

        Args:
            rests: Where it rests.
        """
        self._rests = rests
        self._errors: list[float] = []
        self._n_rooms_right = 0

    def remark(self, fix: Fix) -> str:
        """Note a location; return how far it is from the truth, nothing on the way."""
        estimate = fix.estimate
        oldest_ns = estimate.time_ns - round(estimate.window_s * 1e9)
        for rest in self._rests:
            if rest.start_ns <= oldest_ns and estimate.time_ns <= rest.end_ns:
                break
        else:
            return ""
        if (where := estimate.position) is None:
            return ""
        error = math.hypot(where.x - rest.x, where.y - rest.y)
        is_right = bool(estimate.rooms) and estimate.rooms[0][0] == rest.room
        self._errors.append(error)
        self._n_rooms_right += is_right
        return f"{error:.2f} m off" + ("" if is_right else f", truly in {rest.room}")

    def summary(self) -> str:
        """Return one line about the lap."""
        if not self._errors:
            return "at rest: no location"
        errors = summarize(np.array(self._errors))
        return (
            f"at rest: room right {self._n_rooms_right} of {errors.n}, median error "
            f"{errors.median:.2f} m, 90 % within {errors.p90:.2f} m"
        )


def _rest(row: dict[str, str], began_ns: int) -> Rest:
    start_s, end_s, x, y = (
        float(row[name]) for name in ("start_s", "end_s", "x_m", "y_m")
    )
    return Rest(
        began_ns + round(start_s * 1e9),
        began_ns + round(end_s * 1e9),
        x,
        y,
        row["point"],
        row["room"],
    )
