"""Which points of a site with a past are worth a walk, best first."""

from dataclasses import dataclass

import numpy as np

from edge_agent.bundles.bundle import Bundle
from edge_agent.environment import Environment
from edge_agent.errors import CalibrationError
from edge_agent.history import align, joined
from edge_agent.site_state import SiteState
from edge_agent.sparse.choice import greedy, worth_walking
from edge_agent.sparse.expectation import Expectation, expectations
from edge_agent.sparse.outlook import Outlook
from edge_agent.survey import Point


@dataclass(frozen=True, slots=True)
class WorthWalking:
    """Some of a site's points, by what their shots are expected to teach."""

    points: tuple[Point, ...]
    """Best first."""

    n_worth: int
    """So many of them are worth the way; the rest would gain next to nothing."""


def past_of(site: SiteState) -> Environment | None:
    """Return all that a site was recorded as so far; None where it never was.

    Args:
        site: Its files.

    Raises:
        CalibrationError: They are damaged, or do not go together.
    """
    if not site.shots.is_file():
        return None
    newest = Environment.load(site.shots)
    if not site.history.is_file():
        return newest
    return joined(*align(newest, Environment.load(site.history)))


def expected_of(bundle: Bundle, past: Environment) -> tuple[Expectation, ...]:
    """Return what error to expect of few fresh points, and of all.

    Args:
        bundle: The model; nothing is known without neighbours.
        past: Of the site.
    """
    if bundle.neighbours is None:
        return ()
    return expectations(bundle.neighbours, bundle.manifest.spec, past)


def worth_walking_to(
    bundle: Bundle, past: Environment, candidates: tuple[Point, ...], n_laps: int
) -> WorthWalking:
    """Order points by what they would teach.

    Points that the site never had shots of come first: nothing else tells of them.

    Args:
        bundle: The model; the past is judged in the space of its neighbours.
        past: Of the site.
        candidates: Where one could go.
        n_laps: Shots that each would get.

    Raises:
        CalibrationError: The bundle has no neighbours, or the past is of no use to it.
    """
    if bundle.neighbours is None:
        raise CalibrationError(
            f"{bundle.manifest.name} cannot tell which points teach most: it has no "
            "neighbours; walk to all points, or install a model that has them"
        )
    numbers = {point.name: n for n, point in enumerate(past.points)}
    new = tuple(p for p in candidates if p.name not in numbers)
    known = [numbers[p.name] for p in candidates if p.name in numbers]
    nothing = past.select(np.empty(0, np.intp))
    try:
        outlook = Outlook.of(bundle.neighbours, bundle.manifest.spec, past, nothing)
    except ValueError as error:
        raise CalibrationError(
            f"what the site was recorded as before does not help to choose: {error}"
        ) from error
    choices = greedy(outlook, known, len(known), n_laps=n_laps)
    total = choices[0].remaining if choices else 0.0
    n_worth = 0
    while n_worth < len(choices) and worth_walking(choices[n_worth], total):
        n_worth += 1
    by_name = {p.name: p for p in candidates}
    chosen = tuple(by_name[past.points[choice.point].name] for choice in choices)
    return WorthWalking((*new, *chosen), len(new) + n_worth)
