"""What error to expect of a site once 3, 5, 8 .. of its points have fresh shots.

Walks of the past, to half of the points known before or more, are replayed as sparse
ones: points are chosen with what was known before (`sparse.choice`), earlier laps at
these points bend the map, the last lap asks at all points. A site whose past cannot be
replayed, with one walk or one lap each, is drawn from what is believed of its changes:

    t ~ N(expected, covariance) of `neighbours.changes`
    shots and queries t + v, v of Student's distribution, as in `neighbours.bent_map`

and, as nobody knows how much a site changes that was walked once, half of such days
change by three quarters of all that differs between points. From the best of these days
to the worst is then what is said to be expected.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment
from edge_agent.history import walks_of
from edge_agent.metrics import localization_errors
from edge_agent.neighbours.bent_map import (
    FREEDOM,
    BentMap,
)
from edge_agent.neighbours.bent_map_predictor import BentMapPredictor
from edge_agent.neighbours.changes import Changes
from edge_agent.neighbours.estimator import Neighbours
from edge_agent.neighbours.same_site import channel_names, kernel_of
from edge_agent.neighbours.walk_means import WalkMeans, WhitenedShots
from edge_agent.neighbours.whitening import Matrix
from edge_agent.sparse.choice import LAPS, choose
from edge_agent.survey import Point

MOST_REPLAYS: Final = 3
"""The newest; a second each on a small computer, for a site of 90 points."""

_COVERED: Final = 0.5
"""Share of the points known before that a walk must have gone to: a sparse one does not
show what more points would have gained, nor how the others did."""

_N_DRAWS: Final = 4
_RESTLESS: Final = 0.75
"""Share of what differs between points that a walk changes, at worst: of tones it is
0.8 in the simulated hall and lab and on PolyU's days, of the level 0.1 to 0.5."""

_UNSURE: Final = 0.5
"""Half the width of the interval that one replay allows, as a share."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """How well a site will locate after so many points."""

    n_points: int
    """Points with fresh shots."""

    error_m: float | None
    """Mean error [m]; None where points have no coordinates."""

    wrong: float
    """Share of images that are located in a wrong room; at a wrong point, where the
    site has no rooms."""

    low: float
    """From here .."""

    high: float
    """.. to here the next walk's `error_m` is expected to be, or `wrong` where there
    are no metres."""

    n_replays: int
    """Walks of the past that it rests upon; 0: on a model of them alone."""


def sizes_of(n_points: int) -> tuple[int, ...]:
    """Return the numbers of points that people are told about, ascending."""
    wanted = {3, 5, 8, -(-n_points // 4), n_points}
    return tuple(sorted(size for size in wanted if 0 < size <= n_points))


def expectations(
    neighbours: Neighbours,
    spec: ImageSpec,
    history: Environment,
    sizes: Sequence[int] | None = None,
    *,
    on_replay: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[Expectation, ...]:
    """Return what to expect of each number of points.

    Args:
        neighbours: Who whiten.
        spec: How the images were built.
        history: Shots of all walks of the site.
        sizes: Numbers of points; `sizes_of` the site by default.
        on_replay: Called with the number of replays done, and of all.

    Raises:
        ValueError: There are no shots, or more points are asked for than there are.
    """
    n_points = len(history.points)
    sizes = sizes_of(n_points) if sizes is None else tuple(sizes)
    if not len(history) or not sizes or not 0 <= min(sizes) <= max(sizes) <= n_points:
        raise ValueError(
            f"{len(history)} shots of {n_points} points, asked about {sizes}: there "
            "must be shots, and no more points than the site has"
        )
    replays = _replays(history)[-MOST_REPLAYS:]
    found: list[list[_Score]] = []
    for number, (before, shots, queries) in enumerate(replays):
        on_replay(number, len(replays))
        found.append(_replayed(neighbours, spec, before, shots, queries, sizes))
    on_replay(len(replays), len(replays))
    if not replays:
        found = _drawn(neighbours, spec, history, sizes)
    return tuple(
        _expectation(size, [scores[number] for scores in found], len(replays))
        for number, size in enumerate(sizes)
    )


@dataclass(frozen=True, slots=True)
class _Score:
    error_m: float | None
    wrong: float


def _replays(
    history: Environment,
) -> list[tuple[Environment, Environment, Environment]]:
    """Return history before, shots and queries of each walk that can be replayed."""
    walks = walks_of(history)
    found = []
    for walk in np.unique(walks)[1:].tolist():
        rows = np.flatnonzero(walks == walk)
        laps = sorted(set(history.visit_of[rows].tolist()), key=_lap)
        if len(laps) < 2:
            continue
        is_last = history.visit_of[rows] == laps[-1]
        before = history.select(np.flatnonzero(walks < walk))
        shots = history.select(rows[~is_last]).take_shots(LAPS)
        queries = history.select(rows[is_last])
        n_known = len(np.unique(before.point_of))
        covered = min(len(np.unique(part.point_of)) for part in (shots, queries))
        if covered >= _COVERED * n_known:
            found.append((before, shots, queries))
    return found


def _lap(visit: str) -> tuple[int, str]:
    """Order laps 1, 2 .. 10 as numbers."""
    return len(visit), visit


def _replayed(
    neighbours: Neighbours,
    spec: ImageSpec,
    before: Environment,
    shots: Environment,
    queries: Environment,
    sizes: Sequence[int],
) -> list[_Score]:
    """Return how a walk would have done with fewer points."""
    nothing = shots.select(np.zeros(0, np.intp))
    chosen = choose(neighbours, spec, before, nothing, len(shots.points))
    walked = set(shots.point_of.tolist())
    order = [choice.point for choice in chosen if choice.point in walked]
    scores = []
    for size in sizes:
        fresh = shots.select(np.flatnonzero(np.isin(shots.point_of, order[:size])))
        bent = BentMap.bend(neighbours, spec, before, fresh)
        predictor = BentMapPredictor(neighbours, spec, bent)
        posterior = predictor.predict(queries.images, queries.heard)
        scores.append(_score(posterior, queries.points, queries.point_of))
    return scores


def _drawn(
    neighbours: Neighbours,
    spec: ImageSpec,
    history: Environment,
    sizes: Sequence[int],
) -> list[list[_Score]]:
    """Return how days would do that are drawn from what is believed of changes."""
    before = WhitenedShots.of(neighbours, history)
    field = kernel_of(history)
    changes = Changes.learn(WalkMeans.of(before), field)
    nothing = history.select(np.zeros(0, np.intp))
    order = [c.point for c in choose(neighbours, spec, history, nothing, max(sizes))]
    rng = np.random.default_rng(0)  # the same past, the same expectation
    heard = before.counts() > before.n_shots()[:, None] / 2
    most = _RESTLESS * (changes.spread + changes.local)
    restless = replace(
        changes,
        local=np.maximum(changes.local, most),
        expected=changes.middle
        + (1 - _RESTLESS) ** 0.5 * (changes.expected - changes.middle),
    )
    found = []
    for draw in range(_N_DRAWS):
        today = _draw(restless if draw % 2 else changes, field, rng)
        queries = _shots(changes, today, heard, np.arange(len(heard)), 0, rng)
        laps = [
            _shots(changes, today, heard, np.array(order, np.intp), lap, rng)
            for lap in range(LAPS)
        ]
        scores = []
        for size in sizes:
            rows = np.concatenate(
                [np.arange(size) + k * len(order) for k in range(LAPS)]
            )
            now = _joined(laps, rows)
            bent = BentMap.of(
                changes, field, before, now, neighbours.kernel, channel_names(history)
            )
            posterior = bent.posterior(queries.z, queries.heard)
            scores.append(_score(posterior, history.points, queries.point_of))
        found.append(scores)
    return found


def _draw(changes: Changes, field: Matrix, rng: np.random.Generator) -> Matrix:
    """Return a day's fingerprints, shape (n_points, n_channels, d)."""
    today = changes.expected.copy()
    n_points, n_channels, d = today.shape
    for channel in range(n_channels):
        root = np.linalg.cholesky(
            changes.covariance(channel, field) + 1e-9 * np.eye(n_points)
        )
        noise = rng.standard_normal((d, n_points, 1))
        today[:, channel] += (root @ noise)[:, :, 0].T
    return today


