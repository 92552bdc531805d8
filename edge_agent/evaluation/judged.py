"""Locations beside the truth, and what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from edge_agent.estimate import Estimate
from edge_agent.survey import OUTSIDE, Point

Flags = npt.NDArray[np.bool_]
Metres = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Judged:
    """Estimates of one site, each with the point at which it was made."""

    reference: tuple[Point, ...]
    """The points that the site is calibrated at."""

    estimates: tuple[Estimate, ...]

    truths: tuple[Point, ...]
    """In the same order; need not be among the reference points."""

    visits: tuple[str, ...]
    """Of each estimate."""

    def __post_init__(self) -> None:
        if not len(self.estimates) == len(self.truths) == len(self.visits):
            raise ValueError(
                f"{len(self.estimates)} estimates, {len(self.truths)} truths and "
                f"{len(self.visits)} visits"
            )
        if not self.reference:
            raise ValueError("a site without points")

    def __len__(self) -> int:
        return len(self.estimates)

    def select(self, chosen: Sequence[int] | npt.NDArray[np.intp]) -> Self:
        """Return some of the estimates, in the order that is given."""
        return type(self)(
            self.reference,
            tuple(self.estimates[k] for k in chosen),
            tuple(self.truths[k] for k in chosen),
            tuple(self.visits[k] for k in chosen),
        )

    @cached_property
    def truth(self) -> Metres:
        """Where each was made [m], shape (n, 2); NaN where the point has no place."""
        return np.array([p.location for p in self.truths], np.float64).reshape(-1, 2)

    @cached_property
    def offset(self) -> Metres:
        """Estimate less truth [m], shape (n, 2); NaN where either has no place."""
        found = [
            (np.nan, np.nan) if e.position is None else (e.position.x, e.position.y)
            for e in self.estimates
        ]
        return np.array(found, np.float64).reshape(-1, 2) - self.truth

    @cached_property
    def error(self) -> Metres:
        """Distance from the truth [m], shape (n,); NaN where either has no place."""
        return np.asarray(np.hypot(self.offset[:, 0], self.offset[:, 1]))

    @cached_property
    def radii(self) -> Metres:
        """r68 and r95 [m], shape (n, 2); NaN where there is no position."""
        found = [
            (np.nan, np.nan) if e.position is None else (e.position.r68, e.position.r95)
            for e in self.estimates
        ]
        return np.array(found, np.float64).reshape(-1, 2)

    @property
    def is_measured(self) -> Flags:
        """Which have an error in metres, shape (n,)."""
        return np.isfinite(self.error)

    @property
    def is_placed(self) -> Flags:
        """Which truths have coordinates, shape (n,)."""
        return np.isfinite(self.truth[:, 0])

    @property
    def is_inside(self) -> Flags:
        """Which truths are a point of the site, shape (n,)."""
        return np.array([not point.is_outside for point in self.truths], np.bool_)

    @cached_property
    def has_room(self) -> Flags:
        """Which truths are in a room, or outside of all; shape (n,).

        Where no truth names a room, those outside would stand for all: then they count
        for themselves alone.
        """
        has_rooms = any(point.room is not None for point in self.truths)
        outside = ~self.is_inside
        if has_rooms or outside.all():
            named = [point.room is not None for point in self.truths]
            return outside | np.array(named, np.bool_)
        return np.zeros(len(self), np.bool_)

    @cached_property
    def is_room_right(self) -> Flags:
        """Whether the most probable room is the true one, shape (n,)."""
        return np.array(
            [
                _room(point) == most_probable_room(estimate)
                for point, estimate in zip(self.truths, self.estimates, strict=True)
            ],
            np.bool_,
        )

    @cached_property
    def is_floor_right(self) -> Flags:
        """Whether the floor is the true one, shape (n,)."""
        return np.array(
            [
                point.floor == estimate.floor
                for point, estimate in zip(self.truths, self.estimates, strict=True)
            ],
            np.bool_,
        )

    @cached_property
    def is_known(self) -> Flags:
        """Which estimates say anything at all: inside, and not flat; shape (n,)."""
        return np.array([not e.is_unknown for e in self.estimates], np.bool_)

    @cached_property
    def is_reference(self) -> Flags:
        """Whether each truth is a point that the site is calibrated at, shape (n,)."""
        known = {(point.location, point.floor) for point in self.reference}
        return np.array([(p.location, p.floor) in known for p in self.truths], np.bool_)

    @cached_property
    def is_point_right(self) -> Flags:
        """Whether the reference point nearest to estimate and truth is one, (n,).

        The benchmark's zones: what is nearest to one reference point, on its floor.
        """
        places = [point for point in self.reference if point.is_placed]
        where = np.array([p.location for p in places], np.float64).reshape(-1, 2)
        floors = np.array([p.floor for p in places], np.intp)
        right = np.zeros(len(self), np.bool_)
        rows = np.flatnonzero(self.is_measured)
        for row in rows if len(places) else ():
            estimate = self.estimates[row]
            found = _nearest(
                where, floors, self.truth[row] + self.offset[row], estimate.floor
            )
            true = _nearest(where, floors, self.truth[row], self.truths[row].floor)
            right[row] = found == true
        return right


def most_probable_room(estimate: Estimate) -> str | None:
    """Return a room, however sure it is, `OUTSIDE`, or None where there is neither."""
    if estimate.is_outside:
        return OUTSIDE
    return estimate.rooms[0][0] if estimate.rooms else None


def _room(point: Point) -> str | None:
    return OUTSIDE if point.is_outside else point.room


def _nearest(
    where: Metres, floors: npt.NDArray[np.intp], place: Metres, floor: int
) -> int:
    """Return the nearest point, on the floor if there is one."""
    apart = np.hypot(*(where - place).T)
    on_floor = floors == floor
    if on_floor.any():
        apart = np.where(on_floor, apart, np.inf)
    return int(apart.argmin())
