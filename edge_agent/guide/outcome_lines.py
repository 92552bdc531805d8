"""What came of a calibration, as people read it: label and text of each line."""

from collections.abc import Iterator

from edge_agent.check import Check, LeftOut, RoomCheck, Score
from edge_agent.guide.skin import Told
from edge_agent.prospect import Prospect
from edge_agent.site_learning import Outcome
from edge_agent.survey import OUTSIDE

COMMANDS = ("edge_agent ", "sudo ")
"""What lines begin with that are commands."""

_HOW = {
    LeftOut.LAPS: "each lap located from the others",
    LeftOut.POINTS: "each point located without its own shots, from the past",
    LeftOut.SHOTS: "each shot located from the others of its visit, which flatters",
}


def outcome_lines(outcome: Outcome, told: Told) -> Iterator[tuple[str, str]]:
    """Yield the lines.

    Args:
        outcome: Of learning the site.
        told: What a person wants to know beside it.
    """
    yield "Adapting", told.summary
    if outcome.check is None:
        yield "Check", "none: one shot per point leaves nothing to check with"
    else:
        yield from _check_lines(outcome.check, is_used=outcome.is_active)
        if outcome.check.is_sparse:
            yield "Expected", _expected(outcome.check, outcome.prospect)
    yield "Calibration", f"{outcome.name}, {outcome.why}"
    if told.unvisited:
        yield "Unvisited", f"{', '.join(told.unvisited)}: nothing is located there"
    if told.undo is not None:
        yield "Undo", told.undo
    yield "Next", told.then


def _check_lines(check: Check, *, is_used: bool) -> Iterator[tuple[str, str]]:
    points = f"the {check.n_points} points walked to"
    where = f", at {points} of {check.n_site_points}" * check.is_sparse
    yield "Check", f"{_HOW[check.left_out]}{where}: {check.after}"
    before = _without_count(check.before) if check.before else "no calibration"
    yield "", f"before: {before}; guessing: {_without_count(check.guessing)}"
    at = f" at {points}" * check.is_sparse
    # A verdict is of the new calibration; whether there is a better one is not its say.
    stays = "" if is_used else "; what is in use is no worse, and stays"
    yield "Verdict", f"{check.verdict.value.upper()}{at}{stays}"
    for room in check.rooms:
        yield "", f"{room.room} {room.verdict}: {_of_room(room)}"
    if check.weakest is not None:
        yield "", f"one more shot would help most at {check.weakest.name}"


def _of_room(room: RoomCheck) -> str:
    """Return how many of a room's shots were found there, and how far off they are."""
    if room.room != OUTSIDE or room.score.rooms_right is None:
        return str(room.score)
    n = room.score.n
    return f"{round(room.score.rooms_right * n)} of {n} said to be outside"


def _expected(check: Check, prospect: Prospect | None) -> str:
    """Return what the check does not say: how far off all points are."""
    if prospect is None:
        return (
            f"nobody knows yet how far off the other "
            f"{check.n_site_points - check.n_points} are: the site's past is too short "
            "to tell"
        )
    return f"at all {check.n_site_points} points: {prospect}"


def _without_count(score: Score) -> str:
    said = []
    if score.rooms_right is not None:
        said.append(f"{score.rooms_right:.0%} of rooms right")
    if score.error is not None:
        said.append(f"mean error {score.error:.2f} m")
    return ", ".join(said) or "nothing"
