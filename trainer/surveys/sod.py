"""SODIndoorLoc: three buildings, surveyed once (no licence stated).

    <building>/Training_<building>_AP_30.csv, or Training_<building>.csv
    <building>/Testing_<building>_AP.csv, or Testing_<building>.csv

with a line of titles: MAC<k>... [dBm, 100: not heard], ECoord, NCoord [m], FloorID, ...

https://github.com/renwudao24/SODIndoorLoc
One place and environment per building; reference scans are visit 0, test scans at other
points visit 1. Files with "AP" in their names have the columns of installed
access points, which are those that are used.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer.surveys.compact import Arrays, check_shapes, indices, scalar
from trainer.surveys.environment import Environment
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.rss import Occasion, RssTable, rss_environments
from trainer.surveys.text_tables import read_numbers, read_rows

MISSING = -128.0
MISSING_IN_ORIGINALS = 100.0
_COORDINATES = ("ECoord", "NCoord", "FloorID")


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per building.

    Arrays per building: _rss (n, n_channels), _xyf (n, 3), _role (n,); perhaps missing.

    Raises:
        SurveyDataError: Arrays are missing or do not fit, or there is no building.
    """
    missing = scalar(source, arrays, "missing", MISSING)
    environments = []
    for name in sorted(arrays):
        if not name.endswith("_rss"):
            continue
        building = name.removesuffix("_rss")
        check_shapes(
            source,
            arrays,
            {
                name: ("n", "n_channels"),
                f"{building}_xyf": ("n", 3),
                f"{building}_role": ("n",),
            },
        )
        rss = arrays[name]
        role = indices(source, arrays, f"{building}_role", 2, "roles")
        table = RssTable(
            rss,
            missing,
            arrays[f"{building}_xyf"].astype(np.float64),
            np.zeros(len(role), np.int64),
            role,
            role == 1,
        )
        environments += rss_environments(
            f"sod/{building}",
            tuple(f"ap{k + 1}" for k in range(rss.shape[1])),
            table,
            {0: Occasion(building, 0)},
            skips,
        )
    if not environments:
        raise SurveyDataError(f"{source} has no array <building>_rss")
    return environments


def from_original(root: Path, skips: Skips) -> list[Environment]:
    """Return one environment per building that has reference and perhaps test files.

    Raises:
        SurveyDataError: There is no building, one has test files alone, or a file is
            damaged.
    """
    environments = []
    for folder in sorted(path for path in root.glob("*") if path.is_dir()):
        parts = [
            next((folder / n for n in names if (folder / n).is_file()), None)
            for names in (
                (f"Training_{folder.name}_AP_30.csv", f"Training_{folder.name}.csv"),
                (f"Testing_{folder.name}_AP.csv", f"Testing_{folder.name}.csv"),
            )
        ]
        if parts[0] is None and parts[1] is not None:
            raise SurveyDataError(
                f"{parts[1]} is there without its reference scans; get "
                f"Training_{folder.name}_AP_30.csv too, or move the folder elsewhere"
            )
        found = [_columns(path) for path in parts if path is not None]
        if not found:
            continue
        channels = tuple(name for name in found[0] if name.startswith("MAC"))
        wanted = (*channels, *_COORDINATES)
        for path, columns in zip(filter(None, parts), found, strict=True):
            if missing := [name for name in wanted if name not in columns]:
                raise SurveyDataError(f"{path} has no column {', '.join(missing[:3])}")
        role = np.concatenate(
            [
                np.full(len(columns["FloorID"]), number)
                for number, columns in enumerate(found)
            ]
        )
        values = {n: np.concatenate([columns[n] for columns in found]) for n in wanted}
        table = RssTable(
            np.column_stack([values[name] for name in channels]),
            MISSING_IN_ORIGINALS,
            np.column_stack([values[name] for name in _COORDINATES]),
            np.zeros(len(role), np.int64),
            role,
            role == 1,
        )
        environments += rss_environments(
            f"sod/{folder.name}", channels, table, {0: Occasion(folder.name, 0)}, skips
        )
    if not environments:
        raise SurveyDataError(f"{root} has no file <building>/Training_<building>*.csv")
    return environments


def _columns(path: Path) -> dict[str, npt.NDArray[np.float64]]:
    """Return the columns of a table by their titles."""
    titles = next(iter(read_rows(path, most=1)), [])
    table = read_numbers(path, skip_lines=1)
    if table.shape[1] != len(titles):
        raise SurveyDataError(
            f"{path} has {len(titles)} titles for {table.shape[1]} columns"
        )
    if twice := [name for name, n in Counter(titles).items() if n > 1]:
        raise SurveyDataError(f"{path} has several columns {', '.join(twice[:3])}")
    return dict(zip(titles, table.T, strict=True))