def _shots(
    changes: Changes,
    today: Matrix,
    heard: npt.NDArray[np.bool_],
    points: npt.NDArray[np.intp],
    lap: int,
    rng: np.random.Generator,
) -> WhitenedShots:
    """Return one shot at each of some points."""
    noise = rng.standard_normal((len(points), *today.shape[1:]))
    calm = rng.chisquare(FREEDOM, (*noise.shape[:2], 1)) / FREEDOM
    turned = today[points] + noise / np.sqrt(calm)
    z = turned @ np.linalg.inv(changes.directions)
    return WhitenedShots(
        z * heard[points][..., None],
        heard[points],
        points,
        np.full(len(points), lap),
        np.zeros(len(points), np.intp),
        len(today),
    )


def _joined(laps: Sequence[WhitenedShots], rows: npt.NDArray[np.intp]) -> WhitenedShots:
    """Return some of the shots of several laps."""
    z, heard, point_of, visit_of, walk_of = (
        np.concatenate([getattr(lap, name) for lap in laps])[rows]
        for name in ("z", "heard", "point_of", "visit_of", "walk_of")
    )
    return WhitenedShots(z, heard, point_of, visit_of, walk_of, laps[0].n_points)


def _score(
    posterior: Matrix, points: tuple[Point, ...], truth: npt.NDArray[np.intp]
) -> _Score:
    """Return how queries were located; those outside count for rooms alone."""
    rooms = np.array([point.room or point.name for point in points])
    wrong = float((rooms[posterior.argmax(axis=1)] != rooms[truth]).mean())
    is_placed = np.array([point.is_placed for point in points])
    asked = is_placed[truth]
    if not asked.any():
        return _Score(None, wrong)
    where = np.array([point.location for point in points])[is_placed]
    inside = posterior[asked][:, is_placed]
    total = np.maximum(inside.sum(axis=1, keepdims=True), 1e-300)
    truths = np.array([points[k].location for k in truth[asked].tolist()])
    errors = localization_errors(np.asarray(inside / total @ where), truths)
    return _Score(float(errors.mean()), wrong)


def _expectation(size: int, scores: Sequence[_Score], n_replays: int) -> Expectation:
    """Return the mean, and where a further one may be (Student's, roughly)."""
    wrong = np.array([score.wrong for score in scores])
    metres = [score.error_m for score in scores if score.error_m is not None]
    values = np.array(metres) if metres else wrong
    mean = float(values.mean())
    half = _UNSURE * mean
    if n_replays > 1:
        spread = float(values.std(ddof=1)) * (1 + 1 / len(values)) ** 0.5
        half = max(2 * spread, half / n_replays)
    low, high = max(mean - half, 0.0), mean + half
    if not n_replays:
        low, high = float(values.min()), float(values.max())
    return Expectation(
        size, mean if metres else None, float(wrong.mean()), low, high, n_replays
    )
