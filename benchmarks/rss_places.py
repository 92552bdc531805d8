"""Where `benchmarks/rss.py` compares: public surveys, as a device would see them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.rss.receptions import format_address
from edge_agent.rss.shots import RssShots
from edge_agent.rss.window import RssSpec
from edge_agent.survey import Point
from trainer.rss_channels import most_heard
from trainer.surveys.environment import Environment

N_SHOTS, N_QUERIES = 3, 5
"""Of each point."""

_LEAST_POINTS, _LEAST_QUERIES = 12, 10

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """What a device is calibrated to, and what it is then to locate."""

    shots: RssShots
    rss: npt.NDArray[np.float32]
    """Of the queries [dBm], shape (n, n_transmitters); NaN where not heard."""

    truth: npt.NDArray[np.float64]
    """Where they were recorded [m], shape (n, 2)."""


def sites(environments: list[Environment], spec: RssSpec) -> Iterator[Site]:
    """Yield the environments that have points and queries enough.

    Shots are of the first visit to each point. Queries are of the survey's test points
    where there are any; else of later visits, and where there is but one, the later
    half of it.

    Args:
        environments: Of one survey.
        spec: How many transmitters a device keeps: those that most shots heard.
    """
    for environment in environments:
        support, query = _split(environment)
        point_of = environment.point_of
        points, number_of = np.unique(point_of[support], return_inverse=True)
        if len(points) < _LEAST_POINTS or len(query) < _LEAST_QUERIES:
            continue
        rss = environment.signals.rss
        kept = most_heard(rss[support], spec)
        support_is_heard = np.isfinite(rss[support][:, kept]).any(axis=1)
        query = query[np.isfinite(rss[query][:, kept]).any(axis=1)]
        where = environment.place.locations
        shots = RssShots(
            environment.name,
            spec,
            tuple(format_address(number) for number in kept.tolist()),
            tuple(
                Point(str(p), float(where[p, 0]), float(where[p, 1]), floor=int(floor))
                for p, floor in zip(
                    points, environment.place.floors[points], strict=True
                )
            ),
            rss[support][:, kept][support_is_heard].astype(np.float32),
            number_of[support_is_heard],
            np.full(int(support_is_heard.sum()), "1"),
            is_simulated=environment.is_simulated,
            is_monitor=True,
        )
        yield Site(shots, rss[query][:, kept], where[point_of[query]])


def _split(environment: Environment) -> tuple[Rows, Rows]:
    """Return the rows of shots, and those of queries."""
    is_heard = np.isfinite(environment.signals.rss).any(axis=1)
    support: list[int] = []
    query: list[int] = []
    for point in np.unique(environment.point_of):
        rows = np.flatnonzero(is_heard & (environment.point_of == point))
        is_test, visit = environment.is_test[rows], environment.visit_of[rows]
        if environment.is_test.any():
            first, later = rows[~is_test], rows[is_test]
        else:
            is_first = visit == visit.min(initial=np.iinfo(np.intp).max)
            first, later = rows[is_first], rows[~is_first]
            if not len(later) and len(first) > 1:
                first, later = np.split(first, [len(first) // 2])
        support += first[:N_SHOTS].tolist()
        query += later[:N_QUERIES].tolist()
    return np.array(support, np.intp), np.array(query, np.intp)
