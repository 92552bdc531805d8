"""MTLocData: an office, 92 days and 24 weeks over 15 months (evaluate only).

    OfficeP1/OfficeP1_<k>_training.h5     rssis (n, n_access_points) [dBm], -100: not
    OfficeP1/OfficeP1_<k>_testing.h5      heard; cdns (n, 2) [m]; bssids; RecordsNums
    OfficeP1/meta.json                    dates of the collections
    OfficeP2/..., OfficeP1+P2/... (a choice from the two), Mall/...

https://github.com/WirelessGroupTJU/MTLocData
The licence file is BSD-3, the read-me adds "research only, no commercial use": results
may be published, data must not be redistributed with a product.

Reference points were surveyed anew on each day (visit 0), then test points beside them
(visit 1). Test fingerprints are averages of several scans.

Not seen when this was written: an original file. The names of files and arrays are the
authors'; that meta.json has a list of dates, one per collection, is an assumption, and
without one collections are called by folder and number.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.surveys.compact import Arrays, check_shapes, indices, scalar
from trainer.surveys.environment import Environment
from trainer.surveys.hdf5 import read_arrays
from trainer.surveys.originals import refuse_doubles
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.rss import Occasion, RssTable, rss_environments, silent_table
from trainer.surveys.single import single

MISSING_DBM = -100.0
_FILE = re.compile(r"(.+)_(\d+)_(training|testing)\.h5")
_SAMPLED_FROM = frozenset({"OfficeP1", "OfficeP2"})
_SAMPLED_AGAIN = "OfficeP1+P2"
"""Folder whose collections are a choice from those of the other two."""

_OFFICE = _SAMPLED_FROM | {_SAMPLED_AGAIN}


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per day of collection.

    Arrays: rss (n, n_channels), xy (n, 2) [m], dom (n,), role (n,), dom_name (yymmdd),
    bssid (n_channels,), missing.

    Raises:
        SurveyDataError: Arrays are missing or do not fit.
    """
    check_shapes(
        source,
        arrays,
        {
            "rss": ("n", "n_channels"),
            "xy": ("n", 2),
            "dom": ("n",),
            "role": ("n",),
            "dom_name": ("n_days",),
            "bssid": ("n_channels",),
        },
        text={"dom_name", "bssid"},
    )
    names = arrays["dom_name"].tolist()
    role = indices(source, arrays, "role", 2, "roles")
    table = RssTable(
        arrays["rss"],
        scalar(source, arrays, "missing", MISSING_DBM),
        arrays["xy"].astype(np.float64),
        indices(source, arrays, "dom", len(names), "days"),
        role,
        role == 1,
    )
    occasions = {k: Occasion(day_name(name), k) for k, name in enumerate(names)}
    channels = tuple(map(str, arrays["bssid"].tolist()))
    return rss_environments("mtloc", channels, table, occasions, skips)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One file: reference or test points of one collection."""

    occasion: Occasion
    is_test: bool
    rss: npt.NDArray[Any]
    coordinates: npt.NDArray[np.float64]
    access_points: tuple[str, ...]


def from_original(root: Path, skips: Skips) -> list[Environment]:
    """Return one environment per collection, of the office and of the mall.

    Raises:
        SurveyDataError: There is no collection, one is there twice, or a file is
            damaged.
    """
    by_place: dict[str, list[_Part]] = {}
    for folder in _folders(root, skips):
        is_office = folder.name in _OFFICE
        place = "mtloc" if is_office else f"mtloc/{folder.name.lower()}"
        parts = by_place.setdefault(place, [])
        parts += _parts(folder, len({p.occasion for p in parts}), is_office=is_office)
    if not any(by_place.values()):
        raise SurveyDataError(f"{root} has no file <place>_<number>_training.h5")
    environments = []
    for place, parts in by_place.items():
        environments += _environments(root, place, parts, skips)
    return environments


def _folders(root: Path, skips: Skips) -> list[Path]:
    """Return the folders with collections, the first period of a place first."""
    folders = sorted(
        {path.parent for path in root.rglob("*_training.h5")},
        key=lambda folder: (folder.name, folder),
    )
    refuse_doubles((folder.name, folder) for folder in folders)
    if not _SAMPLED_FROM & {folder.name for folder in folders}:
        return folders
    for folder in folders:
        if folder.name == _SAMPLED_AGAIN:
            n = len(list(folder.glob("*_training.h5")))
            skips.count(f"collections of {_SAMPLED_AGAIN}, a choice from the others", n)
    return [folder for folder in folders if folder.name != _SAMPLED_AGAIN]


def _parts(folder: Path, first_order: int, *, is_office: bool) -> list[_Part]:
    """Return the files of a folder, collections in order of their numbers."""
    files = sorted(
        (int(match[2]), match[3] == "testing", path)
        for path in folder.glob("*.h5")
        if (match := _FILE.fullmatch(path.name))
    )
    refuse_doubles((found[:2], found[2]) for found in files)
    numbers = sorted({number for number, _, _ in files})
    dates = _dates(folder / "meta.json", len(numbers))
    parts = []
    for number, is_test, path in files:
        arrays = read_arrays(path, ("rssis", "cdns", "bssids"))
        rss, coordinates = arrays["rssis"], arrays["cdns"]
        bssids = [_text(value) for value in arrays["bssids"].reshape(-1).tolist()]
        _check_arrays(path, rss, coordinates, bssids)
        order = numbers.index(number)
        name = f"{folder.name}-{number:03d}"
        if dates:  # alone where they are the office's, whose periods share no day
            name = dates[order] if is_office else f"{folder.name}-{dates[order]}"
        parts.append(
            _Part(
                Occasion(name, first_order + order),
                is_test,
                rss,
                coordinates[:, :2].astype(np.float64),
                tuple(bssids),
            )
        )
    return parts


def _check_arrays(
    path: Path,
    rss: npt.NDArray[Any],
    coordinates: npt.NDArray[Any],
    bssids: list[str],
) -> None:
    for name, array in (("rssis", rss), ("cdns", coordinates)):
        if array.dtype.kind not in "fiu":
            raise SurveyDataError(f"{path}: {name} is of {array.dtype}, not of numbers")
    if (
        coordinates.ndim != 2
        or coordinates.shape[1] < 2
        or rss.shape != (len(coordinates), len(bssids))
    ):
        raise SurveyDataError(
            f"{path}: rssis has shape {rss.shape}, cdns {coordinates.shape}, and "
            f"there are {len(bssids)} bssids; expected (n, m), (n, 2) and m"
        )
    if twice := [name for name, n in Counter(bssids).items() if n > 1]:
        raise SurveyDataError(f"{path}: bssids has {twice[0]} in several columns")


def _environments(
    root: Path, place: str, parts: list[_Part], skips: Skips
) -> list[Environment]:
    """Join files whose columns are different access points."""
    channels = tuple(sorted({ap for part in parts for ap in part.access_points}))
    column_of = {ap: column for column, ap in enumerate(channels)}
    counts = [len(part.rss) for part in parts]
    rss = silent_table(root, sum(counts), len(channels))
    for part, stop in zip(parts, np.cumsum(counts).tolist(), strict=True):
        columns = [column_of[ap] for ap in part.access_points]
        rss[stop - len(part.rss) : stop, columns] = single(part.rss)
    is_test = np.repeat([part.is_test for part in parts], counts)
    table = RssTable(
        rss,
        MISSING_DBM,
        np.concatenate([part.coordinates for part in parts]),
        np.repeat([part.occasion.order for part in parts], counts),
        is_test.astype(np.int64),
        is_test,
    )
    occasions = {part.occasion.order: part.occasion for part in parts}
    return rss_environments(place, channels, table, occasions, skips)


def _dates(path: Path, n: int) -> list[str]:
    """Return the ``n`` dates in a file; none where it has not as many."""
    try:
        text = json.dumps(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return []
    found = re.findall(r"\b(20\d\d)[-/.]?([01]\d)[-/.]?([0-3]\d)\b", text)
    dates = sorted({"-".join(date) for date in found})
    return dates if len(dates) == n else []


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def day_name(text: str) -> str:
    """Return ``2020-09-25`` for ``200925``; any other text as it is."""
    try:
        day = datetime.strptime(text, "%y%m%d")  # noqa: DTZ007  (a day, no instant)
    except ValueError:
        return text
    return day.strftime("%Y-%m-%d")
