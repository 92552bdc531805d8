"""Is a new calibration worth putting in use? Each lap is located from the others.

Fresh shots are taken away lap by lap, a calibration is made of the rest, and locates
what was taken away: what it would do on a visit that it has not seen. Of a single lap,
shots are taken away point by point where history tells of the point, or one by one
where a point has several: those are of the same visit, and look better than they are.

The calibration in use has seen none of these shots. It is asked for the same ones, so
that both are compared on the same visits.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from edge_agent.estimate import Estimate
from edge_agent.evaluation.judged import most_probable_room
from edge_agent.site_model import Shots
from edge_agent.survey import OUTSIDE, Point

Rows = npt.NDArray[np.intp]
Vector = npt.NDArray[np.float64]

_GOOD_SHARE = 0.8
"""Of a room's shots that must be found in it for the room to be good."""

_WEAK_SHARE = 0.5
"""The same, to be of any use."""

_GOOD_ERROR = 0.5
"""Of the error of always answering the middle; the same where there are no rooms."""

_WEAK_ERROR = 0.9

_NO_WORRY = 0.25
"""Of that error, below which no point needs another shot."""


class LeftOut(StrEnum):
    """What was located by a calibration that does not know it."""

    LAPS = "laps"
    """Whole laps: later visits."""

    POINTS = "points"
    """A point of a single lap; history knows the point, not the day."""

    SHOTS = "shots"
    """A shot beside others of the same visit, which flatters."""


class Verdict(StrEnum):
    """What a person is told."""

    GOOD = "good"
    WEAK = "weak"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Score:
    """How well shots were located."""

    n: int
    """Shots."""

    error: float | None
    """Mean error [m]; None where the points have no coordinates."""

    rooms_right: float | None
    """Share of shots whose room was found; None where the points name no rooms."""

    def __str__(self) -> str:
        said = []
        if self.rooms_right is not None:
            said.append(f"{round(self.rooms_right * self.n)} of {self.n} rooms right")
        if self.error is not None:
            said.append(f"mean error {self.error:.2f} m")
        return ", ".join(said)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "n": self.n,
            "error_m": None if self.error is None else round(self.error, 3),
            "rooms_right": (
                None if self.rooms_right is None else round(self.rooms_right, 4)
            ),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """What one calibration costs more than another, shot by shot.

    In metres where the points have coordinates, else in rooms that are wrong.
    """

    mean: float
    standard_error: float
    """Of the mean, shots being alike; 0 of a single one."""

    @classmethod
    def of(cls, losses: Vector, others: Vector) -> Self:
        """Return by how much losses are larger than others.

        Args:
            losses: Shape (n,), at least one.
            others: Of the same shots.
        """
        more = losses - others
        n = len(more)
        error = float(more.std(ddof=1) / math.sqrt(n)) if n > 1 else 0.0
        return cls(float(more.mean()), error)


@dataclass(frozen=True, slots=True)
class RoomCheck:
    """How well the shots of one room were located."""

    room: str
    score: Score
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Check:
    """What came of locating shots that were taken away."""

    left_out: LeftOut
    after: Score
    """Of the new calibration."""

    before: Score | None
    """Of the one in use, for the same shots; None where there is none."""

    guessing: Score
    """Of always answering the middle of the points, and the room that most have."""

    rooms: tuple[RoomCheck, ...]
    weakest: Point | None
    """Where one more shot would help most; None where all were found."""

    n_points: int
    """Points that were asked about."""

    n_site_points: int
    """Points of the site; those that were not asked about may be located worse."""

    loss: Difference | None = None
    """By how much the new calibration is worse than the one in use; None where there is
    none."""

    @property
    def is_sparse(self) -> bool:
        """Whether it says nothing of some points."""
        return self.n_points < self.n_site_points

    @property
    def verdict(self) -> Verdict:
        """Of the site as a whole."""
        return _verdict(self.after, self.guessing)

    @property
    def is_worth_it(self) -> bool:
        """Whether the new calibration is better than the one in use.

        Each of its answers lacks the lap that is asked, which the calibration to be
        used has: that it is worse by less than a standard error shows nothing. What is
        the same to the last shot is no better.
        """
        if self.loss is None:
            return True
        return self.loss.mean < 0 or 0 < self.loss.mean <= self.loss.standard_error

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "left_out": self.left_out.value,
            "points": self.n_points,
            "site_points": self.n_site_points,
            "after": self.after.to_json(),
            "before": None if self.before is None else self.before.to_json(),
            "guessing": self.guessing.to_json(),
            "verdict": self.verdict.value,
            "rooms": [
                {"room": r.room, "verdict": r.verdict.value} | r.score.to_json()
                for r in self.rooms
            ],
            "weakest": None if self.weakest is None else self.weakest.name,
        }


