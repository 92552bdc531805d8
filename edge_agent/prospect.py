"""What to expect of locations at all points of a site: how its past did when replayed.

The check after a walk (`edge_agent.check`) asks where the walk went. After a sparse one
that says nothing of the other points, which are located by older shots; what is
replayed of the past is asked there, too (`edge_agent.trust`).
"""

from dataclasses import dataclass
from typing import Any, Self

from edge_agent.trust.choice import Measure
from edge_agent.trust.record import Trust


@dataclass(frozen=True, slots=True)
class Prospect:
    """An error to expect of re-visits to all points, as often of each."""

    error_m: float | None
    """Mean error [m]; None where points have no coordinates."""

    wrong_rooms: float | None
    """Share of re-visits whose room is mistaken; None where they have."""

    n_revisits: int
    """Placements of the past that this was found at."""

    is_same_day: bool
    """Whether these were re-visits of the day of their walk; else of the next walk."""

    @classmethod
    def of(cls, trust: Trust | None) -> Self | None:
        """Return what a replay tells of all points.

        Args:
            trust: In what locates.

        Returns:
            None where nothing was replayed, or only at points with fresh shots.
        """
        if trust is None or not trust.is_everywhere:
            return None
        score = dict(trust.scores).get(trust.estimator)
        if score is None:
            return None
        is_metres = trust.measure is Measure.METRES
        today, later = trust.same_day.n_queries, trust.later.n_queries
        return cls(
            score if is_metres else None,
            None if is_metres else score,
            round(today or later),
            today > 0,
        )

    def __str__(self) -> str:
        what = (
            f"{self.wrong_rooms:.0%} of rooms wrong"
            if self.error_m is None
            else f"mean error {self.error_m:.2f} m"
        )
        when = "" if self.is_same_day else " on another day"
        return f"{what}, as at {self.n_revisits} re-visits{when} of the site's past"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "error_m": None if self.error_m is None else round(self.error_m, 3),
            "wrong_rooms": (
                None if self.wrong_rooms is None else round(self.wrong_rooms, 4)
            ),
            "revisits": self.n_revisits,
            "same_day": self.is_same_day,
        }
