"""EPIC-CSU: Nexmon captures of a Raspberry Pi along corridors (BSD-3-Clause).

    data/ref/ref_<point>_<n>.pcap      about 3,500 frames at a reference point
    data/test/test_<point>_<n>.pcap    100 frames at a test point close by
    locations/location_coords.xlsx     sheets ref_coord_path1, test_coord_path1, ...

https://github.com/EPIC-CSU/csi-rssi-dataset-indoor-nav
L. Wang, S. Pasricha, "A Framework for CSI-Based Indoor Localization with 1D
Convolutional Neural Networks", IPIN 2022.

Reference and test captures were made minutes apart, the latter 0.4 to 1.5 m beside: the
set shows that real captures are read and located, not how well a model lasts.
"""

import math
import re
import zipfile
from pathlib import Path

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from edge_agent.survey import Point, SurveyedCapture
from trainer.errors import TrainerError

ROLES = ("ref", "test")
_SHEET = re.compile(r"(ref|test)_coord_(path\d+)")


class SurveyDataError(TrainerError):
    """A public survey is missing files, or they are not what they should be."""


def csu_captures(root: Path, role: str) -> list[SurveyedCapture]:
    """Return the captures of one role that have both a file and coordinates.

    Args:
        root: The dataset's folder.
        role: ``ref`` or ``test``.

    Raises:
        SurveyDataError: The spreadsheet or the captures are not there.
        ValueError: Another role.
    """
    if role not in ROLES:
        raise ValueError(f"role is {role!r}, not one of {ROLES}")
    captures = {
        path.stem.removeprefix(f"{role}_").rpartition("_")[0]: path
        for path in sorted((root / "data" / role).glob(f"{role}_*.pcap"))
    }
    if not captures:
        raise SurveyDataError(f"no {role} captures below {root / 'data' / role}")
    rows = [
        SurveyedCapture(captures[point.name], point, role, path)
        for path, point in _points(root / "locations" / "location_coords.xlsx", role)
        if point.name in captures
    ]
    if not rows:
        raise SurveyDataError(f"no capture below {root} has coordinates")
    return rows


def _points(path: Path, role: str) -> list[tuple[str, Point]]:
    """Return (corridor, point) for every finite coordinate in the spreadsheet."""
    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, InvalidFileException, zipfile.BadZipFile) as error:
        raise SurveyDataError(f"{path} cannot be read: {error}") from error
    points = []
    for sheet in workbook:
        match = _SHEET.fullmatch(sheet.title)
        if match is None or match[1] != role:
            continue
        for name, x, y in sheet.iter_rows(min_row=2, max_col=3, values_only=True):
            if all(isinstance(v, float | int) and math.isfinite(v) for v in (x, y)):
                points.append((match[2], Point(str(name), float(x), float(y))))
    workbook.close()
    return points