@dataclass(frozen=True, slots=True)
class Fold:
    """Shots to learn from, and others to locate."""

    learnt: Rows
    asked: Rows


def folds(shots: Shots, *, has_history: bool) -> tuple[LeftOut, list[Fold]]:
    """Return how shots can be taken away; no folds where none can.

    Args:
        shots: Fresh ones.
        has_history: Whether older shots vouch for points that are taken away.
    """
    everything = np.arange(len(shots))
    laps = sorted(set(shots.visit_of.tolist()))
    if len(laps) > 1:
        parts = [np.flatnonzero(shots.visit_of == lap) for lap in laps]
        left_out = LeftOut.LAPS
    elif has_history:
        parts = [
            np.flatnonzero(shots.point_of == point)
            for point in sorted(set(shots.point_of.tolist()))
        ]
        left_out = LeftOut.POINTS
    else:
        ordinal = _ordinals(shots.point_of)
        parts = [
            np.flatnonzero(ordinal == number)
            for number in range(int(ordinal.max(initial=0)) + 1)
        ]
        left_out = LeftOut.SHOTS
    found = []
    for part in parts:
        learnt = np.setdiff1d(everything, part)
        known = np.isin(shots.point_of[part], shots.point_of[learnt])
        asked = part if has_history else part[known]
        if len(asked) and len(learnt):
            found.append(Fold(learnt, asked))
    return left_out, found


def check(
    fresh: Shots,
    located: Callable[[Fold], Sequence[Estimate | None]],
    *,
    has_history: bool,
    before: Callable[[Rows], Sequence[Estimate | None]] | None,
) -> Check | None:
    """Return how well shots that are taken away are located.

    Args:
        fresh: The new shots.
        located: Locates a fold's shots, having learnt from the others.
        has_history: See `folds`.
        before: Locates shots with the calibration in use; None where there is none.

    Returns:
        None where nothing can be taken away: one shot per point and no history.
    """
    left_out, parts = folds(fresh, has_history=has_history)
    if not parts:
        return None
    rows = np.concatenate([fold.asked for fold in parts])
    answers = [estimate for fold in parts for estimate in located(fold)]
    truth = _Truth.of(fresh, rows)
    others = None if before is None else before(rows)
    return Check(
        left_out,
        truth.score(answers),
        None if others is None else truth.score(others),
        truth.guessing(),
        truth.rooms(answers),
        truth.weakest(answers),
        len(np.unique(fresh.point_of[rows])),
        len(fresh.points),
        None if others is None else truth.difference(answers, others),
    )


