"""Which visits of a point are for shots, and which for queries: always later ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.benchmark.protocol import Visits


@dataclass(frozen=True, slots=True)
class VisitRoles:
    """Numbers of a point's visits, the first being 1."""

    calibration: tuple[int, ...]
    """To draw shots from; empty where the point has too few."""

    query: tuple[int, ...]
    """To draw queries from, all later than those for shots."""


def visit_roles(
    n_visits: int,
    laps: int,
    calibration: Visits,
    query: Visits,
    *,
    is_queried: bool,
) -> VisitRoles:
    """Return the roles of a point's visits.

    Args:
        n_visits: Of this point in the target.
        laps: Visits that the regime takes shots from.
        calibration: ``calibration_visits`` of the protocol.
        query: ``query_visits`` of the protocol.
        is_queried: Whether the point itself is to be located, so that a visit must be
            left for it.
    """
    free = n_visits - is_queried
    candidates = _candidates(n_visits, free, laps, calibration)
    if len(candidates) < laps:
        return VisitRoles((), ())
    if not is_queried:
        return VisitRoles(candidates, ())
    later: Sequence[int] = range(max(candidates) + 1, n_visits + 1)
    if query == "last":
        later = [n_visits]
    elif not isinstance(query, str):
        later = [v for v in sorted(query) if v in later]
    return VisitRoles(candidates, tuple(later)) if later else VisitRoles((), ())


def _candidates(n_visits: int, free: int, laps: int, rule: Visits) -> tuple[int, ...]:
    match rule:
        case "first":
            return tuple(range(1, min(laps, free) + 1))
        case "last":
            return tuple(range(max(free - laps, 0) + 1, free + 1))
        case "all-but-last":
            return tuple(range(1, n_visits))
        case "all":
            return tuple(range(1, free + 1))
    return tuple(int(v) for v in rule if int(v) <= free)
