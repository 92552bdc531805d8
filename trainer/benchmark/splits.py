"""Which samples of a target are shots and which are queries: numbers only.

A split is made from the map and the visits, never from what was received, and the same
for all methods, so that they can be compared query by query.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.benchmark.errors import EpisodeError
from trainer.benchmark.leakage import check_split
from trainer.benchmark.points import checkerboard, every_nth_point, spread_points
from trainer.benchmark.protocol import Protocol, Role
from trainer.benchmark.regimes import Regime
from trainer.benchmark.visits import visit_roles
from trainer.surveys.environment import Environment, Integers

_SPREAD_POINTS = 5
_STRIDE = 4


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One target in one regime with one seed; points are numbered as in the survey."""

    target: Environment
    history: tuple[Environment, ...]
    """Oldest first, those of other places before."""

    regime: Regime
    seed: int

    shots: Integers
    """Rows of the target, sorted."""

    queries: Integers
    """Rows of the target, sorted: in order of time."""

    reference: Integers
    """Points that can be calibrated, sorted."""

    known: Integers
    """Points that a method may know of: from history of the place, or shots; sorted."""

    @property
    def same_visit(self) -> bool:
        """Whether a query's point and visit are a shot's, too."""
        return not _visits_of(self.target, self.shots).isdisjoint(
            _visits_of(self.target, self.queries)
        )

    @property
    def has_history(self) -> bool:
        """Whether there are earlier environments of the same place."""
        return any(e.place.name == self.target.place.name for e in self.history)

    @property
    def n_calibrated(self) -> int:
        """Points with shots."""
        return len(np.unique(self.target.point_of[self.shots]))


def make_split(
    protocol: Protocol,
    environments: Sequence[Environment],
    target: Environment,
    role: Role,
    regime: Regime,
    seed: int,
) -> Split:
    """Return the split; it has been checked for leaks.

    Args:
        protocol: Of the survey.
        environments: Of the survey, less those that the protocol leaves out.
        target: One of them.
        role: Of the target.
        regime: What the method is given.
        seed: Which draw of it.

    Raises:
        EpisodeError: The target cannot serve the regime.
        LeakageError: The survey's visits do not grow with time.
    """
    history = protocol.history_of(target, environments, role)
    reference = _reference_points(protocol, target)
    rows = _candidate_rows(protocol, target, regime, reference)
    rng = np.random.default_rng(
        _entropy(protocol.survey, target.name, regime.name, seed)
    )
    calibrated = _calibrated_points(target, regime, rows, reference, rng)
    shots = np.sort(
        np.concatenate(
            [
                np.empty(0, np.intp),
                *(_draw(rows[p].shots, regime, rng) for p in calibrated),
            ]
        )
    )
    queries = _queries(protocol, target, rows)
    split = Split(
        target,
        tuple(history),
        regime,
        seed,
        shots,
        queries,
        reference,
        _known_points(target, history, reference, shots),
    )
    if not len(queries):
        raise EpisodeError(f"{target.name} has no query after its shots")
    if not len(split.known):
        raise EpisodeError("needs history")
    check_split(split.target, split.history, shots, queries, ties=protocol.ties)
    return split


# -- which points ----------------------------------------------------------------------


def _reference_points(protocol: Protocol, target: Environment) -> Integers:
    """Return the points that can be calibrated."""
    surveyed = _surveyed_points(target)
    if protocol.calibrate == "checkerboard":
        surveyed = surveyed[checkerboard(target.place.select(surveyed))]
    return surveyed


def _known_points(
    target: Environment,
    history: Sequence[Environment],
    reference: Integers,
    shots: Integers,
) -> Integers:
    """Return points that history of the place has surveyed, and those with shots."""
    known = np.unique(target.point_of[shots])
    for environment in history:
        if environment.place.name == target.place.name:
            known = np.union1d(known, _surveyed_points(environment))
    # The checkerboard's others are to be located: history must not know them either.
    others = np.setdiff1d(_surveyed_points(target), reference)
    return np.setdiff1d(known, others)


def _calibrated_points(
    target: Environment,
    regime: Regime,
    rows: dict[int, "_PointRows"],
    reference: Integers,
    rng: np.random.Generator,
) -> Integers:
    if not regime.shots:
        return np.empty(0, np.intp)
    able = np.array([p for p in reference if _can(rows[p], regime)], np.intp)
    if 2 * len(able) < len(reference) or not len(able):
        raise EpisodeError(
            f"needs {_amount(regime)}; {len(able)} of {len(reference)} points of "
            f"{target.name} have them"
        )
    chosen = np.arange(len(able))
    place = target.place.select(able)
    if regime.points == "five":
        chosen = spread_points(place, _SPREAD_POINTS, int(rng.integers(len(able))))
    elif regime.points == "quarter":
        chosen = every_nth_point(place, _STRIDE, int(rng.integers(_STRIDE)))
    return able[chosen]


