"""What an evaluation found."""

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edge_agent.evaluation.figures import Figures, figures_of
from edge_agent.evaluation.judged import Judged, most_probable_room
from edge_agent.survey import OUTSIDE, Point

_SEED = 18305
"""Of the draws for intervals: the same recording gives the same ones."""

_FEW_VISITS = 3


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Locations of one recording, and which visits calibrated the site."""

    site: str
    calibration: str
    model: str
    environment: str

    judged: Judged
    """Of re-visits; where there are none, of the visits that calibrated the site."""

    is_revisit: bool
    """Whether the site had not been calibrated on those visits."""

    same_visit: Judged | None
    """Locations of visits that calibrated it, where there are others as well."""

    n_captures: int
    n_silent: int
    """Captures without any location."""

    cautions: tuple[str, ...]

    @cached_property
    def figures(self) -> Figures:
        """Of all of them."""
        return _figures(self.judged)

    @cached_property
    def same_visit_figures(self) -> Figures | None:
        """Of visits that calibrated the site, where there are others as well."""
        return None if self.same_visit is None else _figures(self.same_visit)

    @cached_property
    def by_room(self) -> dict[str, Figures]:
        """Per true room, outside last."""
        rooms = [_room_of(point) for point in self.judged.truths]
        names = sorted(
            {r for r in rooms if r is not None}, key=lambda r: (r == OUTSIDE, r)
        )
        return {
            name: _figures(
                self.judged.select([k for k, r in enumerate(rooms) if r == name])
            )
            for name in names
        }

    @cached_property
    def by_point(self) -> dict[Point, Figures]:
        """Per true point, the worst first."""
        rows: dict[Point, list[int]] = {}
        for row, point in enumerate(self.judged.truths):
            rows.setdefault(point, []).append(row)
        found = {point: _figures(self.judged.select(k)) for point, k in rows.items()}
        return dict(sorted(found.items(), key=lambda item: _badness(item[1])))

    def taken_for(self, room: str) -> dict[str, int]:
        """Return which other rooms one was taken for, most often first."""
        wrong: Counter[str] = Counter()
        for point, estimate in zip(
            self.judged.truths, self.judged.estimates, strict=True
        ):
            found = most_probable_room(estimate)
            if _room_of(point) == room and found not in (room, None):
                wrong[str(found)] += 1
        return dict(wrong.most_common(3))


def cautions_of(judged: Judged, *, is_revisit: bool, n_silent: int) -> list[str]:
    """Return what a reader of the figures should know, in words.

    Args:
        judged: What the figures are of.
        is_revisit: Whether the site was not calibrated on those visits.
        n_silent: Captures without any location.
    """
    said = []
    visits = len(set(judged.visits))
    if not is_revisit:
        said.append(
            "all captures are of visits that the site was calibrated on: these are no "
            "re-visits, and errors of another day will be larger. Record the points "
            "again, on another visit"
        )
    elif visits < _FEW_VISITS:
        said.append(
            f"{visits} re-visit{'s' * (visits > 1)}: intervals know little of how "
            "visits differ; record more of them"
        )
    if n_silent:
        said.append(
            f"{n_silent} captures give no location: too few frames of the site's "
            "access points (edge_agent frames FILE); no figure counts them"
        )
    return said


def _figures(judged: Judged) -> Figures:
    return figures_of(judged, np.random.default_rng(_SEED))


def _room_of(point: Point) -> str | None:
    return OUTSIDE if point.is_outside else point.room


def _badness(figures: Figures) -> tuple[float, float]:
    """Return what sorts the worst first."""
    mean = figures.errors.mean if figures.errors else 0.0
    right = figures.room.value
    return -mean, right if math.isfinite(right) else 1.0
