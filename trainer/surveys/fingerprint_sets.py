"""The format of UJI_LIB, which NCEPU took over: sets of fingerprints.

    db/<month>/trn<set>rss.csv, ...crd.csv, ...ids.csv, ...tms.csv      reference points
    db/<month>/tst<set>rss.csv, ...                                     test points

A set is one walk over all its points: a visit. 100 in rss means not heard; crd is x, y
[m] and floor; tms is yyyymmddHHMMSS, with milliseconds in UJI_LIB.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.surveys.compact import Arrays, check_shapes, scalar, whole_numbers
from trainer.surveys.environment import Environment, Floats
from trainer.surveys.originals import refuse_doubles
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.rss import Occasion, RssTable, rank_by_time, rss_environments
from trainer.surveys.single import single
from trainer.surveys.text_tables import read_numbers

FIRST_TEST_SET = 101
MISSING = 100.0
_SET = re.compile(r"(trn|tst)(\d{2})rss\.csv")


@dataclass(frozen=True, slots=True)
class SetFormat:
    """What differs between the two."""

    place: str

    letter: str
    """Of an environment's name: m for months, w for weeks."""

    period: str
    """Name of the array with the month or week in compact copies."""

    coordinates: str
    """Name of the array with the coordinates in compact copies."""

    first_reversed: int | None = None
    """Number from which on a period is another one walked backwards, e.g. 90."""

    unset_floor: int | None = None
    """Floor of the samples whose floor was forgotten."""

    def occasion(self, number: int) -> Occasion:
        """Return name and order of a month or week."""
        order = number
        if self.first_reversed is not None and number > self.first_reversed:
            order = number - self.first_reversed
        return Occasion(f"{self.letter}{number:02d}", order)


def from_compact(
    form: SetFormat, source: Path, arrays: Arrays, skips: Skips
) -> list[Environment]:
    """Return one environment per month or week.

    Arrays: rss (n, n_channels), xyf or xy (n, 3), tms (n,), month or week (n,), set
    (n,), from 101 on for test sets; perhaps missing (100 without).

    Raises:
        SurveyDataError: Arrays are missing or do not fit.
    """
    check_shapes(
        source,
        arrays,
        {
            "rss": ("n", "n_channels"),
            form.coordinates: ("n", 3),
            "tms": ("n",),
            form.period: ("n",),
            "set": ("n",),
        },
    )
    return set_environments(
        form,
        arrays["rss"],
        scalar(source, arrays, "missing", MISSING),
        arrays[form.coordinates].astype(np.float64),
        arrays["tms"].astype(np.float64),
        whole_numbers(source, arrays, form.period),
        whole_numbers(source, arrays, "set"),
        skips,
    )


def from_original(form: SetFormat, root: Path, skips: Skips) -> list[Environment]:
    """Return one environment per month or week below ``db`` of a folder.

    Raises:
        SurveyDataError: There is no set, one is there twice, or a file of one is
            missing or damaged.
    """
    sets = sorted(
        (int(path.parent.name), kind * 100 + int(match[2]), path)
        for path in [*root.glob("db/*/*rss.csv"), *root.glob("*/db/*/*rss.csv")]
        if (match := _SET.fullmatch(path.name)) and path.parent.name.isdecimal()
        for kind in [0 if match[1] == "trn" else 1]
    )
    if not sets:
        raise SurveyDataError(
            f"{root} has no set db/<number>/trn<set>rss.csv of fingerprints"
        )
    refuse_doubles((found[:2], found[2]) for found in sets)
    rss: list[Floats] = []
    coordinates, time = [], []
    for _, _, path in sets:
        stem = path.name.removesuffix("rss.csv")
        part = read_numbers(path)
        if rss and part.shape[1] != rss[0].shape[1]:
            raise SurveyDataError(
                f"{path} has {part.shape[1]} columns, {sets[0][2]} has "
                f"{rss[0].shape[1]}"
            )
        n = len(part)
        rss.append(single(part))
        coordinates.append(_like(path.with_name(f"{stem}crd.csv"), n, 3))
        time.append(_like(path.with_name(f"{stem}tms.csv"), n, 1)[:, 0])
    counts = [len(part) for part in rss]
    return set_environments(
        form,
        np.concatenate(rss),
        MISSING,
        np.concatenate(coordinates),
        np.concatenate(time),
        np.repeat([number for number, _, _ in sets], counts),
        np.repeat([number for _, number, _ in sets], counts),
        skips,
    )


def _like(path: Path, n_rows: int, n_columns: int) -> npt.NDArray[np.float64]:
    """Return a table that must have as many rows as the fingerprints."""
    table = read_numbers(path)
    if table.shape != (n_rows, n_columns):
        raise SurveyDataError(
            f"{path} has {table.shape[0]} lines of {table.shape[1]} numbers, expected "
            f"{n_rows} of {n_columns}"
        )
    return table


def set_environments(
    form: SetFormat,
    rss: npt.NDArray[Any],
    missing: float,
    coordinates: npt.NDArray[Any],
    time: npt.NDArray[Any],
    period: npt.NDArray[Any],
    set_of: npt.NDArray[Any],
    skips: Skips,
) -> list[Environment]:
    """Return one environment per month or week."""
    keep = np.ones(len(period), np.bool_)
    if form.unset_floor is not None:
        keep = coordinates[:, 2] != form.unset_floor
        skips.count("samples whose floor was not noted", int((~keep).sum()))
    period, set_of, time = period[keep], set_of[keep], time[keep]
    visit_of = np.empty(len(set_of), np.int64)
    for number in np.unique(period).tolist():
        rows = period == number
        visit_of[rows] = rank_by_time(set_of[rows], time[rows])
    table = RssTable(
        rss[keep],
        missing,
        coordinates[keep],
        period,
        visit_of,
        set_of >= FIRST_TEST_SET,
    )
    channels = tuple(f"ap{k + 1}" for k in range(rss.shape[1]))
    occasions = {n: form.occasion(n) for n in np.unique(period).tolist()}
    return rss_environments(form.place, channels, table, occasions, skips)