def _amount(regime: Regime) -> str:
    if regime.laps > 1:
        return f"a visit left after {regime.laps} of a point"
    return f"{regime.shots} image{'s' * (regime.shots > 1)} in a visit of a point"


# -- which rows ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _PointRows:
    """Rows of a target at one point."""

    shots: tuple[Integers, ...]
    """To draw shots from, an array per visit."""

    queries: Integers
    """To draw queries from."""


def _candidate_rows(
    protocol: Protocol, target: Environment, regime: Regime, reference: Integers
) -> dict[int, _PointRows]:
    """Return the rows of each point that can be calibrated."""
    is_queried = protocol.query == "reference"
    visits = {int(p): _visits_at(target, p, is_test=False) for p in reference}
    revisited = any(len(v) > 1 for v in visits.values())
    if is_queried and not revisited:
        return {p: _halves(v, regime) for p, v in visits.items()}
    rows = {}
    for point, of_visit in visits.items():
        roles = visit_roles(
            len(of_visit),
            regime.laps,
            protocol.calibration_visits,
            protocol.query_visits,
            is_queried=is_queried,
        )
        later = [np.empty(0, np.intp), *(of_visit[v - 1] for v in roles.query)]
        rows[point] = _PointRows(
            tuple(of_visit[v - 1] for v in roles.calibration), np.concatenate(later)
        )
    return rows


def _halves(of_visit: Sequence[Integers], regime: Regime) -> _PointRows:
    """Return the earlier half of the only visit for shots, the later for queries."""
    if regime.laps > 1:
        return _PointRows((), np.empty(0, np.intp))
    (rows,) = of_visit
    middle = (len(rows) + 1) // 2
    return _PointRows((rows[:middle],), rows[middle:])


def _visits_at(target: Environment, point: int, *, is_test: bool) -> list[Integers]:
    """Return the rows of each visit of a point, in order of time."""
    rows = np.flatnonzero((target.point_of == point) & (target.is_test == is_test))
    visit = target.visit_of[rows]
    return [rows[visit == v] for v in np.unique(visit)]


def _can(rows: _PointRows, regime: Regime) -> bool:
    each = regime.shots // regime.laps
    return sum(len(of_visit) >= each for of_visit in rows.shots) >= regime.laps


def _draw(
    of_visit: Sequence[Integers], regime: Regime, rng: np.random.Generator
) -> Integers:
    each = regime.shots // regime.laps
    able = [rows for rows in of_visit if len(rows) >= each]
    visits = rng.choice(len(able), regime.laps, replace=False)
    return np.concatenate(
        [rng.choice(able[v], each, replace=False) for v in np.sort(visits)]
    )


def _queries(
    protocol: Protocol, target: Environment, rows: dict[int, _PointRows]
) -> Integers:
    if protocol.query == "reference":
        of_point = [point_rows.queries for point_rows in rows.values()]
    else:
        asked = target.is_test if protocol.query == "test" else ~target.is_test
        if protocol.query == "others":
            asked = asked & ~np.isin(target.point_of, [*rows])
        of_point = [
            _after(np.flatnonzero(asked & (target.point_of == p)), rows.get(int(p)))
            for p in np.unique(target.point_of[asked])
        ]
    chosen = [_evenly(of, protocol.images_per_point) for of in of_point]
    return np.sort(np.concatenate([np.empty(0, np.intp), *chosen]))


def _after(rows: Integers, calibration: _PointRows | None) -> Integers:
    """Return the rows later than any that the point's shots may be drawn from."""
    if calibration is None or not calibration.shots:
        return rows
    last = max(int(of_visit.max()) for of_visit in calibration.shots)
    return rows[rows > last]


def _evenly(rows: Integers, n: int | None) -> Integers:
    """Return ``n`` of some rows, the first and the last and evenly between."""
    if n is None or n >= len(rows):
        return rows
    chosen = np.linspace(0, len(rows) - 1, n).round().astype(np.intp)
    return np.asarray(rows[chosen], np.intp)


# -- helpers ---------------------------------------------------------------------------


def _surveyed_points(environment: Environment) -> Integers:
    """Return the points with a sample that is not for testing, sorted."""
    return np.unique(environment.point_of[~environment.is_test])


def _visits_of(target: Environment, rows: Integers) -> set[tuple[int, int]]:
    pairs = zip(target.point_of[rows], target.visit_of[rows], strict=True)
    return {(int(point), int(visit)) for point, visit in pairs}


def _entropy(*parts: object) -> int:
    text = "\0".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())
