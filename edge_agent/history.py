"""What a site was recorded as, walk by walk: the newest shots beside those before.

A visit is called ``<walk>/<lap>``, as ``20261123T101500Z/2``, so that visits sort by
time; in a survey that counts visits 1, 2, 3 all are of one walk. Of a site that is
walked again, often at few points, the newest walk is *fresh* and the rest *history*;
both have the same points and channels here, whichever of them the fresh shots have.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edge_agent.csi.image import Channel
from edge_agent.environment import Environment
from edge_agent.errors import CalibrationError
from edge_agent.recording import in_order
from edge_agent.survey import Point


def walk_of(visit: str) -> str:
    """Return the walk of a visit; empty where it names none."""
    return visit.rpartition("/")[0]


def walks_of(shots: Environment) -> npt.NDArray[np.str_]:
    """Return the walk of each image, shape (n,)."""
    return np.array([walk_of(visit) for visit in shots.visit_of.tolist()], np.str_)


def align(fresh: Environment, history: Environment) -> tuple[Environment, Environment]:
    """Return both with the points and the channels of either.

    A point that moved is where the fresh shots say. Channels are those of the fresh
    shots, then those that only history has heard, as far as there is room; images of
    history that hear none of them are left out.

    Args:
        fresh: The newest walk.
        history: What was recorded before.

    Raises:
        CalibrationError: Their images are built differently, or one has coordinates
            and the other rooms alone.
    """
    if fresh.spec != history.spec:
        raise CalibrationError(
            f"the shots of {history.name} before are images of {history.spec}, the new "
            f"ones of {fresh.spec}; they do not go together"
        )
    points = merge_points(fresh.points, history.points)
    n_channels = fresh.spec.n_channels
    gone = [c for c in history.channels if c not in fresh.channels]
    channels = (*fresh.channels, *gone)[:n_channels]
    past = with_channels(with_points(history, points), channels)
    audible = np.flatnonzero(past.heard.any(axis=1))
    return with_channels(with_points(fresh, points), channels), past.select(audible)


def merge_points(
    fresh: tuple[Point, ...], history: tuple[Point, ...]
) -> tuple[Point, ...]:
    """Return the points of both, by name, as the fresh ones are where both have them.

    Raises:
        CalibrationError: Some have coordinates and some have none.
    """
    names = {point.name for point in fresh}
    points = {*fresh, *(point for point in history if point.name not in names)}
    inside = [point for point in points if not point.is_outside]
    if len({point.is_placed for point in inside}) > 1:
        odd = next(point for point in in_order(set(inside)) if not point.is_placed)
        raise CalibrationError(
            f"point {odd.name!r} has no coordinates, and others of the site have; give "
            "them to all points, or to none"
        )
    return tuple(in_order(points))


def with_points(shots: Environment, points: tuple[Point, ...]) -> Environment:
    """Return shots as of a site with more points, or with moved ones.

    Args:
        shots: Of some of the points, by name.
        points: Of the site.
    """
    numbers = {point.name: number for number, point in enumerate(points)}
    of_point = np.array([numbers[point.name] for point in shots.points], np.intp)
    return replace(shots, points=points, point_of=of_point[shots.point_of])


def with_channels(shots: Environment, channels: tuple[Channel, ...]) -> Environment:
    """Return shots with other channels; those that they do not have are not heard.

    Args:
        shots: As they were built.
        channels: At most as many as an image has.
    """
    if channels == shots.channels:
        return shots
    images = np.zeros_like(shots.images)
    heard = np.zeros_like(shots.heard)
    for column, channel in enumerate(channels):
        if channel in shots.channels:
            before = shots.channels.index(channel)
            images[:, column] = shots.images[:, before]
            heard[:, column] = shots.heard[:, before]
    return replace(shots, channels=channels, images=images, heard=heard)


def joined(first: Environment, second: Environment) -> Environment:
    """Return the shots of both; of sites with the same points and channels.

    Raises:
        ValueError: They are not aligned.
    """
    if (first.points, first.channels, first.spec) != (
        second.points,
        second.channels,
        second.spec,
    ):
        raise ValueError("the shots have other points or channels: align them first")
    return replace(
        first,
        images=np.concatenate([first.images, second.images]),
        heard=np.concatenate([first.heard, second.heard]),
        point_of=np.concatenate([first.point_of, second.point_of]),
        visit_of=np.concatenate([first.visit_of, second.visit_of]),
        is_simulated=first.is_simulated or second.is_simulated,
    )


def pooled(fresh: Environment, history: Environment) -> Environment:
    """Return the fresh shots, and of points without any the newest there are.

    That is what an estimator is given which knows nothing of days: better an old shot
    of a point than none.

    Args:
        fresh: The newest walk; aligned.
        history: What was recorded before; aligned.
    """
    missing = set(range(len(fresh.points))) - set(fresh.point_of.tolist())
    rows: list[int] = []
    walks = walks_of(history)
    for point in sorted(missing):
        of_point = np.flatnonzero(history.point_of == point)
        if len(of_point):
            newest = max(walks[of_point].tolist())
            rows += of_point[walks[of_point] == newest].tolist()
    return joined(fresh, history.select(np.array(rows, np.intp)))
