"""EPIC-CSU: Nexmon captures of a Raspberry Pi along corridors (BSD-3-Clause).

    data/ref/ref_<point>_<n>.pcap      about 3,500 frames at a reference point
    data/test/test_<point>_<n>.pcap    100 frames at a test point close by
    locations/location_coords.xlsx     sheets ref_coord_path1, test_coord_path1, ...

https://github.com/EPIC-CSU/csi-rssi-dataset-indoor-nav
L. Wang, S. Pasricha, "A Framework for CSI-Based Indoor Localization with 1D
Convolutional Neural Networks", IPIN 2022.

Reference and test captures were made minutes apart and within a metre or so: the
set shows that real captures are read and located, not how well a model lasts.
"""

import math
import re
import zipfile
import zlib
from contextlib import closing
from pathlib import Path

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from edge_agent.survey import Point, SurveyedCapture
from trainer.surveys.report import SurveyDataError

ROLES = ("ref", "test")
_DAMAGE = (
    InvalidFileException,
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    KeyError,
    ValueError,
    NotImplementedError,
    SyntaxError,  # of the XML inside
)
"""What openpyxl lets through for a file that is damaged or no spreadsheet."""

_SHEET = re.compile(r"(ref|test)_coord_(path\d+)")


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
    points = []
    try:
        with closing(
            openpyxl.load_workbook(path, read_only=True, data_only=True)
        ) as workbook:
            for sheet in workbook:
                match = _SHEET.fullmatch(sheet.title)
                if match is None or match[1] != role:
                    continue
                rows = sheet.iter_rows(min_row=2, max_col=3, values_only=True)
                for name, x, y in rows:
                    if all(isinstance(v, float | int) for v in (x, y)):
                        points.append((match[2], Point(str(name), float(x), float(y))))
    except _DAMAGE as error:
        raise SurveyDataError(f"{path} cannot be read: {error}") from error
    return [
        (corridor, point)
        for corridor, point in points
        if math.isfinite(point.x) and math.isfinite(point.y)
    ]
