"""A map of the site with its errors, as SVG that a browser or a phone shows.

    ring        a point: where the estimates were made
    line        from there to the mean of its estimates; the colour is the mean error
    dots        the estimates
    disc        stated r95 around that mean, which should reach the ring 95 times of
                100; where there are many points, of those alone that it misses; an
                outline where it is larger than the plan
    cross       in a ring that the disc does not reach: sure, and wrong
    grey        walls of the site file; names of rooms

x is to the right and y up, in metres of the site's own frame. One map per floor.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from edge_agent.errors import SurveyError
from edge_agent.evaluation.colours import COLOURS, colour_bounds, colour_of, round_up
from edge_agent.evaluation.judged import Judged
from edge_agent.evaluation.labels import TEXT, Box, labels
from edge_agent.evaluation.svg import Place, circle, line, text
from edge_agent.site_file import Wall
from edge_agent.survey import Point

_WIDTH = 420.0
"""Of the picture: as wide as a phone, so that 12 is a size to read."""

_MARGIN = 26.0
_TALLEST = 640.0
_MOST_DOTS = 3000
_N_NAMED = 5
_MANY = 16
"""Points of which all discs would hide each other."""

_ROOM_COLOUR = "#8a8a8a"


@dataclass(frozen=True, slots=True)
class _Spot:
    """All estimates made at one point."""

    point: Point
    truth: tuple[float, float]
    found: npt.NDArray[np.float64]
    """[m], shape (n, 2)."""

    error: float
    """Mean [m]."""

    r95: float
    """Mean [m]."""

    @property
    def centre(self) -> list[float]:
        """Mean of the estimates [m]."""
        middle: list[float] = self.found.mean(axis=0).tolist()
        return middle

    @property
    def caption(self) -> str:
        """All that there is to say of it."""
        room = f", {self.point.room}" if self.point.room else ""
        missed = "; sure, and wrong" if self.is_missed else ""
        return (
            f"{self.point.name}{room}: mean error {self.error:.2f} m, r95 "
            f"{self.r95:.2f} m, {len(self.found)} locations{missed}"
        )

    @property
    def is_missed(self) -> bool:
        """Whether the disc of r95 around the mean leaves the point out."""
        return math.dist(self.centre, self.truth) > self.r95


def error_map(judged: Judged, walls: Sequence[Wall], title: str) -> str:
    """Return the picture.

    Args:
        judged: The estimates.
        walls: Of the site.
        title: A line above it.

    Raises:
        SurveyError: No estimate has an error in metres: there is nothing to draw.
    """
    spots = _spots(judged)
    if not spots:
        raise SurveyError(
            "no map can be drawn: no location has coordinates; give the points some "
            "(x_m and y_m), and calibrate with them"
        )
    bounds = colour_bounds([spot.error for spot in spots])
    parts, y = [text(_MARGIN, 20, title, weight="bold")], 34.0
    for floor in sorted({spot.point.floor for spot in spots}):
        on_floor = [spot for spot in spots if spot.point.floor == floor]
        on_floor_walls = [wall for wall in walls if wall.floor == floor]
        is_only = len(on_floor) == len(spots)
        drawn, height = _floor(on_floor, on_floor_walls, bounds, y)
        if not is_only:
            parts.append(text(_MARGIN, y + 10, f"floor {floor}"))
        parts += drawn
        y += height
    most = Counter(spot.point.floor for spot in spots).most_common(1)[0][1]
    parts += _legend(bounds, y, is_crowded=most > _MANY)
    height = y + 77
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} '
            f'{height:.1f}" width="100%" font-family="sans-serif" '
            f'font-size="{TEXT:g}">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{_WIDTH:g}" height="{height:.1f}" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _spots(judged: Judged) -> list[_Spot]:
    rows_of: dict[Point, list[int]] = {}
    for row in np.flatnonzero(judged.is_measured).tolist():
        rows_of.setdefault(judged.truths[row], []).append(row)
    return [
        _Spot(
            point,
            point.location,
            judged.truth[rows] + judged.offset[rows],
            float(judged.error[rows].mean()),
            float(judged.radii[rows, 1].mean()),
        )
        for point, rows in rows_of.items()
    ]


def _floor(
    spots: list[_Spot],
    walls: list[Wall],
    bounds: tuple[float, ...],
    top: float,
) -> tuple[list[str], float]:
    """Return the drawing of one floor, and how much height it takes."""
    corners = [spot.truth for spot in spots]
    corners += [place for wall in walls for place in (wall.start, wall.end)]
    corners += [tuple(place) for spot in spots for place in spot.found.tolist()]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    extent = np.maximum(high - low, max(float((high - low).max()) / 20, 0.1))
    inner = _WIDTH - 2 * _MARGIN
    scale = min(inner / extent[0], (_TALLEST - 2 * _MARGIN) / extent[1])
    height = float(extent[1] * scale) + 2 * _MARGIN
    left = _MARGIN + (inner - float(extent[0] * scale)) / 2

    def at(place: Sequence[float]) -> Place:
        x, y = place
        return (
            left + (x - float(low[0])) * scale,
            top + height - _MARGIN - (y - float(low[1])) * scale,
        )

    clip = f"floor{spots[0].point.floor}"
    drawn = [
        f'<clipPath id="{clip}"><rect y="{top:.1f}" width="{_WIDTH:g}" '
        f'height="{height - 14:.1f}"/></clipPath>',
        f'<g clip-path="url(#{clip})">',
    ]
    colours = [colour_of(spot.error, bounds) for spot in spots]
    plan = float(extent.max()) * scale
    drawn += [
        _disc(spot, at(spot.centre), spot.r95 * scale, colour, plan)
        for spot, colour in zip(spots, colours, strict=True)
        if len(spots) <= _MANY or spot.is_missed
    ]
    drawn.append("</g>")
    drawn += [line(at(wall.start), at(wall.end), "#9a9a9a", 2.5) for wall in walls]
    placed = [(spot, at(spot.truth)) for spot in spots]
    picture = Box(2, top + 2, _WIDTH - 2, top + height - 14)
    drawn += _room_names(placed, picture)
    most = max(_MOST_DOTS // len(spots), 1)
    for spot, colour in zip(spots, colours, strict=True):
        style = f'fill="{colour}" fill-opacity="0.45"'
        drawn += [circle(at(place), 1.4, style) for place in spot.found[:most].tolist()]
    for spot, colour in zip(spots, colours, strict=True):
        style = f'fill="#ffffff" stroke="{colour}" stroke-width="2"'
        drawn.append(line(at(spot.truth), at(spot.centre), colour, 2))
        drawn.append(circle(at(spot.truth), 4, style, spot.caption))
        if spot.is_missed:
            drawn += _cross(at(spot.truth))
    drawn += _names(placed, picture)
    drawn += _scale_bar(scale, float(extent[0]), top + height - 6)
    return drawn, height


def _names(placed: list[tuple[_Spot, Place]], picture: Box) -> list[str]:
    """Return the names of the worst points."""
    worst = sorted(placed, key=lambda one: -one[0].error)[:_N_NAMED]
    return labels(
        [(at, f"{spot.point.name}: {spot.error:.1f} m") for spot, at in worst], picture
    )


def _room_names(placed: list[tuple[_Spot, Place]], picture: Box) -> list[str]:
    """Return the name of each room, in the middle of its points."""
    places: dict[str, list[Place]] = {}
    for spot, at in placed:
        if spot.point.room is not None:
            places.setdefault(spot.point.room, []).append(at)
    drawn = []
    for room, all_at in places.items():
        x, y = np.mean(all_at, axis=0).tolist()
        half = min(len(room) * 0.33 * TEXT, (picture.right - picture.left) / 2)
        x = min(max(x, picture.left + half), picture.right - half)
        y += 20 if y + 20 < picture.bottom else -10  # below its points, or above
        drawn.append(
            text(x, y, room, weight="bold", anchor="middle", colour=_ROOM_COLOUR)
        )
    return drawn


def _disc(spot: _Spot, at: Place, radius: float, colour: str, plan: float) -> str:
    """Return a stated r95; one that is larger than the plan would tint all of it."""
    fill = "none" if 2 * radius > plan else colour
    return circle(
        at,
        radius,
        f'fill="{fill}" fill-opacity="0.06" stroke="{colour}" '
        f'stroke-opacity="{0.8 if spot.is_missed else 0.35}" stroke-width="0.8"',
    )


def _cross(at: Place) -> list[str]:
    """Return the mark of a point that locations are sure not to be at."""
    (x, y), r = at, 2.8
    return [
        line((x - r, y - r), (x + r, y + r), "#000000", 1.6),
        line((x - r, y + r), (x + r, y - r), "#000000", 1.6),
    ]


def _legend(bounds: tuple[float, ...], y: float, *, is_crowded: bool) -> list[str]:
    drawn, x = [text(_MARGIN, y + 14, "mean error [m]")], _MARGIN + 100
    edges = ["", *(f"{bound:g}" for bound in bounds)]
    for number, colour in enumerate(COLOURS):
        drawn.append(
            f'<rect x="{x:.1f}" y="{y + 4:.1f}" width="14" height="12" '
            f'fill="{colour}"/>'
        )
        last = number == len(bounds)
        label = f"over {edges[number]}" if last else f"to {bounds[number]:g}"
        drawn.append(text(x + 18, y + 14, label))
        x += 55
    drawn.append(
        text(_MARGIN, y + 32, "ring: the truth; line: to the mean of its locations;")
    )
    disc = "stated r95, where it misses the ring" if is_crowded else "stated r95"
    drawn.append(text(_MARGIN, y + 47, f"dots: locations; disc: {disc}"))
    drawn.append(
        text(_MARGIN, y + 62, "cross: the truth is beyond r95: sure, and wrong")
    )
    return drawn


def _scale_bar(scale: float, extent_m: float, y: float) -> list[str]:
    length = round_up(max(extent_m / 8, 0.1))
    end = _MARGIN + length * scale
    return [
        line((_MARGIN, y), (end, y), "#000000", 2),
        text(end + 5, y + 4, f"{length:g} m"),
    ]