@dataclass(frozen=True, slots=True)
class _Truth:
    """Where shots were recorded, and where else that might have been."""

    points: tuple[Point, ...]
    """Of each shot that is asked about."""

    middle: tuple[float, float]
    """Of the site's points [m]; NaN where they have no coordinates."""

    @classmethod
    def of(cls, shots: Shots, rows: Rows) -> "_Truth":
        placed = [point.location for point in shots.points if point.is_placed]
        x, y = np.mean(placed, axis=0).tolist() if placed else (math.nan, math.nan)
        return cls(tuple(shots.points[n] for n in shots.point_of[rows]), (x, y))

    def score(self, answers: Sequence[Estimate | None]) -> Score:
        errors = self._errors(answers)
        known = errors[np.isfinite(errors)]
        rooms = [
            room == _believed(answer)
            for room, answer in zip(self._rooms, answers, strict=True)
            if room is not None
        ]
        return Score(
            len(self.points),
            float(known.mean()) if len(known) else None,
            float(np.mean(rooms)) if rooms else None,
        )

    def difference(
        self, answers: Sequence[Estimate | None], others: Sequence[Estimate | None]
    ) -> Difference:
        return Difference.of(self._losses(answers), self._losses(others))

    def _losses(self, answers: Sequence[Estimate | None]) -> Vector:
        """Return metres; without coordinates, and outside, 1 of a wrong room."""
        errors = self._errors(answers)
        wrong = self._wrong(answers)
        return np.where(np.isfinite(errors), errors, wrong)

    def _wrong(self, answers: Sequence[Estimate | None]) -> Vector:
        return np.array(
            [
                _room_of(point) not in (None, _believed(answer))
                for point, answer in zip(self.points, answers, strict=True)
            ],
            np.float64,
        )

    def guessing(self) -> Score:
        errors = self._middle_errors()
        known = errors[np.isfinite(errors)]
        rooms = [room for room in self._rooms if room is not None]
        return Score(
            len(self.points),
            float(known.mean()) if len(known) else None,
            max(map(rooms.count, rooms)) / len(rooms) if rooms else None,
        )

    def rooms(self, answers: Sequence[Estimate | None]) -> tuple[RoomCheck, ...]:
        """Return one of each room by name, and of outside, the last."""
        found = []
        names = {room for room in map(_room_of, self.points) if room is not None}
        for room in sorted(names, key=lambda name: (name == OUTSIDE, name)):
            of_room = [n for n, p in enumerate(self.points) if _room_of(p) == room]
            part = _Truth(tuple(self.points[n] for n in of_room), self.middle)
            score = part.score([answers[n] for n in of_room])
            found.append(RoomCheck(room, score, _verdict(score, self.guessing())))
        return tuple(found)

    def weakest(self, answers: Sequence[Estimate | None]) -> Point | None:
        errors = self._errors(answers)
        wrong = self._wrong(answers)
        floor = np.nanmean(self._middle_errors()) if np.isfinite(errors).any() else 1.0
        badness = wrong + np.nan_to_num(errors) / floor
        mean_of = {
            point: float(badness[[p == point for p in self.points]].mean())
            for point in self.points
        }
        worst = max(mean_of, key=lambda point: (mean_of[point], point.name))
        return worst if mean_of[worst] > _NO_WORRY else None

    @property
    def _rooms(self) -> list[str | None]:
        """Of each shot.

        Where no point names a room, shots outside would be all that counts, and say
        nothing of the others: then they count for themselves alone.
        """
        has_rooms = any(point.room is not None for point in self.points)
        if has_rooms or all(point.is_outside for point in self.points):
            return [_room_of(point) for point in self.points]
        return [None] * len(self.points)

    def _errors(self, answers: Sequence[Estimate | None]) -> Vector:
        """Return metres; of no answer those of the middle, NaN where there are none."""
        errors = self._middle_errors()
        for row, (point, answer) in enumerate(zip(self.points, answers, strict=True)):
            if answer is not None and answer.position is not None and point.is_placed:
                x, y = point.location
                errors[row] = math.hypot(answer.position.x - x, answer.position.y - y)
        return errors

    def _middle_errors(self) -> Vector:
        x, y = self.middle
        where = np.array([point.location for point in self.points])
        return np.hypot(where[:, 0] - x, where[:, 1] - y)


def _room_of(point: Point) -> str | None:
    return OUTSIDE if point.is_outside else point.room


def _believed(answer: Estimate | None) -> str | None:
    """Return what would be said; None of no answer."""
    return None if answer is None else most_probable_room(answer)


def _verdict(score: Score, guessing: Score) -> Verdict:
    """Return what is told of a room or of a site."""
    if score.rooms_right is not None:
        if score.rooms_right >= _GOOD_SHARE:
            return Verdict.GOOD
        return Verdict.WEAK if score.rooms_right >= _WEAK_SHARE else Verdict.UNUSABLE
    if score.error is None or guessing.error is None:
        return Verdict.UNUSABLE
    share = score.error / guessing.error if guessing.error > 0 else 0.0
    if share <= _GOOD_ERROR:
        return Verdict.GOOD
    return Verdict.WEAK if share < _WEAK_ERROR else Verdict.UNUSABLE


def _ordinals(point_of: Rows) -> Rows:
    """Return how many shots of the same point come before each, shape (n,)."""
    seen: Counter[int] = Counter()
    ordinals = []
    for point in point_of.tolist():
        ordinals.append(seen[point])
        seen[point] += 1
    return np.array(ordinals, np.intp)
