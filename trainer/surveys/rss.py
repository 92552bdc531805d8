"""Surveys of received power: one table of samples -> environments."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.surveys.environment import Environment, Floats, Integers, Signals
from trainer.surveys.points import finite_rows, make_place
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.single import single

STRONGEST_DBM = 0.0
WEAKEST_DBM = -127.0
"""What no receiver reports: values beyond are damage [dBm]."""

_MAX_TABLE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Occasion:
    """What an environment is called, and when it was."""

    name: str
    order: int


@dataclass(frozen=True, slots=True, eq=False)
class RssTable:
    """Samples of one place, in order of recording within an environment and visit."""

    rss: npt.NDArray[Any]
    """[dBm], shape (n, n_channels), of any type of number."""

    missing: float
    """What stands in ``rss`` where a channel was not heard; NaN means that too."""

    coordinates: npt.NDArray[np.float64]
    """x, y [m] and perhaps the floor, shape (n, 2) or (n, 3)."""

    occasion_of: npt.NDArray[np.int64]
    """Key of each sample's environment, shape (n,)."""

    visit_of: npt.NDArray[np.int64]
    """Grows with time within an environment, shape (n,)."""

    is_test: npt.NDArray[np.bool_]
    """Samples at points that only test, shape (n,)."""


def rss_environments(
    place_name: str,
    channels: tuple[str, ...],
    table: RssTable,
    occasions: Mapping[int, Occasion],
    skips: Skips,
) -> list[Environment]:
    """Return one environment per occasion that has samples, in order of time.

    Args:
        place_name: Of the place they share.
        channels: What the columns are.
        table: The samples.
        occasions: Name and order by key.
        skips: Counts samples without coordinates and values that are no power.

    Raises:
        SurveyDataError: No sample has coordinates.
    """
    usable = np.flatnonzero(finite_rows(table.coordinates, skips))
    place, point_of = make_place(place_name, table.coordinates[usable], channels)
    visit_of, occasion_of = table.visit_of[usable], table.occasion_of[usable]
    environments = []
    for key in np.unique(occasion_of).tolist():
        of_key = np.flatnonzero(occasion_of == key)
        of_key = of_key[np.argsort(visit_of[of_key], kind="stable")]
        rows = usable[of_key]
        environments.append(
            Environment(
                occasions[key].name,
                place,
                occasions[key].order,
                Signals(clean_rss(table.rss[rows], table.missing, skips)),
                point_of[of_key],
                visit_of[of_key].astype(np.intp),
                table.is_test[rows],
            )
        )
    return sorted(environments, key=lambda e: (e.order, e.name))


def clean_rss(values: npt.NDArray[Any], missing: float, skips: Skips) -> Floats:
    """Return received power [dBm] with NaN where there is none, shape as given."""
    rss = single(values)
    rss[rss == missing] = np.nan
    with np.errstate(invalid="ignore"):
        corrupt = (rss > STRONGEST_DBM) | (rss < WEAKEST_DBM)
    skips.count("values that are no received power", int(corrupt.sum()))
    rss[corrupt] = np.nan
    return rss


def silent_table(source: Path, n_samples: int, n_channels: int) -> Floats:
    """Return a table in which nothing is heard, shape (n_samples, n_channels).

    Few bytes may name many samples and many channels; only their product is large.

    Args:
        source: Named in the error.
        n_samples: Number of rows.
        n_channels: Number of columns.

    Raises:
        SurveyDataError: It would take more than 1 GiB.
    """
    if 4 * n_samples * n_channels > _MAX_TABLE_BYTES:
        raise SurveyDataError(
            f"{source}: {n_samples} samples of {n_channels} access points are more "
            f"than {_MAX_TABLE_BYTES} bytes; is one file of another survey?"
        )
    return np.full((n_samples, n_channels), np.nan, np.float32)


def rank_by_time(
    group_of: npt.NDArray[np.int64], time: npt.NDArray[np.float64]
) -> Integers:
    """Return the rank of each sample's group, by the time of the group's first sample.

    Groups without any time come last, in order of their numbers.

    Args:
        group_of: Group of each sample, shape (n,).
        time: In any unit that grows, NaN where unknown, shape (n,).

    Returns:
        0 for all samples of the earliest group, 1 for those of the next, shape (n,).
    """
    groups, number_of = np.unique(group_of, return_inverse=True)
    known = np.where(np.isfinite(time), time, np.inf)
    first = np.full(len(groups), np.inf)
    np.minimum.at(first, number_of, known)
    rank = np.empty(len(groups), np.intp)
    rank[np.argsort(first, kind="stable")] = np.arange(len(groups))
    return rank[number_of]
