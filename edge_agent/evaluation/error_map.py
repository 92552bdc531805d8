"""A map of the site with its errors, as SVG that a browser or a phone shows.

    ring        a point: where the estimates were made
    line        from there to the mean of its estimates; the colour is the mean error
    dots        the estimates
    disc        stated r95 around that mean; it should reach the ring 95 times of 100
    grey lines  walls of the site file

x is to the right and y up, in metres of the site's own frame. One map per floor.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from edge_agent.errors import SurveyError
from edge_agent.evaluation.judged import Judged
from edge_agent.site_file import Wall
from edge_agent.survey import Point

_WIDTH = 420.0
"""Of the picture: as wide as a phone, so that 12 is a size to read."""

_MARGIN = 26.0
_TALLEST = 640.0
_TEXT = 12.0
_MOST_DOTS = 3000
_N_NAMED = 5
_COLOURS = ("#3b528b", "#21918c", "#5ec962", "#e69f00", "#d55e00")
"""From small errors to large ones; told apart by the colour-blind too."""

_STEPS = (1.0, 2.0, 5.0)


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
    bounds = _colour_bounds([spot.error for spot in spots])
    parts, y = [_text(_MARGIN, 20, title, weight="bold")], 34.0
    for floor in sorted({spot.point.floor for spot in spots}):
        on_floor = [spot for spot in spots if spot.point.floor == floor]
        on_floor_walls = [wall for wall in walls if wall.floor == floor]
        is_only = len(on_floor) == len(spots)
        drawn, height = _floor(on_floor, on_floor_walls, bounds, y)
        if not is_only:
            parts.append(_text(_MARGIN, y + 10, f"floor {floor}"))
        parts += drawn
        y += height
    parts += _legend(bounds, y)
    height = y + 62
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} '
            f'{height:.1f}" width="100%" font-family="sans-serif" '
            f'font-size="{_TEXT:g}">',
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
    extent = np.maximum(high - low, 1.0)
    inner = _WIDTH - 2 * _MARGIN
    scale = min(inner / extent[0], (_TALLEST - 2 * _MARGIN) / extent[1])
    height = float(extent[1] * scale) + 2 * _MARGIN

    def at(place: Sequence[float]) -> tuple[float, float]:
        x, y = place
        return (
            _MARGIN + (x - float(low[0])) * scale,
            top + height - _MARGIN - (y - float(low[1])) * scale,
        )

    drawn = [_line(at(wall.start), at(wall.end), "#9a9a9a", 2.5) for wall in walls]
    colours = [_colour(spot.error, bounds) for spot in spots]
    drawn += [
        _disc(at(spot.found.mean(axis=0)), spot.r95 * scale, colour)
        for spot, colour in zip(spots, colours, strict=True)
    ]
    for spot, colour in zip(spots, colours, strict=True):
        most = max(_MOST_DOTS // len(spots), 1)
        drawn += [_dot(at(place), colour) for place in spot.found[:most].tolist()]
    for spot, colour in zip(spots, colours, strict=True):
        drawn.append(_line(at(spot.truth), at(spot.found.mean(axis=0)), colour, 2))
        drawn.append(_ring(at(spot.truth), colour, _caption(spot)))
    worst = sorted(spots, key=lambda spot: -spot.error)[:_N_NAMED]
    for spot in worst if len(spots) > 1 else spots:
        x, y = at(spot.truth)
        is_right = x > _WIDTH / 2
        drawn.append(
            _text(
                x + (-7 if is_right else 7),
                y - 6,
                f"{spot.point.name} {spot.error:.1f} m",
                anchor="end" if is_right else "start",
            )
        )
    drawn += _scale_bar(scale, float(extent[0]), top + height - 6)
    return drawn, height


def _legend(bounds: tuple[float, ...], y: float) -> list[str]:
    drawn, x = [_text(_MARGIN, y + 14, "mean error [m]:")], _MARGIN + 104
    edges = ["", *(f"{bound:g}" for bound in bounds)]
    for number, colour in enumerate(_COLOURS):
        drawn.append(
            f'<rect x="{x:.1f}" y="{y + 4:.1f}" width="14" height="12" '
            f'fill="{colour}"/>'
        )
        last = number == len(bounds)
        label = f"over {edges[number]}" if last else f"to {bounds[number]:g}"
        drawn.append(_text(x + 18, y + 14, label))
        x += 58
    drawn.append(
        _text(_MARGIN, y + 32, "ring: the truth; line: to the mean of its locations;")
    )
    drawn.append(_text(_MARGIN, y + 47, "dots: locations; disc: stated r95"))
    return drawn


def _colour_bounds(errors: list[float]) -> tuple[float, ...]:
    """Return four round errors between the colours, up to about the largest."""
    step = _round_up(max(*errors, 0.1) / len(_COLOURS))
    return tuple(round(step * k, 9) for k in range(1, len(_COLOURS)))


def _round_up(value: float) -> float:
    """Return the next of .., 0.1, 0.2, 0.5, 1, .."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * s for s in (*_STEPS, 10.0) if power * s >= value * (1 - 1e-9))


def _colour(error: float, bounds: tuple[float, ...]) -> str:
    return _COLOURS[sum(error > bound for bound in bounds)]


def _scale_bar(scale: float, extent_m: float, y: float) -> list[str]:
    length = _round_up(max(extent_m / 8, 0.1))
    end = _MARGIN + length * scale
    return [
        _line((_MARGIN, y), (end, y), "#000000", 2),
        _text(end + 5, y + 4, f"{length:g} m"),
    ]


def _caption(spot: _Spot) -> str:
    room = f", {spot.point.room}" if spot.point.room else ""
    return (
        f"{spot.point.name}{room}: mean error {spot.error:.2f} m, r95 "
        f"{spot.r95:.2f} m, {len(spot.found)} locations"
    )


def _text(
    x: float, y: float, text: str, *, weight: str = "normal", anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _line(
    start: tuple[float, float], end: tuple[float, float], colour: str, width: float
) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" '
        f'y2="{end[1]:.1f}" stroke="{colour}" stroke-width="{width:g}" '
        'stroke-linecap="round"/>'
    )


def _disc(centre: tuple[float, float], radius: float, colour: str) -> str:
    return (
        f'<circle cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="{radius:.1f}" '
        f'fill="{colour}" fill-opacity="0.06" stroke="{colour}" '
        'stroke-opacity="0.35" stroke-width="0.8"/>'
    )


def _dot(centre: tuple[float, float], colour: str) -> str:
    return (
        f'<circle cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="1.4" '
        f'fill="{colour}" fill-opacity="0.45"/>'
    )


def _ring(centre: tuple[float, float], colour: str, caption: str) -> str:
    return (
        f'<circle cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="4" fill="#ffffff" '
        f'stroke="{colour}" stroke-width="2"><title>{escape(caption)}</title></circle>'
    )
